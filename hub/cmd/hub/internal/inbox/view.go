package inbox

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/cmd/hub/internal/terminal"
	"integrationhub.dev/hub/page"
)

//go:embed list.html delivery.html layout.html inbox.css live.js
var files embed.FS

var functions = template.FuncMap{
	"size": terminal.Size,
	"clock": func(t time.Time) string {
		return t.Local().Format("15:04:05") //nolint:gosmopolitan // shown on the machine whose time it is
	},
	"iso": func(t time.Time) string { return t.Format(time.RFC3339) },
}

var (
	listPage     = parse("list.html")
	deliveryPage = parse("delivery.html")
)

func parse(name string) *template.Template {
	return template.Must(template.New("layout.html").Funcs(functions).ParseFS(files, "layout.html", name))
}

// policy lets a page load what the inbox itself serves, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// pollTimeout is how long a request waits for the next delivery.
const pollTimeout = 25 * time.Second

// Report is a delivery with its beginning.
type Report struct {
	*Delivery
	Preview Preview `json:"preview"`
}

// viewer shows deliveries, as pages and as JSON.
func (i *Inbox) viewer() http.Handler {
	mux := http.NewServeMux()
	get := func(path string, h http.HandlerFunc) { mux.Handle("GET "+i.Path()+path, h) }
	get("{$}", i.showList)
	get("{id}", i.showDelivery)
	get("{id}/body", i.showBody)
	get("deliveries.json", i.deliveriesJSON)
	get("{id}/delivery.json", i.deliveryJSON)
	static := http.StripPrefix(i.Path(), http.FileServerFS(files))
	get("base.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "base.css", time.Time{}, strings.NewReader(page.BaseStyle))
	})
	get("inbox.css", static.ServeHTTP)
	get("live.js", static.ServeHTTP)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		mux.ServeHTTP(w, r)
	})
}

func render(w http.ResponseWriter, t *template.Template, data any) {
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		http.Error(w, "The page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = b.WriteTo(w)
}

func (i *Inbox) showList(w http.ResponseWriter, _ *http.Request) {
	list, _ := i.since(0)
	last := 0
	if len(list) > 0 {
		last = list[len(list)-1].ID
	}
	slices.Reverse(list)
	render(w, listPage, struct {
		Base       string
		Deliveries []*Delivery
		Last, Max  int
	}{i.Path(), list, last, maxDeliveries})
}

// find opens the delivery that a request names, or answers that it is not there.
func (i *Inbox) find(w http.ResponseWriter, r *http.Request) (*Delivery, func(), bool) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err == nil {
		if d, done, ok := i.open(id); ok {
			return d, done, true
		}
	}
	http.Error(w, fmt.Sprintf("There is no such delivery. The inbox keeps the last %d.", maxDeliveries), http.StatusNotFound)
	return nil, nil, false
}

func (i *Inbox) showDelivery(w http.ResponseWriter, r *http.Request) {
	d, done, ok := i.find(w, r)
	if !ok {
		return
	}
	defer done()
	render(w, deliveryPage, struct {
		Base string
		Report
		Kept bool
	}{i.Path(), Report{d, d.preview()}, d.body != nil})
}

// showBody hands the body over as it came. Only pictures are shown: anything else could be a
// page of the sender's.
func (i *Inbox) showBody(w http.ResponseWriter, r *http.Request) {
	d, done, ok := i.find(w, r)
	if !ok {
		return
	}
	defer done()
	if d.body == nil {
		http.Error(w, "The body was not kept.", http.StatusGone)
		return
	}
	t := d.ContentType()
	w.Header().Set("Content-Type", t)
	if t != "image/png" {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="delivery-%d%s"`, d.ID, extensions[t]))
	}
	http.ServeContent(w, r, "", time.Time{}, newSection(d.body))
}

func (i *Inbox) deliveriesJSON(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.Atoi(r.FormValue("after")) // none means all
	list, arrived := i.since(after)
	if len(list) == 0 && r.FormValue("wait") != "" {
		timer := time.NewTimer(pollTimeout)
		defer timer.Stop()
		select {
		case <-arrived:
			list, _ = i.since(after)
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	writeJSON(w, list)
}

func (i *Inbox) deliveryJSON(w http.ResponseWriter, r *http.Request) {
	d, done, ok := i.find(w, r)
	if !ok {
		return
	}
	defer done()
	writeJSON(w, Report{d, d.preview()})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the client may be gone
}
