package airtable

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// config is the OAuth client (https://airtable.com/developers/web/api/oauth-reference).
func (i *Integration) config(redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: i.settings.ClientID, ClientSecret: i.settings.ClientSecret.Reveal(), RedirectURL: redirect,
		Scopes: []string{"data.records:write", "schema.bases:read", "schema.bases:write"},
		Endpoint: oauth2.Endpoint{ //nolint:gosec // addresses, no credentials
			AuthURL: "https://www.airtable.com/oauth2/v1/authorize", TokenURL: "https://www.airtable.com/oauth2/v1/token",
			AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
}

// AuthorizeURL implements [action.Authorizer].
func (i *Integration) AuthorizeURL(_ context.Context, login action.Login) (string, error) {
	return i.config(login.RedirectURL).AuthCodeURL(login.State, oauth2.S256ChallengeOption(login.Verifier)), nil
}

// Exchange implements [action.Authorizer].
func (i *Integration) Exchange(ctx context.Context, login action.Login, callback url.Values) (*action.State, error) {
	t, err := i.config(login.RedirectURL).Exchange(i.withClient(ctx), callback.Get("code"), oauth2.VerifierOption(login.Verifier))
	if err != nil {
		return nil, oauthError(ctx, err)
	}
	return tokens{Access: t.AccessToken, Refresh: t.RefreshToken, Redirect: login.RedirectURL}.state(), nil
}

// refresh gets new tokens. Airtable issues a new refresh token each time.
func (i *Integration) refresh(ctx context.Context, old tokens) (tokens, error) {
	t, err := i.config(old.Redirect).TokenSource(i.withClient(ctx), &oauth2.Token{RefreshToken: old.Refresh}).Token()
	if err != nil {
		return tokens{}, oauthError(ctx, err)
	}
	return tokens{Access: t.AccessToken, Refresh: t.RefreshToken, Redirect: old.Redirect}, nil
}

func (i *Integration) withClient(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, i.http)
}

// oauthError keeps the library's error out of logs, because it quotes the response.
func oauthError(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		kind := action.KindOfStatus(e.Response.StatusCode)
		if kind == action.Invalid || kind == action.Unauthenticated || kind == action.Forbidden {
			return errSignIn
		}
		return action.Errorf(kind, "Airtable's sign-in answered %d.", e.Response.StatusCode)
	}
	return outbound.ConnectionError(ctx, err, "Airtable's sign-in")
}

// tokens are a user's, as Looker stores them.
type tokens struct {
	Refresh  string
	Access   string
	Redirect string
}

// parseState reads both formats that Looker may have stored: the nested and the older, flat one.
// Anything else counts as no tokens.
func parseState(state string) tokens {
	type pair struct {
		Refresh string `json:"refresh_token"`
		Access  string `json:"access_token"`
	}
	var kept struct {
		pair
		Tokens      *pair  `json:"tokens"`
		Redirect    string `json:"redirect"`
		RedirectURI string `json:"redirectUri"`
	}
	if json.Unmarshal([]byte(state), &kept) != nil {
		return tokens{}
	}
	if kept.Tokens != nil {
		return tokens{kept.Tokens.Refresh, kept.Tokens.Access, kept.Redirect}
	}
	return tokens{kept.Refresh, kept.Access, kept.RedirectURI}
}

// state returns the tokens for Looker to store.
func (t tokens) state() *action.State {
	data, err := json.Marshal(map[string]any{
		"tokens":   map[string]string{"refresh_token": t.Refresh, "access_token": t.Access},
		"redirect": t.Redirect,
	})
	if err != nil {
		panic(err) // strings only
	}
	return &action.State{Data: string(data)}
}
