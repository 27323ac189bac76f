package hub

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/upstream"
)

// A sign-in at an integration of another hub is that hub's: its form has the link, it is registered at the
// provider, and it gives the tokens to Looker. Its base URL decides which way the browser takes. Either it is
// one at which browsers reach the upstream itself, and this hub is not involved. Or it is this hub's base URL,
// or below it /upstreams/NAME, and this hub passes the two steps of the browser.

// Browsers have no token, so that anybody can cause such requests. They have limits of their own: those of
// forms are for Looker.
const (
	maxVisits    = 32
	visitTimeout = 30 * time.Second
)

// remoteLogin answers the steps of a sign-in below /upstreams/NAME, where the names of integrations are those
// of the upstream.
func (s *Server) remoteLogin(leg string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		hub, name := chi.URLParam(r, "upstream"), chi.URLParam(r, "name")
		for _, e := range s.catalog.Entries() {
			if e.Remote != nil && e.Remote.Upstream == hub && strings.EqualFold(e.Remote.Name, name) {
				telemetry.FromContext(r.Context()).Integration = e.Definition.Name
				outbound.SecretsOf(r.Context()).Include(s.ownSecrets)
				s.visitRemote(w, r, &e, leg)
				return
			}
		}
		plainError(w, http.StatusNotFound, "No action found.")
	}
}

// visitRemote passes a step of a sign-in to the upstream.
func (s *Server) visitRemote(w http.ResponseWriter, r *http.Request, entry *catalog.Entry, leg string) {
	query := r.URL.Query()
	switch {
	case !entry.SignsIn(): // the reference would end
		plainError(w, http.StatusBadRequest, "Action does not support OAuth.")
		return
	case query.Get("state") == "":
		plainError(w, http.StatusBadRequest, "Missing state parameter.")
		return
	}
	if !s.visits.admit() {
		telemetry.FromContext(r.Context()).Err = errors.New("the limit of sign-ins at upstreams is reached")
		w.Header().Set("Retry-After", "5")
		plainError(w, http.StatusServiceUnavailable, "The hub is at its limit of sign-ins. Try again later.")
		return
	}
	defer s.visits.leave()
	outbound.SecretsOf(r.Context()).Add(query.Get("code"), query.Get("state"))
	ctx, cancel := context.WithTimeout(r.Context(), visitTimeout)
	defer cancel()
	cookie := s.cookieName() + "_" + entry.Remote.Upstream
	visit := upstream.Visit{Integration: entry.Remote.Name, Leg: leg, Query: r.URL.RawQuery, Header: r.Header}
	if c, err := r.Cookie(cookie); err == nil {
		visit.Cookie = c.Value
	}
	p, err := s.upstreams.Find(entry.Remote.Upstream).Visit(ctx, visit)
	if err == nil {
		err = s.checkRedirect(p.Location)
	}
	if err != nil {
		telemetry.FromContext(r.Context()).Err = err
		plainError(w, http.StatusBadGateway, scrub(r.Context(), action.MessageOf(err)))
		return
	}
	if p.SetCookie {
		s.setRemoteCookie(w, cookie, p.Cookie)
	}
	s.answerVisit(w, r, p)
}

func (s *Server) setRemoteCookie(w http.ResponseWriter, name, value string) {
	age := int(cookieAge / time.Second)
	if value == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // insecure only when the hub is served over http
		Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secureCookies(),
	})
}

// checkRedirect refuses redirects to anything but a web site.
func (s *Server) checkRedirect(to string) error {
	if to == "" {
		return nil
	}
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !s.insecure) {
		return action.Wrap(errors.New("an upstream redirects to a URL without https"), action.Unavailable, "The sign-in failed: the redirect is not valid.")
	}
	return nil
}

// answerVisit answers the browser as the upstream did, without its documents.
func (s *Server) answerVisit(w http.ResponseWriter, r *http.Request, p upstream.Page) {
	switch {
	case p.Location != "":
		redirect(w, p.Location)
	case p.Status < http.StatusMultipleChoices:
		closeTab(w)
	default:
		telemetry.FromContext(r.Context()).Err = action.Errorf(action.KindOfStatus(p.Status), "The upstream returned an error for a sign-in.")
		message := "The sign-in failed and nothing was stored. " + scrub(r.Context(), p.Message)
		plainError(w, p.Status, strings.TrimSpace(message))
	}
}
