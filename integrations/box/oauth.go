package box

import (
	"context"
	"net/url"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/signin"
)

// expired are the usual reasons of invalid_grant: https://developer.box.com/guides/authentication/tokens/refresh
const expired = "Box revokes it after 60 days without use, or when the user revokes access."

// provider is the OAuth client (https://developer.box.com/guides/authentication/oauth2). Each refresh token can be used once.
func provider(s settings, deps action.Deps) *signin.Provider {
	return &signin.Provider{Name: name, HTTP: deps.HTTP, Expired: expired, Rotations: new(signin.Rotations), Config: oauth2.Config{
		ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(),
		Endpoint: oauth2.Endpoint{ //nolint:gosec // addresses, no credentials
			AuthURL: "https://account.box.com/api/oauth2/authorize", TokenURL: "https://api.box.com/oauth2/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}}
}

// AuthorizeURL implements [action.Authorizer].
func (i *Integration) AuthorizeURL(_ context.Context, login action.Login) (string, error) {
	return i.signIn.AuthorizeURL(login), nil
}

// Exchange implements [action.Authorizer].
func (i *Integration) Exchange(ctx context.Context, login action.Login, callback url.Values) (*action.State, error) {
	t, err := i.signIn.Exchange(ctx, login, callback.Get("code"))
	if err != nil {
		return nil, err
	}
	return signin.Keep(t), nil
}
