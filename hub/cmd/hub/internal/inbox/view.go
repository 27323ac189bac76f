package inbox

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"integrationhub.dev/hub/page"
)

//go:embed inbox.css live.js
var files embed.FS

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

func render(w http.ResponseWriter, r *http.Request, c templ.Component) {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		http.Error(w, "The page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = b.WriteTo(w)
}

func (i *Inbox) showList(w http.ResponseWriter, r *http.Request) {
	list, _ := i.since(0)
	last := 0
	if len(list) > 0 {
		last = list[len(list)-1].ID
	}
	slices.Reverse(list)
	render(w, r, listPage{i.Path(), list, last}.document())
}

// find opens the delivery that a request names, or answers that it is not there.
func (i *Inbox) find(w http.ResponseWriter, r *http.Request) (*Delivery, func(), bool) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err == nil {
		if d, done, ok := i.open(id); ok {
			return d, done, true
		}
	}
	http.Error(w, fmt.Sprintf("The delivery does not exist. The inbox keeps only the last %d.", maxDeliveries), http.StatusNotFound)
	return nil, nil, false
}

func (i *Inbox) showDelivery(w http.ResponseWriter, r *http.Request) {
	d, done, ok := i.find(w, r)
	if !ok {
		return
	}
	defer done()
	render(w, r, deliveryPage{i.Path(), Report{d, d.preview()}, d.body != nil}.document())
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
		http.Error(w, "The body was not stored.", http.StatusGone)
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
