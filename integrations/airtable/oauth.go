package airtable

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/signin"
)

// provider is the OAuth client (https://airtable.com/developers/web/api/oauth-reference). Airtable replaces a refresh
// token each time it is used.
func provider(s settings, client *http.Client) *signin.Provider {
	return &signin.Provider{
		Name: name, HTTP: client, Rotations: new(signin.Rotations), Expired: "Airtable revokes it after 60 days without use.",
		Config: oauth2.Config{
			ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(),
			// schema.bases:write is for creating tables and fields, which the hub does not do.
			Scopes: []string{"data.records:write", "schema.bases:read"},
			Endpoint: oauth2.Endpoint{ //nolint:gosec // addresses, no credentials
				AuthURL: "https://www.airtable.com/oauth2/v1/authorize", TokenURL: "https://www.airtable.com/oauth2/v1/token",
				AuthStyle: oauth2.AuthStyleInHeader,
			},
		},
	}
}

// AuthorizeURL implements [action.Authorizer].
func (i *Integration) AuthorizeURL(_ context.Context, login action.Login) (string, error) {
	return i.signIn.AuthorizeURL(login, oauth2.S256ChallengeOption(login.Verifier)), nil
}

// Exchange implements [action.Authorizer].
func (i *Integration) Exchange(ctx context.Context, login action.Login, callback url.Values) (*action.State, error) {
	t, err := i.signIn.Exchange(ctx, login, callback.Get("code"), oauth2.VerifierOption(login.Verifier))
	if err != nil {
		return nil, err
	}
	return tokens{t, login.RedirectURL}.state(), nil
}

// tokens are a user's, as Looker stores them.
type tokens struct {
	signin.Tokens

	Redirect string
}

// parseState reads both formats that Looker may have stored: the nested and the older, flat one.
// Anything else counts as no tokens.
func parseState(state string) tokens {
	var kept struct {
		signin.Tokens

		Nested      *signin.Tokens `json:"tokens"`
		Redirect    string         `json:"redirect"`
		RedirectURI string         `json:"redirectUri"`
	}
	if json.Unmarshal([]byte(state), &kept) != nil {
		return tokens{}
	}
	if kept.Nested != nil {
		return tokens{*kept.Nested, kept.Redirect}
	}
	return tokens{kept.Tokens, kept.RedirectURI}
}

// state returns the tokens for Looker to store.
func (t tokens) state() *action.State {
	return signin.Keep(map[string]any{
		"tokens":   map[string]string{"refresh_token": t.Refresh, "access_token": t.Access},
		"redirect": t.Redirect,
	})
}
