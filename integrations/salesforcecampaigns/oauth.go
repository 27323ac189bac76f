package salesforcecampaigns

import (
	"context"
	"encoding/json"
	"net/url"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/signin"
)

// provider is the OAuth client at a user's own domain, which a sandbox needs. Without scopes
// Salesforce grants those that the app is registered with
// (https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_web_server_flow.htm).
func (i *Integration) provider(d domain) *signin.Provider {
	return &signin.Provider{Name: name, HTTP: i.http, Config: oauth2.Config{
		ClientID: i.settings.ClientID, ClientSecret: i.settings.ClientSecret.Reveal(),
		Endpoint: oauth2.Endpoint{
			AuthURL: string(d) + "/services/oauth2/authorize", TokenURL: string(d) + "/services/oauth2/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}}
}

// loginDomain is where a sign-in takes place.
func loginDomain(login action.Login) (domain, error) {
	var d domain
	if err := d.UnmarshalText([]byte(login.Params["salesforce_domain"])); err != nil {
		return "", action.Wrap(err, action.Invalid, "The Salesforce domain in Looker %s.", err)
	}
	return d, nil
}

// AuthorizeURL implements [action.Authorizer].
func (i *Integration) AuthorizeURL(_ context.Context, login action.Login) (string, error) {
	d, err := loginDomain(login)
	if err != nil {
		return "", err
	}
	return i.provider(d).AuthorizeURL(login, oauth2.S256ChallengeOption(login.Verifier)), nil
}

// Exchange implements [action.Authorizer].
func (i *Integration) Exchange(ctx context.Context, login action.Login, callback url.Values) (*action.State, error) {
	d, err := loginDomain(login)
	if err != nil {
		return nil, err
	}
	t, err := i.provider(d).Exchange(ctx, login, callback.Get("code"), oauth2.VerifierOption(login.Verifier))
	if err != nil {
		return nil, err
	}
	return state(t), nil
}

// parseState reads the tokens that Looker keeps. Anything else counts as none, such as a code
// that was never traded for them: it is good for some minutes only.
func parseState(text string) signin.Tokens {
	var t signin.Tokens
	if json.Unmarshal([]byte(text), &t) != nil {
		return signin.Tokens{}
	}
	return t
}

// state is the tokens as Looker shall keep them.
func state(t signin.Tokens) *action.State {
	data, err := json.Marshal(t) //nolint:gosec // Looker keeps the tokens
	if err != nil {
		panic(err) // strings only
	}
	return &action.State{Data: string(data)}
}
