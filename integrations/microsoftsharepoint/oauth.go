package microsoftsharepoint

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/signin"
)

// cloud is one of Microsoft's clouds, which have nothing in common but their APIs:
// https://learn.microsoft.com/graph/deployments
// https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
type cloud struct{ login, graph string }

// cloudName is the administrator's choice of a cloud.
type cloudName string

var clouds = map[cloudName]cloud{
	"global":            {"https://login.microsoftonline.com", "https://graph.microsoft.com"},
	"us_government":     {"https://login.microsoftonline.us", "https://graph.microsoft.us"},
	"us_government_dod": {"https://login.microsoftonline.us", "https://dod-graph.microsoft.us"},
	"china":             {"https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"},
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *cloudName) UnmarshalText(text []byte) error {
	return choice.Parse(c, string(text), "global", "us_government", "us_government_dod", "china")
}

// tenant is the ID or a domain of the organization, or organizations for all of them. It becomes part of a URL.
type tenant string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (t *tenant) UnmarshalText(text []byte) error {
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '.' {
			return errors.New("must be a tenant's ID or domain, or organizations")
		}
	}
	if strings.Trim(string(text), ".") == "" {
		return errors.New("must be a tenant's ID or domain, or organizations")
	}
	*t = tenant(text)
	return nil
}

// expired are the usual reasons of invalid_grant: https://learn.microsoft.com/entra/identity-platform/refresh-tokens
const expired = "Microsoft ends it after 90 days without use, if the password changed, access was revoked, or a policy of the " +
	"organization requires a new sign-in."

// provider is the OAuth client (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow). The scopes are
// complete URLs, since the short ones are those of the global cloud.
func provider(s settings, c cloud, deps action.Deps) *signin.Provider {
	base := c.login + "/" + string(s.Tenant) + "/oauth2/v2.0/"
	return &signin.Provider{Name: "Microsoft", HTTP: deps.HTTP, Expired: expired, Config: oauth2.Config{
		ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(),
		Scopes:   []string{c.graph + "/Files.ReadWrite.All", c.graph + "/Sites.ReadWrite.All", "offline_access"},
		Endpoint: oauth2.Endpoint{AuthURL: base + "authorize", TokenURL: base + "token", AuthStyle: oauth2.AuthStyleInParams},
	}}
}

// AuthorizeURL implements [action.Authorizer].
func (i *Integration) AuthorizeURL(_ context.Context, login action.Login) (string, error) {
	return i.signIn.AuthorizeURL(login, oauth2.S256ChallengeOption(login.Verifier)), nil
}

// refusals are the errors with which Microsoft sends a user back. Its descriptions name the app and the account.
var refusals = []string{"access_denied", "consent_required", "admin_consent_required"}

// Exchange implements [action.Authorizer].
func (i *Integration) Exchange(ctx context.Context, login action.Login, callback url.Values) (*action.State, error) {
	if slices.Contains(refusals, callback.Get("error")) {
		return nil, action.Errorf(action.Forbidden, "Microsoft did not grant access. An administrator of the organization may have to "+
			"approve the app first.")
	}
	t, err := i.signIn.Exchange(ctx, login, callback.Get("code"), oauth2.VerifierOption(login.Verifier))
	if err != nil {
		return nil, err
	}
	return signin.Keep(t), nil
}
