package looker_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/looker/api"
)

// Every operation has each of its statuses for the reason that Looker's documentation gives.
func TestStatuses(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	i := newInstance(t, nil)
	hub := i.addHub(h.URL, h.token)
	other := i.addHub(respond(t, 200, `{"label":"Other","integrations":[]}`).URL, "")
	crm := "/integrations/" + hub + "::crm"
	analystToken := i.login("analyst-client", analystSecret)
	guestToken := i.login("guest-client", guestSecret)
	form := func(id, secret string) string {
		return url.Values{"client_id": {id}, "client_secret": {secret}}.Encode()
	}
	for _, tt := range []struct {
		name, method, path, body, token string
		status                          int
		want                            string
	}{
		{"login", "POST", "/login", form(adminID, adminSecret), "", 200, `"token_type":"Bearer"`},
		{"a wrong secret", "POST", "/login", form(adminID, "wrong"), "", 404, "Not found"},
		{"an unknown client", "POST", "/login", form("nobody", adminSecret), "", 404, "Not found"},
		{"no secret", "POST", "/login", "client_id=" + adminID, "", 400, "client_secret"},
		{"no token", "GET", "/integration_hubs", "", "", 401, "Requires authentication."},
		{"a wrong token", "GET", "/integration_hubs", "", "wrong", 401, "Requires authentication."},
		{"logout without a token", "DELETE", "/logout", "", "", 401, "Requires authentication."},
		{"logout", "DELETE", "/logout", "", i.login(adminID, adminSecret), 204, ""},

		{"hubs", "GET", "/integration_hubs", "", i.token, 200, `"has_authorization_token":true`},
		{"hubs without permission", "GET", "/integration_hubs", "", analystToken, 404, "Not found"},
		{"a hub", "GET", "/integration_hubs/" + hub, "", i.token, 200, `"label":"Test hub"`},
		{"no hub", "GET", "/integration_hubs/99", "", i.token, 404, "Not found"},
		{"create without a URL", "POST", "/integration_hubs", "{}", i.token, 422, `"code":"missing_field"`},
		{"create with http", "POST", "/integration_hubs", `{"url":"http://hub.example.com"}`, i.token, 422, "must start with https://"},
		{"create with a number", "POST", "/integration_hubs", `{"url":1}`, i.token, 422, `"field":"url"`},
		{"create with an ID", "POST", "/integration_hubs", `{"url":"https://hub.example.com","id":"7"}`, i.token, 422, `"field":"id"`},
		{"create without JSON", "POST", "/integration_hubs", "{", i.token, 400, "cannot be parsed"},
		{"create without a body", "POST", "/integration_hubs", "", i.token, 400, "missing"},
		{"create twice", "POST", "/integration_hubs", `{"url":"` + h.URL + `/"}`, i.token, 409, "already exists"},
		{"create without permission", "POST", "/integration_hubs", `{"url":"https://hub.example.com"}`, analystToken, 404, "Not found"},
		{"update", "PATCH", "/integration_hubs/" + hub, `{"authorization_token":"` + h.token + `"}`, i.token, 200, `"id":"` + hub + `"`},
		{"update to a URL that is taken", "PATCH", "/integration_hubs/" + other, `{"url":"` + h.URL + `"}`, i.token, 422, `"code":"already_exists"`},
		{"update to http", "PATCH", "/integration_hubs/" + hub, `{"url":"http://x"}`, i.token, 422, "must start with https://"},
		{"update no hub", "PATCH", "/integration_hubs/99", `{}`, i.token, 404, "Not found"},
		{"update without JSON", "PATCH", "/integration_hubs/" + hub, `nope`, i.token, 400, "cannot be parsed"},
		{"health", "GET", "/integration_hubs/" + hub + "/health", "", i.token, 200, `"success":true`},
		{"health of no hub", "GET", "/integration_hubs/99/health", "", i.token, 404, "Not found"},
		{"no agreement", "POST", "/integration_hubs/" + hub + "/accept_legal_agreement", "", i.token, 422, "no legal agreement"},
		{"agreement of no hub", "POST", "/integration_hubs/99/accept_legal_agreement", "", i.token, 404, "Not found"},
		{"delete no hub", "DELETE", "/integration_hubs/99", "", i.token, 404, "Not found"},

		{"integrations", "GET", "/integrations?integration_hub_id=" + hub, "", i.token, 200, `"id":"` + hub + `::crm"`},
		{"integrations of no hub", "GET", "/integrations?integration_hub_id=99", "", i.token, 200, "[]"},
		{"integrations without permission", "GET", "/integrations", "", guestToken, 404, "Not found"},
		{"an integration", "GET", crm, "", i.token, 200, `"label":"CRM"`},
		{"no integration", "GET", "/integrations/" + hub + "::nope", "", i.token, 404, "Not found"},
		{"an integration that is not enabled", "GET", crm, "", analystToken, 404, "Not found"},
		{"enable", "PATCH", crm, `{"enabled":true,"params":[{"name":"api_key","value":"key-of-the-crm"}]}`, i.token, 200, `"enabled":true`},
		{"enable without permission", "PATCH", crm, `{"enabled":true}`, analystToken, 404, "Not found"},
		{"update no integration", "PATCH", "/integrations/" + hub + "::nope", `{"enabled":true}`, i.token, 404, "Not found"},
		{"no such param", "PATCH", crm, `{"params":[{"name":"apikey","value":"x"}]}`, i.token, 422, `"field":"params.0.name"`},
		{"a param without a name", "PATCH", crm, `{"params":[{"value":"x"}]}`, i.token, 422, `"code":"missing_field"`},
		{"no such user attribute", "PATCH", crm, `{"params":[{"name":"region","user_attribute_name":"nope"}]}`, i.token, 422, "user_attribute_name"},
		{"a value for all users", "PATCH", crm, `{"params":[{"name":"account","value":"x","user_attribute_name":null}]}`, i.token, 422, "must have a user attribute"},
		{"enabled is no boolean", "PATCH", crm, `{"enabled":"yes"}`, i.token, 422, `"field":"enabled"`},
		{"update integration without JSON", "PATCH", crm, `{`, i.token, 400, "cannot be parsed"},
		{"form", "POST", crm + "/form", `{"team":"b"}`, i.token, 200, `"default":"general-b"`},
		{"form without a body", "POST", crm + "/form", "", i.token, 200, `"name":"team"`},
		{"form of a user", "POST", crm + "/form", "{}", analystToken, 200, `"name":"team"`},
		{"form of a guest", "POST", crm + "/form", "{}", guestToken, 404, "Not found"},
		{"form with a number", "POST", crm + "/form", `{"team":1}`, i.token, 422, `"field":"team"`},
		{"form without JSON", "POST", crm + "/form", `{`, i.token, 400, "cannot be parsed"},
		{"form that does not exist", "POST", "/integrations/" + hub + "::bucket/form", "", i.token, 422, "has no form"},
		{"form of no integration", "POST", "/integrations/" + hub + "::nope/form", "", i.token, 404, "Not found"},
		{"test", "POST", crm + "/test", "", i.token, 200, `"success":true`},
		{"test without a form", "POST", "/integrations/" + hub + "::bucket/test", "", i.token, 200, `"success":true`},
		{"test of no integration", "POST", "/integrations/" + hub + "::nope/test", "", i.token, 404, "Not found"},
		{"test without permission", "POST", crm + "/test", "", analystToken, 404, "Not found"},

		{"no such path", "GET", "/looks", "", i.token, 404, "Not found"},
		{"only some fields", "GET", crm + "?fields=" + url.QueryEscape("id,params(name, required)"), "", i.token, 200, `{"id":"` + hub + `::crm","params":[{"name":"api_key","required":true},`},
		{"delete", "DELETE", "/integration_hubs/" + other, "", i.token, 204, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, _, text := i.send(tt.method, tt.path, tt.body, tt.token)
			if status != tt.status || !strings.Contains(text, tt.want) {
				t.Errorf("%d %s, want %d %s", status, text, tt.status, tt.want)
			}
			if status >= 400 && status != 401 && !strings.Contains(text, "documentation_url") {
				t.Errorf("the error is not one of Looker's: %s", text)
			}
		})
	}
}

// Looker answers requests outside of its API with 403.
func TestPathWithoutAPI(t *testing.T) {
	t.Parallel()
	i := newInstance(t, nil)
	res, err := i.Client().PostForm(i.URL+"/login", url.Values{"client_id": {adminID}, "client_secret": {adminSecret}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("%d", res.StatusCode)
	}
	requests := i.Requests(0)
	if last := requests[len(requests)-1]; last.Path != "/login" || last.Status != http.StatusForbidden {
		t.Errorf("%+v", last)
	}
}

// A hub that cannot be read is registered, says why, and cannot be used.
func TestFetchError(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	i := newInstance(t, nil)
	closed := respond(t, 200, "")
	closed.Close()
	for name, tt := range map[string]struct{ url, token, message string }{
		"a wrong token": {h.URL, "wrong", "returned status 403: Invalid 'Authorization' header."},
		"a page":        {respond(t, 200, "<html>").URL, "", "list is not valid"},
		"another API":   {respond(t, 200, `{"label":"x"}`).URL, "", "no integrations"},
		"no URL": {
			respond(t, 200, `{"integrations":[{"name":"a","label":"A","supported_action_types":["query"],"url":"/actions/a/execute"}]}`).URL, "", "not an absolute https:// URL",
		},
		"no name": {respond(t, 200, `{"integrations":[{"label":"A"}]}`).URL, "", "needs a name"},
		"twice": {
			respond(t, 200, `{"integrations":[{"name":"a","label":"A","supported_action_types":["query"],"url":"https://x/"},{"name":"a","label":"A","supported_action_types":["query"],"url":"https://x/"}]}`).URL, "", "twice",
		},
		"nothing there": {closed.URL, "", "connection refused"},
	} {
		id := i.addHub(tt.url, tt.token)
		got := decode[api.IntegrationHub](t, i.ask("GET", "/integration_hubs/"+id, "", 200)).T
		if got.FetchErrorMessage == nil || !strings.Contains(*got.FetchErrorMessage, tt.message) {
			t.Errorf("%s: %+v", name, got)
		}
		health := i.ask("GET", "/integration_hubs/"+id+"/health", "", 200)
		if !strings.Contains(health, `"success":false`) || !strings.Contains(health, tt.message) {
			t.Errorf("%s: health %s", name, health)
		}
	}
	// The right token mends the first one.
	hubs := i.Hubs()
	for _, hub := range hubs {
		if *hub.URL == h.URL {
			i.ask("PATCH", "/integration_hubs/"+*hub.ID, `{"authorization_token":"`+h.token+`"}`, 200)
			got := decode[map[string]any](t, i.ask("GET", "/integration_hubs/"+*hub.ID, "", 200)).T
			if got["fetch_error_message"] != nil || got["authorization_token"] != nil {
				t.Errorf("after the right token: %v", got)
			}
		}
	}
}

// Looker verifies the hub's certificate.
func TestCertificate(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	i := newInstance(t, func(o *looker.Options) { o.Roots = nil })
	id := i.addHub(h.URL, h.token)
	if text := i.ask("GET", "/integration_hubs/"+id, "", 200); !strings.Contains(text, "certificate") {
		t.Errorf("a certificate of an unknown authority was accepted: %s", text)
	}
	if got := h.received(); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

// Values that are sensitive are never shown; null leaves a value, and empty text clears it.
func TestParams(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	i := newInstance(t, nil)
	path := "/integrations/" + i.addHub(h.URL, h.token) + "::crm"
	params := func(change string) string {
		t.Helper()
		type shown struct {
			HasValue  bool    `json:"has_value"`
			Value     *string `json:"value"`
			Attribute *string `json:"user_attribute_name"`
		}
		var in struct {
			Params []struct {
				Name string `json:"name"`
				shown
			} `json:"params"`
		}
		if err := json.Unmarshal([]byte(i.ask("PATCH", path, change, 200)), &in); err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, p := range in.Params {
			text := p.Name + "=" + strconv.FormatBool(p.HasValue)
			if p.Value != nil {
				text += "," + *p.Value
			}
			if p.Attribute != nil {
				text += "," + *p.Attribute
			}
			all = append(all, text)
		}
		return strings.Join(all, " ")
	}
	for _, step := range []struct{ change, want string }{
		{`{}`, "api_key=false region=false account=true,crm_account"},
		{`{"params":[{"name":"api_key","value":"secret"},{"name":"region","value":"eu"}]}`, "api_key=true region=true,eu account=true,crm_account"},
		{`{"params":[{"name":"api_key","value":null},{"name":"region"}]}`, "api_key=true region=true,eu account=true,crm_account"},
		{`{"params":[{"name":"region","user_attribute_name":"crm_account"}]}`, "api_key=true region=true,crm_account account=true,crm_account"},
		{`{"params":[{"name":"region","user_attribute_name":null}]}`, "api_key=true region=true,eu account=true,crm_account"},
		{`{"params":[{"name":"api_key","value":""},{"name":"region","value":""}]}`, "api_key=false region=false account=true,crm_account"},
		{`{"params":[{"name":"api_key","value":"secret"},{"name":"nope"}]}`, ""},
	} {
		if step.want == "" {
			i.ask("PATCH", path, step.change, 422)
			step.change, step.want = "{}", "api_key=false region=false account=true,crm_account" // all or nothing
		}
		if got := params(step.change); got != step.want {
			t.Errorf("%s: %s, want %s", step.change, got, step.want)
		}
	}
}

// An integration that its hub no longer lists is gone, and has its settings when it is back.
func TestRefresh(t *testing.T) {
	t.Parallel()
	list := `{"label":"x","integrations":[{"name":"a","label":"A","supported_action_types":["query"],"url":"https://hub.example.com/a","supported_formats":["csv","new"]}]}`
	answer := list
	srv := respondWith(t, func() string { return answer })
	i := newInstance(t, nil)
	hub := i.addHub(srv.URL, "")
	i.enable(hub+"::a", nil)
	answer = `{"label":"y","integrations":[]}`
	if err := i.RefreshHub(t.Context(), hub); err != nil {
		t.Fatal(err)
	}
	i.ask("GET", "/integrations/"+hub+"::a", "", 404)
	if text := i.ask("GET", "/integration_hubs/"+hub, "", 200); !strings.Contains(text, `"label":"y"`) {
		t.Error(text)
	}
	answer = list
	if err := i.RefreshHub(t.Context(), hub); err != nil {
		t.Fatal(err)
	}
	got := decode[api.Integration](t, i.ask("GET", "/integrations/"+hub+"::a", "", 200)).T
	if got.Enabled == nil || !*got.Enabled || len(got.SupportedFormats) != 1 || len(got.SupportedDownloadSettings) != 2 {
		t.Errorf("%+v", got)
	}
	if err := i.RefreshHub(t.Context(), "99"); err == nil {
		t.Error("a hub that does not exist was refreshed")
	}
}

// Access tokens end after their lifetime, at logout, when the key is replaced, and at a restart.
func TestSessions(t *testing.T) {
	t.Parallel()
	i := newInstance(t, func(o *looker.Options) { o.TokenLifetime = 10 * time.Minute })
	valid := func(token string, want int) {
		t.Helper()
		if status, _, text := i.send("GET", "/integration_hubs", "", token); status != want {
			t.Errorf("%d %s, want %d", status, text, want)
		}
	}
	first, second := i.login(adminID, adminSecret), i.login(adminID, adminSecret)
	i.send("DELETE", "/logout", "", first)
	valid(first, 401)
	valid(second, 200)
	i.now.Advance(10*time.Minute - time.Second)
	valid(second, 200)
	i.now.Advance(time.Second)
	valid(second, 401)

	third := i.login(adminID, adminSecret)
	i.Restart()
	valid(third, 401)

	fourth := i.login(adminID, adminSecret)
	if err := i.SetCredentials(admin, "new-client", "new-secret-of-the-admin"); err != nil {
		t.Fatal(err)
	}
	valid(fourth, 401)
	if status, _, _ := i.send("POST", "/login", url.Values{"client_id": {adminID}, "client_secret": {adminSecret}}.Encode(), ""); status != 404 {
		t.Errorf("the old key still logs in: %d", status)
	}
	valid(i.login("new-client", "new-secret-of-the-admin"), 200)
	if status, _, _ := i.send("GET", "/integration_hubs", "", ""); status != 401 {
		t.Error(status)
	}
	if err := i.SetCredentials("9", "a", "b"); err == nil {
		t.Error("an unknown user got credentials")
	}
}

// Creating and updating hubs is rate limited for each user; everything else is not.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	i := newInstance(t, func(o *looker.Options) { o.RateLimit = looker.RateLimit{Requests: 2, Per: time.Minute} })
	id := i.addHub(respond(t, 200, `{"label":"x","integrations":[]}`).URL, "")
	i.ask("PATCH", "/integration_hubs/"+id, "{}", 200)
	status, header, text := i.send("PATCH", "/integration_hubs/"+id, "{}", i.token)
	if status != 429 || header.Get("Retry-After") != "30" {
		t.Errorf("%d %v %s", status, header, text)
	}
	calls := len(i.Calls(0))
	i.ask("POST", "/integration_hubs", `{"url":"https://hub.example.com"}`, 429)
	if got := len(i.Calls(0)); got != calls {
		t.Errorf("a request beyond the limit made Looker call a hub")
	}
	for range 5 {
		i.ask("GET", "/integration_hubs", "", 200)
	}
	i.now.Advance(30 * time.Second)
	i.ask("PATCH", "/integration_hubs/"+id, "{}", 200)
	i.ask("PATCH", "/integration_hubs/"+id, "{}", 429)
}

// A hub with a legal agreement cannot be used before it is accepted.
func TestLegalAgreement(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	i := newInstance(t, func(o *looker.Options) { o.LegalAgreement = "Be nice." })
	id := i.addHub(h.URL, h.token)
	path := "/integration_hubs/" + id
	if text := i.ask("GET", path, "", 200); !strings.Contains(text, `"legal_agreement_required":true,"legal_agreement_signed":false,"legal_agreement_text":"Be nice."`) {
		t.Error(text)
	}
	i.ask("PATCH", "/integrations/"+id+"::bucket", `{"enabled":true}`, 422)
	i.ask("POST", "/integrations/"+id+"::crm/test", "", 422)
	i.ask("POST", "/integrations/"+id+"::crm/form", "", 422)
	i.ask("POST", path+"/accept_legal_agreement", "", 200)
	i.ask("POST", path+"/accept_legal_agreement", "", 422)
	i.enable(id+"::bucket", nil)
	if _, err := i.Run(t.Context(), looker.Action{User: analyst, Integration: id + "::bucket", Format: "csv", Data: []byte("a")}); err != nil {
		t.Error(err)
	}
	if err := i.RequireLegalAgreement(id, "Be nicer."); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Run(t.Context(), looker.Action{User: analyst, Integration: id + "::bucket", Format: "csv", Data: []byte("a")}); err == nil {
		t.Error("the new agreement was not needed")
	}
	if err := i.RequireLegalAgreement("99", ""); err == nil {
		t.Error("a hub that does not exist needs an agreement")
	}
}

// The generated client and the simulator agree.
func TestClient(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	i := newInstance(t, nil)
	ctx := t.Context()
	c, err := api.NewClientWithResponses(i.URL+looker.APIPath, api.WithHTTPClient(i.Client()))
	if err != nil {
		t.Fatal(err)
	}
	login, err := c.LoginWithFormdataBodyWithResponse(ctx, api.LoginFormdataRequestBody{ClientID: adminID, ClientSecret: adminSecret})
	if err != nil || login.JSON200 == nil || *login.JSON200.ExpiresIn != 3600 {
		t.Fatalf("%+v, %v", login, err)
	}
	auth := api.WithAccessToken(*login.JSON200.AccessToken)
	created, err := c.CreateIntegrationHubWithResponse(ctx, nil, api.IntegrationHub{URL: &h.URL, AuthorizationToken: &h.token}, auth)
	if err != nil || created.JSON200 == nil {
		t.Fatalf("%+v, %v", created, err)
	}
	again, err := c.CreateIntegrationHubWithResponse(ctx, nil, api.IntegrationHub{URL: &h.URL}, auth)
	if err != nil || again.JSON409 == nil || *again.JSON409.Message == "" {
		t.Errorf("%+v, %v", again, err)
	}
	id := *created.JSON200.ID + "::crm"
	change := api.Integration{Params: []api.IntegrationParam{{Name: new("region")}}}
	change.Params[0].UserAttributeName.SetNull()
	updated, err := c.UpdateIntegrationWithResponse(ctx, id, nil, change, auth)
	if err != nil || updated.JSON200 == nil {
		t.Errorf("%s, %v", updated.Body, err)
	}
	if requests := i.Requests(0); !strings.Contains(requests[len(requests)-1].Body, `"user_attribute_name":null`) {
		t.Errorf("null was not sent: %+v", requests[len(requests)-1])
	}
	list, err := c.AllIntegrationsWithResponse(ctx, &api.AllIntegrationsParams{IntegrationHubID: created.JSON200.ID}, auth)
	if err != nil || list.JSON200 == nil || len(*list.JSON200) != 5 {
		t.Fatalf("%s, %v", list.Body, err)
	}
	var formats []string
	for _, f := range (*list.JSON200)[0].SupportedFormats {
		formats = append(formats, string(f))
	}
	if diff := cmp.Diff([]string{"csv", "inline_json", "json", "wysiwyg_png"}, formats); diff != "" {
		t.Error(diff)
	}
	if out, err := c.LogoutWithResponse(ctx, auth); err != nil || out.StatusCode() != http.StatusNoContent {
		t.Errorf("%v, %v", out, err)
	}
	if gone, err := c.AllIntegrationHubsWithResponse(ctx, nil, auth); err != nil || gone.StatusCode() != http.StatusUnauthorized || gone.JSON200 != nil {
		t.Errorf("%v, %v", gone, err)
	}
}
