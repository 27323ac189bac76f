package email_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/email"
	"integrationhub.dev/integrations/internal/mail/mailtest"
)

const clientSecret = "client-s3cret"

// oauthEnv are the settings for Microsoft 365. Values that are changed to "" are not set.
func oauthEnv(change answers) answers {
	all := env(answers{"EMAIL_OAUTH_TENANT": "contoso.example", "EMAIL_OAUTH_CLIENT_ID": "app", "EMAIL_OAUTH_CLIENT_SECRET": clientSecret})
	delete(all, "EMAIL_SMTP_PASSWORD")
	for name, value := range change {
		if all[name] = value; value == "" {
			delete(all, name)
		}
	}
	return all
}

func issued() actiontest.Reply {
	return actiontest.Reply{
		Header: answers{"Content-Type": "application/json"},
		Body:   `{"token_type":"Bearer","expires_in":3599,"access_token":"` + mailtest.Token + `"}`,
	}
}

// The hub gets a token for its app, and signs in with it.
func TestOAuth(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env     answers
		offered []string
		host    string
		path    string
		scope   []string
		said    []string
	}{
		"Microsoft 365": {
			offered: []string{"LOGIN", "XOAUTH2"}, host: "login.microsoftonline.com",
			path: "/contoso.example/oauth2/v2.0/token", scope: []string{"https://outlook.office365.com/.default"},
			said: []string{"XOAUTH2", "user=hub^Aauth=Bearer " + mailtest.Token + "^A^A"},
		},
		"another cloud of Microsoft": {
			env:     answers{"EMAIL_OAUTH_TENANT": "", "EMAIL_OAUTH_TOKEN_URL": "https://login.microsoftonline.us/t/oauth2/v2.0/token", "EMAIL_OAUTH_SCOPE": "https://outlook.office365.us/.default"},
			offered: []string{"LOGIN", "XOAUTH2"}, host: "login.microsoftonline.us", path: "/t/oauth2/v2.0/token",
			scope: []string{"https://outlook.office365.us/.default"},
			said:  []string{"XOAUTH2", "user=hub^Aauth=Bearer " + mailtest.Token + "^A^A"},
		},
		"another identity provider": {
			env:     answers{"EMAIL_OAUTH_TENANT": "", "EMAIL_OAUTH_TOKEN_URL": "https://id.example.org/token", "EMAIL_OAUTH_SCOPE": "smtp"},
			offered: []string{"OAUTHBEARER"}, host: "id.example.org", path: "/token", scope: []string{"smtp"},
			said: []string{"OAUTHBEARER", "n,a=hub,^Ahost=example.com^Aport=587^Aauth=Bearer " + mailtest.Token + "^A^A"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mailtest.New(t, false)
			f.Mechanisms = tt.offered
			d := actiontest.NewDestination(t).Reply(issued())
			deps := f.Deps(oauthEnv(tt.env))
			deps.HTTP = actiontest.Deps(t, d, nil).HTTP
			if _, err := actiontest.New(t, email.New, deps).Execute(t.Context(), query(t, nil)); err != nil {
				t.Fatal(err)
			}
			if got := len(f.Mails()); got != 1 {
				t.Errorf("%d mails arrived, want 1", got)
			}
			if diff := cmp.Diff(tt.said, f.Said()); diff != "" {
				t.Errorf("sign-in (-want +got):\n%s", diff)
			}
			r := d.Requests()[0]
			form, err := url.ParseQuery(string(r.Body))
			if err != nil {
				t.Fatal(err)
			}
			want := url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {clientSecret}, "scope": tt.scope}
			if diff := cmp.Diff(want, form); diff != "" {
				t.Errorf("request for a token (-want +got):\n%s", diff)
			}
			if got := r.Host + r.Path; got != tt.host+tt.path {
				t.Errorf("token from %s, want %s", got, tt.host+tt.path)
			}
		})
	}
}

// Without EMAIL_SMTP_USERNAME, the mailbox is the sender's.
func TestOAuthMailbox(t *testing.T) {
	t.Parallel()
	f := mailtest.New(t, false)
	f.Mechanisms = []string{"XOAUTH2"}
	d := actiontest.NewDestination(t).Reply(issued())
	deps := f.Deps(oauthEnv(answers{"EMAIL_SMTP_USERNAME": ""}))
	deps.HTTP = actiontest.Deps(t, d, nil).HTTP
	_, err := actiontest.New(t, email.New, deps).Execute(t.Context(), query(t, nil))
	const want = "example.com rejected the hub's access token (535 5.7.3). The hub's app must be allowed to use its mailbox."
	if got := action.MessageOf(err); got != want { // the server knows the mailbox hub only
		t.Errorf("message %q, want %q", got, want)
	}
	said := []string{"XOAUTH2", "user=looker@mail.example.org^Aauth=Bearer " + mailtest.Token + "^A^A", ""}
	if diff := cmp.Diff(said, f.Said()); diff != "" {
		t.Errorf("sign-in (-want +got):\n%s", diff)
	}
}

func TestOAuthFails(t *testing.T) {
	t.Parallel()
	entra := func(code string) actiontest.Reply {
		return actiontest.Reply{
			Status: 401, Header: answers{"Content-Type": "application/json"},
			Body: `{"error":"invalid_client","error_description":"` + code + `: quoted ` + clientSecret + ` Trace ID: 1"}`,
		}
	}
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		offered []string
		refuse  error
		kind    action.Kind
		message string
		tokens  int
	}{
		"an expired secret": {
			reply: entra("AADSTS7000222"), offered: []string{"XOAUTH2"}, kind: action.Unauthenticated,
			message: "Microsoft Entra ID issued no access token for the hub's mailbox: the client secret has expired (AADSTS7000222).",
			tokens:  1,
		},
		"the secret's ID": {
			reply: entra("AADSTS7000215"), offered: []string{"XOAUTH2"}, kind: action.Unauthenticated,
			message: "Microsoft Entra ID issued no access token for the hub's mailbox: the client secret is wrong. It must be the secret's value, not its ID (AADSTS7000215).",
			tokens:  1,
		},
		"an unknown code": {
			reply: entra("AADSTS123456"), offered: []string{"XOAUTH2"}, kind: action.Unauthenticated,
			message: "Microsoft Entra ID issued no access token for the hub's mailbox: AADSTS123456.", tokens: 1,
		},
		"a code of the standard": {
			reply: entra("no code"), offered: []string{"XOAUTH2"}, kind: action.Unauthenticated,
			message: "Microsoft Entra ID issued no access token for the hub's mailbox: check the client ID, the client secret and the scope (invalid_client).",
			tokens:  1,
		},
		"a web page": {
			reply: actiontest.Reply{Status: 400, Body: "<html>"}, offered: []string{"XOAUTH2"},
			kind:    action.Unauthenticated,
			message: "Microsoft Entra ID issued no access token for the hub's mailbox: check the client ID, the client secret and the scope.",
			tokens:  1,
		},
		"a rate limit": {
			reply: actiontest.Reply{Status: 429}, offered: []string{"XOAUTH2"}, kind: action.RateLimited,
			message: "Microsoft Entra ID is temporarily unavailable. Try again later.", tokens: 1,
		},
		"a server that wants a password": {
			reply: issued(), offered: []string{"LOGIN"}, kind: action.Unauthenticated,
			message: "example.com does not accept OAuth 2.0. It offers: LOGIN.",
		},
		"SMTP AUTH of the mailbox": {
			reply: issued(), offered: []string{"XOAUTH2"},
			refuse: &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 139}, Message: "Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox."},
			kind:   action.Unauthenticated,
			message: "example.com does not allow the hub to sign in: authenticated SMTP is turned off for its mailbox. " +
				"A Microsoft 365 administrator must allow Authenticated SMTP for the hub's mailbox (535 5.7.139).",
			tokens: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := mailtest.New(t, false)
			f.Mechanisms = tt.offered
			f.Refuse = func(step string, _ int) error {
				if step == "auth" {
					return tt.refuse
				}
				return nil
			}
			d := actiontest.NewDestination(t).Reply(tt.reply)
			deps := f.Deps(oauthEnv(nil))
			deps.HTTP = actiontest.Deps(t, d, nil).HTTP
			_, err := actiontest.New(t, email.New, deps).Execute(t.Context(), query(t, nil))
			if got := action.MessageOf(err); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			if got := action.KindOf(err); got != tt.kind {
				t.Errorf("kind %v, want %v", got, tt.kind)
			}
			if got := len(d.Requests()); got != tt.tokens {
				t.Errorf("%d tokens were asked for, want %d", got, tt.tokens)
			}
			if got := len(f.Dialled()); got != 1 {
				t.Errorf("%d attempts, want 1", got)
			}
			for _, s := range []string{clientSecret, mailtest.Token} {
				if err != nil && strings.Contains(err.Error(), s) {
					t.Errorf("the error contains %q: %v", s, err)
				}
			}
		})
	}
}
