// Package signin keeps a user's OAuth 2.0 tokens valid during a request. Where refresh tokens do not change, a renewed
// access token need not be stored. Where they do, see [Session.Renewed] and [Rotations].
package signin

import (
	"context"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// Provider is an OAuth client at a service.
type Provider struct {
	// Name is the service's name in messages.
	Name   string
	Config oauth2.Config
	HTTP   *http.Client
	// Expired says, in a sentence, why the service may have ended a sign-in that was valid. Empty adds nothing.
	Expired string
	// Busy is the description of invalid_grant with which the service refuses a refresh token that another request is
	// using at the moment. Empty is none.
	Busy string
	// Rotations is set for a service whose refresh tokens can be used only once. Providers of one service share them.
	Rotations *Rotations
}

// Tokens are a user's tokens in the format of RFC 6749. Refresh may be empty.
type Tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token,omitempty"`
}

// config returns the client with a redirect URL, which a code is bound to.
func (p *Provider) config(redirect string) *oauth2.Config {
	c := p.Config
	c.RedirectURL = redirect
	return &c
}

// AuthorizeURL returns the URL at which the user signs in.
func (p *Provider) AuthorizeURL(login action.Login, options ...oauth2.AuthCodeOption) string {
	return p.config(login.RedirectURL).AuthCodeURL(login.State, options...)
}

// Exchange exchanges a code for tokens. A code can be used once.
func (p *Provider) Exchange(ctx context.Context, login action.Login, code string, options ...oauth2.AuthCodeOption) (Tokens, error) {
	t, err := p.config(login.RedirectURL).Exchange(p.withClient(ctx), code, options...)
	if err != nil {
		return Tokens{}, p.explain(ctx, err)
	}
	return Tokens{t.AccessToken, t.RefreshToken}, nil
}

// refreshTimeout limits one request for a new access token.
const refreshTimeout = 30 * time.Second

// refresh gets a new access token. The request may be repeated.
func (p *Provider) refresh(ctx context.Context, old Tokens) (Tokens, error) {
	fresh := old
	retry := deliver.Retry{MaxAttempts: 3, InitialBackoff: 200 * time.Millisecond, MaxBackoff: 2 * time.Second}
	err := retry.Do(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, refreshTimeout, action.Errorf(action.Timeout, "%s did not respond in time.", p.Name))
		defer cancel()
		t, err := p.config("").TokenSource(p.withClient(ctx), &oauth2.Token{RefreshToken: old.Refresh}).Token()
		if err != nil {
			return p.explainEnded(ctx, err)
		}
		fresh.Access = t.AccessToken
		if t.RefreshToken != "" {
			fresh.Refresh = t.RefreshToken
		}
		return nil
	})
	return fresh, err
}

func (p *Provider) withClient(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, p.HTTP)
}

// Required is the error of kind Unauthenticated that asks the user to sign in.
func (p *Provider) Required() error {
	return action.Errorf(action.Unauthenticated, "The sign-in at %s is missing or no longer valid. Open the form in Looker and "+
		"log in again.", p.Name)
}

// Session is a user's access during one request.
type Session struct {
	provider *Provider
	opened   Tokens

	mu     sync.Mutex
	tokens Tokens
}

// Open starts a session.
func (p *Provider) Open(t Tokens) *Session { return &Session{provider: p, opened: t, tokens: t} }

// Tokens returns the current tokens: those of another request if it replaced this one's, which are used up then.
func (s *Session) Tokens() Tokens {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.provider.Rotations != nil {
		s.tokens = s.provider.Rotations.latest(s.tokens)
	}
	return s.tokens
}

// Call calls f with an access token, and again with a new one if f returns an error of kind Unauthenticated. The
// rejected request must have had no effect.
func (s *Session) Call(ctx context.Context, f func(ctx context.Context, access string) error) error {
	access := s.Tokens().Access
	if access != "" {
		if err := f(ctx, access); action.KindOf(err) != action.Unauthenticated {
			return err
		}
	}
	access, err := s.renew(ctx, access)
	if err != nil {
		return err
	}
	if err = f(ctx, access); action.KindOf(err) == action.Unauthenticated {
		return s.provider.Required()
	}
	return err
}

// renew replaces the rejected token, unless another call has done so.
func (s *Session) renew(ctx context.Context, refused string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens.Access != refused {
		return s.tokens.Access, nil
	}
	if s.tokens.Refresh == "" {
		return "", s.provider.Required()
	}
	ask := s.provider.refresh
	if s.provider.Rotations != nil {
		ask = func(ctx context.Context, old Tokens) (Tokens, error) {
			return s.provider.Rotations.refresh(ctx, old, s.provider.refresh)
		}
	}
	fresh, err := ask(ctx, s.tokens)
	if err != nil {
		return "", err
	}
	s.tokens = fresh
	return fresh.Access, nil
}
