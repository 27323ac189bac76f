// Package chunk cuts a stream into pieces that are small enough to keep, so that a piece
// can be sent again when the destination did not take it.
package chunk

import (
	"errors"
	"io"
	"slices"
)

// Reader reads pieces of one size; only the last one may be shorter.
type Reader struct {
	src  io.Reader
	size int
	// buf holds a piece and the byte after it, which tells whether it is the last.
	buf  []byte
	next []byte
	err  error
}

// NewReader returns a reader of pieces of size bytes.
func NewReader(src io.Reader, size int) *Reader { return &Reader{src: src, size: size} }

// minBuffer is the initial size of the buffer: most files are small.
const minBuffer = 64 << 10

// Next returns the next piece, which is valid until the next call, and whether it is the
// last. A source without data has one piece, which is empty. An error is the source's: what
// was read before it is not a piece.
func (r *Reader) Next() (piece []byte, last bool, err error) {
	r.buf = append(r.buf[:0], r.next...)
	for r.err == nil && len(r.buf) <= r.size {
		if len(r.buf) == cap(r.buf) {
			r.buf = slices.Grow(r.buf, min(max(len(r.buf), minBuffer), r.size+1-len(r.buf)))
		}
		var n int
		n, r.err = r.src.Read(r.buf[len(r.buf):min(cap(r.buf), r.size+1)])
		r.buf = r.buf[:len(r.buf)+n]
	}
	if r.err != nil && !errors.Is(r.err, io.EOF) {
		return nil, false, r.err
	}
	if len(r.buf) <= r.size {
		r.next = nil
		return r.buf, true, nil
	}
	r.next = []byte{r.buf[r.size]}
	return r.buf[:r.size], false, nil
}
