// Package wire renders JSON as Looker's reference implementation of the Action API does.
package wire

import (
	"bytes"
	"encoding/json"
)

// Marshal renders a value of one of the hub's own types. It does not escape HTML and ends
// without a newline.
func Marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // the hub's own types can always be encoded
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
