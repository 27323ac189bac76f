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
	l := &labelDecoder{json: d.json, source: d.source, index: columnIndex{byName: map[string]int{}}}
	first, err := l.first()
	if err != nil {
		_ = l.source.Close()
		return nil, invalidFormat(err, action.JSONLabel)
	}
	return action.NewTable(l.columns, nil, l.rows(first)), nil
}

type labelDecoder struct {
	json    *rowInput
	source  io.Closer
	columns []action.Column
	index   columnIndex // by label
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
		l.index.byName[label] = len(l.columns)
		l.columns = append(l.columns, action.Column{Name: label, Label: label})
		return l.index.byName[label], nil
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
		l.json.rows = len(first)
		l.json.scan.strict = true
		l.json.beginRows(openingList)
		for {
			if b := l.json.scanRow(&l.index); b != nil {
				if !yield(l.scannedRow(b), nil) {
					return
				}
				continue
			}
			row, more, err := l.json.decodeRow(l.laterRow)
			if err == nil && !more {
				err = l.tail()
			}
			if err != nil {
				yield(action.Row{}, invalidFormat(l.json.located(err), action.JSONLabel))
				return
			}
			if !more || !yield(row, nil) {
				return
			}
		}
	}
}

// scannedRow copies the values of a scanned row, and wraps them into cells as in json_detail.
func (l *labelDecoder) scannedRow(b []byte) action.Row {
	scan := &l.json.scan
	text, places := l.text(scan.bytes+len(scan.cells)*len(beforeValue+afterValue)), l.places(len(l.columns))
	for i := range scan.cells {
		c := &scan.cells[i]
		p := action.CellPlace{Start: int32(len(text)), ValueStart: int32(len(beforeValue))} //nolint:gosec // less than the buffer
		text = append(append(append(text, beforeValue...), b[c.start:c.end]...), afterValue...)
		p.End = int32(len(text)) //nolint:gosec // little more than the buffer
		p.ValueEnd = p.End - p.Start - int32(len(afterValue))
		places[c.column] = p
	}
	return action.NewRowOfText(text, places)
}

// A value of a label becomes a cell between these texts.
const (
	beforeValue = `{"value":`
	afterValue  = "}"
)

// laterRow reads a row that the first one has defined the columns of.
func (l *labelDecoder) laterRow() (action.Row, error) {
	return l.row(func(string) (int, error) { return 0, errUnknownColumn })
}

// row reads a row and calls unknown for a label without a column, so that no value is lost
// silently.
func (l *labelDecoder) row(unknown func(label string) (int, error)) (action.Row, error) {
	if tok, err := l.json.ReadToken(); err != nil {
		return action.Row{}, endOfInput(err)
	} else if tok.Kind() != '{' {
		return action.Row{}, errNoRowObject
	}
	cells := make([]action.Cell, len(l.columns))
	size := int64(0)
	for l.json.PeekKind() == '"' {
		label, err := l.json.ReadToken()
		if err != nil {
			return action.Row{}, endOfInput(err)
		}
		name := label.String()
		column, known := l.index.byName[name]
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
		cells[column] = action.NewCell(slices.Concat([]byte(beforeValue), v, []byte(afterValue)))
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
