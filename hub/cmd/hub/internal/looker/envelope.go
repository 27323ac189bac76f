package looker

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Envelope is the body of a form or execute request, without the data.
type Envelope struct {
	Type string `json:"type"`
	// Params are the integration's settings in Looker, Fields what the user answers in its form.
	Params map[string]string `json:"data"`
	Fields map[string]string `json:"form_params"`
	Plan   *Plan             `json:"scheduled_plan,omitempty"`
}

// Plan is the schedule that a delivery belongs to.
type Plan struct {
	Title       string `json:"title"`
	Type        string `json:"type"`
	URL         string `json:"url"`
	DownloadURL string `json:"download_url,omitempty"`
}

// Data is a result that travels in the envelope.
type Data struct {
	io.Reader
	// Extension is the file's, such as json or xlsx.
	Extension string
}

// mimeTypes are what Looker calls the formats; those that are not text travel as base64.
var mimeTypes = map[string]string{
	"json": "application/json", "csv": "text/csv", "txt": "text/plain", "html": "text/html",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;base64",
	"pdf":  "application/pdf;base64", "png": "image/png;base64", "zip": "application/zip;base64",
}

// writeEnvelope streams the request, so that a file of any size can be sent.
func writeEnvelope(w io.Writer, e Envelope, data *Data) error {
	head, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("preparing the request: %w", err)
	}
	if data == nil {
		_, err := w.Write(head)
		return err
	}
	mime, ok := mimeTypes[data.Extension]
	if !ok {
		mime = "application/octet-stream;base64"
	}
	_, err = fmt.Fprintf(w, `%s,"attachment":{"mimetype":%q,"extension":%q,"data":"`, head[:len(head)-1], mime, data.Extension)
	if err != nil {
		return err
	}
	if strings.HasSuffix(mime, ";base64") {
		enc := base64.NewEncoder(base64.StdEncoding, w)
		_, err = io.Copy(enc, data)
		err = errors.Join(err, enc.Close())
	} else {
		_, err = io.Copy(jsonText{w}, data)
	}
	if err != nil {
		return fmt.Errorf("sending the data: %w", err)
	}
	_, err = io.WriteString(w, `"}}`)
	return err
}

// jsonText writes the inside of a JSON string.
type jsonText struct{ w io.Writer }

func (j jsonText) Write(p []byte) (int, error) {
	var b bytes.Buffer
	for _, c := range p {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 0x20:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	if _, err := b.WriteTo(j.w); err != nil {
		return 0, err
	}
	return len(p), nil
}
