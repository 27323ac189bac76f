package dropbox

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/signin"
)

// provider is the OAuth client (https://developers.dropbox.com/oauth-guide). Its app secret
// and PKCE go together: a code that is intercepted is of no use to anybody else.
func provider(s settings, c *http.Client) *signin.Provider {
	return &signin.Provider{Name: name, HTTP: c, Config: oauth2.Config{
		ClientID: s.AppKey, ClientSecret: s.AppSecret.Reveal(),
		Endpoint: oauth2.Endpoint{
			AuthURL: "https://www.dropbox.com/oauth2/authorize", TokenURL: apiHost + "/oauth2/token",
			AuthStyle: oauth2.AuthStyleInHeader,
		},
	}}
}

// AuthorizeURL implements [action.Authorizer]. An offline grant comes with a refresh token:
// an access token lives for four hours.
func (i *Integration) AuthorizeURL(_ context.Context, login action.Login) (string, error) {
	return i.signIn.AuthorizeURL(login, oauth2.S256ChallengeOption(login.Verifier),
		oauth2.SetAuthURLParam("token_access_type", "offline"), oauth2.SetAuthURLParam("force_reapprove", "true")), nil
}

// Exchange implements [action.Authorizer].
func (i *Integration) Exchange(ctx context.Context, login action.Login, callback url.Values) (*action.State, error) {
	t, err := i.signIn.Exchange(ctx, login, callback.Get("code"), oauth2.VerifierOption(login.Verifier))
	if err != nil {
		return nil, err
	}
	return state(t), nil
}

// parseState reads both shapes that are kept in people's Lookers: flat, and nested in
// "tokens". Anything else counts as no tokens.
func parseState(text string) signin.Tokens {
	var kept struct {
		signin.Tokens
		Nested *signin.Tokens `json:"tokens"`
	}
	switch {
	case json.Unmarshal([]byte(text), &kept) != nil:
		return signin.Tokens{}
	case kept.Nested != nil:
		return *kept.Nested
	}
	return kept.Tokens
}

// state is the tokens as Looker shall keep them.
func state(t signin.Tokens) *action.State {
	data, err := json.Marshal(t) //nolint:gosec // Looker keeps the tokens
	if err != nil {
		panic(err) // strings only
	}
	return &action.State{Data: string(data)}
}
