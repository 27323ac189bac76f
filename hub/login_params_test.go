package hub_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
)

// withDomain is an integration whose users sign in at domains of their own.
type withDomain struct {
	withForm

	mu   sync.Mutex
	seen []map[string]string
}

func (d *withDomain) see(l action.Login) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, maps.Clone(l.Params))
}

func (d *withDomain) AuthorizeURL(_ context.Context, l action.Login) (string, error) {
	d.see(l)
	return l.Params["domain"] + "/authorize?state=" + url.QueryEscape(l.State), nil
}

func (d *withDomain) Exchange(_ context.Context, l action.Login, _ url.Values) (*action.State, error) {
	d.see(l)
	return &action.State{Data: `{"token":"t0ken"}`}, nil
}

// Both legs of a sign-in, in both ways of handing over the tokens, know the params that the
// integration asked for, and no others.
func TestSignInKnowsItsParams(t *testing.T) {
	t.Parallel()
	d := definition("own")
	d.Params, d.FetchTokens, d.LoginParams = nil, true, []string{"domain"}
	i := &withDomain{withForm: withForm{&fake{definition: d, form: func(_ context.Context, req *action.Request) (*action.Form, error) {
		return &action.Form{Fields: []action.Field{{Name: "login", Type: action.OAuthLink, OAuthURL: req.LoginURL}}}, nil
	}}}}
	s := newServer(t, map[string]string{"TEST_INSECURE": "true"}, entry(i))
	looker := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(looker.Close)
	const data = `"data":{"domain":"https://own.example.com","secret":"s3cret"}`
	end := s.signIn("own", `{"state_redir_url":"https://looker.example.com/redir",`+data+`}`, "good")
	to, err := url.Parse(end.location)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(end.location, "own.example.com") {
		t.Errorf("the param travels in clear: %s", end.location)
	}
	if status, got := s.post("/actions/own/oauth_token", `{"state":"`+to.Query().Get("state")+`"}`); status != http.StatusOK {
		t.Errorf("tokens: %d %s", status, got)
	}
	if end := s.signIn("own", `{"state_url":"`+looker.URL+`",`+data+`}`, "good"); end.status != http.StatusOK {
		t.Errorf("handed over: %+v", end)
	}
	one := map[string]string{"domain": "https://own.example.com"}
	if diff := cmp.Diff([]map[string]string{one, one, one, one}, i.seen); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
}
