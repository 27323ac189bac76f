package email

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// oauthSettings are the hub's app at the mail server's identity provider, which takes the place of a password.
type oauthSettings struct {
	// Tenant is the directory of a Microsoft 365 organization: its ID, or one of its domains.
	Tenant       string        `env:"EMAIL_OAUTH_TENANT"`
	ClientID     string        `env:"EMAIL_OAUTH_CLIENT_ID"`
	ClientSecret action.Secret `env:"EMAIL_OAUTH_CLIENT_SECRET"`
	// TokenURL is Microsoft's for the tenant by default.
	TokenURL string `env:"EMAIL_OAUTH_TOKEN_URL"`
	// Scope is Exchange Online by default.
	Scope string `env:"EMAIL_OAUTH_SCOPE" envDefault:"https://outlook.office365.com/.default"`
}

// used reports whether the hub signs in by OAuth 2.0.
func (s oauthSettings) used() bool {
	return s.Tenant != "" || s.ClientID != "" || s.ClientSecret != "" || s.TokenURL != ""
}

func (s oauthSettings) validate() error {
	switch u, err := url.Parse(s.TokenURL); {
	case s.ClientID == "" || s.ClientSecret == "":
		return errors.New("EMAIL_OAUTH_CLIENT_ID and EMAIL_OAUTH_CLIENT_SECRET must be set together")
	case s.Tenant == "" && s.TokenURL == "":
		return errors.New("EMAIL_OAUTH_TENANT is missing; for identity providers other than Microsoft, set EMAIL_OAUTH_TOKEN_URL instead")
	case s.TokenURL != "" && (err != nil || u.Scheme != "https" || u.Host == ""):
		return errors.New("EMAIL_OAUTH_TOKEN_URL must be an https URL")
	}
	return nil
}

// app signs the hub in at its identity provider:
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
type app struct {
	config clientcredentials.Config
	http   *http.Client
	// name is the identity provider's, for messages.
	name string
}

func newApp(s oauthSettings, client *http.Client) app {
	a := app{http: client, name: "Microsoft Entra ID", config: clientcredentials.Config{
		ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(), AuthStyle: oauth2.AuthStyleInParams,
		TokenURL: "https://login.microsoftonline.com/" + url.PathEscape(s.Tenant) + "/oauth2/v2.0/token",
	}}
	if s.Scope != "" {
		a.config.Scopes = []string{s.Scope}
	}
	if u, err := url.Parse(s.TokenURL); err == nil && s.TokenURL != "" {
		a.config.TokenURL, a.name = s.TokenURL, u.Host
	}
	return a
}

// token returns an access token. It is fetched for each mail, so that it has the permissions that the app has at
// that time: an administrator who adds a missing one need not wait until a kept token expires.
func (a app) token(ctx context.Context) (action.Secret, error) {
	outbound.SecretsOf(ctx).Add(a.config.ClientSecret)
	token, err := a.config.Token(context.WithValue(ctx, oauth2.HTTPClient, a.http))
	if err != nil {
		return "", a.explain(ctx, err)
	}
	return action.Secret(token.AccessToken), nil
}

// entraCodes say what Microsoft's error codes mean:
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
var entraCodes = map[string]string{
	"AADSTS7000215": "the client secret is wrong. It must be the secret's value, not its ID",
	"AADSTS7000222": "the client secret has expired",
	"AADSTS700016":  "the organization has no app with this client ID",
	"AADSTS90002":   "the tenant does not exist",
	"AADSTS900023":  "the tenant does not exist",
	"AADSTS500011":  "the organization has no resource with this scope",
	"AADSTS70011":   "the scope is not valid",
	"AADSTS1002012": "the scope is not valid. It must end with /.default",
	"AADSTS53003":   "a Conditional Access policy blocks the app",
}

var (
	entraCode = regexp.MustCompile(`\bAADSTS\d{4,8}\b`)
	errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)
)

// explain converts an error. The identity provider's text is dropped, because it can quote the request.
func (a app) explain(ctx context.Context, err error) error {
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return fmt.Errorf("fetching an access token: %w", outbound.ConnectionError(ctx, err, a.name))
	}
	detail := &outbound.StatusError{Code: answer.Response.StatusCode}
	if kind := action.KindOfStatus(detail.Code); kind.Retryable() {
		return action.Wrap(detail, kind, "%s is temporarily unavailable. Try again later.", a.name)
	}
	reason := "check the client ID, the client secret and the scope"
	if code := entraCode.FindString(answer.ErrorDescription); code != "" {
		reason = code
		if meaning, ok := entraCodes[code]; ok {
			reason = meaning + " (" + code + ")"
		}
	} else if errorCode.MatchString(answer.ErrorCode) {
		reason += " (" + answer.ErrorCode + ")"
	}
	return action.Wrap(detail, action.Unauthenticated, "%s issued no access token for the hub's mailbox: %s.", a.name, reason)
}
