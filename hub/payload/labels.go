package payload

import (
	"errors"
	"io"
	"iter"
	"slices"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/bounded"
)

// Looker's json and json_label are rows without metadata: [{"Users Email": "a@b.c"}, …]. Each row has
// all columns by name or label, with plain values instead of cells.

// labelled reads such rows. The first one defines the columns.
func (d *tableDecoder) labelled() (*action.Table, error) {
	l := &labelDecoder{json: d.json, source: d.source, index: map[string]int{}}
	first, err := l.first()
	if err != nil {
		_ = l.source.Close()
		return nil, invalidFormat(err, action.JSONLabel)
	}
	return action.NewTable(l.columns, nil, l.rows(first)), nil
}

type labelDecoder struct {
	json    *bounded.JSON
	source  io.Closer
	columns []action.Column
	index   map[string]int // column by label
	arena
}

var (
	errNoRowObject   = errors.New("a row is not an object")
	errUnknownColumn = errors.New("a row has a column that the first row lacks")
	errMoreFollows   = errors.New("something follows the result")
)

// first reads the first row, if there is one.
func (l *labelDecoder) first() ([]action.Row, error) {
	if _, err := l.json.ReadToken(); err != nil {
		return nil, endOfInput(err)
	}
	if l.json.PeekKind() == ']' {
		return nil, nil
	}
	row, err := l.row(func(label string) (int, error) {
		if len(l.columns) == bounded.MaxColumns {
			return 0, bounded.TooManyColumns()
		}
		l.index[label] = len(l.columns)
		l.columns = append(l.columns, action.Column{Name: label, Label: label})
		return l.index[label], nil
	})
	return []action.Row{row}, err
}

// rows yields all rows and then checks the end of the document.
func (l *labelDecoder) rows(first []action.Row) iter.Seq2[action.Row, error] {
	return func(yield func(action.Row, error) bool) {
		defer func() { _ = l.source.Close() }()
		for _, row := range first {
			if !yield(row, nil) {
				return
			}
		}
		for l.json.PeekKind() == '{' {
			row, err := l.row(func(string) (int, error) { return 0, errUnknownColumn })
			if err != nil {
				yield(action.Row{}, invalidFormat(err, action.JSONLabel))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := l.tail(); err != nil {
			yield(action.Row{}, invalidFormat(err, action.JSONLabel))
		}
	}
}

// row reads a row and calls unknown for a label without a column, so that no value is lost
// silently. It wraps values into cells as in json_detail.
func (l *labelDecoder) row(unknown func(label string) (int, error)) (action.Row, error) {
	if tok, err := l.json.ReadToken(); err != nil {
		return action.Row{}, endOfInput(err)
	} else if tok.Kind() != '{' {
		return action.Row{}, errNoRowObject
	}
	cells := l.cells(len(l.columns))
	size := int64(0)
	for l.json.PeekKind() == '"' {
		label, err := l.json.ReadToken()
		if err != nil {
			return action.Row{}, endOfInput(err)
		}
		name := label.String()
		column, known := l.index[name]
		if !known {
			if column, err = unknown(name); err != nil {
				return action.Row{}, err
			}
			cells = slices.Insert(cells, column, action.Cell{})
		}
		v, err := l.json.ReadValue()
		if err != nil {
			return action.Row{}, endOfInput(err)
		}
		if size += int64(len(v)); size > l.json.Limit() {
			return action.Row{}, bounded.TooLarge(l.json.Limit())
		}
		const before, after = `{"value":`, "}"
		cells[column] = action.NewCellWithValue(l.text(before, v, after), len(before), len(before)+len(v))
	}
	_, err := l.json.ReadToken()
	return action.NewRow(cells), endOfInput(err)
}

// tail reads the end of the rows, which must be the end of the document.
func (l *labelDecoder) tail() error {
	tok, err := l.json.ReadToken()
	switch {
	case err != nil:
		return endOfInput(err)
	case tok.Kind() != ']':
		return errNoRowObject
	}
	if _, err = l.json.ReadToken(); errors.Is(err, io.EOF) {
		return nil
	} else if err == nil {
		err = errMoreFollows
	}
	return err
}
