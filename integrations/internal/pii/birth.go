package pii

import (
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/integrations/internal/timestamp"
)

// dateLayouts are Looker's, and those of the US as in Meta's examples.
var dateLayouts = []string{
	time.DateOnly, time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006/1/2", "20060102",
	"1/2/2006", "1-2-2006", "January 2, 2006", "Jan 2, 2006", "2 January 2006", "2 Jan 2006",
}

// MetaBirthDate returns the parts of a date of birth: YYYY, MM and DD.
func MetaBirthDate(text string) (year, month, day string, ok bool) {
	text = strings.TrimSpace(text)
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format("2006"), t.Format("01"), t.Format("02"), plausible(t.Year())
		}
	}
	if t, err := timestamp.Zoned(text); err == nil { // the day in the zone of the text
		return t.Format("2006"), t.Format("01"), t.Format("02"), plausible(t.Year())
	}
	return "", "", "", false
}

// MetaBirthYear returns the year, YYYY, of a year, a month such as 1997-02, or a date.
func MetaBirthYear(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if year, _, ok := yearMonth(text); ok {
		return year, true
	}
	if t, err := time.Parse("2006", text); err == nil {
		return text, plausible(t.Year())
	}
	year, _, _, ok := MetaBirthDate(text)
	return year, ok
}

// MetaBirthMonth returns the month, MM, of a number, an English name, a month such as 1997-02, or a
// date.
func MetaBirthMonth(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if _, month, ok := yearMonth(text); ok {
		return month, true
	}
	for _, layout := range []string{"1", "January", "Jan"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format("01"), true
		}
	}
	_, month, _, ok := MetaBirthDate(text)
	return month, ok
}

// MetaBirthDay returns the day of the month, DD, of a number or a date.
func MetaBirthDay(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if n, err := strconv.Atoi(text); err == nil && len(text) <= 2 {
		return time.Date(2000, time.January, n, 0, 0, 0, 0, time.UTC).Format("02"), n >= 1 && n <= 31
	}
	_, _, day, ok := MetaBirthDate(text)
	return day, ok
}

func yearMonth(text string) (year, month string, ok bool) {
	t, err := time.Parse("2006-01", text)
	if err != nil {
		return "", "", false
	}
	return t.Format("2006"), t.Format("01"), plausible(t.Year())
}

// plausible reports whether Meta accepts a year.
func plausible(year int) bool { return year >= 1900 && year <= time.Now().Year() }
