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

// local are the layouts of times without a time zone: Looker's for the timeframes time, second, minute, hour,
// date and month, and ISO 8601.
var local = []string{
	time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15", time.DateOnly,
	"2006-01",
}

// zoned are the layouts of times with an offset or "Z". ISO 8601 allows offsets without a colon and without minutes,
// and databases write them: PostgreSQL as in 2026-11-23 14:05:06+01, Snowflake as in 2026-11-23 14:05:06 +0100.
var zoned = func() (all []string) {
	for _, date := range []string{"2006-01-02T", "2006-01-02 "} {
		for _, clock := range []string{"15:04:05", "15:04"} {
			for _, offset := range []string{"Z07:00", "Z0700", "Z07", " Z07:00", " Z0700", " Z07"} {
				all = append(all, date+clock+offset)
			}
		}
	}
	return append(all, named)
}()

// named is the layout of times with the abbreviation of a time zone, of which only UTC and GMT are unambiguous.
const named = "2006-01-02 15:04:05 MST"

// In reads a time in a column. Text without an offset is in the zone. Fractions of a second may have any
// number of digits.
func In(zone action.TimeZone, text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	location := zone.In(time.Time{}).Location()
	for _, layout := range local {
		if t, err := time.ParseInLocation(layout, text, location); err == nil {
			return t, nil
		}
	}
	return Zoned(text)
}

// Zoned reads a time that names its offset from UTC.
func Zoned(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	for _, layout := range zoned {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if name, offset := t.Zone(); layout == named && offset == 0 && name != "UTC" && name != "GMT" {
			return time.Time{}, ErrInvalid // an abbreviation of an unknown offset
		}
		return t, nil
	}
	return time.Time{}, ErrInvalid
}
