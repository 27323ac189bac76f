package payload

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/bounded"
)

// rowInput is the JSON of a result. The library decodes what is around the rows. The rows are scanned in
// the buffer, several times as fast, except those that are larger than it or not valid: the library decodes
// them, too, and says what is wrong.
type rowInput struct {
	*bounded.JSON // decodes from the buffer; not used while rows are scanned

	source io.Reader // of the buffer
	buffer *bufio.Reader
	offset int64 // of the JSON at which the decoder started

	// While rows are read:
	opening string // JSON from the start up to the first row
	rows    int    // that were read
	scan    rowScan
}

func newRowInput(r io.Reader, maxValue int64) *rowInput {
	in := &rowInput{source: &stickyReader{source: r}}
	// The library's own buffer of 4 KiB would read a file or a connection in small pieces.
	in.buffer = bufio.NewReaderSize(in.source, readBuffer)
	in.JSON = bounded.NewJSON(in.buffer, maxValue, lenient...)
	return in
}

// stickyReader repeats its first error, because a source may return another one when it is read again.
type stickyReader struct {
	source io.Reader
	err    error
}

func (r *stickyReader) Read(p []byte) (n int, err error) {
	if r.err == nil {
		n, r.err = r.source.Read(p)
	}
	return n, r.err
}

// JSON that opens the rows.
const (
	openingData = `{"data":[`
	openingList = "["
)

// beginRows starts to read rows, the first of which follows.
func (in *rowInput) beginRows(opening string) {
	in.opening = opening
	in.leaveDecoder()
}

// next reads the next row: scanned converts the cells in in.scan, and decode reads a row with the library.
// more is false behind the last row, where the decoder continues.
func (in *rowInput) next(columns *columnIndex, scanned func(b []byte) action.Row, decode func() (action.Row, error)) (row action.Row, more bool, err error) {
	if b := in.scanRow(columns); b != nil {
		in.rows++
		row = scanned(b)
		_, _ = in.buffer.Discard(len(b))
		in.offset += int64(len(b))
		return row, true, nil
	}
	in.enterDecoder()
	if in.PeekKind() != '{' {
		return action.Row{}, false, nil
	}
	if row, err = decode(); err != nil {
		return action.Row{}, false, err
	}
	in.rows++
	in.leaveDecoder()
	return row, true, nil
}

// scanRow returns the next row if it is valid and fits into the buffer. Rows near the limit are left to the
// decoder, which counts what they have in memory.
func (in *rowInput) scanRow(columns *columnIndex) []byte {
	maxRow := int(min(readBuffer, in.Limit()/2))
	for {
		b, _ := in.buffer.Peek(in.buffer.Buffered())
		b = b[:min(len(b), maxRow)]
		if n := in.scan.row(b, in.rows == 0, columns); n > 0 {
			return b[:n]
		}
		if len(b) == maxRow {
			return nil
		}
		// The row may be incomplete. At least doubling the buffered part limits how often it is scanned.
		if more, _ := in.buffer.Peek(min(2*len(b)+1, readBuffer)); len(more) <= len(b) {
			return nil
		}
	}
}

// leaveDecoder returns to the buffer what the decoder has read but not decoded.
func (in *rowInput) leaveDecoder() {
	in.offset += in.InputOffset()
	buffered, _ := in.buffer.Peek(in.buffer.Buffered())
	in.source = io.MultiReader(bytes.NewReader(slices.Concat(in.Unread(), buffered)), in.source)
	in.buffer.Reset(in.source)
}

// enterDecoder starts a decoder at the current position. It first reads an opening of the rows, and null in
// place of those that were read.
func (in *rowInput) enterDecoder() {
	opening := in.opening
	if in.rows > 0 {
		opening += "null"
	}
	in.offset -= int64(len(opening))
	in.JSON = bounded.NewJSON(io.MultiReader(strings.NewReader(opening), in.buffer), in.Limit(), lenient...)
	for in.InputOffset() < int64(len(opening)) {
		_, _ = in.ReadToken() // cannot fail
	}
}

// located corrects the position in an error of a decoder that started between rows.
func (in *rowInput) located(err error) error {
	e, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok || in.opening == "" {
		return err
	}
	e.ByteOffset += in.offset
	rows := "/"
	if in.opening == openingData {
		rows = "/data/"
	}
	if inRows, ok := strings.CutPrefix(string(e.JSONPointer), rows); ok {
		index, _, _ := strings.Cut(inRows, "/")
		if n, err := strconv.Atoi(index); err == nil {
			n += max(in.rows-1, 0)
			e.JSONPointer = jsontext.Pointer(rows + strconv.Itoa(n) + strings.TrimPrefix(inRows, index))
		}
	}
	return err
}
