package action

import (
	"cmp"
	"context"
	"io"
	"strconv"
	"strings"
	"time"
)

// Request is a request for a delivery or a form.
type Request struct {
	Type Type
	// Params are the integration's settings in Looker and, for a cell, its "value".
	Params map[string]string
	// Form are the values of the form.
	Form map[string]string
	Plan Plan
	// Version, InstanceID and WebhookID identify the Looker instance and its request.
	Version    Version
	InstanceID string
	WebhookID  string
	// State is the user's decrypted state from Looker; empty if there is none or it was reset.
	State string
	// StateURL is where Looker accepts a new state, once. Empty outside of OAuth forms.
	StateURL string
	// LoginURL starts a sign-in; empty unless the integration is an [Authorizer] and Looker sent a
	// StateURL.
	LoginURL string
	// Data is the payload. It is never nil; see [Data.Empty].
	Data Data
}

// Data is a request's payload, from the request itself or from a download URL.
type Data interface {
	// Empty reports whether there is no payload.
	Empty() bool
	// MIME is the content type, without parameters and without Looker's ";base64".
	MIME() string
	// Extension is the file extension without a dot, or empty.
	Extension() string
	// MaxValueBytes is the maximum size of a value or row that is decoded.
	MaxValueBytes() int64
	// Open returns the decoded bytes. If the source ends early, the reader returns an error, never
	// io.EOF. A download can be opened only once.
	Open(ctx context.Context) (io.ReadCloser, error)
	// Spool fetches everything, for destinations that need the length first. It fails with
	// [TooLarge] after maxBytes, without fetching what the destination would reject.
	Spool(ctx context.Context, maxBytes int64) (Blob, error)
	// Store stores another form of the data, such as an encrypted one, in place of what Spool would. It
	// fails with [TooLarge] after maxBytes.
	Store(r io.Reader, maxBytes int64) (Blob, error)
	// Table decodes json_detail and related formats row by row. For json and json_label, which have
	// no metadata, the first row defines the columns, their names and labels.
	Table(ctx context.Context) (*Table, error)
}

// Blob is a completely fetched payload, in memory or in a file.
type Blob interface {
	io.ReaderAt
	io.Closer
	Size() int64
	// Table decodes the payload like [Data.Table]. It can be called repeatedly, for deliveries that
	// cannot be undone and therefore validate all rows first.
	Table() (*Table, error)
	// MaxValueBytes is the maximum size of a value or row that is decoded.
	MaxValueBytes() int64
}

// Plan is the schedule or the manual send of a request.
type Plan struct {
	ID                    string
	Title                 string
	Type                  string
	URL                   string
	QueryID               string
	FiltersDifferFromLook bool
	// Model and View are those of the query; empty for a dashboard.
	Model, View string
	// HiddenFields are the names of the columns that Looker's table hides.
	HiddenFields []string
}

// SuggestedFilename is the default file name: the plan's title and the extension, without
// characters that file systems do not allow. Without a title it is unique, as in the reference.
func (r *Request) SuggestedFilename() string {
	title := sanitizeFilename(r.Plan.Title)
	ext := r.Data.Extension()
	if ext == "" {
		ext = formatExtension(r.Form["format"])
	}
	if title == "" {
		title = "looker_file_" + cmp.Or(sanitizeFilename(r.WebhookID), strconv.FormatInt(time.Now().UnixMilli(), 10))
	}
	return withExtension(title, ext)
}

// CompleteFilename is the file name from the form, with its placeholders replaced and the extension
// added if it is missing, or the suggested one.
func (r *Request) CompleteFilename() string {
	name := strings.TrimSpace(ExpandTime(r.Form["filename"], r.zone().In(time.Now())))
	if name == "" {
		return r.SuggestedFilename()
	}
	return withExtension(name, r.Data.Extension())
}

// maxExtension is longer than any real extension.
const maxExtension = 32

func withExtension(name, ext string) string {
	if ext = sanitizeFilename(ext); len(ext) > maxExtension {
		ext = ""
	}
	if ext == "" || strings.HasSuffix(strings.ToLower(name), "."+strings.ToLower(ext)) {
		return cutBytes(name, maxFilename)
	}
	return cutBytes(name, maxFilename-len(ext)-1) + "." + ext
}

// formatExtension is the extension of a format without an attachment.
func formatExtension(format string) string {
	switch Format(format) {
	case JSON, JSONLabel, InlineJSON, JSONDetail, JSONBI, JSONDetailLiteStream:
		return "json"
	case WysiwygPDF, AssembledPDF:
		return "pdf"
	case WysiwygPNG:
		return "png"
	case CSVZip:
		return "zip"
	case Txt, CSV, XLSX, HTML:
		return format
	}
	return ""
}
