package signin_test

import (
	"context"
	"net/http"
	"testing"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/signin"
)

// answer is a service's answer to a refresh token.
func answer(status int, body string) actiontest.Reply {
	return actiontest.Reply{Status: status, Header: map[string]string{"Content-Type": "application/json"}, Body: body}
}

func provider(t *testing.T, reply actiontest.Reply) *signin.Provider {
	t.Helper()
	d := actiontest.NewDestination(t).Reply(reply)
	return &signin.Provider{
		Name: "Acme", HTTP: actiontest.Deps(t, d, nil).HTTP, Expired: "Acme ends it after a year.",
		Config: oauth2.Config{ClientID: "id", ClientSecret: "secret", Endpoint: oauth2.Endpoint{TokenURL: "https://acme.example.com/token"}},
	}
}

// The reasons why a sign-in ends are named only where the service ended one.
func TestExpired(t *testing.T) {
	t.Parallel()
	const missing = "The sign-in at Acme is missing or no longer valid. Open the form in Looker and log in again."
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		refresh string
		kind    action.Kind
		want    string
	}{
		"grant ended":     {answer(http.StatusBadRequest, `{"error":"invalid_grant"}`), "r1", action.Unauthenticated, missing + " Acme ends it after a year."},
		"another refusal": {answer(http.StatusBadRequest, `{"error":"invalid_request"}`), "r1", action.Unauthenticated, missing},
		"wrong client": {
			answer(http.StatusUnauthorized, `{"error":"invalid_client"}`), "r1", action.Internal,
			"Acme does not accept the hub's client id and secret. The hub's administrator must check them.",
		},
		"never signed in": {answer(http.StatusOK, `{}`), "", action.Unauthenticated, missing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := provider(t, tt.reply).Open(signin.Tokens{Refresh: tt.refresh})
			err := s.Call(t.Context(), func(context.Context, string) error { return nil })
			if got := action.KindOf(err); got != tt.kind {
				t.Errorf("kind %v, want %v", got, tt.kind)
			}
			if got := action.MessageOf(err); got != tt.want {
				t.Errorf("message %q, want %q", got, tt.want)
			}
		})
	}
}

func TestExchangeDoesNotSayExpired(t *testing.T) {
	t.Parallel()
	p := provider(t, answer(http.StatusBadRequest, `{"error":"invalid_grant"}`))
	_, err := p.Exchange(t.Context(), action.Login{RedirectURL: "https://hub/r"}, "code")
	want := "The sign-in at Acme is missing or no longer valid. Open the form in Looker and log in again."
	if got := action.MessageOf(err); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}
