package hub

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/page"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/token"
)

// Readers of the status page present Looker's token: those who connect Looker have it. Their browser
// gets a session instead of the token: a cookie that is sealed with the service secret, so that every
// replica accepts it, and none does after the secret has been replaced.
const (
	// sessionCookieName has the prefix with which browsers refuse the cookie from other hosts of the
	// domain and over http (RFC 6265bis, section 4.1.3.2).
	sessionCookieName = hostPrefix + "action_hub_session"
	sessionPurpose    = "status page|session"
	sessionAge        = 12 * time.Hour
	// maxSignIn is the maximum size of the sign-in form.
	maxSignIn = 16 << 10
)

// mayRead reports whether a request may read everything. It also sets the headers that keep proxies
// from storing what depends on it.
func (s *Server) mayRead(w http.ResponseWriter, r *http.Request) bool {
	if s.config.StatusPage == config.StatusPagePublic {
		return true
	}
	w.Header().Set("Cache-Control", "private, no-cache")
	w.Header().Add("Vary", "Authorization, Cookie")
	if t, ok := tokenFrom(r.Header.Get("Authorization")); ok {
		return token.Valid(t, s.secrets.All()...)
	}
	c, err := r.Cookie(sessionCookieName)
	if err != nil {
		return false
	}
	_, err = s.logins.Open(c.Value, sessionPurpose, sessionAge)
	return err == nil
}

// askForToken leads a browser to the form, and answers other clients with an error. It is the same for
// every path, whether there is such a page or not.
func (s *Server) askForToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept")
	if !acceptsHTML(r) {
		writeError(w, http.StatusForbidden, "The status page requires the token for Looker.")
		return
	}
	query := url.Values{"next": {r.URL.Path}}
	http.Redirect(w, r, s.site.Base()+"/sign-in?"+query.Encode(), http.StatusSeeOther)
}

// showSignIn answers with the form.
func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request) {
	s.writeSignIn(w, r, http.StatusOK, r.URL.Query().Get("next"), "")
}

func (s *Server) writeSignIn(w http.ResponseWriter, r *http.Request, status int, next, problem string) {
	html, err := page.RenderSignIn(page.SignIn{Label: s.config.Label, URL: s.config.BaseURL, Next: nextPath(next), Problem: problem})
	if err != nil {
		telemetry.FromContext(r.Context()).Err = err
		writeError(w, http.StatusInternalServerError, "Internal server error.")
		return
	}
	s.pageHeaders(w)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(html)))
	w.WriteHeader(status)
	_, _ = w.Write(html) // the client may have disconnected
}

var pagePath = regexp.MustCompile(`^/integrations(/[a-z0-9_]+)?$`)

// nextPath returns a path of the status page; anything else would lead to another site.
func nextPath(path string) string {
	if pagePath.MatchString(path) {
		return path
	}
	return "/"
}

// signIn starts a session for those who have Looker's token.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxSignIn)
	if err := r.ParseForm(); err != nil {
		writeError(w, http.StatusBadRequest, "The form could not be read.")
		return
	}
	next := r.PostForm.Get("next")
	if wait, ok := s.attempts.allow(r.RemoteAddr); !ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
		s.writeSignIn(w, r, http.StatusTooManyRequests, next, "Too many attempts. Try again in a minute.")
		return
	}
	if !token.Valid(r.PostForm.Get("token"), s.secrets.All()...) {
		s.writeSignIn(w, r, http.StatusForbidden, next, "This is not a token of this hub.")
		return
	}
	session, err := s.logins.Seal(nil, sessionPurpose)
	if err != nil {
		telemetry.FromContext(r.Context()).Err = err
		writeError(w, http.StatusInternalServerError, "Internal server error.")
		return
	}
	s.setSession(w, session, sessionAge)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, s.site.Base()+nextPath(next), http.StatusSeeOther) //nolint:gosec // nextPath returns a path of this hub
}

// signOut ends a session in its browser.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	s.setSession(w, "", -time.Second)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Clear-Site-Data", `"cache"`)
	http.Redirect(w, r, s.site.Base()+"/", http.StatusSeeOther)
}

func (s *Server) setSession(w http.ResponseWriter, session string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookieName, Value: session, Path: "/", MaxAge: int(age / time.Second),
		HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode,
	})
}

// attempts limits how often tokens are tried. Clients are spread over a fixed number of limiters, so
// that many addresses neither fill the memory nor get around the limit. Behind a proxy, all clients
// share the proxy's limiter: its headers cannot be trusted.
type attempts struct {
	seed     maphash.Seed
	limiters [256]*rate.Limiter
}

const (
	// attemptInterval and attemptBurst are how often one address may try a token.
	attemptInterval = 6 * time.Second
	attemptBurst    = 10
)

func newAttempts() *attempts {
	a := &attempts{seed: maphash.MakeSeed()}
	for i := range a.limiters {
		a.limiters[i] = rate.NewLimiter(rate.Every(attemptInterval), attemptBurst)
	}
	return a
}

// allow counts an attempt from an address, or returns how long to wait for the next one.
func (a *attempts) allow(remote string) (wait time.Duration, ok bool) {
	client, _ := netip.ParseAddrPort(remote) // without an address, clients share one limiter
	address := client.Addr().Unmap()
	if address.Is6() { // a client has a whole /64
		prefix, _ := address.Prefix(64)
		address = prefix.Addr()
	}
	limiter := a.limiters[maphash.Comparable(a.seed, address)%uint64(len(a.limiters))]
	if limiter.Allow() {
		return 0, true
	}
	return attemptInterval, false
}
