package hub

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/telemetry"
)

// Handler routes the Action API.
func (s *Server) Handler() http.Handler {
	r := chi.NewRouter()
	r.Use(s.observe, s.recoverPanic, s.refuseLoop)
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusNotFound, "Not found.")
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusNotFound, "Not found for this method.")
	})
	s.statusRoutes(r)
	r.With(s.authenticate).Post("/", s.listActions)
	r.Get("/upstreams/{upstream}/actions/{name}/oauth", s.remoteLogin("oauth"))
	r.Get("/upstreams/{upstream}/actions/{name}/oauth_redirect", s.remoteLogin("oauth_redirect"))
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
			s.noSuchAction(w, r, name)
			return
		}
		telemetry.FromContext(r.Context()).Integration = entry.Definition.Name
		outbound.SecretsOf(r.Context()).Include(s.ownSecrets)
		next(w, r, entry)
	}
}
