package looker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/looker/api"
)

// A program that starts again has its hubs, settings, users and states, and no sessions.
func TestStateFile(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	file := filepath.Join(t.TempDir(), "state.json")
	keep := func(o *looker.Options) { o.StateFile = file }
	first := newInstance(t, keep)
	hub := first.addHub(h.URL, h.token)
	deleted := first.addHub(respond(t, 200, `{"integrations":[]}`).URL, "")
	first.enable(hub+"::crm", map[string]string{"api_key": "key-of-the-crm", "region": "eu"})
	if err := first.SetUserAttribute(analyst, "crm_account", "account-of-the-analyst"); err != nil {
		t.Fatal(err)
	}
	if err := first.SetState(analyst, hub+"::crm", `{"token":"t0ken-of-the-user"}`, 0); err != nil {
		t.Fatal(err)
	}
	if err := first.SetCredentials(admin, "new", "new-secret"); err != nil {
		t.Fatal(err)
	}
	first.token = first.login("new", "new-secret")
	// A hub that shows its settings in a message.
	form := respond(t, 200, `{"error":"The key key-of-the-echo is wrong."}`)
	echo := first.addHub(respond(t, 200, `{"label":"x","integrations":[{"name":"a","label":"A","supported_action_types":["query"],"url":"`+form.URL+
		`","form_url":"`+form.URL+`","params":[{"name":"key","label":"Key"}]}]}`).URL, "")
	first.enable(echo+"::a", map[string]string{"key": "key-of-the-echo"})
	first.ask("DELETE", "/integration_hubs/"+deleted, "", 204)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the state's file: %v, %v", info, err)
	}

	second, err := looker.New(looker.Options{
		URL: first.URL, Document: document(t), StateFile: file, UserAttributes: []string{"crm_account"}, Roots: roots(h.Server),
		Users: []looker.User{{ID: admin, ClientID: adminID, ClientSecret: adminSecret}, {ID: "4", ClientID: "x", ClientSecret: "y"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.Hubs(), second.Hubs()); diff != "" {
		t.Errorf("hubs (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(first.Integrations(hub), second.Integrations(hub), cmp.AllowUnexported()); diff != "" {
		t.Errorf("integrations (-first +second):\n%s", diff)
	}
	if result, err := second.Run(t.Context(), looker.Action{User: analyst, Integration: hub + "::crm", Format: "csv", Data: []byte("a")}); err != nil || !result.Success {
		t.Fatalf("%+v, %v", result, err)
	}
	got := h.received()[0]
	if got.State != `{"token":"t0ken-of-the-user"}` || got.Params["account"] != "account-of-the-analyst" || got.Params["api_key"] != "key-of-the-crm" {
		t.Errorf("%+v", got)
	}
	if calls := second.Calls(0); strings.Contains(calls[0].Body, "t0ken-of-the-user") || strings.Contains(calls[0].Body, "key-of-the-crm") {
		t.Errorf("secrets of the file are in the journal: %s", calls[0].Body)
	}
	if _, err := second.Form(t.Context(), admin, echo+"::a", nil); err != nil {
		t.Fatal(err)
	}
	if calls := second.Calls(0); !strings.Contains(calls[1].Response, "The key (redacted) is wrong.") {
		t.Errorf("a secret of the file is in the journal: %s", calls[1].Response)
	}
	first.Config.Handler = second
	if status, _, _ := first.send("GET", "/integration_hubs", "", first.token); status != 401 {
		t.Errorf("the session survived: %d", status)
	}
	first.token = first.login("new", "new-secret")
	// The ID of a deleted hub is not used again.
	if id := first.addHub(respond(t, 200, `{"integrations":[]}`).URL, ""); id != "5" {
		t.Errorf("the new hub has the ID %s", id)
	}
}

// What an administrator does in Looker's user interface is what the API shows.
func TestUserInterface(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	i := newInstance(t, nil)
	hub, err := i.AddHub(t.Context(), h.URL, h.token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.AddHub(t.Context(), h.URL, h.token); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("a hub was added twice: %v", err)
	}
	if err := i.ChangeIntegration(hub+"::crm", api.Integration{Enabled: new(true)}); err != nil {
		t.Fatal(err)
	}
	if text := i.ask("GET", "/integrations/"+hub+"::crm?fields=enabled", "", 200); text != `{"enabled":true}` {
		t.Error(text)
	}
	err = i.ChangeIntegration(hub+"::crm", api.Integration{Params: []api.IntegrationParam{{Name: new("nope")}}})
	if err == nil || !strings.Contains(err.Error(), `params.0.name: The integration has no parameter "nope".`) {
		t.Errorf("a change that is not valid: %v", err)
	}
	if err := i.SetUserAttribute("9", "crm_account", "x"); err == nil {
		t.Error("an unknown user has an attribute")
	}
	if err := i.SetUserAttribute(admin, "nope", "x"); err == nil {
		t.Error("an unknown attribute has a value")
	}
	if err := i.SetState(admin, hub+"::crm", "x", 0); err != nil {
		t.Fatal(err)
	}
	if err := i.DeleteHub(hub); err != nil {
		t.Fatal(err)
	}
	i.ask("GET", "/integration_hubs/"+hub, "", 404)
	i.ask("GET", "/integrations/"+hub+"::crm", "", 404)
	if i.HasState(admin, hub+"::crm") {
		t.Error("the state of a deleted hub is still there")
	}
	if err := i.DeleteHub(hub); err == nil {
		t.Error("a hub was deleted twice")
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	users := []looker.User{{ID: "1"}}
	for name, o := range map[string]looker.Options{
		"no URL":         {Users: users},
		"http":           {URL: "http://looker.example.com", Users: users},
		"no users":       {URL: "https://looker.example.com"},
		"no ID":          {URL: "https://looker.example.com", Users: []looker.User{{}}},
		"an ID twice":    {URL: "https://looker.example.com", Users: []looker.User{{ID: "1"}, {ID: "1"}}},
		"a broken state": {URL: "https://looker.example.com", Users: users, StateFile: broken},
	} {
		if _, err := looker.New(o); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	// A user without credentials cannot log in.
	l, err := looker.New(looker.Options{URL: "https://looker.example.com/", Document: document(t), Users: users})
	if err != nil {
		t.Fatal(err)
	}
	i := newInstance(t, nil)
	i.Config.Handler = l
	if status, _, text := i.send("POST", "/login", "client_id=&client_secret=", ""); status != 404 {
		t.Errorf("%d %s", status, text)
	}
}
