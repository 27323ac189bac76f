// Package timestamp reads times in the rows of a query's result.
package timestamp

import (
	"errors"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
)

// ErrInvalid is the error for text that is not a time.
var ErrInvalid = errors.New("not a time")

// zoned are the layouts of times with a time zone. local are the layouts of those without: Looker's for
// the timeframes time, second, minute, hour, date and month, and RFC 3339 without the offset.
var (
	zoned = []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST"}
	local = []string{
		time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15", time.DateOnly,
		"2006-01",
	}
)

// In reads a time in a column. Text without an offset is in the zone. Fractions of a second may have any
// number of digits.
func In(zone action.TimeZone, text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	for _, layout := range zoned {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if name, offset := t.Zone(); strings.HasSuffix(layout, "MST") && offset == 0 && name != "UTC" && name != "GMT" {
			return time.Time{}, ErrInvalid // an abbreviation of an unknown offset
		}
		return t, nil
	}
	location := zone.In(time.Time{}).Location()
	for _, layout := range local {
		if t, err := time.ParseInLocation(layout, text, location); err == nil {
			return t, nil
		}
	}
	return time.Time{}, ErrInvalid
}
