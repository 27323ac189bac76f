// Package chunk splits a stream into chunks that fit into memory, so that a chunk can be sent again after
// an error.
package chunk

import (
	"errors"
	"io"
	"slices"
)

// Reader reads chunks of one size. The last one may be shorter.
type Reader struct {
	src  io.Reader
	size int
	// buf has a chunk and the byte after it, if there is one: without it, the chunk is the last one.
	buf  []byte
	next []byte
	err  error
}

// NewReader returns a reader of chunks of size bytes.
func NewReader(src io.Reader, size int) *Reader { return &Reader{src: src, size: size} }

// minBuffer is the initial size of the buffer: most files are small.
const minBuffer = 64 << 10

// Next returns the next chunk, which is valid until the next call, and whether it is the last one. An
// empty source has one empty chunk. After an error of the source there is no chunk.
func (r *Reader) Next() (chunk []byte, last bool, err error) {
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
