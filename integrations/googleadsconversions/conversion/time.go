package conversion

import (
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/timestamp"
)

// withoutZone are the forms of a time in the time zone of the form.
var withoutZone = []string{time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04"}

// maxAge is how long Google Ads keeps clicks. A conversion is never older than its click:
// https://support.google.com/google-ads/answer/2998031
const maxAge = 90 * 24 * time.Hour

// maxSkew is how far a clock may be ahead of the hub's.
const maxSkew = 5 * time.Minute

// The reasons why a row's time cannot be sent. A date alone is not a time: conversions before their click
// are dropped, and a transaction ID is derived from the time.
const (
	noTime      = "A row has no conversion time."
	badTime     = "A row's conversion time is not a date and time such as 2026-01-31 12:00:00 or 2026-01-31T12:00:00+01:00."
	missingTime = "A row's conversion time does not exist in the time zone of the form, because clocks were set forward."
	futureTime  = "A row's conversion time is in the future."
	oldTime     = "A row's conversion time is more than 90 days ago. Google Ads has no clicks from that time."
)

// parseTime parses the time of a conversion. The reason is empty for a valid one.
func parseTime(text string, zone action.TimeZone, now time.Time) (t time.Time, reason string) {
	text = strings.TrimSpace(text)
	if text == "" {
		return t, noTime
	}
	t, reason = readTime(text, zone)
	switch {
	case reason != "":
	case t.Sub(now) > maxSkew:
		reason = futureTime
	case now.Sub(t) > maxAge:
		reason = oldTime
	}
	return t, reason
}

func readTime(text string, zone action.TimeZone) (t time.Time, reason string) {
	if t, err := timestamp.Zoned(text); err == nil { // also Google Ads' own form, 2026-01-31 12:00:00+01:00
		return t, ""
	}
	location := zone.In(time.Time{}).Location()
	for _, layout := range withoutZone {
		wall, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		t := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), location)
		if t.Format(time.DateTime) != wall.Format(time.DateTime) {
			return t, missingTime
		}
		return t, ""
	}
	return t, badTime
}
