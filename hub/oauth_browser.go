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

// A sign-in belongs to one browser, which a cookie tells from others. Its value goes into the
// state at the provider (in clear, as the reference does) and, hashed, into the sealed part.
const (
	browserCookieName = "action_hub_state"
	// hostPrefix makes browsers refuse the cookie from other hosts of the domain, and over http
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

// secureCookies is false only where the hub itself is not served by https, for developers.
func (s *Server) secureCookies() bool { return strings.HasPrefix(s.config.BaseURL, "https:") }

// browserCookie returns the value of the browser's cookie, if it sent one that this hub made.
func (s *Server) browserCookie(r *http.Request) (string, bool) {
	c, err := r.Cookie(s.cookieName())
	if err != nil || !browserForm.MatchString(c.Value) {
		return "", false
	}
	return c.Value, true
}

// browser returns what tells this browser from others: what it sent, or something new.
func (s *Server) browser(r *http.Request) string {
	if known, ok := s.browserCookie(r); ok {
		return known
	}
	return rand.Text()
}

func (s *Server) setBrowser(w http.ResponseWriter, browser string) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // insecure only where the hub itself is, for developers
		Name: s.cookieName(), Value: browser, Path: "/", MaxAge: int(cookieAge / time.Second), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: s.secureCookies(),
	})
}

// signInLinks remembers which browser opened a link first. Each replica keeps its own, so a link
// could be opened once at each; Looker takes tokens at a state URL only once.
type signInLinks struct {
	opened *ttlcache.Cache[string, []byte]
}

// maxLinks bounds the links that are remembered; the oldest ones go first.
const maxLinks = 10_000

func newSignInLinks() *signInLinks {
	return &signInLinks{ttlcache.New(
		ttlcache.WithTTL[string, []byte](linkAge),
		ttlcache.WithCapacity[string, []byte](maxLinks),
		ttlcache.WithDisableTouchOnHit[string, []byte](),
	)}
}

// claim reports whether the browser is the first one to open the link, or opens it again.
func (l *signInLinks) claim(id string, browser []byte) bool {
	first, _ := l.opened.GetOrSet(id, browser)
	return bytes.Equal(first.Value(), browser)
}

func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
