package payload

import (
	"encoding/base64"
	"errors"
	"io"

	"integrationhub.dev/hub/action"
)

// base64Reader decodes base64 in both alphabets with and without padding, like the reference. The
// library's reader decodes in steps of 1 KiB and knows one alphabet only.
type base64Reader struct {
	source io.Reader
	text   []byte // what is read and not decoded yet
	bytes  []byte // what is decoded and not read yet
	err    error  // after bytes
	// The buffers of both.
	textBuffer, byteBuffer []byte
}

func decodeBase64(r io.Reader) io.Reader {
	return &base64Reader{source: r, textBuffer: make([]byte, readBuffer), byteBuffer: make([]byte, encoding.DecodedLen(readBuffer))}
}

var encoding = base64.RawStdEncoding

// Read implements [io.Reader].
func (b *base64Reader) Read(p []byte) (int, error) {
	for len(b.bytes) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		b.fill()
	}
	n := copy(p, b.bytes)
	b.bytes = b.bytes[n:]
	return n, nil
}

// fill reads once, and decodes whole groups of four characters. At the end the last group may be shorter.
func (b *base64Reader) fill() {
	kept := copy(b.textBuffer, b.text)
	n, err := b.source.Read(b.textBuffer[kept:])
	b.text, b.err = b.textBuffer[:kept+n], err
	decoded, err := b.decode()
	if err != nil { // most text is in the standard alphabet, without padding or white space
		b.text = standardize(b.text)
		decoded, err = b.decode()
	}
	if err != nil {
		b.err = action.Wrap(err, action.Invalid, "The attachment is not valid base64.")
	}
	b.bytes = b.byteBuffer[:decoded]
}

// decode decodes and consumes text in the standard alphabet.
func (b *base64Reader) decode() (int, error) {
	whole := len(b.text)
	if !errors.Is(b.err, io.EOF) {
		whole -= whole % 4
	}
	n, err := encoding.Decode(b.byteBuffer, b.text[:whole])
	if err == nil && n != encoding.DecodedLen(whole) {
		err = errLineBreak // the library skips them, so that a group is missing
	}
	if err != nil {
		return 0, err
	}
	b.text = b.text[whole:]
	return n, nil
}

var errLineBreak = errors.New("a line break inside base64")

// standard maps a byte to the standard alphabet, or to 0 to remove it.
var standard = func() (t [256]byte) {
	for c := range t {
		t[c] = byte(c)
	}
	t['-'], t['_'] = '+', '/'
	for _, c := range "=\r\n \t" {
		t[c] = 0
	}
	t[0] = '?' // still invalid, but not removed
	return t
}()

// standardize maps text in place to the standard alphabet without padding and white space.
func standardize(text []byte) []byte {
	k := 0
	for _, c := range text {
		if text[k] = standard[c]; text[k] != 0 {
			k++
		}
	}
	return text[:k]
}
