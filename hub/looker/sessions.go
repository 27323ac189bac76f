package looker

import (
	"crypto/rand"
	"crypto/subtle"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"integrationhub.dev/hub/looker/api"
)

// sessions are the access tokens that are valid.
type sessions struct {
	lifetime time.Duration
	now      func() time.Time

	mu     sync.Mutex
	tokens map[string]session
}

type session struct {
	user    string
	expires time.Time
}

func newSessions(lifetime time.Duration, now func() time.Time) *sessions {
	return &sessions{lifetime: lifetime, now: now, tokens: map[string]session{}}
}

func (s *sessions) start(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := oneTimeID()
	s.tokens[token] = session{user, s.now().Add(s.lifetime)}
	return token
}

// user returns the ID of the user to whom a valid token belongs.
func (s *sessions) user(token string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.tokens[token]
	if !ok || !s.now().Before(found.expires) {
		delete(s.tokens, token)
		return "", false
	}
	return found.user, true
}

func (s *sessions) end(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, token)
}

func (s *sessions) endAll(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.tokens, func(_ string, found session) bool { return found.user == user })
}

func (s *sessions) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// oneTimeID returns 40 characters, as in Looker's addresses for states and downloads.
func oneTimeID() string { return (rand.Text() + rand.Text())[:40] }

// accessToken returns the token of a request. Looker's scheme is the word token.
func accessToken(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "token ")
	if !ok {
		return ""
	}
	return token
}

// authenticate returns the user of a request, or nil.
func (l *Looker) authenticate(r *http.Request) *User {
	id, ok := l.sessions.user(accessToken(r))
	if !ok {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.state.user(id)
	if u == nil {
		return nil
	}
	found := u.clone()
	return &found
}

// login is POST /login.
func (l *Looker) login(c *apiCall) reply {
	id, secret := c.form.Get("client_id"), c.form.Get("client_secret")
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, u := range l.state.Users {
		if u.ClientID != "" && u.ClientID == id && subtle.ConstantTimeCompare([]byte(u.ClientSecret), []byte(secret)) == 1 {
			token := l.sessions.start(u.ID)
			return reply{status: http.StatusOK, body: api.AccessToken{
				AccessToken: &token, TokenType: new("Bearer"), ExpiresIn: new(int64(l.options.TokenLifetime / time.Second)),
			}}
		}
	}
	// Source: "Not Found (404) errors" of Looker's API troubleshooting.
	return notFound()
}

// logout is DELETE /logout.
func (l *Looker) logout(c *apiCall) reply {
	l.sessions.end(c.token)
	return reply{status: http.StatusNoContent}
}

// SetCredentials replaces a user's API key and ends the user's sessions.
func (l *Looker) SetCredentials(user, clientID, clientSecret string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.state.user(user)
	if u == nil {
		return errNoUser(user)
	}
	u.ClientID, u.ClientSecret = clientID, clientSecret
	l.secrets.add(clientSecret)
	l.sessions.endAll(user)
	l.save()
	return nil
}
