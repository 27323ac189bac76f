package googlesheets

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/rows"
)

// Google's limits: https://support.google.com/drive/answer/37603
const (
	maxCells   = 10_000_000
	maxColumns = 18_278
	maxCell    = 50_000 // characters
	maxBytes   = 2 << 30
)

// table is a complete result in CSV, with what was found out by reading it once.
type table struct {
	blob action.Blob
	// rows includes the header.
	rows, columns int64
	header        []string
	// dates are the columns with dates only, and their layouts.
	dates map[int]string
}

// fetch reads the data completely, so that the spreadsheet is not changed if the data is broken or does not fit.
func fetch(ctx context.Context, data action.Data) (*table, error) {
	blob, err := data.Spool(ctx, maxBytes)
	if err != nil {
		return nil, err
	}
	t := &table{blob: blob, dates: map[int]string{}}
	if err := t.scan(); err != nil {
		_ = blob.Close()
		return nil, err
	}
	return t, nil
}

func (t *table) scan() error {
	layouts := map[int]string{}
	mixed := map[int]bool{}
	err := t.each(func(number int64, record []string) error {
		t.rows++
		t.columns = max(t.columns, int64(len(record)))
		if t.rows*t.columns > maxCells || t.columns > maxColumns {
			return action.Errorf(action.TooLarge, "Cannot send more than %d rows without exceeding limit of 10 million cells in Google "+
				"Sheets.", maxCells/t.columns)
		}
		if number == 0 {
			t.header = append([]string(nil), record...)
		}
		for column, text := range record {
			if len(text) > maxCell && len(utf16.Encode([]rune(text))) > maxCell {
				return action.Errorf(action.Invalid, "A value in row %d exceeds Google Sheets' limit of 50,000 characters in a "+
					"cell.", number+1)
			}
			if number == 0 || text == "" || mixed[column] {
				continue
			}
			layout := dateLayout(text)
			if layout == "" {
				mixed[column] = true
			} else if layouts[column] != time.DateTime {
				layouts[column] = layout
			}
		}
		return nil
	})
	for column, layout := range layouts {
		if !mixed[column] {
			t.dates[column] = layout
		}
	}
	return err
}

// each calls f for each record. The first one is the header.
func (t *table) each(f func(number int64, record []string) error) error {
	return rows.EachCSV(t.blob, f)
}

// number is the pattern of what can be stored as a number without losing a digit. Values with leading zeros, with
// an exponent or with more than fifteen digits stay text.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

const maxDigits = 15

func isNumber(text string) bool {
	return len(text) <= maxDigits+2 && number.MatchString(text) && len(strings.Trim(strings.Replace(text, ".", "", 1), "-")) <= maxDigits
}

// dateLayout returns the layout of an unformatted date from Looker, or "".
func dateLayout(text string) string {
	for _, layout := range []string{time.DateOnly, time.DateTime} {
		if d, err := time.Parse(layout, text); err == nil && len(text) == len(layout) && d.Year() >= 1900 {
			return layout
		}
	}
	return ""
}

// epoch is day 0 of a spreadsheet:
// https://developers.google.com/workspace/sheets/api/guides/formats
var epoch = time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC)

// value is a cell: {"userEnteredValue": {"stringValue": "=1+1"}} is a text and never a formula. Numbers and dates
// are sent as numbers, which do not depend on the locale.
type value struct {
	Value  *extended   `json:"userEnteredValue,omitempty"`
	Format *cellFormat `json:"userEnteredFormat,omitempty"`
}

type cellFormat struct {
	Number struct {
		Type    string `json:"type"`
		Pattern string `json:"pattern"`
	} `json:"numberFormat"`
}

// formats are the cell formats of dates, which are Looker's.
var formats = map[string]*cellFormat{
	time.DateOnly: newFormat("DATE", "yyyy-mm-dd"),
	time.DateTime: newFormat("DATE_TIME", "yyyy-mm-dd hh:mm:ss"),
}

func newFormat(kind, pattern string) *cellFormat {
	var f cellFormat
	f.Number.Type, f.Number.Pattern = kind, pattern
	return &f
}

type extended struct {
	Text   *string     `json:"stringValue,omitempty"`
	Number json.Number `json:"numberValue,omitempty"`
}

// cells returns a row in the API's format.
func (t *table) cells(number int64, record []string) (json.RawMessage, error) {
	row := make([]value, len(record))
	for column, text := range record {
		switch layout := t.dates[column]; {
		case text == "":
		case number > 0 && layout != "":
			d, err := time.Parse(dateLayout(text), text)
			if err != nil {
				return nil, fmt.Errorf("reading a date: %w", err)
			}
			days := float64(d.Unix()-epoch.Unix()) / (24 * 60 * 60)
			row[column] = value{&extended{Number: json.Number(strconv.FormatFloat(days, 'f', -1, 64))}, formats[layout]}
		case number > 0 && isNumber(text):
			row[column].Value = &extended{Number: json.Number(text)}
		default:
			clean := strings.ToValidUTF8(text, "\ufffd")
			row[column].Value = &extended{Text: &clean}
		}
	}
	return json.Marshal(map[string]any{"values": row})
}
