package salesforcecampaigns

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/signin"
)

// provider is the OAuth client at a user's own domain, which sandboxes need. Without scopes,
// Salesforce grants those of the app
// (https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_web_server_flow.htm). An app can have Refresh Token
// Rotation: then a refresh token that comes a second time ends the sign-in
// (https://help.salesforce.com/s/articleView?id=005316711&type=1). Salesforce refuses simultaneous requests with one refresh
// token, as those of two replicas of the hub are:
// https://help.salesforce.com/s/articleView?id=release-notes.rn_security_refresh_token_error.htm&release=252
func (i *Integration) provider(d domain) *signin.Provider {
	const busy = "token request is already being processed"
	return &signin.Provider{Name: name, HTTP: i.http, Rotations: &i.rotations, Busy: busy, Config: oauth2.Config{
		ClientID: i.settings.ClientID, ClientSecret: i.settings.ClientSecret.Reveal(),
		Endpoint: oauth2.Endpoint{
			AuthURL: string(d) + "/services/oauth2/authorize", TokenURL: string(d) + "/services/oauth2/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}}
}

// loginDomain is the domain of a sign-in.
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

// parseState reads the tokens that Looker stores. Anything else counts as none, such as an
// authorization code that was not exchanged in time.
func parseState(text string) signin.Tokens {
	var t signin.Tokens
	if json.Unmarshal([]byte(text), &t) != nil {
		return signin.Tokens{}
	}
	return t
}

// state returns the tokens for Looker to store.
func state(t signin.Tokens) *action.State {
	data, err := json.Marshal(t) //nolint:gosec // Looker stores the tokens
	if err != nil {
		panic(err) // strings only
	}
	return &action.State{Data: string(data)}
}

// domain is the base URL of a customer's org, such as https://MyDomainName.my.salesforce.com. Users
// set it themselves and it gets tokens, so it must be one of Salesforce's.
type domain string

// hosts are the suffixes of Salesforce's host names: current and older ones, Government Cloud, and
// China.
// https://help.salesforce.com/s/articleView?id=sf.domain_name_url_formats.htm
var hosts = []string{".salesforce.com", ".force.com", ".cloudforce.com", ".salesforce.mil", ".sfcrmproducts.cn"}

// lightning is the suffix of host names in the browser, which do not serve the API.
const lightning = ".lightning.force.com"

var errDomain = errors.New("must be the URL of a Salesforce domain, such as https://MyDomainName.my.salesforce.com")

// UnmarshalText implements [encoding.TextUnmarshaler]. The path is dropped.
func (d *domain) UnmarshalText(text []byte) error {
	t := strings.TrimSpace(string(text))
	if !strings.Contains(t, "://") {
		t = "https://" + t
	}
	u, err := url.Parse(t)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Port() != "" {
		return errDomain
	}
	host := strings.ToLower(u.Hostname())
	if own, found := strings.CutSuffix(host, lightning); found {
		host = own + ".my.salesforce.com"
	}
	for _, end := range hosts {
		if own, found := strings.CutSuffix(host, end); found && own != "" && strings.Trim(own, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" {
			*d = domain("https://" + host)
			return nil
		}
	}
	return errDomain
}
