package datafile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/message"
)

// bom is the byte order mark in UTF-8 (RFC 3629, section 6).
const bom = "\ufeff"

// isCSV reports whether the data is one CSV file. Looker's download addresses come without a type.
func isCSV(req *action.Request) bool {
	return !req.Data.Empty() && (message.ContentType(req) == "text/csv" || strings.EqualFold(req.Data.Extension(), string(action.CSV)))
}

// withBOM is data that begins with a byte order mark, once. Its rows stay without one.
type withBOM struct{ action.Data }

// Open implements [action.Data].
func (d withBOM) Open(ctx context.Context) (io.ReadCloser, error) {
	src, err := d.Data.Open(ctx)
	if err != nil {
		return nil, err
	}
	return &marked{src: src}, nil
}

// Spool implements [action.Data].
func (d withBOM) Spool(ctx context.Context, maxBytes int64) (action.Blob, error) {
	blob, err := d.Data.Spool(ctx, maxBytes-int64(len(bom)))
	if err != nil || blob.Size() == 0 {
		return blob, err
	}
	head := make([]byte, len(bom))
	if n, err := blob.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		_ = blob.Close()
		return nil, err
	} else if string(head[:n]) == bom {
		return blob, nil
	}
	return markedBlob{blob}, nil
}

// marked reads the source after a byte order mark, unless the source begins with one or is empty.
type marked struct {
	src  io.ReadCloser
	head *bytes.Reader
	err  error // that of reading the head
}

// Read implements [io.Reader].
func (m *marked) Read(p []byte) (int, error) {
	if m.head == nil {
		m.begin()
	}
	if m.head.Len() > 0 {
		return m.head.Read(p)
	}
	if m.err != nil {
		return 0, m.err
	}
	return m.src.Read(p)
}

func (m *marked) begin() {
	buf := make([]byte, 0, 2*len(bom))
	for len(buf) < len(bom) && m.err == nil {
		var n int
		n, m.err = m.src.Read(buf[len(buf):len(bom)])
		buf = buf[:len(buf)+n]
	}
	if len(buf) > 0 && string(buf) != bom {
		buf = append([]byte(bom), buf...)
	}
	m.head = bytes.NewReader(buf)
}

// Close implements [io.Closer].
func (m *marked) Close() error { return m.src.Close() }

// markedBlob is a blob after a byte order mark.
type markedBlob struct{ action.Blob }

// Size implements [action.Blob].
func (b markedBlob) Size() int64 { return b.Blob.Size() + int64(len(bom)) }

// ReadAt implements [io.ReaderAt].
func (b markedBlob) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	if off >= 0 && off < int64(len(bom)) {
		n = copy(p, bom[off:])
		off += int64(n)
	}
	if n == len(p) {
		return n, nil
	}
	k, err := b.Blob.ReadAt(p[n:], off-int64(len(bom)))
	return n + k, err
}
