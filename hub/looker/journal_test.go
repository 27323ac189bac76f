package looker_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/looker"
)

// The journal has what happened in its order, and no secret of any kind.
func TestJournal(t *testing.T) {
	t.Parallel()
	h, i, id := crm(t)
	secrets := []string{
		serviceSecret, h.token, adminSecret, analystSecret, "wrong-secret-of-the-admin", i.token, "key-of-the-crm", "another-key-of-the-crm",
		"account-of-the-analyst", "refresh-token-of-the-user", "row-of-the-data", "/actions/drive/oauth?state=", "token-that-is-not-stored",
	}
	i.send("POST", "/login", "client_id="+adminID+"&client_secret=wrong-secret-of-the-admin", "")
	i.send("POST", "/login?client_secret=wrong-secret-of-the-admin", "client_id=x&client_secret=y", "")
	i.send("POST", "/integration_hubs", `{"authorization_token":"token-that-is-not-stored"}`, i.token)
	i.send("POST", "/integration_hubs", `{"authorization_token":"token-that-is-not-stored","url":5}`, i.token)
	i.ask("PATCH", "/integrations/"+id, `{"params":[{"name":"nope","value":"another-key-of-the-crm"}]}`, 422)
	i.ask("PATCH", "/integration_hubs/"+strings.TrimSuffix(id, "::crm"), `{"authorization_token":"`+h.token+`"}`, 200)
	h.set(&action.State{Data: `{"refresh":"refresh-token-of-the-user"}`}, nil)
	run := looker.Action{User: analyst, Integration: id, Format: "csv", Data: []byte("a\nrow-of-the-data\n")}
	for range 2 { // the second time with the state
		if result, err := i.Run(t.Context(), run); err != nil || strings.Contains(result.Answer, "refresh-token-of-the-user") {
			t.Fatalf("%+v, %v", result, err)
		}
	}
	h.set(nil, action.Errorf(action.Unauthenticated, "The key key-of-the-crm is wrong."))
	result, err := i.Run(t.Context(), run)
	if err != nil || result.Success {
		t.Fatalf("%+v, %v", result, err)
	}
	h.set(nil, nil)
	i.ask("POST", "/integrations/"+id+"/test", "", 200)
	if _, err := i.SignIn(t.Context(), analyst, strings.TrimSuffix(id, "crm")+"drive"); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"requests": i.Requests(0), "calls": i.Calls(0), "hubs": i.Hubs(), "integrations": i.Integrations("2")})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		if at := strings.Index(string(text), secret); at >= 0 {
			t.Errorf("%q is in the journal: …%s", secret, text[max(0, at-300):at+len(secret)])
		}
	}
	last := 0
	var kinds []looker.CallKind
	for _, c := range i.Calls(0) {
		if c.Number <= last || c.WebhookID == "" || c.Hub != "2" {
			t.Errorf("%+v", c)
		}
		last = c.Number
		kinds = append(kinds, c.Kind)
		if c.Kind == looker.CallExecute && (c.DataBytes != 18 || len(c.DataSHA256) != 64 || c.Status != http.StatusOK) {
			t.Errorf("%+v", c)
		}
	}
	want := []looker.CallKind{
		looker.CallList, looker.CallList, looker.CallExecute, looker.CallExecute, looker.CallExecute, looker.CallTest, looker.CallForm,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if later := i.Calls(last - 1); len(later) != 1 {
		t.Errorf("%d calls after %d", len(later), last-1)
	}
	if later := i.Requests(last); len(later) != 1 || later[0].Path != "/action_hub_state/(redacted)" || later[0].Status != http.StatusOK {
		t.Errorf("%+v", later)
	}
}
