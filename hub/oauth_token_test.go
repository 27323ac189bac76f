package hub_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
)

// fetching is an integration whose tokens Looker fetches, and one whose it does not.
func fetching(t *testing.T) *server {
	t.Helper()
	d := definition("fetching")
	d.Params, d.FetchTokens = nil, true
	handed := definition("handed")
	handed.Params = nil
	form := func(_ context.Context, req *action.Request) (*action.Form, error) {
		return &action.Form{Fields: []action.Field{{Name: "login", Type: action.OAuthLink, OAuthURL: req.LoginURL}}}, nil
	}
	return newServer(t, map[string]string{"TEST_INSECURE": "true"}, entry(withLogin{withForm{&fake{definition: d, form: form}}}),
		entry(withLogin{withForm{&fake{definition: handed, form: form}}}), entry(&fake{definition: definition("plain")}))
}

// signIn follows a form's link and the provider back to the hub with a code.
func (s *server) signIn(name, body, code string) page {
	s.t.Helper()
	_, text := s.post("/actions/"+name+"/form", body)
	var form action.Form
	if err := json.Unmarshal([]byte(text), &form); err != nil || len(form.Fields) != 1 || form.Fields[0].OAuthURL == "" {
		s.t.Fatalf("form %s: %v", text, err)
	}
	begin := s.browse(strings.TrimPrefix(form.Fields[0].OAuthURL, "https://hub.example.com"), nil)
	to, err := url.Parse(begin.location)
	if err != nil || begin.cookie == nil {
		s.t.Fatalf("sign-in begins with %+v: %v", begin, err)
	}
	callback := url.Values{"state": {to.Query().Get("state")}, "code": {code}}
	return s.browse("/actions/"+name+"/oauth_redirect?"+callback.Encode(), begin.cookie)
}

// The way in which Looker fetches the tokens: the browser takes the sealed grant back to
// Looker, which trades it at the hub.
func TestLookerFetchesTokens(t *testing.T) {
	t.Parallel()
	s := fetching(t)
	end := s.signIn("fetching", `{"state_url":"https://looker.example.com/state","state_redir_url":"https://looker.example.com/redir?x=1"}`, "good")
	to, err := url.Parse(end.location)
	if err != nil || end.status != http.StatusFound {
		t.Fatalf("sign-in ends with %+v: %v", end, err)
	}
	query := to.Query()
	sealed := query.Get("state")
	query.Del("state")
	to.RawQuery = query.Encode()
	if got := to.String(); got != "https://looker.example.com/redir?x=1" {
		t.Errorf("sign-in leads to %s", got)
	}
	if strings.Contains(end.location, "good") {
		t.Errorf("the provider's code travels in clear: %s", end.location)
	}
	body := func(state string) string { return `{"state":"` + state + `"}` }
	if status, got := s.post("/actions/fetching/oauth_token", body(sealed)); status != http.StatusOK || got != `{"token":"t0ken"}` {
		t.Errorf("tokens: %d %s", status, got)
	}
	for name, tt := range map[string]struct {
		path, body string
		status     int
		message    string
	}{
		"no state":            {"/actions/fetching/oauth_token", `{}`, 400, "Request is missing state parameter."},
		"a forged state":      {"/actions/fetching/oauth_token", body("2AAAA"), 400, "The sign-in is invalid or has expired. Sign in again."},
		"another integration": {"/actions/handed/oauth_token", body(sealed), 404, "Action does not support fetching tokens."},
		"no OAuth":            {"/actions/plain/oauth_token", body(sealed), 404, "Action does not support fetching tokens."},
	} {
		if status, got := s.post(tt.path, tt.body); status != tt.status || got != `{"success":false,"error":"`+tt.message+`"}` {
			t.Errorf("%s: %d %s", name, status, got)
		}
	}
	if status, _ := s.post("/actions/fetching/oauth_token", body(sealed), "Authorization", "x"); status != http.StatusForbidden {
		t.Errorf("without a token: %d", status)
	}
	refused := s.signIn("fetching", `{"state_redir_url":"https://looker.example.com/redir"}`, "bad")
	to, err = url.Parse(refused.location)
	if err != nil {
		t.Fatal(err)
	}
	if status, got := s.post("/actions/fetching/oauth_token", body(to.Query().Get("state"))); status != http.StatusBadGateway || !strings.Contains(got, "The code is not good.") {
		t.Errorf("a code that the provider refuses: %d %s", status, got)
	}
	// A link is no grant, though both are sealed by the same hub for the same integration.
	_, form := s.post("/actions/fetching/form", `{"state_redir_url":"https://looker.example.com/redir"}`)
	link := form[strings.Index(form, "state=")+len("state=") : strings.LastIndex(form, `"}]`)]
	if status, _ := s.post("/actions/fetching/oauth_token", body(link)); status != http.StatusBadRequest {
		t.Errorf("a sign-in link was taken for a grant: %d", status)
	}
}

// An older Looker, which sends no state_redir_url, is handed the tokens.
func TestOlderLookerIsHandedTokens(t *testing.T) {
	t.Parallel()
	kept := make(chan string, 1)
	looker := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { kept <- r.Header.Get("Content-Type") }))
	t.Cleanup(looker.Close)
	if end := fetching(t).signIn("fetching", `{"state_url":"`+looker.URL+`"}`, "good"); end.status != http.StatusOK {
		t.Fatalf("sign-in ends with %+v", end)
	}
	if got := <-kept; got != "application/json" {
		t.Errorf("Looker was sent %s", got)
	}
}

func TestOAuthCheck(t *testing.T) {
	t.Parallel()
	s := fetching(t)
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/actions/fetching/oauth_check": {200, "false"},
		"/actions/plain/oauth_check":    {404, `{"success":false,"error":"Action does not support OAuth."}`},
		"/actions/nope/oauth_check":     {404, `{"success":false,"error":"No action found with name nope."}`},
	} {
		if status, got := s.ask(http.MethodGet, path, ""); status != want.status || got != want.body {
			t.Errorf("%s: %d %s", path, status, got)
		}
	}
	if status, got := s.ask(http.MethodGet, "/actions/fetching/oauth_check", `{"data":{"state_json":"{\"token\":\"x\"}"}}`); status != http.StatusOK || got != "true" {
		t.Errorf("with state: %d %s", status, got)
	}
	if status, _ := s.ask(http.MethodGet, "/actions/fetching/oauth_check", "", "Authorization", ""); status != http.StatusForbidden {
		t.Errorf("without a token: %d", status)
	}
}

func TestListNamesTokenURL(t *testing.T) {
	t.Parallel()
	s := fetching(t)
	for name, want := range map[string]string{"fetching": "https://hub.example.com/actions/fetching/oauth_token", "handed": ""} {
		_, text := s.post("/actions/"+name, "")
		var got struct {
			TokenURL string `json:"token_url"`
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.TokenURL != want {
			t.Errorf("%s: token_url %q, want %q (%v)", name, got.TokenURL, want, err)
		}
	}
}
