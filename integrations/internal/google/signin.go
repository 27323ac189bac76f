package google

import (
	"context"
	"net/url"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/signin"
)

// Credentials are the hub's OAuth client, of type "web application".
type Credentials struct {
	ID     string
	Secret action.Secret
}

// The scopes: https://developers.google.com/identity/protocols/oauth2/scopes
const (
	ScopeDrive  = "https://www.googleapis.com/auth/drive"
	ScopeSheets = "https://www.googleapis.com/auth/spreadsheets"
	ScopeEmail  = "https://www.googleapis.com/auth/userinfo.email"
	ScopeAds    = "https://www.googleapis.com/auth/adwords"
	// ScopeAnalytics allows reading the secrets of data streams.
	ScopeAnalytics = "https://www.googleapis.com/auth/analytics.edit"
)

// expired are the usual reasons of invalid_grant: https://developers.google.com/identity/protocols/oauth2#expiration
const expired = "Google ends it if access was revoked, the password changed, or it was not used for six months. If it ends after seven " +
	"days, the OAuth consent screen is in status Testing: the hub's administrator must publish the app."

// provider is the OAuth client (https://developers.google.com/identity/protocols/oauth2/web-server).
func provider(c Credentials, scopes []string, deps action.Deps) *signin.Provider {
	return &signin.Provider{Name: "Google", HTTP: deps.HTTP, Expired: expired, Config: oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret.Reveal(), Scopes: scopes,
		Endpoint: oauth2.Endpoint{ //nolint:gosec // addresses, no credentials
			AuthURL: "https://accounts.google.com/o/oauth2/v2/auth", TokenURL: "https://oauth2.googleapis.com/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}}
}

// AuthorizeURL implements [action.Authorizer]. Google issues a refresh token each time only if the user
// consents each time.
func (s *Service) AuthorizeURL(_ context.Context, login action.Login) (string, error) {
	return s.SignIn.AuthorizeURL(login, oauth2.AccessTypeOffline,
		oauth2.SetAuthURLParam("prompt", "consent"), oauth2.S256ChallengeOption(login.Verifier)), nil
}

// Exchange implements [action.Authorizer].
func (s *Service) Exchange(ctx context.Context, login action.Login, callback url.Values) (*action.State, error) {
	t, err := s.SignIn.Exchange(ctx, login, callback.Get("code"), oauth2.VerifierOption(login.Verifier))
	if err != nil {
		return nil, err
	}
	if t.Refresh == "" {
		return nil, action.Errorf(action.Unauthenticated, "OAuth tokens are invalid.")
	}
	return signin.Keep(state{Tokens: t, Redirect: login.RedirectURL}), nil
}

// state is what Looker stores, in the reference's format.
type state struct {
	Tokens   signin.Tokens `json:"tokens"`
	Redirect string        `json:"redirect"`
}

// Open starts a user's access with the state that Looker stored.
func (s *Service) Open(kept string) *Client {
	st := signin.Kept[state](kept)
	return &Client{Service: s, session: s.SignIn.Open(st.Tokens), redirect: st.Redirect}
}

// SignedIn reports whether there are tokens.
func (c *Client) SignedIn() bool { return c.session.Tokens() != signin.Tokens{} }

// Forget is [signin.Forget].
func (*Service) Forget(err error) *action.Response { return signin.Forget(err) }

// State returns the state for Looker to store.
func (c *Client) State() *action.State {
	return signin.Keep(state{Tokens: c.session.Tokens(), Redirect: c.redirect})
}
