package hub

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/jellydator/ttlcache/v3"
)

// A cookie binds a sign-in to one browser. Its value is part of the state at the provider, in clear
// text as in the reference, and its hash is part of the sealed state.
const (
	browserCookieName = "action_hub_state"
	// hostPrefix makes browsers refuse the cookie from other hosts of the domain and over http
	// (RFC 6265bis, section 4.1.3.2).
	hostPrefix = "__Host-"
)

var browserForm = regexp.MustCompile(`^[A-Z2-7]{26}$`) // rand.Text

func (s *Server) cookieName() string {
	if s.secureCookies() {
		return hostPrefix + browserCookieName
	}
	return browserCookieName
}

// secureCookies is false only when the hub is served over http, for development.
func (s *Server) secureCookies() bool { return strings.HasPrefix(s.config.BaseURL, "https:") }

// browserCookie returns the value of the browser's cookie, if it is one of the hub's.
func (s *Server) browserCookie(r *http.Request) (string, bool) {
	c, err := r.Cookie(s.cookieName())
	if err != nil || !browserForm.MatchString(c.Value) {
		return "", false
	}
	return c.Value, true
}

// browser returns the value of the browser's cookie, or a new one.
func (s *Server) browser(r *http.Request) string {
	if known, ok := s.browserCookie(r); ok {
		return known
	}
	return rand.Text()
}

func (s *Server) setBrowser(w http.ResponseWriter, browser string) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // insecure only when the hub is served over http
		Name: s.cookieName(), Value: browser, Path: "/", MaxAge: int(cookieAge / time.Second), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: s.secureCookies(),
	})
}

// signInLinks records which browser opened a link first. Each replica has its own, so a link could
// be opened once at each; Looker accepts tokens at a state URL only once.
type signInLinks struct {
	opened *ttlcache.Cache[string, []byte]
}

// maxLinks limits the number of recorded links; the oldest ones are removed first.
const maxLinks = 10_000

func newSignInLinks() *signInLinks {
	return &signInLinks{ttlcache.New(
		ttlcache.WithTTL[string, []byte](linkAge),
		ttlcache.WithCapacity[string, []byte](maxLinks),
		ttlcache.WithDisableTouchOnHit[string, []byte](),
	)}
}

// claim reports whether this browser is the first to open the link.
func (l *signInLinks) claim(id string, browser []byte) bool {
	first, _ := l.opened.GetOrSet(id, browser)
	return bytes.Equal(first.Value(), browser)
}

func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
