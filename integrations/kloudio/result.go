package kloudio

import (
	"context"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
)

// result is a query's result as Kloudio takes it: a list of lists, the first of which holds
// the columns' labels.
type result struct {
	data action.Data
	// rows and size, in bytes, are known once it was measured.
	rows int
	size int64
}

// measure reads the result to its end.
func (r *result) measure(ctx context.Context) error {
	var c counter
	rows, err := r.write(ctx, &c)
	if err != nil {
		return err
	}
	r.rows, r.size = rows, int64(c)
	return nil
}

type counter int64

// Write implements [io.Writer].
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// open returns the result's text. It fails when the source does.
func (r *result) open(ctx context.Context) io.ReadCloser {
	reader, writer := io.Pipe()
	go func() {
		_, err := r.write(ctx, writer)
		_ = writer.CloseWithError(err)
	}()
	return reader
}

// column is a column of the sheet: one of the result's, or one pivot value of it.
type column struct {
	index int
	pivot string
	label string
}

// sheetColumns are those with cells: filters and parameters have none.
func sheetColumns(table *action.Table) []column {
	var columns []column
	for i, c := range table.Columns {
		label := c.Label
		if label == "" {
			label = c.Title()
		}
		switch c.Group {
		case "dimensions":
			columns = append(columns, column{index: i, label: label})
		case "measures", "table_calculations":
			if len(table.Pivots) == 0 {
				columns = append(columns, column{index: i, label: label})
			}
			for _, p := range table.Pivots {
				columns = append(columns, column{i, p.Key, label + " " + p.Key})
			}
		}
	}
	return columns
}

// write writes the result and returns the number of its rows.
func (r *result) write(ctx context.Context, w io.Writer) (int, error) {
	table, err := r.data.Table(ctx)
	if err != nil {
		return 0, err
	}
	columns := sheetColumns(table)
	e := &encoder{json: jsontext.NewEncoder(w, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
	e.token(jsontext.BeginArray)
	e.token(jsontext.BeginArray)
	for _, c := range columns {
		e.token(jsontext.String(c.label))
	}
	e.token(jsontext.EndArray)
	rows := 0
	for row, err := range table.Rows() {
		if err != nil {
			return 0, err
		}
		rows++
		e.token(jsontext.BeginArray)
		for _, c := range columns {
			e.cell(c.of(row))
		}
		e.token(jsontext.EndArray)
		if e.err != nil {
			break
		}
	}
	e.token(jsontext.EndArray)
	if e.err != nil {
		return 0, fmt.Errorf("encoding the result: %w", e.err)
	}
	return rows, nil
}

// of is the row's cell for the column. Table calculations are not always pivoted with the rest.
func (c column) of(row action.Row) action.Cell {
	cell := row.Cell(c.index)
	if c.pivot != "" && cell.Value() == nil {
		return cell.Pivot(c.pivot)
	}
	return cell
}

// encoder keeps the first error.
type encoder struct {
	json *jsontext.Encoder
	err  error
}

func (e *encoder) token(t jsontext.Token) {
	if e.err == nil {
		e.err = e.json.WriteToken(t)
	}
}

// cell writes what Looker shows, or the bare value where it shows nothing else.
func (e *encoder) cell(c action.Cell) {
	value := c.Value()
	switch {
	case e.err != nil:
	case value == nil:
		e.token(jsontext.Null)
	case c.Rendered() != "" && c.Rendered() != c.Text():
		e.token(jsontext.String(c.Rendered()))
	default:
		e.err = e.json.WriteValue(value)
	}
}
