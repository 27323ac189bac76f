package action

import (
	"bytes"
	"iter"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Table is a query result with its columns and a stream of rows.
type Table struct {
	// Columns are the result's fields: dimensions, measures, filters, parameters and table
	// calculations, in that order.
	Columns []Column
	// Pivots are the values of the pivot, in order; empty without a pivot.
	Pivots []Pivot
	// RanAt is when the query ran; zero if Looker does not send it before the rows.
	RanAt time.Time

	rows iter.Seq2[Row, error]
}

// Column is one field of a result.
type Column struct {
	Name       string   `json:"name"`
	Label      string   `json:"label"`
	LabelShort string   `json:"label_short"`
	Type       string   `json:"type"`
	IsNumeric  bool     `json:"is_numeric"`
	Tags       []string `json:"tags"`
	// Group is the group of the column in the result's "fields".
	Group string `json:"-"`
}

// Title is the column's display name.
func (c Column) Title() string {
	switch {
	case c.LabelShort != "":
		return c.LabelShort
	case c.Label != "":
		return c.Label
	}
	return c.Name
}

// Pivot is one value of the pivoted dimensions.
type Pivot struct {
	Key    string            `json:"key"`
	Labels map[string]string `json:"labels"`
}

// NewTable creates a table. Its rows can be read once.
func NewTable(columns []Column, pivots []Pivot, rows iter.Seq2[Row, error]) *Table {
	return &Table{Columns: columns, Pivots: pivots, rows: rows}
}

// WithRows returns the table with other rows.
func (t *Table) WithRows(rows iter.Seq2[Row, error]) *Table {
	other := *t
	other.rows = rows
	return &other
}

// Rows returns the rows, which can be read once. An error ends them; the rows before it are
// complete. A truncated result always ends with an error.
func (t *Table) Rows() iter.Seq2[Row, error] { return t.rows }

// Tagged returns the index of the first column with a LookML tag, or -1.
func (t *Table) Tagged(tag string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return slices.Contains(c.Tags, tag) })
}

// Row is one row of a result. It stays valid after the next one.
type Row struct {
	cells []Cell

	// A row of NewRowOfText has no cells. These have no pointers, which the garbage collector would follow.
	text   []byte
	places []CellPlace
}

// CellPlace is where a cell of a row is in a text, and where in the cell its value is.
type CellPlace struct {
	// Start and End are the cell's place in the text; 0 for a missing cell.
	Start, End int32
	// ValueStart and ValueEnd are the place of the cell's last member "value" in the cell; 0 if there is none
	// or if it is unknown.
	ValueStart, ValueEnd int32
}

// NewRow creates a row from one cell per column.
func NewRow(cells []Cell) Row { return Row{cells: cells} }

// NewRowOfText creates a row from a text that contains its cells, and the place of one per column, without
// copying them. The cells must be valid JSON.
func NewRowOfText(text []byte, places []CellPlace) Row { return Row{text: text, places: places} }

// Cell returns the cell of the column with this index.
func (r Row) Cell(column int) Cell {
	switch {
	case column < 0:
	case column < len(r.places):
		p := r.places[column]
		return Cell{r.text[p.Start:p.End:p.End], p.ValueStart, p.ValueEnd}
	case column < len(r.cells):
		return r.cells[column]
	}
	return Cell{}
}

// Cell is one cell of json_detail: {"value": …, "rendered": …, "html": …, "links": […]},
// or, in a pivoted column, an object with such a cell for each pivot key.
type Cell struct {
	raw                  jsontext.Value
	valueStart, valueEnd int32 // as in CellPlace
}

// NewCell creates a cell from its JSON text without copying it. The text must be valid.
func NewCell(raw jsontext.Value) Cell { return Cell{raw: raw} }

// Missing reports whether the row has no cell for the column.
func (c Cell) Missing() bool { return len(c.raw) == 0 }

// Raw is the cell as Looker sent it.
func (c Cell) Raw() jsontext.Value { return c.raw }

// Value is the cell's value as JSON text, which preserves all digits of a number. It is nil for
// missing and pivoted cells.
func (c Cell) Value() jsontext.Value {
	if c.valueEnd > 0 {
		return c.raw[c.valueStart:c.valueEnd:c.valueEnd]
	}
	return c.member("value")
}

// Pivot returns the cell for a pivot key.
func (c Cell) Pivot(key string) Cell { return NewCell(c.member(key)) }

// Text is the value as plain text: strings without quotes, numbers unchanged, null as "".
func (c Cell) Text() string { return Text(c.Value()) }

// Rendered is the value as Looker displays it, or else the plain text.
func (c Cell) Rendered() string {
	if v := c.member("rendered"); v.Kind() == '"' {
		return Text(v)
	}
	return c.Text()
}

// Text returns a JSON value as plain text.
func Text(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		b, _ := jsontext.AppendUnquote(nil, v) // invalid UTF-8 is replaced
		return string(b)
	case 'n', 0:
		return ""
	default:
		return string(v)
	}
}

// member finds a member in one pass without decoding the object, because results have many cells. The
// last of several members with the same name counts.
func (c Cell) member(name string) (found jsontext.Value) {
	if c.raw.Kind() != '{' {
		return nil
	}
	rest := jsonRest{c.raw}
	for rest.skip('{'); rest.next() == '"'; rest.skip(',') {
		quoted := rest.value()
		rest.skip(':')
		if v := rest.value(); isName(quoted, name) {
			found = v
		}
	}
	return found
}

// isName compares a member's name.
func isName(quoted jsontext.Value, want string) bool {
	if len(quoted) < len(`""`) {
		return false // text that is not JSON
	}
	if inside := quoted[1 : len(quoted)-1]; bytes.IndexByte(inside, '\\') < 0 {
		return string(inside) == want
	}
	unquoted, _ := jsontext.AppendUnquote(nil, quoted) // invalid UTF-8 is replaced
	return string(unquoted) == want
}
