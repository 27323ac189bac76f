package segment

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// writer writes one JSON object and keeps the first error. Looker's values may hold names
// twice and bytes that are no UTF-8, which are replaced.
type writer struct {
	buffer *bytes.Buffer
	json   *jsontext.Encoder
	err    error
}

func newWriter(buffer *bytes.Buffer) *writer {
	buffer.Reset()
	return &writer{buffer: buffer, json: jsontext.NewEncoder(buffer, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
}

func (w *writer) begin() { w.token(jsontext.BeginObject) }
func (w *writer) end()   { w.token(jsontext.EndObject) }

func (w *writer) name(name string) { w.token(jsontext.String(name)) }

// text writes a member, unless its text is empty.
func (w *writer) text(name, text string) {
	if text != "" {
		w.name(name)
		w.name(text)
	}
}

func (w *writer) token(t jsontext.Token) {
	if w.err == nil {
		w.err = w.json.WriteToken(t)
	}
}

func (w *writer) value(v jsontext.Value) {
	if w.err == nil {
		w.err = w.json.WriteValue(v)
	}
}

// done returns a copy of what was written.
func (w *writer) done() ([]byte, error) {
	return bytes.Clone(bytes.TrimSuffix(w.buffer.Bytes(), []byte("\n"))), w.err
}
