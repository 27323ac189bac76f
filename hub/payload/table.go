package payload

import (
	"errors"
	"io"
	"iter"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/bounded"
)

// Looker's results contain whatever the database does, including duplicate names and invalid UTF-8.
// The library rejects both by default.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// groups are the parts of "fields", in the order of their columns.
var groups = []string{"dimensions", "measures", "filters", "parameters", "table_calculations"}

// decodeTable reads json_detail: {"fields": {group: [column…]}, "pivots": […], "data":
// [row…]} and closes r after the last row. If "data" precedes "fields", the rows are spooled until the
// columns are known. Rows without metadata are json_label: see labels.go.
func decodeTable(r io.ReadCloser, share *Share, maxValue int64) (*action.Table, error) {
	d := &tableDecoder{json: newRowInput(r, maxValue), source: r}
	if d.json.PeekKind() == '[' {
		return d.labelled()
	}
	err := d.head()
	if err == nil && !d.haveFields {
		err = d.spoolRows(share)
	}
	if err == nil && len(d.columns)*len(d.pivots) > maxPivoted {
		err = bounded.TooManyColumns()
	}
	if err != nil {
		_ = d.close()
		return nil, invalidData(err)
	}
	t := action.NewTable(d.columns, d.pivots, d.rows())
	t.RanAt = d.ranAt
	return t, nil
}

// maxPivoted limits the product of columns and pivots, which integrations expand.
const maxPivoted = 4 * bounded.MaxColumns

type tableDecoder struct {
	json    *rowInput
	source  io.Closer
	spooled *Blob // the rows, if they precede the columns

	columns    []action.Column
	pivots     []action.Pivot
	headBytes  int // JSON of the columns and pivots
	ranAt      time.Time
	haveFields bool
	index      columnIndex
	arena
}

var (
	errNoObject = errors.New("the result is not a JSON object")
	errNoRows   = errors.New(`the result has no "data"`)
)

// invalidData converts a decoding error into one for the user. It keeps errors of the source, which
// are more specific.
func invalidData(err error) error { return invalidFormat(err, action.JSONDetail) }

func invalidFormat(err error, format action.Format) error {
	if _, ok := errors.AsType[*action.Error](err); ok {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return action.Wrap(err, action.Invalid, "The data ended before the result was complete.")
	}
	return action.Wrap(err, action.Invalid, "The data is not a complete result in Looker's %s format.", format)
}

// head reads up to the opening bracket of the rows.
func (d *tableDecoder) head() error {
	if tok, err := d.json.ReadToken(); err != nil {
		return endOfInput(err)
	} else if tok.Kind() != '{' {
		return errNoObject
	}
	return d.members(func() error { return errRowsBegin })
}

// errRowsBegin ends the iteration over the members at "data".
var errRowsBegin = errors.New("rows begin")

// members iterates over the remaining members and calls rows at "data".
func (d *tableDecoder) members(rows func() error) error {
	for {
		tok, err := d.json.ReadToken()
		if err != nil {
			return endOfInput(err)
		}
		if tok.Kind() == '}' {
			return errNoRows
		}
		switch tok.String() {
		case "data":
			if tok, err := d.json.ReadToken(); err != nil {
				return endOfInput(err)
			} else if tok.Kind() != '[' {
				return errNoRows
			}
			if err := rows(); errors.Is(err, errRowsBegin) {
				return nil
			} else if err != nil {
				return err
			}
		default:
			if err := d.member(tok.String()); err != nil {
				return err
			}
		}
	}
}

// member reads a member other than "data".
func (d *tableDecoder) member(name string) error {
	switch name {
	case "fields":
		return d.fields()
	case "pivots":
		return d.readPivots()
	case "ran_at":
		return d.ran()
	case "errors":
		return d.queryErrors()
	}
	return endOfInput(d.json.SkipValue())
}

// endOfInput converts the io.EOF that the library returns for empty input.
func endOfInput(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// rows yields the rows and then checks the end of the document.
func (d *tableDecoder) rows() iter.Seq2[action.Row, error] {
	return func(yield func(action.Row, error) bool) {
		defer func() { _ = d.close() }()
		opening := openingData
		if d.spooled != nil {
			opening = openingList
		}
		d.json.beginRows(opening)
		for {
			if b := d.json.scanRow(&d.index); b != nil {
				if !yield(d.scannedRow(b), nil) {
					return
				}
				continue
			}
			row, more, err := d.json.decodeRow(d.row)
			if err == nil && !more {
				err = d.tail()
			}
			if err != nil {
				yield(action.Row{}, invalidData(d.json.located(err)))
				return
			}
			if !more || !yield(row, nil) {
				return
			}
		}
	}
}

// scannedRow copies the cells of a scanned row.
func (d *tableDecoder) scannedRow(b []byte) action.Row {
	text, places := d.text(d.json.scan.bytes), d.places(len(d.columns))
	for i := range d.json.scan.cells {
		c := &d.json.scan.cells[i]
		p := action.CellPlace{Start: int32(len(text))} //nolint:gosec // less than the buffer
		text = append(text, b[c.start:c.end]...)
		p.End = int32(len(text)) //nolint:gosec // less than the buffer
		if c.valueEnd > 0 {
			p.ValueStart, p.ValueEnd = int32(c.valueStart-c.start), int32(c.valueEnd-c.start) //nolint:gosec // less than the buffer
		}
		places[c.column] = p
	}
	return action.NewRowOfText(text, places)
}

// row decodes a row: an object with a cell for each column. Other members are skipped.
func (d *tableDecoder) row() (action.Row, error) {
	if _, err := d.json.ReadToken(); err != nil {
		return action.Row{}, endOfInput(err)
	}
	cells, size := make([]action.Cell, len(d.columns)), int64(0)
	for next := 0; d.json.PeekKind() == '"'; next++ {
		name, err := d.json.ReadValue()
		if err != nil {
			return action.Row{}, endOfInput(err)
		}
		column := d.index.find(next, name)
		if column < 0 {
			if err := d.json.SkipValue(); err != nil {
				return action.Row{}, endOfInput(err)
			}
			continue
		}
		v, err := d.json.ReadValue()
		if err != nil {
			return action.Row{}, endOfInput(err)
		}
		if size += int64(len(v)); size > d.json.Limit() {
			return action.Row{}, bounded.TooLarge(d.json.Limit())
		}
		cells[column] = action.NewCell(v.Clone())
	}
	if _, err := d.json.ReadToken(); err != nil {
		return action.Row{}, endOfInput(err)
	}
	return action.NewRow(cells), nil
}

// tail reads from the end of the rows to the end of the document.
func (d *tableDecoder) tail() error {
	tok, err := d.json.ReadToken()
	if err != nil {
		return endOfInput(err)
	}
	if tok.Kind() != ']' {
		return errNoRowObject
	}
	if d.spooled == nil {
		if err := d.members(func() error { return errors.New(`duplicate member "data"`) }); !errors.Is(err, errNoRows) {
			return err
		}
	}
	if _, err := d.json.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errMoreFollows
		}
		return err
	}
	return nil
}

// spoolRows spools the rows, reads the columns, and restarts at the first row.
func (d *tableDecoder) spoolRows(share *Share) error {
	w := share.Create()
	enc := jsontext.NewEncoder(w, lenient...)
	err := enc.WriteToken(jsontext.BeginArray)
	for err == nil && d.json.PeekKind() == '{' {
		var v jsontext.Value
		if v, err = d.json.ReadValue(); err == nil {
			err = enc.WriteValue(v)
		}
	}
	if err == nil {
		err = enc.WriteToken(jsontext.EndArray)
	}
	if err == nil {
		err = d.tail()
	}
	if err == nil && !d.haveFields {
		err = errors.New(`the result has no "fields"`)
	}
	if err != nil {
		w.Abort()
		return endOfInput(err)
	}
	_ = d.source.Close()
	if d.spooled, err = w.Done(); err != nil {
		return err
	}
	d.source = d.spooled
	d.json = newRowInput(d.spooled.Reader(), d.json.Limit())
	_, err = d.json.ReadToken()
	return err
}

func (d *tableDecoder) close() error { return d.source.Close() }
