package googlesheets

import (
	"archive/zip"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/google/formatted"
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
	source
	// tile is the name of a dashboard's tile.
	tile string
	// rows includes the header.
	rows, columns int64
	header        []string
	// kinds says what the columns' values are, and raw is whether formatted ones stay text.
	kinds []formatted.Column
	raw   bool
}

// source is where a table's CSV is read from. It can be read again.
type source struct {
	open          func() (io.ReadCloser, error)
	maxValueBytes int64
}

// tables are all tables of a delivery.
type tables struct {
	io.Closer
	all []*table
}

// fetch reads the data completely, so that the spreadsheet is not changed if the data is broken or does not fit.
func fetch(ctx context.Context, req *action.Request, raw bool) (*tables, error) {
	blob, err := req.Data.Spool(ctx, maxBytes)
	if err != nil {
		return nil, err
	}
	t := &tables{Closer: blob}
	if isDashboard(req) {
		t.all, err = tiles(blob)
	} else {
		t.all = []*table{{source: source{func() (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(blob, 0, blob.Size())), nil
		}, blob.MaxValueBytes()}}}
	}
	if err == nil {
		err = t.scan(raw)
	}
	if err != nil {
		_ = blob.Close()
		return nil, err
	}
	return t, nil
}

// scan reads all tables once.
func (t *tables) scan(raw bool) error {
	var cells int64
	for _, one := range t.all {
		one.raw = raw
		if err := one.scan(); err != nil {
			return err
		}
		if cells += one.rows * one.columns; cells > maxCells {
			return action.Errorf(action.TooLarge, "The dashboard has more than the 10 million cells that Google Sheets allows.")
		}
	}
	return nil
}

// maxTabs is Google's limit for the tabs of a spreadsheet.
const maxTabs = 200

// isDashboard reports whether the data is an archive of several tables. A download has no media type.
func isDashboard(req *action.Request) bool {
	return req.Type == action.TypeDashboard || req.Data.Extension() == "zip" || action.Format(req.Form["format"]) == action.CSVZip
}

// tiles returns the tables of a dashboard: a ZIP archive with a CSV file for each tile.
func tiles(blob action.Blob) ([]*table, error) {
	archive, err := zip.NewReader(blob, blob.Size())
	if err != nil {
		return nil, action.Wrap(err, action.Invalid, "The data is not a valid ZIP archive.")
	}
	var all []*table
	taken := map[string]bool{}
	for _, file := range archive.File {
		base, ok := strings.CutSuffix(path.Base(file.Name), ".csv")
		if !ok {
			continue
		}
		if len(all) == maxTabs {
			return nil, action.Errorf(action.TooLarge, "The dashboard has more than the %d tiles that fit into a spreadsheet.", maxTabs)
		}
		all = append(all, &table{source: source{func() (io.ReadCloser, error) {
			content, err := file.Open()
			if err != nil {
				return nil, action.Wrap(err, action.Invalid, "The data is not a valid ZIP archive.")
			}
			return content, nil
		}, blob.MaxValueBytes()}, tile: uniqueTitle(base, taken)})
	}
	if len(all) == 0 {
		return nil, action.Errorf(action.Invalid, "The dashboard has no tiles with data.")
	}
	return all, nil
}

// maxTitle is the maximum length of a tab's name in characters.
const maxTitle = 100

// uniqueTitle returns a valid name for a tab that differs from the taken ones, which Google compares without case. What
// Excel does not allow in a name is replaced, so that the spreadsheet can be downloaded.
func uniqueTitle(text string, taken map[string]bool) string {
	title := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r):
			return ' '
		case strings.ContainsRune(`[]*?:/\`, r):
			return '_'
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	title = cmp.Or(strings.Trim(title, " '"), "Tile")
	unique := shorten(title, maxTitle)
	for n := 2; taken[strings.ToLower(unique)]; n++ {
		suffix := fmt.Sprintf(" (%d)", n)
		unique = shorten(title, maxTitle-len(suffix)) + suffix
	}
	taken[strings.ToLower(unique)] = true
	return unique
}

func shorten(text string, length int) string {
	if runes := []rune(text); len(runes) > length {
		return strings.TrimRight(string(runes[:length]), " ")
	}
	return text
}

func (t *table) scan() error {
	return t.each(func(number int64, record []string) error {
		t.rows++
		t.columns = max(t.columns, int64(len(record)))
		if t.rows*t.columns > maxCells || t.columns > maxColumns {
			return action.Errorf(action.TooLarge, "Cannot send more than %d rows without exceeding limit of 10 million cells in Google "+
				"Sheets.", maxCells/t.columns)
		}
		if number == 0 {
			t.header = append([]string(nil), record...)
		}
		if missing := len(record) - len(t.kinds); missing > 0 {
			t.kinds = append(t.kinds, make([]formatted.Column, missing)...)
		}
		for column, text := range record {
			if len(text) > maxCell && len(utf16.Encode([]rune(text))) > maxCell {
				return action.Errorf(action.Invalid, "A value in row %d exceeds Google Sheets' limit of 50,000 characters in a "+
					"cell.", number+1)
			}
			if number > 0 {
				t.kinds[column].Add(text)
			}
		}
		return nil
	})
}

// each calls f for each record. The first one is the header.
func (t *table) each(f func(number int64, record []string) error) error {
	content, err := t.open()
	if err != nil {
		return err
	}
	defer content.Close()
	return rows.EachCSVRecord(content, t.maxValueBytes, f)
}

// number is the pattern of what is stored as a number. It can have more digits after the point than a spreadsheet shows, as a
// quotient has: "numberValue: Represents a double value". Values with leading zeros, with an exponent or with more than fifteen
// digits before the point stay text.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,40})?$`)

func isNumber(text string) bool { return number.MatchString(text) }

// unformatted are the formats of dates as Looker writes them without formatting.
var unformatted = map[string]bool{"yyyy-mm-dd": true, "yyyy-mm-dd hh:mm:ss": true}

// format returns the format of a column, if it needs one.
func (t *table) format(column int) (*cellFormat, bool) {
	f, ok := t.kinds[column].Format()
	if !ok || t.raw && !unformatted[f.Pattern] {
		return nil, false
	}
	return newFormat(f.Type, f.Pattern), true
}

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

func newFormat(kind, pattern string) *cellFormat {
	var f cellFormat
	f.Number.Type, f.Number.Pattern = kind, pattern
	return &f
}

type extended struct {
	Text   *string     `json:"stringValue,omitempty"`
	Number json.Number `json:"numberValue,omitempty"`
	Bool   *bool       `json:"boolValue,omitempty"`
}

// cells returns a row in the API's format.
func (t *table) cells(number int64, record []string) (json.RawMessage, error) {
	row := make([]value, len(record))
	for column, text := range record {
		switch {
		case text == "":
		case number == 0:
			row[column] = textValue(text)
		default:
			row[column] = t.value(column, text)
		}
	}
	return json.Marshal(map[string]any{"values": row})
}

func (t *table) value(column int, text string) value {
	kind := &t.kinds[column]
	if format, ok := t.format(column); ok {
		if number, ok := kind.Number(text); ok {
			return value{&extended{Number: json.Number(number)}, format}
		}
	}
	if truth, ok := kind.Bool(text); ok && !t.raw {
		return value{Value: &extended{Bool: &truth}}
	}
	if isNumber(text) {
		return value{Value: &extended{Number: json.Number(text)}}
	}
	return textValue(text)
}

// textValue is a text, which is never parsed.
func textValue(text string) value {
	clean := strings.ToValidUTF8(text, "\ufffd")
	return value{Value: &extended{Text: &clean}}
}
