package google

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/signin"
)

// Credentials are those of the hub's OAuth client, of type "web application".
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
	// ScopeAnalytics lets the secrets of data streams be read.
	ScopeAnalytics = "https://www.googleapis.com/auth/analytics.edit"
)

// provider is the OAuth client (https://developers.google.com/identity/protocols/oauth2/web-server).
func provider(c Credentials, scopes []string, client *http.Client) *signin.Provider {
	return &signin.Provider{Name: "Google", HTTP: client, Config: oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret.Reveal(), Scopes: scopes,
		Endpoint: oauth2.Endpoint{ //nolint:gosec // addresses, no credentials
			AuthURL: "https://accounts.google.com/o/oauth2/v2/auth", TokenURL: "https://oauth2.googleapis.com/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}}
}

// AuthorizeURL implements [action.Authorizer]. Only a grant with consent comes with a refresh
// token each time.
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
	return state{Tokens: t, Redirect: login.RedirectURL}.keep(), nil
}

// state is what Looker keeps.
type state struct {
	Tokens   signin.Tokens `json:"tokens"`
	Redirect string        `json:"redirect"`
}

func (s state) keep() *action.State {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings only
	}
	return &action.State{Data: string(data)}
}

// Open begins a user's access with what Looker kept; what cannot be read counts as nothing.
func (s *Service) Open(kept string) *Client {
	var st state
	if json.Unmarshal([]byte(kept), &st) != nil {
		st = state{}
	}
	return &Client{Service: s, session: s.SignIn.Open(st.Tokens), redirect: st.Redirect}
}

// SignedIn reports whether there is anything to sign in with.
func (c *Client) SignedIn() bool { return c.session.Tokens() != signin.Tokens{} }

// State is what Looker shall keep.
func (c *Client) State() *action.State {
	return state{Tokens: c.session.Tokens(), Redirect: c.redirect}.keep()
}
