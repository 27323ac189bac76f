package bounded

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// JSON is a decoder with a limit for tokens and values. It skips values of any size in constant
// memory.
type JSON struct {
	*jsontext.Decoder
	in *jsonReader
}

// NewJSON returns a decoder of r. limit is in bytes; 0 means [DefaultLimit].
func NewJSON(r io.Reader, limit int64, options ...jsontext.Options) *JSON {
	in := &jsonReader{src: r, limit: orDefault(limit), at: -1}
	in.decoder = jsontext.NewDecoder(in, options...)
	return &JSON{in.decoder, in}
}

// Limit is the limit in bytes.
func (j *JSON) Limit() int64 { return j.in.limit }

// Unread returns a copy of the input that was read but not decoded, with which another reader can continue.
func (j *JSON) Unread() []byte {
	return slices.Concat(append([][]byte{j.UnreadBuffer()}, j.in.held.pieces...)...)
}

// SkipValue skips the next value, whatever its size.
func (j *JSON) SkipValue() error {
	j.in.skipping = true
	defer func() { j.in.skipping = false }()
	return j.Decoder.SkipValue()
}

// jsonReader is the input of the decoder. A decoder reads more only when the current value is
// incomplete, so it holds the difference between what was read and what was decoded.
type jsonReader struct {
	src      io.Reader
	limit    int64
	decoder  *jsontext.Decoder
	passed   int64 // bytes handed to the decoder
	skipping bool
	held     heldBack

	// The start of the current value and the state of its scan.
	at    int64
	value valueScan
}

// Read implements [io.Reader].
func (r *jsonReader) Read(p []byte) (int, error) {
	n, err := r.read(p)
	r.passed += int64(n)
	return n, err
}

func (r *jsonReader) read(p []byte) (int, error) {
	if !r.held.empty() {
		return r.held.read(p), nil
	}
	begun := r.decoder.InputOffset()
	if r.passed-begun <= scanFrom(r.limit) {
		return r.src.Read(p)
	}
	if r.at != begun {
		r.at, r.value = begun, valueScan{}
		if _, ends := r.value.scan(r.decoder.UnreadBuffer()); ends {
			return r.src.Read(p)
		}
	}
	if r.skipping && r.value.inString {
		return r.skipString(p)
	}
	return r.held.next(p, r.src, &r.value, r.limit, r.passed-begun)
}

// skipString discards the rest of a skipped string, up to its closing quote. The decoder sees a
// shorter string.
func (r *jsonReader) skipString(p []byte) (int, error) {
	if r.value.escaped || r.value.digits > 0 { // an escape must stay complete
		n, err := r.src.Read(p[:1])
		r.value.scan(p[:n]) // what is wrong with it, the decoder says
		return n, err
	}
	buffer := make([]byte, piece)
	for {
		n, err := r.src.Read(buffer)
		end, ends := r.value.scan(buffer[:n])
		if r.value.invalid {
			return 0, errInvalidString
		}
		if ends {
			r.held.pieces = [][]byte{buffer[end-1 : n]} // from the closing quote on
			return r.held.read(p), nil
		}
		if err != nil {
			return 0, err
		}
	}
}

var errInvalidString = errors.New("a string holds a control character or an invalid escape")

// valueScan finds the end of a JSON value by its quotes and brackets. The decoder validates it.
type valueScan struct {
	depth    int
	inString bool
	escaped  bool // the last byte was a backslash
	invalid  bool // a string was seen that JSON does not allow
	digits   int  // missing hexadecimal digits of a \\u escape
}

func (v *valueScan) scan(b []byte) (int, bool) {
	for i, c := range b {
		if v.inString {
			if v.string(c); !v.inString && v.depth == 0 {
				return i + 1, true
			}
			continue
		}
		switch c {
		case '"':
			v.inString = true
		case '{', '[':
			v.depth++
		case '}', ']':
			if v.depth--; v.depth <= 0 {
				return i + 1, true
			}
		}
	}
	return len(b), false
}

// string scans a byte of a string.
func (v *valueScan) string(c byte) {
	switch {
	case v.escaped:
		if v.escaped = false; c == 'u' {
			v.digits = unicodeDigits
		} else if !strings.ContainsRune(`"\/bfnrt`, rune(c)) {
			v.invalid = true
		}
	case v.digits > 0:
		v.digits--
		v.invalid = v.invalid || !isHex(c)
	case c < ' ':
		v.invalid = true
	case c == '\\':
		v.escaped = true
	case c == '"':
		v.inString = false
	}
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// unicodeDigits is the number of hexadecimal digits after \u.
const unicodeDigits = 4
