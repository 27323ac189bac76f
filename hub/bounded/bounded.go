// Package bounded keeps a decoder from holding more of its input in memory than a limit.
//
// Decoders of JSON and CSV collect a value until it is complete, so one cell without an end takes
// all memory there is. The readers here stand between the source and the decoder. They let short
// values pass untouched; the rest of a long one they hold back until its end has been seen, and
// fail with [TooLarge] once it is past the limit. The decoder's buffer, which grows by doubling,
// never grows for a value that will be refused.
package bounded

import (
	"errors"
	"fmt"
	"io"

	"integrationhub.dev/hub/action"
)

// DefaultLimit is the limit where none is configured, in bytes.
const DefaultLimit = 32 << 20

// watchFrom returns how much of a value a decoder may have collected before its end is looked for.
// Below it, input passes through without being scanned.
func watchFrom(limit int64) int64 { return min(1<<20, limit/2) }

// TooLarge returns the error for a value, a row or a record of more than limit bytes.
func TooLarge(limit int64) error {
	return action.Wrap(fmt.Errorf("a value or a row has more than %d bytes; see ACTION_HUB_MAX_VALUE_BYTES", limit), action.TooLarge,
		"The data has a value or a row larger than %s, the limit of this hub.", size(limit))
}

// MaxColumns is how many columns a result may have. Spreadsheets end there, and a decoder needs
// many times the memory of a row for its columns.
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

// orDefault returns the limit to apply.
func orDefault(limit int64) int64 {
	if limit <= 0 {
		return DefaultLimit
	}
	return limit
}

// A scan follows input up to the end of the value in progress. It returns how many of the bytes
// belong to the value, and whether they end it.
type scan interface {
	scan(b []byte) (n int, ends bool)
}

// heldBack is input that was read ahead of the decoder. It is kept in pieces: one growing slice
// would take up to twice the memory.
type heldBack struct {
	pieces [][]byte
}

const piece = 256 << 10

// next fills the buffer with the rest of a value, of which the decoder has taken some bytes, and
// hands on the first of it.
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

// fill reads from src until s sees the value's end, and fails once the value has more than limit
// further bytes. What was read beyond the end is kept, too. The end of src is not an error here:
// the decoder knows what it means.
func (h *heldBack) fill(src io.Reader, s scan, limit int64) error {
	for {
		p := make([]byte, piece)
		n, err := src.Read(p)
		value, ends := s.scan(p[:n])
		if limit -= int64(value); limit < 0 {
			h.pieces = nil
			return errOverLimit
		}
		if n > 0 {
			h.pieces = append(h.pieces, p[:n])
		}
		switch {
		case ends, errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// errOverLimit says that a value is past the limit. The readers turn it into [TooLarge].
var errOverLimit = errors.New("over the limit")

// read hands on what was held back.
func (h *heldBack) read(p []byte) int {
	n := copy(p, h.pieces[0])
	if h.pieces[0] = h.pieces[0][n:]; len(h.pieces[0]) == 0 {
		h.pieces[0] = nil
		h.pieces = h.pieces[1:]
	}
	return n
}

func (h *heldBack) empty() bool { return len(h.pieces) == 0 }
