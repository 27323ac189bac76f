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
	window  []byte // what follows in the buffer
	peeked  int    // length of the window before rows in it were scanned
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

// scanRow scans the next row into in.scan and returns its text, which is valid until the next read. It returns
// nil if the row is not valid, does not fit into the buffer, or is so near the limit that the decoder has to
// count what it has in memory.
func (in *rowInput) scanRow(columns *columnIndex) []byte {
	for {
		if n := in.scan.row(in.window, in.rows == 0, columns); n > 0 {
			row := in.window[:n]
			in.window = in.window[n:]
			in.rows++
			return row
		}
		if !in.widen() {
			return nil
		}
	}
}

// widen reads more for a row that may be incomplete. It at least doubles the window, which limits how often
// the row is scanned.
func (in *rowInput) widen() bool {
	maxRow := int(min(readBuffer, in.Limit()/2))
	n := len(in.window)
	in.leaveWindow()
	if n >= maxRow {
		return false
	}
	_, _ = in.buffer.Peek(min(2*n+1, readBuffer)) // an error is met again, as the source repeats it
	in.window, _ = in.buffer.Peek(min(in.buffer.Buffered(), maxRow))
	in.peeked = len(in.window)
	return len(in.window) > n
}

// leaveWindow consumes the scanned part of the window.
func (in *rowInput) leaveWindow() {
	scanned := in.peeked - len(in.window)
	_, _ = in.buffer.Discard(scanned)
	in.offset += int64(scanned)
	in.window, in.peeked = nil, 0
}

// decodeRow reads with the library what cannot be scanned: a row by means of decode, or else the end of the
// rows, behind which the decoder continues.
func (in *rowInput) decodeRow(decode func() (action.Row, error)) (row action.Row, more bool, err error) {
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
	in.leaveWindow()
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
