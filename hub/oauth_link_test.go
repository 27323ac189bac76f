package hub_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
)

// signingIn is a hub with one integration that signs users in.
func signingIn(t *testing.T, env map[string]string) *server {
	t.Helper()
	d := definition("login")
	d.Params = nil
	return newServer(t, env, entry(withLogin{withForm{&fake{definition: d, form: func(_ context.Context, req *action.Request) (*action.Form, error) {
		return &action.Form{Fields: []action.Field{{Name: "login", Type: action.OAuthLink, OAuthURL: req.LoginURL}}}, nil
	}}}}))
}

// link is the path of a form's sign-in link.
func (s *server) link(envelope string) string {
	s.t.Helper()
	_, body := s.post("/actions/login/form", envelope)
	var form action.Form
	if err := json.Unmarshal([]byte(body), &form); err != nil || len(form.Fields) != 1 {
		s.t.Fatalf("form %s: %v", body, err)
	}
	return strings.TrimPrefix(form.Fields[0].OAuthURL, "https://hub.example.com")
}

// A link that was sent on to somebody else must not store that person's tokens.
func TestSignInLinkBelongsToOneBrowser(t *testing.T) {
	t.Parallel()
	s := signingIn(t, nil)
	link := s.link(`{"state_url":"https://looker.example.com/state"}`)
	first := s.browse(link, nil)
	if first.status != http.StatusFound || first.cookie == nil {
		t.Fatalf("the first browser: %+v", first)
	}
	if again := s.browse(link, first.cookie); again.status != http.StatusFound {
		t.Errorf("the first browser once more: %+v", again)
	}
	second := s.browse(link, nil)
	if second.status != http.StatusForbidden || second.location != "" || second.cookie != nil {
		t.Errorf("a second browser: %+v", second)
	}
	if other := s.browse(s.link(`{"state_url":"https://looker.example.com/state"}`), nil); other.status != http.StatusFound {
		t.Errorf("another link: %+v", other)
	}
}

// Tokens are posted to the very address that Looker gave, over TLS.
func TestTokensStayOnTheirWay(t *testing.T) {
	t.Parallel()
	var reached []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		reached = append(reached, string(b))
	}))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		looker := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
		t.Cleanup(looker.Close)
		s := signingIn(t, map[string]string{"TEST_INSECURE": "true"})
		begin := s.browse(s.link(`{"state_url":"`+looker.URL+`/state"}`), nil)
		to, err := url.Parse(begin.location)
		if err != nil {
			t.Fatal(err)
		}
		end := s.browse("/actions/login/oauth_redirect?"+url.Values{"state": {to.Query().Get("state")}, "code": {"good"}}.Encode(), begin.cookie)
		if end.status != http.StatusBadGateway {
			t.Errorf("%d: sign-in ends with %+v", status, end)
		}
	}
	if len(reached) > 0 {
		t.Errorf("the tokens followed a redirect: %q", reached)
	}
}

func TestSignInRefusesLookerURLs(t *testing.T) {
	t.Parallel()
	s := signingIn(t, nil)
	for _, address := range []string{
		"http://looker.example.com/state", "javascript:alert(1)", "javascript://looker.example.com/%0aalert(1)", "data:text/html,x", "//looker.example.com/x", "looker.example.com", "https:", "ftp://x/",
	} {
		envelope, err := json.Marshal(map[string]string{"state_url": address})
		if err != nil {
			t.Fatal(err)
		}
		if _, body := s.post("/actions/login/form", string(envelope)); !strings.Contains(body, "must start with https://") || strings.Contains(body, "oauth?state=") {
			t.Errorf("%s: %s", address, body)
		}
	}
}
