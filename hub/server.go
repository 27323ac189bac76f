// Package hub is the HTTP server that Looker's Action API talks to: it authenticates,
// decodes what Looker sends as a stream, and has an integration deliver it.
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

// Server answers Looker. It keeps nothing between requests.
type Server struct {
	config  config.Config
	catalog *catalog.Catalog
	secrets *config.Secrets
	// states seals users' tokens, with CIPHER_MASTER where it is set; logins seals sign-ins on
	// their way, with the service secrets only: whoever knows CIPHER_MASTER could otherwise
	// choose where a user's tokens go.
	states *sealed.Box
	logins *sealed.Box
	links  *signInLinks
	// ownSecrets are those in the hub's settings.
	ownSecrets []string
	admission  *admission
	forms      *admission
	spool      *payload.Spool
	download   *payload.Downloader
	tokens     *http.Client // for posting users' tokens to Looker
	insecure   bool
	env        map[string]string
	telemetry  *telemetry.Telemetry
	about      *about
}

const (
	// maxSettings bounds the bytes of requests beside their data that are in memory at any one
	// time. Each request may have 4 MB of them; usual ones have a few kilobytes.
	maxSettings = 64 << 20
	// spoolWait is how long a delivery waits for room in the spool.
	spoolWait = 5 * time.Minute
)

// Parts is what a server is made from.
type Parts struct {
	Config  config.Config
	Catalog *catalog.Catalog
	Secrets *config.Secrets
	// Looker is the client for downloads from Looker; it follows redirects. Tokens is the client
	// that posts users' tokens to Looker; it follows none.
	Looker, Tokens *http.Client
	// Insecure lets Looker's addresses for sign-ins begin with http, for developers.
	Insecure bool
	// Env is the environment, for the settings that name an integration.
	Env       map[string]string
	Telemetry *telemetry.Telemetry
}

// New makes a server.
func New(p Parts) (*Server, error) {
	legacy, err := p.Config.LegacyCipherKey()
	if err != nil {
		return nil, err
	}
	stateKeys := p.Secrets.All
	if legacy != nil {
		stateKeys = func() [][]byte { return append([][]byte{legacy}, p.Secrets.All()...) }
	}
	told, err := newAbout(p.Config, p.Catalog)
	if err != nil {
		return nil, err
	}
	spool := &payload.Spool{
		Dir: p.Config.SpoolDir, Limit: p.Config.SpoolBytes, MaxSettings: maxSettings, MaxWait: spoolWait,
	}
	if err := spool.Check(); err != nil {
		return nil, fmt.Errorf("ACTION_HUB_SPOOL_DIR cannot be used: %w", err)
	}
	p.Telemetry.Metrics.ExportSpool(spool)
	admission := newAdmission(p.Config.MaxDeliveries, p.Config.MaxQueued)
	p.Telemetry.Metrics.ExportQueue(admission.queued)
	return &Server{
		config: p.Config, catalog: p.Catalog, secrets: p.Secrets,
		states: sealed.New(stateKeys, legacy), ownSecrets: hubSecrets(p.Env),
		logins:    sealed.New(p.Secrets.All, nil),
		links:     newSignInLinks(),
		admission: admission, forms: newAdmission(p.Config.MaxForms, 0), spool: spool,
		download: &payload.Downloader{
			Client: p.Looker, Timeout: time.Duration(p.Config.StreamTimeoutMillis) * time.Millisecond,
		},
		tokens: p.Tokens, insecure: p.Insecure, env: p.Env, telemetry: p.Telemetry, about: told,
	}, nil
}

// Handler is the outline of the Action API.
func (s *Server) Handler() http.Handler {
	r := chi.NewRouter()
	r.Use(s.observe, s.recoverPanic)
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusNotFound, "There is nothing at this address.")
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusNotFound, "There is nothing at this address for this method.")
	})
	front := s.welcome
	if s.config.StatusPage {
		front = s.showPage
		r.Get("/status", s.about.status.ServeHTTP)
		r.Head("/status", s.about.status.ServeHTTP)
	}
	r.Get("/", front)
	r.Head("/", front)
	r.With(s.authenticate).Post("/", s.listActions)
	r.Route("/actions/{name}", func(r chi.Router) {
		// A browser has no token: these two are protected by sealed state and a cookie.
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
	return tolerant(r, s.config.BasePath())
}

// tolerant takes addresses as the reference's router does: with a trailing slash, and in
// any case. Names of integrations are lower case, so lowering the whole path is enough. The
// base URL's own path may be there or not: some proxies take it away, others do not.
func tolerant(next http.Handler, base string) http.Handler {
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
		outbound.SecretsOf(r.Context()).Add(s.ownSecrets...)
		next(w, r, entry)
	}
}

// writeError answers with the reference's shape for whatever is not Looker's own document.
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
	_, _ = w.Write(body) // the client may be gone
}
