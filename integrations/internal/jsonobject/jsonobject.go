// Package jsonobject writes rows as JSON objects, a member at a time: values go from Looker
// to the destination as they came, so that no digit of a number is lost.
package jsonobject

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
)

// Writer writes one object after another and keeps the first error of each. It is used by
// one goroutine at a time.
type Writer struct {
	buffer bytes.Buffer
	json   *jsontext.Encoder
	err    error
}

// New makes a writer. Looker's values may hold names twice, which stay, and bytes that are no
// UTF-8, which are replaced.
func New() *Writer {
	w := &Writer{}
	w.json = jsontext.NewEncoder(&w.buffer, options...)
	return w
}

var options = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// Begin opens an object, as [Writer.End] closes it: a new one, or the value of the name that
// was written last.
func (w *Writer) Begin() { w.token(jsontext.BeginObject) }

// End closes the object that was opened last.
func (w *Writer) End() { w.token(jsontext.EndObject) }

// BeginList opens a list, as [Writer.EndList] closes it.
func (w *Writer) BeginList() { w.token(jsontext.BeginArray) }

// EndList closes the list that was opened last.
func (w *Writer) EndList() { w.token(jsontext.EndArray) }

// Name writes a member's name.
func (w *Writer) Name(name string) { w.token(jsontext.String(name)) }

// Object writes a name and opens its object.
func (w *Writer) Object(name string) {
	w.Name(name)
	w.Begin()
}

// Text writes a member whose value is a string.
func (w *Writer) Text(name, text string) {
	w.Name(name)
	w.token(jsontext.String(text))
}

// Texts writes a member whose value is a list of strings.
func (w *Writer) Texts(name string, texts ...string) {
	w.Name(name)
	w.BeginList()
	for _, text := range texts {
		w.token(jsontext.String(text))
	}
	w.EndList()
}

// Bool writes a member whose value is true or false.
func (w *Writer) Bool(name string, value bool) {
	w.Name(name)
	w.token(jsontext.Bool(value))
}

// Value writes a member whose value is JSON.
func (w *Writer) Value(name string, value jsontext.Value) {
	w.Name(name)
	if w.err == nil {
		w.err = w.json.WriteValue(value)
	}
}

func (w *Writer) token(t jsontext.Token) {
	if w.err == nil {
		w.err = w.json.WriteToken(t)
	}
}

// Done returns what was written since the last call, and makes the writer ready for more. Its
// error is about this object alone.
func (w *Writer) Done() ([]byte, error) {
	text, err := bytes.Clone(bytes.TrimSuffix(w.buffer.Bytes(), []byte("\n"))), w.err
	w.buffer.Reset()
	w.json.Reset(&w.buffer, options...)
	w.err = nil
	if err != nil {
		return nil, action.Wrap(err, action.Invalid, "A row cannot be written as JSON.")
	}
	return text, nil
}
