package payload

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON with constant memory for strings of any size. JSON libraries need whole tokens:
// a string of 128 MiB takes them 512 MiB and more. It knows only the structure of JSON; a library
// validates the raw values afterwards, except for skipped ones.
type scanner struct {
	r      *bufio.Reader
	offset int64
	out    []byte // decoded text that is not written yet
	share  *Share // the request's part of the spool
}

const (
	readBuffer  = 64 << 10
	writeBuffer = 32 << 10
	maxDepth    = 1000
	maxKey      = 4 << 10
)

// scanners are reused because their buffers are larger than most requests.
var scanners = sync.Pool{New: func() any {
	return &scanner{r: bufio.NewReaderSize(nil, readBuffer), out: make([]byte, 0, writeBuffer+utf8.UTFMax)}
}}

func newScanner(r io.Reader) *scanner {
	s := scanners.Get().(*scanner) //nolint:errcheck,forcetypeassert // the pool contains only scanners
	s.r.Reset(r)
	*s = scanner{r: s.r, out: s.out[:0]}
	return s
}

// release returns the scanner to the pool.
func (s *scanner) release() {
	s.r.Reset(nil) // drop the reference to the request
	s.share = nil
	scanners.Put(s)
}

func (s *scanner) errorf(format string, args ...any) error {
	return &SyntaxError{Offset: s.offset, Reason: fmt.Sprintf(format, args...)}
}

// next returns a byte. The end of the input is a syntax error; other errors are returned as they are.
func (s *scanner) next() (byte, error) {
	c, err := s.r.ReadByte()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return 0, s.errorf("unexpected end")
		}
		return 0, err
	}
	s.offset++
	return c, nil
}

func (s *scanner) unread() {
	_ = s.r.UnreadByte() // cannot fail: a byte was just read
	s.offset--
}

// peek skips white space and returns the next byte without consuming it.
func (s *scanner) peek() (byte, error) {
	for {
		c, err := s.next()
		if err != nil {
			return 0, err
		}
		switch c {
		case ' ', '\t', '\n', '\r':
		default:
			s.unread()
			return c, nil
		}
	}
}

func (s *scanner) expect(want byte) error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	if c != want {
		return s.errorf("%q where %q belongs", c, want)
	}
	_, err = s.next()
	return err
}

// end checks that only white space is left.
func (s *scanner) end() error {
	for {
		c, err := s.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case c != ' ' && c != '\t' && c != '\n' && c != '\r':
			return s.errorf("%q after the end", c)
		}
		s.offset++
	}
}

// object calls member for each member, which must consume exactly its value.
func (s *scanner) object(member func(key string) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	if c, err := s.peek(); err != nil {
		return err
	} else if c == '}' {
		_, err = s.next()
		return err
	}
	for {
		var key keyBuffer
		if err := s.text(&key); err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := member(string(key)); err != nil {
			return err
		}
		c, err := s.peek()
		if err != nil {
			return err
		}
		_, _ = s.next()
		switch c {
		case ',':
		case '}':
			return nil
		default:
			return s.errorf("%q between members", c)
		}
	}
}

type keyBuffer []byte

func (b *keyBuffer) Write(p []byte) (int, error) {
	if len(*b)+len(p) > maxKey {
		return 0, ErrTooLarge
	}
	*b = append(*b, p...)
	return len(p), nil
}

// plain marks the bytes of a string that need no decoding.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 0x20 && c != '"' && c != '\\'
	}
	return t
}()

// Eight bytes at a time, as in "Bit Twiddling Hacks" (Sean Eron Anderson): the highest bit of the lowest
// byte that is 0, or less than a limit, survives.
const (
	eachByte = 0x0101010101010101
	topBits  = 0x80 * eachByte
)

// plainPrefix is the length of the run of plain bytes that b starts with.
func plainPrefix(b []byte) int {
	rest := b
	for len(rest) >= 8 {
		x := binary.LittleEndian.Uint64(rest)
		quote, backslash := x^('"'*eachByte), x^('\\'*eachByte)
		special := ((x-' '*eachByte)&^x | (quote-eachByte)&^quote | (backslash-eachByte)&^backslash) & topBits
		if special != 0 {
			return len(b) - len(rest) + bits.TrailingZeros64(special)/8
		}
		rest = rest[8:]
	}
	for len(rest) > 0 && plain[rest[0]] {
		rest = rest[1:]
	}
	return len(b) - len(rest)
}

// buffered returns what is buffered of a string, at least one byte. It is valid until the next read.
func (s *scanner) buffered() ([]byte, error) {
	if s.r.Buffered() == 0 {
		if _, err := s.r.Peek(1); err != nil {
			if errors.Is(err, io.EOF) {
				return nil, s.errorf("unexpected end inside a string")
			}
			return nil, err
		}
	}
	b, _ := s.r.Peek(s.r.Buffered())
	return b, nil
}

// discard consumes n bytes of what is buffered.
func (s *scanner) discard(n int) {
	_, _ = s.r.Discard(n)
	s.offset += int64(n)
}

// span returns the longest buffered run of plain bytes. It is valid until the next read.
func (s *scanner) span() ([]byte, error) {
	b, err := s.buffered()
	if err != nil {
		return nil, err
	}
	n := plainPrefix(b)
	s.discard(n)
	return b[:n], nil
}

// text reads a string and writes its decoded text to w in chunks. Lone surrogates become U+FFFD, as
// in JavaScript.
func (s *scanner) text(w io.Writer) error {
	if err := s.expect('"'); err != nil {
		return err
	}
	s.out = s.out[:0]
	for {
		b, err := s.buffered()
		if err != nil {
			return err
		}
		n, err := s.decode(b, w)
		if err != nil {
			return err
		}
		s.discard(n)
		if n == len(b) {
			continue // the string continues in the next read
		}
		c, err := s.next()
		switch {
		case err != nil:
			return err
		case c == '"':
			return s.flush(w)
		case c != '\\':
			return s.errorf("control character %#02x inside a string", c)
		}
		if err := s.escape(); err != nil {
			return err
		}
	}
}

// decode writes runs of plain bytes and escapes of one character, and returns their length in b.
func (s *scanner) decode(b []byte, w io.Writer) (n int, err error) {
	for n < len(b) {
		run := b[n : n+plainPrefix(b[n:])]
		if err := s.copyRun(run, w); err != nil {
			return 0, err
		}
		n += len(run)
		if n+1 >= len(b) || b[n] != '\\' || escapes[b[n+1]] == 0 {
			break
		}
		s.out = append(s.out, escapes[b[n+1]])
		n += 2
	}
	return n, nil
}

// copyRun writes a run of plain bytes. It buffers short runs to combine them into one write.
func (s *scanner) copyRun(run []byte, w io.Writer) error {
	if len(s.out)+len(run) > writeBuffer {
		if err := s.flush(w); err != nil {
			return err
		}
	}
	if len(run) >= writeBuffer/2 {
		if err := s.flush(w); err != nil {
			return err
		}
		_, err := w.Write(run)
		return err
	}
	s.out = append(s.out, run...)
	return nil
}

func (s *scanner) flush(w io.Writer) error {
	if len(s.out) == 0 {
		return nil
	}
	_, err := w.Write(s.out)
	s.out = s.out[:0]
	return err
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape decodes the characters after a backslash.
func (s *scanner) escape() error {
	c, err := s.next()
	if err != nil {
		return err
	}
	if plainText := escapes[c]; plainText != 0 {
		s.out = append(s.out, plainText)
		return nil
	}
	if c != 'u' {
		return s.errorf("unknown escape \\%c", c)
	}
	r, err := s.hex4()
	if err != nil {
		return err
	}
	for utf16.IsSurrogate(r) {
		// A pair of surrogates is one character; a single one is none.
		b, err := s.r.Peek(2)
		if err != nil || b[0] != '\\' || b[1] != 'u' {
			r = utf8.RuneError
			break
		}
		_, _ = s.r.Discard(2)
		s.offset += 2
		low, err := s.hex4()
		if err != nil {
			return err
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			r = pair
			break
		}
		s.out = utf8.AppendRune(s.out, utf8.RuneError)
		r = low
	}
	s.out = utf8.AppendRune(s.out, r)
	return nil
}

func (s *scanner) hex4() (rune, error) {
	var r rune
	for range 4 {
		c, err := s.next()
		if err != nil {
			return 0, err
		}
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, s.errorf("%q in a \\u escape", c)
		}
	}
	return r, nil
}

// skip skips a value.
func (s *scanner) skip() error { return s.raw(io.Discard) }

// raw copies a value to w unchanged. It follows strings and brackets only; the reader of the copy
// checks that it is valid JSON.
func (s *scanner) raw(w io.Writer) error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	s.out = s.out[:0]
	switch c {
	case '{', '[':
		err = s.rawNested(w)
	case '"':
		err = s.rawString(w)
	default:
		err = s.rawScalar()
	}
	if err != nil {
		return err
	}
	return s.flush(w)
}

// keep adds a byte to the copy.
func (s *scanner) keep(w io.Writer, c byte) error {
	s.out = append(s.out, c)
	if len(s.out) >= writeBuffer {
		return s.flush(w)
	}
	return nil
}

func (s *scanner) rawNested(w io.Writer) error {
	var open []byte
	for {
		c, err := s.next()
		if err != nil {
			return err
		}
		switch c {
		case '"':
			s.unread()
			if err := s.rawString(w); err != nil {
				return err
			}
			continue
		case '{', '[':
			if len(open) == maxDepth {
				return s.errorf("nested deeper than %d", maxDepth)
			}
			open = append(open, c+2) // ASCII: '{'+2 is '}', '['+2 is ']'
		case '}', ']':
			if open[len(open)-1] != c {
				return s.errorf("%q closes nothing", c)
			}
			open = open[:len(open)-1]
		}
		if err := s.keep(w, c); err != nil {
			return err
		}
		if len(open) == 0 {
			return nil
		}
	}
}

func (s *scanner) rawString(w io.Writer) error {
	c, err := s.next() // the opening quote
	if err != nil {
		return err
	}
	if err := s.keep(w, c); err != nil {
		return err
	}
	for {
		run, err := s.span()
		if err != nil {
			return err
		}
		if err := s.flush(w); err != nil {
			return err
		}
		if _, err := w.Write(run); err != nil {
			return err
		}
		if s.r.Buffered() == 0 {
			continue
		}
		c, err := s.next()
		switch {
		case err != nil:
			return err
		case c == '"':
			return s.keep(w, c)
		case c != '\\':
			return s.errorf("control character %#02x inside a string", c)
		}
		escaped, err := s.next()
		if err != nil {
			return err
		}
		s.out = append(s.out, c, escaped)
	}
}

// rawScalar reads true, false, null or a number, up to the next punctuation.
func (s *scanner) rawScalar() error {
	const maxDigits = 400 // more than a float64 can have
	for {
		c, err := s.r.ReadByte()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		s.offset++
		switch c {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			s.unread()
		default:
			if len(s.out) == maxDigits {
				return s.errorf("a number of more than %d digits", maxDigits)
			}
			s.out = append(s.out, c)
			continue
		}
		break
	}
	if len(s.out) == 0 {
		return s.errorf("a value is missing")
	}
	return nil
}
