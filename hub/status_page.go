package hub

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/page"
	"integrationhub.dev/hub/version"
	"integrationhub.dev/hub/wire"
	"integrationhub.dev/icons"
)

// statusDocs are the status page and the status JSON. They are rendered once, because nothing in
// them changes while the hub runs.
type statusDocs struct {
	page, status document
}

func newStatusDocs(c config.Config, list *catalog.Catalog) (*statusDocs, error) {
	build := version.Current()
	html, err := page.Render(statusPage(list, c, build))
	if err != nil {
		return nil, err
	}
	status := wire.Marshal(newStatus(list, c, build, time.Now()))
	return &statusDocs{
		page:   newDocument("text/html; charset=utf-8", html),
		status: newDocument("application/json; charset=utf-8", status),
	}, nil
}

// statusPage is the catalog for people.
func statusPage(c *catalog.Catalog, cfg config.Config, build version.Info) page.Hub {
	h := page.Hub{Label: cfg.Label, URL: cfg.BaseURL, Build: build}
	for _, o := range c.Entries() {
		i := page.Integration{Definition: o.Definition, Icon: o.Icon, APIs: o.APIs}
		switch {
		case o.OAuth != nil:
			i.SignIn = page.UserSignIn
		case o.Delegate != nil:
			i.SignIn = page.LookerSignIn
		}
		h.Integrations = append(h.Integrations, i)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Unavailable)) {
		h.Unavailable = append(h.Unavailable, page.Unavailable{Name: name, Icon: icons.DataURI(name), Reason: c.Unavailable[name]})
	}
	return h
}

// status is the catalog for programs.
type status struct {
	Label string `json:"label"`
	version.Info
	Started      time.Time `json:"started"`
	Integrations struct {
		On []string `json:"on"`
		// Off maps names to reasons.
		Off map[string]string `json:"off"`
	} `json:"integrations"`
	// APIs are the versions of vendors' APIs that the available integrations call.
	APIs []apiStatus `json:"apis"`
}

type apiStatus struct {
	Integration string `json:"integration"`
	API         string `json:"api"`
	Version     string `json:"version"`
	// EndOfLife is a date, or missing if the vendor has announced none.
	EndOfLife string `json:"end_of_life,omitempty"`
	Source    string `json:"source"`
}

func newStatus(c *catalog.Catalog, cfg config.Config, build version.Info, started time.Time) status {
	s := status{Label: cfg.Label, Info: build, Started: started.UTC().Truncate(time.Second)}
	s.Integrations.On, s.Integrations.Off = c.Names(), c.Unavailable
	s.APIs = []apiStatus{}
	for _, e := range c.Entries() {
		for _, a := range e.APIs {
			s.APIs = append(s.APIs, apiStatus{e.Definition.Name, a.Name, a.Version, a.EndOfLife, a.Source})
		}
	}
	return s
}

// showPage answers GET / with the status page for browsers and a line of text for other clients.
func (s *Server) showPage(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept")
	if !strings.Contains(strings.ToLower(r.Header.Get("Accept")), "text/html") {
		s.welcome(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", page.Policy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	s.docs.page.ServeHTTP(w, r)
}

// welcome answers with one line of text.
func (s *Server) welcome(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte("Integration Hub is running. Looker connects with POST and a token.\n"))
}

// document is a response that does not change while the hub runs.
type document struct {
	contentType, etag string
	body              []byte
}

func newDocument(contentType string, body []byte) document {
	sum := sha256.Sum256(body)
	return document{contentType, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, body}
}

// ServeHTTP serves the document. Clients must revalidate it, because it may change with the next
// version of the hub.
func (d document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", d.contentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", d.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.body))
}
