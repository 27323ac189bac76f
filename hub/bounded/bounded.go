// Package bounded limits how much of its input a decoder holds in memory.
//
// Decoders of JSON and CSV buffer a value until it is complete, so a single endless cell can use all
// memory. The readers here are placed between the source and the decoder. They pass short values
// through. They hold back the rest of a long value until its end, and fail with [TooLarge] beyond the
// limit, so that the decoder's buffer never grows for a value that is refused.
package bounded

import (
	"errors"
	"fmt"
	"io"

	"integrationhub.dev/hub/action"
)

// DefaultLimit is the default limit in bytes.
const DefaultLimit = 32 << 20

// scanFrom is the size of a value in the decoder from which the input is scanned for its end.
// Shorter values pass through.
func scanFrom(limit int64) int64 { return min(1<<20, limit/2) }

// TooLarge returns the error for a value, row or record beyond the limit.
func TooLarge(limit int64) error {
	return action.Wrap(fmt.Errorf("a value or a row has more than %d bytes; see ACTION_HUB_MAX_VALUE_BYTES", limit), action.TooLarge,
		"The data contains a value or row larger than %s, the limit of this hub.", size(limit))
}

// MaxColumns is the maximum number of columns of a result. It is that of spreadsheets; a decoder
// needs much more memory for a column than for a value.
const MaxColumns = 16384

// TooManyColumns returns the error for a result with more columns than [MaxColumns].
func TooManyColumns() error {
	return action.Errorf(action.TooLarge, "The data has more than %d columns.", MaxColumns)
}

func size(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

// orDefault returns the limit, or the default for 0.
func orDefault(limit int64) int64 {
	if limit <= 0 {
		return DefaultLimit
	}
	return limit
}

// A scan looks for the end of the current value. It returns how many bytes belong to the value, and
// whether they end it.
type scan interface {
	scan(b []byte) (n int, ends bool)
}

// heldBack is input that was read ahead of the decoder, in pieces, because a growing slice would use
// up to twice the memory.
type heldBack struct {
	pieces [][]byte
}

const piece = 256 << 10

// next reads the rest of a value, of which the decoder has already read some bytes, and returns its
// first part.
func (h *heldBack) next(p []byte, src io.Reader, s scan, limit, taken int64) (int, error) {
	switch err := h.fill(src, s, limit-taken); {
	case errors.Is(err, errOverLimit):
		return 0, TooLarge(limit)
	case err != nil:
		return 0, err
	case len(h.pieces) == 0:
		return 0, io.EOF
	}
	return h.read(p), nil
}

// fill reads from src until the end of the value, and fails if that takes more than limit bytes. It
// keeps what it has read beyond the end. It leaves the end of src to the decoder.
func (h *heldBack) fill(src io.Reader, s scan, limit int64) error {
	p := make([]byte, 0, piece)
	for {
		if len(p) == cap(p) { // a connection returns much less than a piece at a time
			h.pieces = append(h.pieces, p)
			p = make([]byte, 0, piece)
		}
		n, err := src.Read(p[len(p):cap(p)])
		value, ends := s.scan(p[len(p) : len(p)+n])
		if limit -= int64(value); limit < 0 {
			h.pieces = nil
			return errOverLimit
		}
		p = p[:len(p)+n]
		if err == nil && !ends {
			continue
		}
		if len(p) > 0 {
			h.pieces = append(h.pieces, p)
		}
		if ends || errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
}

// errOverLimit means that a value exceeds the limit. The readers convert it into [TooLarge].
var errOverLimit = errors.New("over the limit")

// read returns the held-back input.
func (h *heldBack) read(p []byte) int {
	n := copy(p, h.pieces[0])
	if h.pieces[0] = h.pieces[0][n:]; len(h.pieces[0]) == 0 {
		h.pieces[0] = nil
		h.pieces = h.pieces[1:]
	}
	return n
}

func (h *heldBack) empty() bool { return len(h.pieces) == 0 }
