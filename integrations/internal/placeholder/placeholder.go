// Package placeholder fills in what names and texts of users leave open: {title}, {link}, and
// the time.
package placeholder

import (
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/plaintext"
)

// Time puts the time in place of {YYYY}, {MM}, {DD}, {HH}, {mm}, {ss}, {YYYYMMDD} and {date},
// which is as 2006-01-02.
func Time(text string, now time.Time) string { return strings.NewReplacer(clock(now)...).Replace(text) }

// Text puts the plan's title in place of {title} too, and in place of {link} its address, if it
// leads to the web. Nothing is replaced in what was filled in.
func Text(text string, plan action.Plan, now time.Time) string {
	pairs := append(clock(now), "{title}", Title(plan), "{link}", plaintext.Link(plan.URL))
	return strings.NewReplacer(pairs...).Replace(text)
}

// Title is the plan's title on one line, or Looker's name where it has none.
func Title(plan action.Plan) string {
	if title := plaintext.Line(plan.Title); title != "" {
		return title
	}
	return "Looker"
}

func clock(now time.Time) []string {
	return []string{
		"{YYYYMMDD}", now.Format("20060102"), "{date}", now.Format(time.DateOnly),
		"{YYYY}", now.Format("2006"), "{MM}", now.Format("01"), "{DD}", now.Format("02"),
		"{HH}", now.Format("15"), "{mm}", now.Format("04"), "{ss}", now.Format("05"),
	}
}
