package action

import (
	"context"
	"io"
	"strings"
)

// Request is what Looker asks for: a delivery or a form.
type Request struct {
	Type Type
	// Params are the integration's settings in Looker and, for a cell, its "value".
	Params map[string]string
	// Form are the user's answers.
	Form map[string]string
	Plan Plan
	// Version, InstanceID and WebhookID say which Looker asks, and for what.
	Version    Version
	InstanceID string
	WebhookID  string
	// State is what Looker keeps for the user, decrypted; empty when there is none or when
	// it was reset.
	State string
	// StateURL is where Looker takes a new state, once. Empty outside OAuth forms.
	StateURL string
	// LoginURL starts a sign-in at the destination; empty unless the integration is an
	// [Authorizer] and Looker gave a StateURL.
	LoginURL string
	// Data is the payload. It is never nil; see [Data.Empty].
	Data Data
}

// Data is a request's payload. Whether it came inside the request or waits at a download
// address makes no difference to an integration.
type Data interface {
	// Empty reports that there is no payload at all.
	Empty() bool
	// MIME is the content type, without parameters and without Looker's ";base64".
	MIME() string
	// Extension is the file extension without a dot, or empty.
	Extension() string
	// MaxValueBytes is the largest value or row that may be decoded from the payload.
	MaxValueBytes() int64
	// Open returns the decoded bytes. The reader fails when the source breaks off; it never
	// ends early as if it were whole. A download can be opened only once.
	Open(ctx context.Context) (io.ReadCloser, error)
	// Spool fetches everything, for destinations that must know the length beforehand. It
	// fails with [TooLarge] as soon as there are more than most bytes: what the destination
	// would refuse is not fetched.
	Spool(ctx context.Context, most int64) (Blob, error)
	// Table decodes json_detail and its relatives row by row. Of json and json_label, which
	// are rows without a head, the columns are those of the first row: their name and label is
	// what stands there, and without a row there are none.
	Table(ctx context.Context) (*Table, error)
}

// Blob is a payload that has been fetched whole, in memory or in a file.
type Blob interface {
	io.ReaderAt
	io.Closer
	Size() int64
	// Table decodes the payload like [Data.Table], as often as it is called: for deliveries
	// that cannot be undone, and so begin only when all rows are known to be good.
	Table() (*Table, error)
	// MaxValueBytes is the largest value or row that may be decoded from the payload.
	MaxValueBytes() int64
}

// Plan is the schedule, or the manual sending, that a request belongs to.
type Plan struct {
	ID                    string
	Title                 string
	Type                  string
	URL                   string
	QueryID               string
	FiltersDifferFromLook bool
	// Model and View say where the query's data comes from; a dashboard has neither.
	Model, View string
	// HiddenFields are the columns that are not shown in Looker's table, by their names.
	HiddenFields []string
}

// SuggestedFilename is the file's name when the user gave none: the plan's title and the
// extension, free of characters that file systems refuse.
func (r *Request) SuggestedFilename() string {
	title := sanitizeFilename(r.Plan.Title)
	ext := r.Data.Extension()
	if ext == "" {
		ext = formatExtension(r.Form["format"])
	}
	if title == "" {
		title = "looker_file_" + r.WebhookID
		title = strings.TrimSuffix(sanitizeFilename(title), "_")
	}
	return withExtension(title, ext)
}

// CompleteFilename is the user's name for the file, with the extension if it lacks one; or
// the suggested one when the user gave none.
func (r *Request) CompleteFilename() string {
	name := strings.TrimSpace(r.Form["filename"])
	if name == "" {
		return r.SuggestedFilename()
	}
	return withExtension(name, r.Data.Extension())
}

// maxExtension is longer than any extension that a file has.
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

// formatExtension is the extension of a format that comes without an attachment.
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
