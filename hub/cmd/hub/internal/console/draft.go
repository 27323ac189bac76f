package console

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/looker"
)

// draft is a delivery that a user prepares.
type draft struct {
	// Form are the form's values; nil means that the user has not changed any.
	Form map[string]string
	// Focus is the field that the user changed last.
	Focus                         string
	Type, Value, Format, Download string
	Title                         string
	// Rows is the size of a sample, if the data is not a file.
	Rows int
	File *file
	// Source is sample or file.
	Source string
	// Errors are the hub's validation errors of the last delivery.
	Errors map[string]string
	// Problem is why the delivery was not sent.
	Problem string
}

// file is a result that the user uploaded.
type file struct {
	Name string
	Data []byte
}

// fieldPrefix is before the names of form fields in the console's own forms.
const fieldPrefix = "field."

// drafts are the drafts of all users. One file is kept at a time.
type drafts struct {
	mu  sync.Mutex
	all map[string]*draft
}

func draftKey(user, integration string) string { return user + "/" + integration }

// get returns a copy of a draft, or a new one.
func (d *drafts) get(user string, i looker.Definition) draft {
	d.mu.Lock()
	defer d.mu.Unlock()
	if found := d.all[draftKey(user, i.Name)]; found != nil {
		return *found
	}
	return draft{Type: defaultType(i.ActionTypes), Format: defaultFormat(i.Formats), Rows: 10, Source: "sample", Title: "Console"}
}

// defaultType is query, if the integration supports it.
func defaultType(types []string) string {
	if slices.Contains(types, string(action.TypeQuery)) {
		return string(action.TypeQuery)
	}
	return types[0] // an integration has at least one
}

// defaultFormat is the first format that the integration lists.
func defaultFormat(formats []string) string {
	if len(formats) == 0 {
		return string(action.JSONDetail)
	}
	return formats[0]
}

func (d *drafts) put(user, integration string, n draft) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n.File != nil {
		for _, other := range d.all {
			other.File = nil
		}
	}
	d.all[draftKey(user, integration)] = &n
}

// setErrors keeps the validation errors of a delivery, for the form.
func (d *drafts) setErrors(user, integration string, errs map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if found := d.all[draftKey(user, integration)]; found != nil {
		found.Errors = errs
	}
}

// errTooLarge refuses an upload.
var errTooLarge = fmt.Errorf("the file has more than %d MiB, which is the limit of the console: use hub send", MaxData>>20)

// read takes over what the user entered.
func (d *draft) read(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, MaxData+maxForm)
	if err := r.ParseMultipartForm(maxForm); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return errTooLarge
		}
		return fmt.Errorf("reading the form: %w", err)
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }()
	d.readValues(r.MultipartForm.Value)
	rows, err := strconv.Atoi(cmp.Or(r.FormValue("rows"), "0"))
	if err != nil || rows < 0 || rows > maxRows {
		return fmt.Errorf("a sample must have between 0 and %d rows", maxRows)
	}
	d.Rows = rows
	if files := r.MultipartForm.File["file"]; len(files) > 0 && files[0].Filename != "" {
		if d.File, err = readUpload(files[0]); err != nil {
			return err
		}
		d.Source = "file"
	}
	return nil
}

// maxForm limits what users enter, without a file.
const maxForm = 4 << 20

func (d *draft) readValues(values url.Values) {
	d.Form, d.Errors, d.Problem = map[string]string{}, nil, ""
	for name := range values {
		if field, ok := strings.CutPrefix(name, fieldPrefix); ok {
			d.Form[field] = strings.ReplaceAll(values.Get(name), "\r\n", "\n")
		}
	}
	d.Type, d.Value, d.Format = values.Get("type"), values.Get("value"), values.Get("format")
	d.Download, d.Title, d.Source, d.Focus = values.Get("download"), values.Get("title"), values.Get("source"), values.Get("focus")
}

func readUpload(h *multipart.FileHeader) (*file, error) {
	if h.Size > MaxData {
		return nil, errTooLarge
	}
	f, err := h.Open()
	if err != nil {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	return &file{filepath.Base(h.Filename), data}, nil
}

// action is the delivery of a draft.
func (d *draft) action(user, id string, i looker.Definition) (looker.Action, error) {
	a := looker.Action{User: user, Integration: id, Type: d.Type, Form: maps.Clone(d.Form), Title: d.Title}
	if d.Type == string(action.TypeCell) {
		a.Value = d.Value
		return a, nil
	}
	a.Format, a.Download = d.Format, d.Download
	a.Force = unlisted(i.Formats, d.Format) || unlisted(i.DownloadSettings, d.Download)
	if d.Source != "file" {
		var err error
		a.Data, err = Sample(d.Format, d.Rows)
		return a, err
	}
	if d.File == nil {
		return a, errors.New("no file is chosen")
	}
	a.Data = d.File.Data
	return a, nil
}

// unlisted reports whether an integration does not list a value. One that lists none supports all.
func unlisted(listed []string, value string) bool {
	return value != "" && len(listed) > 0 && !slices.Contains(listed, value)
}
