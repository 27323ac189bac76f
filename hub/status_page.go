package hub

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/custom"
	"integrationhub.dev/hub/page"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/version"
	"integrationhub.dev/hub/wire"
)

// statusPages are the documents of the status page. They are rendered when they are first requested,
// and again after a change. Other no-code integrations have other documents.
type statusPages struct {
	index        cachedDocument
	integrations []page.Integration
	byName       map[string]*integrationDocument
	notices      []string
	shared       cachedDocument
	stranger     cachedDocument
	// status and strangerStatus are the catalog for programs.
	status, strangerStatus document
}

type integrationDocument struct {
	page.Integration
	cachedDocument
}

func newSite(p Parts) page.Site {
	return page.Site{
		Label: p.Config.Label, URL: p.Config.BaseURL, Name: p.Config.Name, Namespace: p.Config.Namespace,
		Build: version.Current(), Private: p.Config.StatusPage == config.StatusPageToken, Shared: p.SharedREADME,
	}
}

func newStatusPages(s *Server) *statusPages {
	all := &statusPages{
		byName:         map[string]*integrationDocument{},
		status:         jsonDocument(s.newStatus()),
		strangerStatus: jsonDocument(strangerStatus{s.config.Label, "running"}),
		notices:        s.notices(),
	}
	off := unavailable(s.catalog, s.catalog.Names())
	for _, d := range s.catalog.Descriptions() {
		if d.Unavailable == "" || off[d.Name] != "" {
			all.integrations = append(all.integrations, pageIntegration(d))
		}
	}
	all.integrations = append(all.integrations, s.customPages()...)
	all.integrations = append(all.integrations, s.remotePages()...)
	for _, i := range all.integrations {
		all.byName[strings.ToLower(i.Name)] = &integrationDocument{Integration: i}
	}
	return all
}

func jsonDocument(v any) document {
	return newDocument("application/json; charset=utf-8", wire.Marshal(v))
}

// pageIntegration is an integration for people.
func pageIntegration(d catalog.Description) page.Integration {
	i := page.Integration{
		Definition: d.Resolved.Definition, Icon: d.Icon, Category: d.Category, HasForm: d.Resolved.Form != nil,
		Reason: d.Unavailable, Fault: d.Fault, Required: d.Required, Optional: d.Optional, README: d.README, APIs: d.APIs,
	}
	i.Name = d.Name
	switch {
	case d.Resolved.OAuth != nil:
		i.SignIn = page.UserSignIn
	case d.Resolved.Delegate != nil:
		i.SignIn = page.LookerSignIn
	}
	return i
}

// unavailable returns the integrations that are not available, without those whose name another one has.
func unavailable(c *catalog.Catalog, on []string) map[string]string {
	off := maps.Clone(c.Unavailable)
	maps.DeleteFunc(off, func(name, _ string) bool { return slices.Contains(on, name) })
	return off
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
	// Custom are the versions of the no-code integrations.
	Custom []custom.Status `json:"custom"`
	// Upstreams are other hubs, whose integrations are not among those above.
	Upstreams []upstreamStatus `json:"upstreams"`
}

type apiStatus struct {
	Integration string `json:"integration"`
	API         string `json:"api"`
	Version     string `json:"version"`
	// EndOfLife is a date, or missing if the vendor has announced none.
	EndOfLife string `json:"end_of_life,omitempty"`
	Source    string `json:"source"`
}

func (s *Server) newStatus() status {
	all := status{Label: s.config.Label, Info: s.site.Build, Started: s.started, APIs: []apiStatus{}, Custom: s.customStatus, Upstreams: s.upstreamStatuses()}
	all.Integrations.On = s.ownNames()
	all.Integrations.Off = unavailable(s.catalog, all.Integrations.On)
	for _, e := range s.catalog.Entries() {
		for _, a := range e.APIs {
			all.APIs = append(all.APIs, apiStatus{e.Definition.Name, a.Name, a.Version, a.EndOfLife, a.Source})
		}
	}
	return all
}

// strangerStatus is what programs without a token see.
type strangerStatus struct {
	Label  string `json:"label"`
	Status string `json:"status"`
}

// statusRoutes are the status page's.
func (s *Server) statusRoutes(r chi.Router) {
	get := func(path string, h http.HandlerFunc) {
		r.Get(path, h)
		r.Head(path, h)
	}
	if s.config.StatusPage == config.StatusPageOff {
		get("/", s.welcomePrograms)
		return
	}
	get("/", s.showIndex)
	get("/status", s.showStatus)
	get("/status/live", s.showLive)
	get("/integrations", s.showShared)
	get("/integrations/{name}", s.showIntegration)
	if s.config.StatusPage == config.StatusPageToken {
		get("/sign-in", s.showSignIn)
		// Another site must not sign anybody in or out.
		r.Group(func(r chi.Router) {
			r.Use(http.NewCrossOriginProtection().Handler)
			r.Post("/sign-in", s.signIn)
			r.Post("/sign-out", s.signOut)
		})
	}
}

// welcomePrograms answers with one line of text, and tells browsers that there is no page.
func (s *Server) welcomePrograms(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept")
	if acceptsHTML(r) {
		writeError(w, http.StatusNotFound, "Not found.")
		return
	}
	welcome(w)
}

// welcome answers with one line of text.
func welcome(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte("Integration Hub is running. Looker connects with POST and a token.\n"))
}

func acceptsHTML(r *http.Request) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Accept")), "text/html")
}

// showIndex answers GET / with the status page for browsers and a line of text for other clients.
func (s *Server) showIndex(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept")
	if !acceptsHTML(r) {
		welcome(w)
		return
	}
	p := s.pages.Load()
	if !s.mayRead(w, r) {
		s.serve(w, r, &p.stranger, "", func() ([]byte, error) { return page.RenderStranger(s.site) })
		return
	}
	live, _, key := s.currentLive()
	s.serve(w, r, &p.index, key, func() ([]byte, error) {
		return page.RenderIndex(page.Index{Site: s.site, Live: live, Integrations: p.integrations, Notices: p.notices})
	})
}

// showIntegration answers with the page of an integration.
func (s *Server) showIntegration(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "name")
	if !s.mayRead(w, r) {
		s.askForToken(w, r)
		return
	}
	d, ok := s.pages.Load().byName[name]
	if !ok {
		writeError(w, http.StatusNotFound, "No integration has this name.")
		return
	}
	live, _, _ := s.currentLive()
	key := string(wire.Marshal(live.Deliveries[name]))
	s.serve(w, r, &d.cachedDocument, key, func() ([]byte, error) {
		return page.RenderIntegration(page.IntegrationPage{Site: s.site, Integration: d.Integration, Live: live})
	})
}

// showShared answers with the page about what several integrations have in common.
func (s *Server) showShared(w http.ResponseWriter, r *http.Request) {
	if !s.mayRead(w, r) {
		s.askForToken(w, r)
		return
	}
	s.serve(w, r, &s.pages.Load().shared, "", func() ([]byte, error) { return page.RenderShared(s.site) })
}

// showStatus answers with the catalog for programs.
func (s *Server) showStatus(w http.ResponseWriter, r *http.Request) {
	if !s.mayRead(w, r) {
		s.pages.Load().strangerStatus.ServeHTTP(w, r)
		return
	}
	s.showFullStatus(w, r)
}

// showFullStatus answers with the catalog for programs, whoever asks.
func (s *Server) showFullStatus(w http.ResponseWriter, r *http.Request) {
	s.pages.Load().status.ServeHTTP(w, r)
}

// showLive answers with the live status for the page's script.
func (s *Server) showLive(w http.ResponseWriter, r *http.Request) {
	if !s.mayRead(w, r) {
		writeError(w, http.StatusForbidden, "The live status requires the token for Looker.")
		return
	}
	_, json, _ := s.currentLive()
	json.ServeHTTP(w, r)
}

// serve serves a page.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, c *cachedDocument, key string, render func() ([]byte, error)) {
	d, err := c.get(key, render)
	if err != nil {
		telemetry.FromContext(r.Context()).Err = err
		writeError(w, http.StatusInternalServerError, "Internal server error.")
		return
	}
	s.pageHeaders(w)
	d.ServeHTTP(w, r)
}

func (s *Server) pageHeaders(w http.ResponseWriter) {
	policy := page.Policy
	if s.config.StatusPage == config.StatusPageToken {
		policy = page.PrivatePolicy
	}
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Referrer-Policy", "no-referrer")
}
