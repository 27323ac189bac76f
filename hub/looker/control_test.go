package looker_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/looker/api"
)

// control calls the control API.
func control(t *testing.T, srv *httptest.Server, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// Everything that the simulator can do can be done from outside of the program.
func TestControl(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	i := newInstance(t, nil)
	srv := httptest.NewServer(i.Control())
	t.Cleanup(srv.Close)
	destination := respond(t, 200, "<html>")
	odd := respond(t, 200, `{"label":"x","integrations":[{"name":"a","label":"A","supported_action_types":["query"],"url":"`+destination.URL+`"}]}`)
	data := base64.StdEncoding.EncodeToString([]byte("a\n1\n"))
	for _, step := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/healthz", "", 200, "{}"},
		{"GET", "/hubs", "", 200, "[]"},
		{"POST", "/hubs", `{"url":"` + h.URL + `","token":"` + h.token + `"}`, 200, `{"id":"2"}`},
		{"POST", "/hubs", `{"url":"` + h.URL + `"}`, 422, "already exists"},
		{"POST", "/hubs", `{"url":"` + odd.URL + `"}`, 200, `{"id":"3"}`},
		{"GET", "/hubs", "", 200, `"label":"Test hub"`},
		{"GET", "/hubs/2/integrations", "", 200, `"id":"2::crm"`},
		{"GET", "/hubs/99/integrations", "", 200, "[]"},
		{"POST", "/hubs/2/refresh", "", 200, "{}"},
		{"POST", "/hubs/99/refresh", "", 422, "no hub"},
		{"PUT", "/hubs/2/legal-agreement", `{"text":"Be nice."}`, 200, "{}"},
		{"PATCH", "/integrations/2::crm", `{"enabled":true}`, 422, "legal agreement"},
		{"PUT", "/hubs/2/legal-agreement", `{"text":""}`, 200, "{}"},
		{"PATCH", "/integrations/2::crm", `{"enabled":true,"params":[{"name":"api_key","value":"key-of-the-crm"}]}`, 200, "{}"},
		{"PATCH", "/integrations/2::drive", `{"enabled":true}`, 200, "{}"},
		{"PATCH", "/integrations/3::a", `{"enabled":true}`, 200, "{}"},
		{"PUT", "/users/2/attributes/crm_account", `{"value":"account-of-the-analyst"}`, 200, "{}"},
		{"PUT", "/users/2/attributes/nope", `{"value":"x"}`, 422, "no user attribute"},
		{"PUT", "/users/2/credentials", `{"client_id":"new","client_secret":"new-secret"}`, 200, "{}"},
		{"POST", "/form", `{"user":"2","integration":"2::crm","values":{"team":"b"}}`, 200, `"default":"general-b"`},
		{"POST", "/form", `{"user":"2","integration":"2::crm","values":{"team":"b"},"fill":true}`, 200, `"values":{"channel":"general-b","team":"b"}`},
		{"POST", "/form", `{"user":"2","integration":"2::nope"}`, 422, "the integration does not exist"},
		{"POST", "/sign-in", `{"user":"2","integration":"2::drive"}`, 200, `"signed_in":true`},
		{"POST", "/run", `{"user":"2","integration":"2::crm","format":"csv","data":"` + data + `"}`, 200, `"success":true`},
		{"POST", "/run", `{"user":"2","integration":"2::bucket","format":"csv","data":"` + data + `"}`, 422, "not enabled"},
		{"POST", "/run", `{"user":"2","integration":"3::a","format":"csv","data":"` + data + `"}`, 502, "not valid"},
		{"POST", "/run", `{"user":"2","nope":1}`, 400, "unknown field"},
		{"POST", "/run", `{`, 400, "reading the body"},
		{"POST", "/refresh-states", "", 200, `{"refreshed":0}`},
		{"POST", "/faults", `{"path":"/api/4.0/integration_hubs","status":429,"retry_after":"7","delay":"1ms"}`, 200, "{}"},
		{"POST", "/faults", `{"status":200}`, 422, "between 400 and 599"},
		{"POST", "/faults", `{"status":500,"delay":"soon"}`, 400, "soon"},
		{"GET", "/faults", "", 200, `"delay":"1ms","status":429`},
		{"DELETE", "/faults", "", 200, "{}"},
		{"GET", "/faults", "", 200, "[]"},
		{"POST", "/restart", "", 200, "{}"},
		{"GET", "/calls", "", 200, `"kind":"execute"`},
		{"GET", "/calls?after=100000", "", 200, "[]"},
		{"GET", "/calls?after=x", "", 400, "must be a number"},
		{"GET", "/requests", "", 200, `"path":"/api/4.0/login"`},
		{"DELETE", "/hubs/3", "", 200, "{}"},
		{"DELETE", "/hubs/3", "", 422, "no hub"},
		{"GET", "/nope", "", 404, ""},
	} {
		status, text := control(t, srv, step.method, step.path, step.body)
		if status != step.status || !strings.Contains(text, step.want) {
			t.Errorf("%s %s %s: %d %s, want %d %s", step.method, step.path, step.body, status, text, step.status, step.want)
		}
	}
	if got := h.received(); len(got) != 1 || got[0].Data != "a\n1\n" || got[0].Params["account"] != "account-of-the-analyst" {
		t.Errorf("%+v", got)
	}
	if status, _, _ := i.send("GET", "/integration_hubs", "", i.token); status != 401 {
		t.Errorf("the session survived the restart: %d", status)
	}
	i.login("new", "new-secret")
}

// The README has every route of the control API.
func TestREADME(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	readme := read("README.md")
	routes := regexp.MustCompile(`HandleFunc\("([A-Z]+ /[^"]*)"`).FindAllStringSubmatch(read("control.go"), -1)
	if len(routes) < 15 {
		t.Fatalf("only %d routes were found", len(routes))
	}
	for _, route := range routes {
		if !strings.Contains(readme, "`"+route[1]+"`") {
			t.Errorf("%s is not in the README", route[1])
		}
	}
	// Each assumption in the code is one that readers know of.
	if n := strings.Count(readme, "\n- "); n < 14 {
		t.Errorf("only %d points", n)
	}
}

// What an action is in JSON is what the README says.
func TestActionJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(looker.Action{
		User: "1", Integration: "2::a", Type: "query", Value: "v", Form: map[string]string{"a": "b"}, Format: "csv", Data: []byte("x"), Title: "t", Download: "push", CutAfter: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range decode[map[string]any](t, string(text)).T {
		if !strings.Contains(string(readme), "`"+name+"`") {
			t.Errorf("%s is not in the README", name)
		}
	}
}

// The client sends Looker's scheme, and can send null.
func TestAPIRequest(t *testing.T) {
	t.Parallel()
	change := api.Integration{Params: []api.IntegrationParam{{Name: new("a")}, {Name: new("b")}}}
	change.Params[1].UserAttributeName.SetNull()
	req, err := api.NewUpdateIntegrationRequest("https://looker.example.com/api/4.0/", "2::slack/x", nil, change)
	if err != nil {
		t.Fatal(err)
	}
	if err := api.WithAccessToken("t0ken")(t.Context(), req); err != nil || req.Header.Get("Authorization") != "token t0ken" {
		t.Errorf("%v, %v", req.Header, err)
	}
	body, err := io.ReadAll(req.Body)
	if want := `{"params":[{"name":"a"},{"name":"b","user_attribute_name":null}]}`; err != nil || strings.TrimSpace(string(body)) != want {
		t.Errorf("%s, %v", body, err)
	}
	if req.URL.Path != "/api/4.0/integrations/2::slack/x" || strings.Count(req.URL.EscapedPath(), "/") != 4 {
		t.Errorf("the path is %s", req.URL.EscapedPath())
	}
}
