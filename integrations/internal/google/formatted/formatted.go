// Package formatted recognizes numbers, dates and truth values in the texts of a column, as Looker formats them, so
// that a spreadsheet can calculate with them. A column counts as a whole: one value that is something else leaves all
// of them text, because a sum over some of a column's values would be wrong without a sign of it.
package formatted

import (
	"strconv"
	"strings"
	"time"
)

// Column is what the values of a column have in common. The zero value has seen none.
type Column struct {
	seen    bool
	numbers numbers
	dates   dates
	logical logical
}

// Add takes one more value into account. An empty one is none.
func (c *Column) Add(text string) {
	if text == "" {
		return
	}
	c.seen = true
	c.numbers.add(text)
	c.dates.add(text)
	c.logical.add(text)
}

// Format is how a spreadsheet shows a column's values, in the terms of Google Sheets:
// https://developers.google.com/workspace/sheets/api/guides/formats
type Format struct{ Type, Pattern string }

// Format returns the column's format. Without one, its values are not formatted, or not all of one kind.
func (c *Column) Format() (Format, bool) {
	switch {
	case !c.seen:
		return Format{}, false
	case c.numbers.valid():
		return c.numbers.format()
	case !c.dates.mixed:
		return c.dates.format(), true
	}
	return Format{}, false
}

// Number returns what a spreadsheet stores for a value of the column. For a date, it is the number of days since
// 1899-12-30.
func (c *Column) Number(text string) (string, bool) {
	switch {
	case !c.seen || text == "":
		return "", false
	case c.numbers.valid():
		return c.numbers.value(text)
	case !c.dates.mixed:
		return serial(text)
	}
	return "", false
}

// Bool returns the truth value of a value of the column.
func (c *Column) Bool(text string) (value, ok bool) {
	if !c.seen || c.logical.mixed {
		return false, false
	}
	return truth(text)
}

// logical is a column of truth values.
type logical struct{ mixed bool }

func (l *logical) add(text string) {
	if _, ok := truth(text); !ok {
		l.mixed = true
	}
}

func truth(text string) (value, ok bool) {
	switch strings.ToUpper(text) {
	case "TRUE":
		return true, true
	case "FALSE":
		return false, true
	}
	return false, false
}

// layout is a date's form in Looker and in Google Sheets.
type layout struct{ looker, kind, pattern string }

// layouts are the forms that are dates in every country, which 1/2/2024 is not. Where a text has two of them, as
// "May 2024" has, the first one counts.
var layouts = []layout{
	{time.DateOnly, "DATE", "yyyy-mm-dd"},
	{time.DateTime, "DATE_TIME", "yyyy-mm-dd hh:mm:ss"},
	{"2006-01-02 15:04", "DATE_TIME", "yyyy-mm-dd hh:mm"},
	{"2006-01", "DATE", "yyyy-mm"},
	{"January 2, 2006", "DATE", "mmmm d, yyyy"},
	{"Jan 2, 2006", "DATE", "mmm d, yyyy"},
	{"January 2006", "DATE", "mmmm yyyy"},
	{"Jan 2006", "DATE", "mmm yyyy"},
}

// wider says which of two forms a column gets that has both.
var wider = map[[2]string]string{
	{time.DateOnly, time.DateTime}:     time.DateTime,
	{"January 2, 2006", "Jan 2, 2006"}: "Jan 2, 2006",
	{"January 2006", "Jan 2006"}:       "Jan 2006",
}

// dates is a column of dates. A mixed one has other values, too.
type dates struct {
	mixed bool
	at    layout
}

func (d *dates) add(text string) {
	if d.mixed {
		return
	}
	_, at, ok := parseDate(text)
	switch {
	case !ok:
		d.mixed = true
	case d.at.looker == "" || wider[[2]string{d.at.looker, at.looker}] == at.looker:
		d.at = at
	case d.at.looker != at.looker && wider[[2]string{at.looker, d.at.looker}] != d.at.looker:
		d.mixed = true
	}
}

func (d *dates) format() Format { return Format{d.at.kind, d.at.pattern} }

// parseDate returns a date, which is written to the letter as its layout says. Spreadsheets begin in 1900.
func parseDate(text string) (time.Time, layout, bool) {
	for _, at := range layouts {
		if t, err := time.Parse(at.looker, text); err == nil && t.Format(at.looker) == text && t.Year() >= 1900 {
			return t, at, true
		}
	}
	return time.Time{}, layout{}, false
}

// epoch is day 0 of a spreadsheet.
var epoch = time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC)

func serial(text string) (string, bool) {
	t, _, ok := parseDate(text)
	if !ok {
		return "", false
	}
	return strconv.FormatFloat(float64(t.Unix()-epoch.Unix())/(24*60*60), 'f', -1, 64), true
}
