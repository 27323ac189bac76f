package auger

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
)

// fileName has the view of the first column and the time, as in the reference, and a random suffix.
func fileName(columns []action.Column, now time.Time) string {
	view := "looker_file"
	if len(columns) > 0 && columns[0].Group == "dimensions" {
		if v, _, ok := strings.Cut(columns[0].Name, "."); ok && v != "" {
			view = v
		}
	}
	view = strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, view)
	return fmt.Sprintf("%s_%d_%s", view, now.UnixMilli(), strings.ToLower(rand.Text()[:4]))
}

// encoder reads a result as a JSON array of objects by the names of the columns, which Auger accepts as a file.
type encoder struct {
	next  func() (action.Row, error, bool)
	stop  func()
	names [][]byte
	// columns are the columns of the file. The last one is the target of models.
	columns []column
	// rows is the number of rows that were read.
	rows int

	ready []byte
	err   error
}

func newEncoder(table *action.Table) *encoder {
	e := &encoder{columns: columnsOf(table)}
	for _, c := range e.columns {
		name, _ := json.Marshal(c.name) // strings can always be encoded
		e.names = append(e.names, name)
	}
	e.next, e.stop = iter.Pull2(table.Rows())
	return e
}

// Read implements [io.Reader].
func (e *encoder) Read(p []byte) (int, error) {
	for len(e.ready) == 0 && e.err == nil {
		e.ready = e.ready[:0]
		e.err = e.encode()
	}
	if len(e.ready) == 0 {
		return 0, e.err
	}
	n := copy(p, e.ready)
	e.ready = e.ready[n:]
	return n, nil
}

// Close frees what the reading holds.
func (e *encoder) Close() { e.stop() }

// encode appends the next row, or the end of the array.
func (e *encoder) encode() error {
	row, err, more := e.next()
	switch {
	case err != nil:
		return err
	case !more && e.rows == 0:
		return action.Errorf(action.Invalid, "Looker sent no rows.")
	case !more:
		e.ready = append(e.ready, ']')
		return io.EOF
	case e.rows == 0:
		e.ready = append(e.ready, '[')
	default:
		e.ready = append(e.ready, ',')
	}
	e.rows++
	e.ready = append(e.ready, '{')
	for i, c := range e.columns {
		if i > 0 {
			e.ready = append(e.ready, ',')
		}
		e.ready = append(append(e.ready, e.names[i]...), ':')
		if v := c.value(row); v != nil {
			e.ready = append(e.ready, v...)
		} else {
			e.ready = append(e.ready, "null"...)
		}
	}
	e.ready = append(e.ready, '}')
	return nil
}

// target is the name of the column to predict.
func (e *encoder) target() string {
	if len(e.columns) == 0 {
		return ""
	}
	return e.columns[len(e.columns)-1].name
}

// column is a column at Auger.
type column struct {
	name string
	// index is the column's at Looker, pivot the key of a pivoted one.
	index int
	pivot string
}

// columnsOf returns the columns of a result. A column has its field's name without the view, as in
// the reference, or with the view if two fields share a name. A pivoted field becomes a column for
// each key. Filters and parameters are not in the rows.
func columnsOf(table *action.Table) []column {
	count := map[string]int{}
	for _, c := range table.Columns {
		count[short(c)]++
	}
	used := map[string]bool{}
	var all []column
	add := func(name string, index int, pivot string) {
		for used[name] {
			name += "_"
		}
		used[name] = true
		all = append(all, column{name, index, pivot})
	}
	for i, c := range table.Columns {
		if c.Group == "filters" || c.Group == "parameters" {
			continue
		}
		name := short(c)
		if count[name] > 1 {
			name = strings.ReplaceAll(c.Name, ".", "_")
		}
		if len(table.Pivots) == 0 || c.Group == "dimensions" {
			add(name, i, "")
			continue
		}
		for _, p := range table.Pivots {
			add(name+"_"+p.Key, i, p.Key)
		}
	}
	return all
}

// short returns a field's name without its view. Table calculations have no view.
func short(c action.Column) string {
	if _, name, ok := strings.Cut(c.Name, "."); ok {
		return name
	}
	return c.Name
}

// value returns a row's value, or nil. Totals in a pivoted result have no pivots.
func (c column) value(r action.Row) jsontext.Value {
	cell := r.Cell(c.index)
	if c.pivot != "" {
		if v := cell.Pivot(c.pivot).Value(); v != nil {
			return v
		}
	}
	return cell.Value()
}
