package message

import (
	"strings"
	"time"

	"integrationhub.dev/hub/action"
)

// ExpandTime replaces {YYYY}, {MM}, {DD}, {HH}, {mm}, {ss}, {YYYYMMDD} and {date} (2006-01-02) by
// the time.
func ExpandTime(text string, now time.Time) string { return action.ExpandTime(text, now) }

// Expand replaces {title} by the plan's title and {link} by its URL, besides what [ExpandTime]
// replaces. Placeholders in the inserted values stay as they are.
func Expand(text string, plan action.Plan, now time.Time) string {
	pairs := append(action.TimePlaceholders(now), "{title}", Title(plan), "{link}", Link(plan.URL))
	return strings.NewReplacer(pairs...).Replace(text)
}

// Title returns the plan's title on one line, or "Looker" if it has none.
func Title(plan action.Plan) string {
	if title := action.Line(plan.Title); title != "" {
		return title
	}
	return "Looker"
}
