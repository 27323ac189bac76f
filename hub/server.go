// Package hub serves Looker's Action API over HTTP: it authenticates requests, decodes them as a
// stream, and runs the integrations that deliver the data.
package hub

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/payload"
	"integrationhub.dev/hub/sealed"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/wire"
)

// Server serves the Action API. It stores nothing between requests.
type Server struct {
	config  config.Config
	catalog *catalog.Catalog
	secrets *config.Secrets
	// states seals users' tokens, with CIPHER_MASTER if it is set. logins seals sign-ins with the
	// service secrets only: otherwise anyone who knows CIPHER_MASTER could choose where a user's
	// tokens are sent.
	states *sealed.Box
	logins *sealed.Box
	links  *signInLinks
	// ownSecrets are the secrets in the hub's settings.
	ownSecrets *outbound.Secrets
	admission  *admission
	forms      *admission
	spool      *payload.Spool
	download   *payload.Downloader
	tokens     *http.Client // for posting users' tokens to Looker
	insecure   bool
	env        map[string]string
	telemetry  *telemetry.Telemetry
	docs       *statusDocs
}

const (
	// maxSettings limits the bytes of all requests in memory, without their data. One request may
	// have 4 MB; typical ones have a few kilobytes.
	maxSettings = 64 << 20
	// spoolWait is how long a delivery waits for space in the spool.
	spoolWait = 5 * time.Minute
)

// Parts are the dependencies of a server.
type Parts struct {
	Config  config.Config
	Catalog *catalog.Catalog
	Secrets *config.Secrets
	// Looker is the client for downloads from Looker; it follows redirects. Tokens is the client
	// that posts users' tokens to Looker; it does not follow redirects.
	Looker, Tokens *http.Client
	// Insecure allows http for Looker's sign-in URLs, for development.
	Insecure bool
	// Env is the environment, for settings whose names contain an integration's name.
	Env       map[string]string
	Telemetry *telemetry.Telemetry
}

// New creates a server.
func New(p Parts) (*Server, error) {
	legacy, err := p.Config.LegacyCipherKey()
	if err != nil {
		return nil, err
	}
	stateKeys := p.Secrets.All
	if legacy != nil {
		stateKeys = func() [][]byte { return append([][]byte{legacy}, p.Secrets.All()...) }
	}
	docs, err := newStatusDocs(p.Config, p.Catalog)
	if err != nil {
		return nil, err
	}
	spool := &payload.Spool{
		Dir: p.Config.SpoolDir, Limit: p.Config.SpoolBytes, MaxSettings: maxSettings, MaxWait: spoolWait,
	}
	if err := spool.Check(); err != nil {
		return nil, fmt.Errorf("ACTION_HUB_SPOOL_DIR is not usable: %w", err)
	}
	p.Telemetry.Metrics.ExportSpool(spool)
	admission := newAdmission(p.Config.MaxDeliveries, p.Config.MaxQueued)
	p.Telemetry.Metrics.ExportQueue(admission.queued)
	return &Server{
		config: p.Config, env: p.Env, catalog: p.Catalog, secrets: p.Secrets, telemetry: p.Telemetry, docs: docs,
		states: sealed.New(stateKeys, legacy), logins: sealed.New(p.Secrets.All, nil), links: newSignInLinks(),
		ownSecrets: hubSecrets(p.Env), insecure: p.Insecure,
		admission: admission, forms: newAdmission(p.Config.MaxForms, 0),
		spool: spool, tokens: p.Tokens,
		download: &payload.Downloader{
			Client: p.Looker, Timeout: time.Duration(p.Config.StreamTimeoutMillis) * time.Millisecond,
		},
	}, nil
}

// Handler routes the Action API.
func (s *Server) Handler() http.Handler {
	r := chi.NewRouter()
	r.Use(s.observe, s.recoverPanic)
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusNotFound, "Not found.")
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusNotFound, "Not found for this method.")
	})
	front := s.welcome
	if s.config.StatusPage {
		front = s.showPage
		r.Get("/status", s.docs.status.ServeHTTP)
		r.Head("/status", s.docs.status.ServeHTTP)
	}
	r.Get("/", front)
	r.Head("/", front)
	r.With(s.authenticate).Post("/", s.listActions)
	r.Route("/actions/{name}", func(r chi.Router) {
		// A browser has no token. Sealed state and a cookie protect these two.
		r.Get("/oauth", s.withEntry(s.beginLogin))
		r.Get("/oauth_redirect", s.withEntry(s.finishLogin))
		r.Group(func(r chi.Router) {
			r.Use(s.authenticate)
			r.Post("/", s.withEntry(s.showAction))
			r.Post("/form", s.withEntry(s.showForm))
			r.Post("/execute", s.withEntry(s.executeAction))
			r.Post("/oauth_token", s.withEntry(s.fetchTokens))
			r.Get("/oauth_check", s.withEntry(s.checkLogin))
		})
	})
	return normalizePath(r, s.config.BasePath())
}

// normalizePath accepts paths like the reference's router: with a trailing slash and in any case.
// Names of integrations are lowercase, so the whole path can be lowercased. It removes the base
// URL's path, which some proxies remove and others do not.
func normalizePath(next http.Handler, base string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.ToLower(r.URL.Path)
		if rest, ok := strings.CutPrefix(path, base); ok && (rest == "" || rest[0] == '/') {
			path = rest
		}
		r.URL.Path = cmp.Or(strings.TrimRight(path, "/"), "/")
		r.URL.RawPath = ""
		next.ServeHTTP(w, r)
	})
}

// entryHandler answers a request for one integration.
type entryHandler func(http.ResponseWriter, *http.Request, *catalog.Entry)

// withEntry finds the integration that the path names.
func (s *Server) withEntry(next entryHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := chi.URLParam(r, "name")
		entry, ok := s.catalog.Find(name, action.ParseUserAgent(r.UserAgent()))
		if !ok {
			writeError(w, http.StatusNotFound, "No action found with name "+name+".")
			return
		}
		telemetry.FromContext(r.Context()).Integration = entry.Definition.Name
		outbound.SecretsOf(r.Context()).Include(s.ownSecrets)
		next(w, r, entry)
	}
}

// writeError writes the reference's JSON for errors outside of Looker's own documents.
func writeError(w http.ResponseWriter, status int, message string) {
	writeRaw(w, status, errorBody(message))
}

func errorBody(message string) []byte {
	return wire.Marshal(struct {
		Success bool   `json:"success"`
		Error   string `json:"error"`
	}{Error: message})
}

func writeRaw(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have disconnected
}
