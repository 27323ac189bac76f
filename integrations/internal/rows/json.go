package rows

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
)

// JSONWriter encodes rows as JSON objects, member by member. Looker's values are copied as they
// are, so that numbers keep all digits. It must not be used concurrently.
type JSONWriter struct {
	buffer bytes.Buffer
	json   *jsontext.Encoder
	err    error
}

// NewJSONWriter returns a writer that keeps duplicate names in Looker's values and replaces
// invalid UTF-8.
func NewJSONWriter() *JSONWriter {
	w := &JSONWriter{}
	w.json = jsontext.NewEncoder(&w.buffer, jsonOptions...)
	return w
}

var jsonOptions = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// Begin opens an object: a new one, or the value of the last name.
func (w *JSONWriter) Begin() { w.token(jsontext.BeginObject) }

// End closes the last object that was opened.
func (w *JSONWriter) End() { w.token(jsontext.EndObject) }

// BeginList opens an array.
func (w *JSONWriter) BeginList() { w.token(jsontext.BeginArray) }

// EndList closes the last array that was opened.
func (w *JSONWriter) EndList() { w.token(jsontext.EndArray) }

// Name writes the name of a member.
func (w *JSONWriter) Name(name string) { w.token(jsontext.String(name)) }

// Object writes a name and opens its object.
func (w *JSONWriter) Object(name string) {
	w.Name(name)
	w.Begin()
}

// Text writes a member whose value is a string.
func (w *JSONWriter) Text(name, text string) {
	w.Name(name)
	w.token(jsontext.String(text))
}

// Texts writes a member whose value is an array of strings.
func (w *JSONWriter) Texts(name string, texts ...string) {
	w.Name(name)
	w.BeginList()
	for _, text := range texts {
		w.token(jsontext.String(text))
	}
	w.EndList()
}

// Bool writes a member whose value is a boolean.
func (w *JSONWriter) Bool(name string, value bool) {
	w.Name(name)
	w.token(jsontext.Bool(value))
}

// Value writes a member whose value is JSON.
func (w *JSONWriter) Value(name string, value jsontext.Value) {
	w.Name(name)
	if w.err == nil {
		w.err = w.json.WriteValue(value)
	}
}

func (w *JSONWriter) token(t jsontext.Token) {
	if w.err == nil {
		w.err = w.json.WriteToken(t)
	}
}

// Done returns the object and resets the writer. Its error is the first one of this object.
func (w *JSONWriter) Done() ([]byte, error) {
	text, err := bytes.Clone(bytes.TrimSuffix(w.buffer.Bytes(), []byte("\n"))), w.err
	w.buffer.Reset()
	w.json.Reset(&w.buffer, jsonOptions...)
	w.err = nil
	if err != nil {
		return nil, action.Wrap(err, action.Invalid, "A row cannot be written as JSON.")
	}
	return text, nil
}

// envelope is more than the bytes of a request that are not rows.
const envelope = 100

// JSONBatches describes batches of rows that are JSON objects: at most maxRows, in a request of at
// most maxBytes that [JSONBody] makes.
func JSONBatches(maxRows, maxBytes int) deliver.Options[[]byte] {
	return deliver.Options[[]byte]{
		Size: maxRows, MaxBytes: maxBytes - envelope,
		Weight: func(row []byte) int { return len(row) + len(",") },
	}
}

// JSONBody is a request with rows that are JSON objects, separated by commas. before and after are
// the JSON around them.
func JSONBody(before string, rows [][]byte, after string) outbound.Body {
	var body bytes.Buffer
	body.WriteString(before)
	for i, row := range rows {
		if i > 0 {
			body.WriteByte(',')
		}
		body.Write(row)
	}
	body.WriteString(after)
	return outbound.Bytes("application/json", body.Bytes())
}
