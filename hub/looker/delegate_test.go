package looker_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/looker/api"
)

// installed has two workspaces, the token of one of which was revoked.
var installed = []looker.Installation{
	{ID: "1", Target: "T1", Name: "One", Token: "token-of-one"}, {ID: "2", Target: "T2", Name: "Two", Token: "revoked"},
}

func chat(t *testing.T) (*realHub, *instance, string) {
	t.Helper()
	h := newHub(t)
	i := newInstance(t, nil)
	id := i.addHub(h.URL, h.token) + "::chat"
	i.enable(id, nil)
	return h, i, id
}

// An administrator installs, a user signs in, and the hub gets the tokens of that user's deliveries.
func TestDelegatedOAuth(t *testing.T) {
	t.Parallel()
	h, i, id := chat(t)
	if err := i.SetInstallations(id, installed); err != nil {
		t.Fatal(err)
	}
	page, err := i.SignIn(t.Context(), analyst, id)
	if err != nil || page.Status != http.StatusOK || !page.SignedIn || i.HasState(admin, id) {
		t.Fatalf("%+v, %v", page, err)
	}
	if form, err := i.Form(t.Context(), analyst, id, nil); err != nil || len(form.Fields) != 1 || form.Fields[0].Name != "channel" {
		t.Errorf("the form after the sign-in: %+v, %v", form, err)
	}
	run := func(user string) {
		t.Helper()
		if _, err := i.Run(t.Context(), looker.Action{User: user, Integration: id, Format: "csv", Data: []byte("a")}); err != nil {
			t.Fatal(err)
		}
	}
	run(analyst)
	run(admin)
	i.ask("PATCH", "/integrations/"+id, `{"installed_delegate_oauth_targets":["T1"]}`, 200)
	run(analyst)
	i.ask("PATCH", "/integrations/"+id, `{"installed_delegate_oauth_targets":[]}`, 200)
	run(analyst)
	var states []string
	for _, d := range h.received() {
		states = append(states, d.State)
	}
	const one = `{"install_id":"1","token":"token-of-one"}`
	if diff := cmp.Diff([]string{"[" + one + `,{"install_id":"2","token":"revoked"}]`, "", "[" + one + "]", ""}, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	for _, c := range i.Calls(0) {
		if strings.Contains(c.Body+c.Response, "token-of-one") {
			t.Errorf("the journal has the token: %+v", c)
		}
	}
}

// A test says for each installation whether it works.
func TestDelegatedOAuthTest(t *testing.T) {
	t.Parallel()
	_, i, id := chat(t)
	test := func() api.IntegrationTestResult {
		t.Helper()
		return decode[api.IntegrationTestResult](t, i.ask("POST", "/integrations/"+id+"/test", "", 200)).T
	}
	if got := test(); *got.Success || *got.Message != "Connect to a workspace first." || len(got.DelegateOauthResult) != 0 {
		t.Errorf("before the installation: %+v", got)
	}
	if err := i.SetInstallations(id, installed); err != nil {
		t.Fatal(err)
	}
	if _, err := i.SignIn(t.Context(), admin, id); err != nil {
		t.Fatal(err)
	}
	got := test()
	want := []api.DelegateOauthTest{
		{Name: new("One"), InstallationTargetID: new("T1"), InstallationID: new("1"), Success: new(true)},
		{Name: new("Two"), InstallationTargetID: new("T2"), InstallationID: new("2"), Success: new(false)},
	}
	if diff := cmp.Diff(want, got.DelegateOauthResult); diff != "" || *got.Success || *got.Message != "Not connected: Two (T2)." {
		t.Errorf("success %t, message %q, results (-want +got):\n%s", *got.Success, *got.Message, diff)
	}
	i.ask("PATCH", "/integrations/"+id, `{"installed_delegate_oauth_targets":["T1"]}`, 200)
	if got := test(); !*got.Success || len(got.DelegateOauthResult) != 1 {
		t.Errorf("with one workspace: %+v", got)
	}
}

// Without an installation, the page of the sign-in asks for a token, once.
func TestDelegatedOAuthByHand(t *testing.T) {
	t.Parallel()
	_, i, id := chat(t)
	form, err := i.Form(t.Context(), analyst, id, nil)
	if err != nil || len(form.Fields) != 1 || !strings.Contains(form.Fields[0].OAuthURL, "/action_hub_delegate_oauth/") {
		t.Fatalf("%+v, %v", form, err)
	}
	address := form.Fields[0].OAuthURL
	ask := func(values url.Values) int {
		t.Helper()
		var res *http.Response
		var err error
		if values == nil {
			res, err = i.Client().Get(address)
		} else {
			res, err = i.Client().PostForm(address, values)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	signedIn := url.Values{"installation": {"1"}, "token": {"token-of-one"}}
	for _, step := range []struct {
		what   string
		values url.Values
		want   int
	}{
		{"the page", nil, 200},
		{"no token", url.Values{"installation": {"1"}}, 400},
		{"a token", signedIn, 200},
		{"the token again", signedIn, 404},
		{"the page again", nil, 404},
	} {
		if got := ask(step.values); got != step.want {
			t.Errorf("%s: %d, want %d", step.what, got, step.want)
		}
	}
	if !i.HasState(analyst, id) {
		t.Error("the user is not signed in")
	}
	for _, c := range i.Requests(0) {
		if strings.Contains(c.Body+c.Path, "token-of-one") || strings.Contains(c.Path, address[strings.LastIndex(address, "/")+1:]) {
			t.Errorf("the journal has the token or the address: %+v", c)
		}
	}
}

// Only an integration with delegated OAuth has installations, which are complete.
func TestInstallations(t *testing.T) {
	t.Parallel()
	_, i, id := chat(t)
	for what, err := range map[string]error{
		"the integration does not exist": i.SetInstallations("9::x", installed),
		"OAuth of the hub":               i.SetInstallations(strings.Replace(id, "chat", "drive", 1), installed),
		"no token":                       i.SetInstallations(id, []looker.Installation{{ID: "1", Target: "T1"}}),
	} {
		if err == nil {
			t.Errorf("%s: it was accepted", what)
		}
	}
}
