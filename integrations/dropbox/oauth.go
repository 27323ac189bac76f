package dropbox

import (
	"context"
	"net/url"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/signin"
)

// provider is the OAuth client (https://developers.dropbox.com/oauth-guide). It uses PKCE in addition to
// its secret, so that an intercepted code is useless.
func provider(s settings, deps action.Deps) *signin.Provider {
	return &signin.Provider{Name: name, HTTP: deps.HTTP, Config: oauth2.Config{
		ClientID: s.AppKey, ClientSecret: s.AppSecret.Reveal(),
		Endpoint: oauth2.Endpoint{
			AuthURL: "https://www.dropbox.com/oauth2/authorize", TokenURL: apiHost + "/oauth2/token",
			AuthStyle: oauth2.AuthStyleInHeader,
		},
	}}
}

// AuthorizeURL implements [action.Authorizer]. An offline grant includes a refresh token, since an access
// token expires after four hours.
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
	return signin.Keep(t), nil
}

// parseState reads both formats that Looker instances have stored: flat, and nested in "tokens".
func parseState(text string) signin.Tokens {
	type tokens struct {
		signin.Tokens
		Nested *signin.Tokens `json:"tokens"`
	}
	kept := signin.Kept[tokens](text)
	if kept.Nested != nil {
		return *kept.Nested
	}
	return kept.Tokens
}
