package action

import (
	"bytes"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Table is a query result of the json_detail family: its columns, and its rows one at a
// time.
type Table struct {
	// Columns are the result's fields: dimensions, measures, filters, parameters and table
	// calculations, in that order.
	Columns []Column
	// Pivots are the values that measures are pivoted by, in order; empty without a pivot.
	Pivots []Pivot
	// RanAt is when the query ran. It is zero where Looker does not say so before the rows.
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
	// Group is the part of the result's "fields" that the column stood in.
	Group string `json:"-"`
}

// Title is the name that people know the column by.
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

// NewTable makes a table from its parts; rows may be read once.
func NewTable(columns []Column, pivots []Pivot, rows iter.Seq2[Row, error]) *Table {
	return &Table{Columns: columns, Pivots: pivots, rows: rows}
}

// WithRows is the same table with other rows.
func (t *Table) WithRows(rows iter.Seq2[Row, error]) *Table {
	other := *t
	other.rows = rows
	return &other
}

// Rows returns the rows, once. An error ends them: everything before it arrived whole, and
// nothing after it will. A result that is cut short always ends in an error.
func (t *Table) Rows() iter.Seq2[Row, error] { return t.rows }

// Tagged returns the index of the first column with a LookML tag, or -1.
func (t *Table) Tagged(tag string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return slices.Contains(c.Tags, tag) })
}

// Row is one row of a result. It may be kept.
type Row struct {
	cells []Cell
}

// NewRow makes a row from one cell for each column of its table.
func NewRow(cells []Cell) Row { return Row{cells} }

// Cell returns the cell of the column with this index.
func (r Row) Cell(column int) Cell {
	if column < 0 || column >= len(r.cells) {
		return Cell{}
	}
	return r.cells[column]
}

// Cell is one cell of json_detail: {"value": …, "rendered": …, "html": …, "links": […]},
// or, where its column is pivoted, an object with such a cell for each pivot key.
type Cell struct {
	raw jsontext.Value
}

// NewCell makes a cell from its JSON text, which it keeps.
func NewCell(raw jsontext.Value) Cell { return Cell{raw} }

// Missing reports that the row had nothing for the column.
func (c Cell) Missing() bool { return len(c.raw) == 0 }

// Raw is the cell as Looker sent it.
func (c Cell) Raw() jsontext.Value { return c.raw }

// Value is the cell's value as JSON text, so that no digit of a number is lost. It is nil
// for a missing cell and for a pivoted one.
func (c Cell) Value() jsontext.Value { return c.member("value") }

// Pivot is the cell for a pivot key, missing where there is none.
func (c Cell) Pivot(key string) Cell { return Cell{c.member(key)} }

// Text is the value as a person would write it: strings without quotes, numbers as they
// came, nothing for null.
func (c Cell) Text() string { return Text(c.Value()) }

// Rendered is the value as Looker shows it, or the plain text where Looker gave none.
func (c Cell) Rendered() string {
	if v := c.member("rendered"); v.Kind() == '"' {
		return Text(v)
	}
	return c.Text()
}

// Text is a JSON value as a person would write it.
func Text(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		b, _ := jsontext.AppendUnquote(nil, v) // what is no UTF-8 in it is replaced
		return string(b)
	case 'n', 0:
		return ""
	default:
		return string(v)
	}
}

// member finds a member without taking the object apart: results have many cells. Of a
// name that stands twice the last one counts. Raw text is valid JSON as a rule, since a
// decoder has read it; of what is not, nothing is found.
func (c Cell) member(name string) (found jsontext.Value) {
	if c.raw.Kind() != '{' {
		return nil
	}
	d := memberDecoders.Get().(*memberDecoder) //nolint:errcheck,forcetypeassert // the pool holds nothing else
	defer memberDecoders.Put(d)
	d.reset(c.raw)
	if _, err := d.json.ReadToken(); err != nil {
		return nil
	}
	for d.json.PeekKind() == '"' {
		is, err := d.nameIs(name)
		if err != nil {
			return nil
		}
		v, err := d.json.ReadValue()
		if err != nil {
			return nil
		}
		if is {
			end := int(d.json.InputOffset())
			found = c.raw[end-len(v) : end : end]
		}
	}
	if _, err := d.json.ReadToken(); err != nil {
		return nil
	}
	return found
}

// memberDecoder is reused from cell to cell.
type memberDecoder struct {
	json   *jsontext.Decoder
	source bytes.Buffer
	name   []byte
}

var memberDecoders = sync.Pool{New: func() any {
	return &memberDecoder{json: new(jsontext.Decoder)}
}}

func (d *memberDecoder) reset(raw jsontext.Value) {
	d.source = *bytes.NewBuffer(raw)
	d.json.Reset(&d.source, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// nameIs reads a member's name and compares it.
func (d *memberDecoder) nameIs(want string) (bool, error) {
	quoted, err := d.json.ReadValue()
	if err != nil {
		return false, err
	}
	if inside := quoted[1 : len(quoted)-1]; bytes.IndexByte(inside, '\\') < 0 {
		return string(inside) == want, nil
	}
	d.name, _ = jsontext.AppendUnquote(d.name[:0], quoted) // what is no UTF-8 in it is replaced
	return string(d.name) == want, nil
}
