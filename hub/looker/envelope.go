package looker

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// envelope is the body of a request for a form and of an execute request.
// Source: docs/action_api.md of the reference, ExecutePayload.
type envelope struct {
	Type       string            `json:"type,omitempty"`
	Plan       *scheduledPlan    `json:"scheduled_plan"`
	Attachment *attachment       `json:"attachment,omitempty"`
	Data       map[string]string `json:"data"`
	FormParams map[string]string `json:"form_params"`
	// StateURL is sent twice: the reference reads it from data, and takes over these two.
	StateURL      string `json:"state_url,omitempty"`
	StateRedirURL string `json:"state_redir_url,omitempty"`
}

type scheduledPlan struct {
	ID                    *int    `json:"scheduled_plan_id"`
	Title                 string  `json:"title"`
	Type                  string  `json:"type"`
	URL                   string  `json:"url"`
	QueryID               *int    `json:"query_id"`
	FiltersDifferFromLook bool    `json:"filters_differ_from_look"`
	DownloadURL           *string `json:"download_url"`
}

type attachment struct {
	MIMEType  string          `json:"mimetype"`
	Extension string          `json:"extension"`
	Data      json.RawMessage `json:"data"`
}

// file is how a format is sent. Binary formats travel as base64.
type file struct{ mimeType, extension string }

var files = map[string]file{
	"txt": {"text/plain", "txt"}, "csv": {"text/csv", "csv"}, "html": {"text/html", "html"},
	"inline_json": {"application/json", "json"}, "json": {"application/json", "json"}, "json_label": {"application/json", "json"},
	"json_detail": {"application/json", "json"}, "json_detail_lite_stream": {"application/json", "json"}, "json_bi": {"application/json", "json"},
	"xlsx":          {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;base64", "xlsx"},
	"wysiwyg_pdf":   {"application/pdf;base64", "pdf"},
	"assembled_pdf": {"application/pdf;base64", "pdf"}, "wysiwyg_png": {"image/png;base64", "png"}, "csv_zip": {"application/zip;base64", "zip"},
}

// Formats returns Looker's formats, sorted.
func Formats() []string { return slices.Sorted(maps.Keys(files)) }

// newAttachment is data in the envelope. Source: docs/action_api.md of the reference says that JSON is
// inline, and its code parses a string. That only inline_json is sent as JSON is an assumption.
func newAttachment(format string, data []byte) (*attachment, error) {
	f := files[format]
	a := &attachment{MIMEType: f.mimeType, Extension: f.extension}
	switch {
	case format == "inline_json":
		if !json.Valid(data) {
			return nil, errors.New("data of the format inline_json must be valid JSON")
		}
		a.Data = data
		return a, nil
	case strings.HasSuffix(f.mimeType, ";base64"):
		data = []byte(base64.StdEncoding.EncodeToString(data))
	case !utf8.Valid(data):
		return nil, fmt.Errorf("data of the format %s must be UTF-8", format)
	}
	text, err := json.Marshal(string(data))
	a.Data = text
	return a, err
}

// recorded is an envelope for the journal: without sensitive settings and without the attachment's
// data.
func (e envelope) recorded(d Definition) (string, error) {
	settings := map[string]string{}
	for name, value := range e.Data {
		// Looker's own members are not params; the journal hides those that are secret.
		if _, isParam := d.param(name); isParam && d.sensitive(name) {
			value = redacted
		}
		settings[name] = value
	}
	e.Data = settings
	if e.Attachment != nil {
		e.Attachment = &attachment{MIMEType: e.Attachment.MIMEType, Extension: e.Attachment.Extension, Data: json.RawMessage(`"(left out)"`)}
	}
	text, err := json.Marshal(e)
	return string(text), err
}

// errInterrupted ends a request that breaks off on purpose.
var errInterrupted = errors.New("interrupted on purpose")

// interrupted reads the first bytes and then fails; 0 means that it reads all.
func interrupted(r io.Reader, bytes int64) io.Reader {
	if bytes <= 0 {
		return r
	}
	return io.MultiReader(io.LimitReader(r, bytes), failingReader{})
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errInterrupted }
