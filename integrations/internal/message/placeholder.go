package message

import (
	"strings"
	"time"

	"integrationhub.dev/hub/action"
)

// ExpandTime replaces {YYYY}, {MM}, {DD}, {HH}, {mm}, {ss}, {YYYYMMDD} and {date} (2006-01-02) by
// the time.
func ExpandTime(text string, now time.Time) string {
	return strings.NewReplacer(clock(now)...).Replace(text)
}

// Expand replaces {title} by the plan's title and {link} by its URL, besides what [ExpandTime]
// replaces. Placeholders in the inserted values stay as they are.
func Expand(text string, plan action.Plan, now time.Time) string {
	pairs := append(clock(now), "{title}", Title(plan), "{link}", Link(plan.URL))
	return strings.NewReplacer(pairs...).Replace(text)
}

// Title returns the plan's title on one line, or "Looker" if it has none.
func Title(plan action.Plan) string {
	if title := Line(plan.Title); title != "" {
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
