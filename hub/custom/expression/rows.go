package expression

import (
	"errors"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"integrationhub.dev/hub/action"
)

// Columns are the columns of a result, by which expressions find cells.
type Columns struct {
	columns []action.Column
	pivots  []action.Pivot
	by      [views]map[string]int
	// names are the keys of each view in the order of the columns.
	names [views][]string
	list  ref.Val
}

// The views of a row: row.name, row.label, row.tag and row.rendered.
const (
	byName = iota
	byLabel
	byTag
	rendered
	views
)

var viewNames = [views]string{"name", "label", "tag", "rendered"}

// NewColumns describes the columns of a table.
func NewColumns(t *action.Table) *Columns {
	c := &Columns{columns: t.Columns, pivots: t.Pivots}
	for v := range c.by {
		c.by[v] = map[string]int{}
	}
	add := func(view, i int, name string) {
		if _, taken := c.by[view][name]; !taken && name != "" {
			c.by[view][name] = i
			c.names[view] = append(c.names[view], name)
		}
	}
	var list []ref.Val
	for i, column := range t.Columns {
		add(byName, i, column.Name)
		add(rendered, i, column.Name)
		add(byLabel, i, column.Title())
		tags := make([]string, 0, len(column.Tags))
		for _, tag := range column.Tags {
			add(byTag, i, tag)
			tags = append(tags, tag)
		}
		list = append(list, types.DefaultTypeAdapter.NativeToValue(map[string]any{
			"name": column.Name, "label": column.Title(), "type": column.Type, "numeric": column.IsNumeric, "tags": tags,
		}))
	}
	c.list = types.NewRefValList(types.DefaultTypeAdapter, list)
	return c
}

// List is the variable columns.
func (c *Columns) List() ref.Val { return c.list }

// Row is the variable row.
func (c *Columns) Row(row action.Row) ref.Val { return &rowValue{columns: c, row: row} }

// rowValue is a row: a map of its views. It converts cells when they are used.
type rowValue struct {
	columns *Columns
	row     action.Row
}

// record is one view of a row.
type record struct {
	*rowValue
	view int
}

// raw returns the JSON of a cell: its value, or the pivoted values by their keys.
func (r *rowValue) raw(i int) jsontext.Value {
	cell := r.row.Cell(i)
	if cell.Missing() {
		return jsontext.Value("null")
	}
	if value := cell.Value(); value != nil {
		return value
	}
	if len(r.columns.pivots) == 0 {
		return jsontext.Value("null")
	}
	text := []byte{'{'}
	for _, p := range r.columns.pivots {
		value := cell.Pivot(p.Key).Value()
		if value == nil {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text, _ = jsontext.AppendQuote(text, p.Key) // invalid UTF-8 is replaced
		text = append(append(text, ':'), value...)
	}
	return append(text, '}')
}

// cell converts a cell for expressions.
func (r *record) cell(i int) ref.Val {
	if r.view == rendered {
		return types.String(r.row.Cell(i).Rendered())
	}
	raw := r.raw(i)
	switch raw.Kind() {
	case 'n':
		return types.NullValue
	case 't':
		return types.True
	case 'f':
		return types.False
	case '"':
		return types.String(action.Text(raw))
	case '0':
		return number(string(raw))
	default:
		return FromJSON(raw)
	}
}

// write appends the view as a JSON object. Values keep all their digits.
func (r *record) write(w *writer) error {
	if err := w.raw("{"); err != nil {
		return err
	}
	for n, name := range r.columns.names[r.view] {
		if n > 0 {
			if err := w.raw(","); err != nil {
				return err
			}
		}
		if err := w.string(name); err != nil {
			return err
		}
		if err := w.raw(":"); err != nil {
			return err
		}
		if err := r.writeCell(w, r.columns.by[r.view][name]); err != nil {
			return err
		}
	}
	return w.raw("}")
}

// writeCell appends a cell's JSON as Looker sent it, in canonical form.
func (r *record) writeCell(w *writer, i int) error {
	if r.view == rendered {
		return w.string(r.row.Cell(i).Rendered())
	}
	raw := r.raw(i)
	switch raw.Kind() {
	case 'n', 't', 'f', '0':
		return w.bytes(raw)
	case '"':
		return w.string(action.Text(raw))
	default:
		clean := slices.Clone(raw)
		if clean.Compact(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) != nil {
			return &Error{"a value is not valid JSON"}
		}
		return w.bytes(clean)
	}
}

var errUnsupported = types.NewErr("unsupported operation on a row")

func unsupported() ref.Val { return errUnsupported }

var (
	_ traits.Mapper = (*rowValue)(nil)
	_ traits.Mapper = (*record)(nil)
)

// Find implements [traits.Mapper].
func (r *rowValue) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	i := slices.Index(viewNames[:], string(name))
	if !ok || i < 0 {
		return nil, false
	}
	return &record{r, i}, true
}

// Get implements [traits.Mapper].
func (r *rowValue) Get(key ref.Val) ref.Val { return get(r, key) }

// Contains implements [traits.Mapper].
func (r *rowValue) Contains(key ref.Val) ref.Val { return contains(r, key) }

// Size implements [traits.Mapper].
func (r *rowValue) Size() ref.Val { return types.Int(views) }

// Iterator implements [traits.Mapper].
func (r *rowValue) Iterator() traits.Iterator { return keys(viewNames[:]) }

// ConvertToNative implements [ref.Val].
func (r *rowValue) ConvertToNative(reflect.Type) (any, error) { return nil, errConvert }

// ConvertToType implements [ref.Val].
func (r *rowValue) ConvertToType(t ref.Type) ref.Val { return convert(r, t) }

// Equal implements [ref.Val].
func (r *rowValue) Equal(ref.Val) ref.Val { return unsupported() }

// Type implements [ref.Val].
func (r *rowValue) Type() ref.Type { return types.MapType }

// Value implements [ref.Val].
func (r *rowValue) Value() any { return nil }

// Find implements [traits.Mapper].
func (r *record) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	i, ok := r.columns.by[r.view][string(name)]
	if !ok {
		return nil, false
	}
	return r.cell(i), true
}

// Get implements [traits.Mapper].
func (r *record) Get(key ref.Val) ref.Val { return get(r, key) }

// Contains implements [traits.Mapper].
func (r *record) Contains(key ref.Val) ref.Val { return contains(r, key) }

// Size implements [traits.Mapper].
func (r *record) Size() ref.Val { return types.Int(len(r.columns.names[r.view])) }

// Iterator implements [traits.Mapper].
func (r *record) Iterator() traits.Iterator { return keys(r.columns.names[r.view]) }

// ConvertToNative implements [ref.Val].
func (r *record) ConvertToNative(t reflect.Type) (any, error) {
	members := make(map[ref.Val]ref.Val, len(r.columns.names[r.view]))
	for _, name := range r.columns.names[r.view] {
		members[types.String(name)] = r.cell(r.columns.by[r.view][name])
	}
	return types.NewRefValMap(types.DefaultTypeAdapter, members).ConvertToNative(t)
}

// ConvertToType implements [ref.Val].
func (r *record) ConvertToType(t ref.Type) ref.Val { return convert(r, t) }

// Equal implements [ref.Val].
func (r *record) Equal(ref.Val) ref.Val { return unsupported() }

// Type implements [ref.Val].
func (r *record) Type() ref.Type { return types.MapType }

// Value implements [ref.Val].
func (r *record) Value() any { return nil }

var errConvert = errors.New("type conversion error of a row")

func get(m traits.Mapper, key ref.Val) ref.Val {
	value, ok := m.Find(key)
	if !ok {
		return types.NewErr("no such key")
	}
	return value
}

func contains(m traits.Mapper, key ref.Val) ref.Val {
	_, ok := m.Find(key)
	return types.Bool(ok)
}

func convert(m ref.Val, t ref.Type) ref.Val {
	switch t {
	case types.MapType:
		return m
	case types.TypeType:
		return types.MapType
	}
	return types.WrapErr(errConvert)
}

// keys iterates over names.
func keys(names []string) traits.Iterator {
	return types.NewStringList(types.DefaultTypeAdapter, names).Iterator()
}
