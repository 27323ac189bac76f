package hub_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/token"
)

// fake is an integration that does what the test says.
type fake struct {
	definition action.Definition
	execute    func(context.Context, *action.Request) (*action.Response, error)
	form       func(context.Context, *action.Request) (*action.Form, error)
}

func (f *fake) Definition() action.Definition { return f.definition }

func (f *fake) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	return f.execute(ctx, req)
}

// withForm, withLogin add abilities.
type withForm struct{ *fake }

func (f withForm) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	return f.form(ctx, req)
}

type withLogin struct{ withForm }

func (withLogin) AuthorizeURL(_ context.Context, l action.Login) (string, error) {
	return "https://provider.example.com/authorize?state=" + url.QueryEscape(l.State) + "&redirect_uri=" + url.QueryEscape(l.RedirectURL), nil
}

func (withLogin) Exchange(_ context.Context, l action.Login, callback url.Values) (*action.State, error) {
	if callback.Get("code") != "good" || l.Verifier == "" {
		return nil, action.Errorf(action.Unauthenticated, "The code is not good.")
	}
	return &action.State{Data: `{"token":"t0ken"}`}, nil
}

func ok(context.Context, *action.Request) (*action.Response, error) { return &action.Response{}, nil }

func entry(i action.Integration) action.Registration {
	return action.Registration{Name: i.Definition().Name, New: func(action.Deps) (action.Integration, error) { return i, nil }}
}

const (
	serviceSecret = "test-secret-of-the-hub"
	goodToken     = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff/3c3a6c89d48bc4dab0598c39eed6073123a2f695ff819bca3cbd420886e2de94c5464dee41cef5527532015840dcc25cfe11844e4be4e7ea35b6c41ea1c3fda3"
)

// server is a hub under test.
type server struct {
	*httptest.Server
	t *testing.T
}

func newServer(t *testing.T, env map[string]string, entries ...action.Registration) *server {
	t.Helper()
	srv := httptest.NewServer(newHandler(t, env, entries...))
	t.Cleanup(srv.Close)
	return &server{srv, t}
}

func newHandler(t testing.TB, env map[string]string, entries ...action.Registration) http.Handler {
	t.Helper()
	return newHub(t, env, hub.Parts{}, entries...).Handler()
}

// newHub returns a hub with the certificate of some parts, and with their client for downloads.
func newHub(t testing.TB, env map[string]string, parts hub.Parts, entries ...action.Registration) *hub.Server {
	t.Helper()
	all := map[string]string{
		"ACTION_HUB_BASE_URL": "https://hub.example.com", "ACTION_HUB_LABEL": "Golden <Hub>", "ACTION_HUB_SECRET": serviceSecret,
		"ACTION_HUB_SPOOL_DIR": t.TempDir(),
	}
	maps.Copy(all, env)
	cfg, err := config.Load(all)
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := config.LoadSecrets(cfg.Secret, cfg.SecretFiles)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	available, err := catalog.New(entries, cfg, action.Deps{Env: all, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if parts.Looker == nil {
		parts.Looker = outbound.NewClient(outbound.Options{Policy: outbound.Policy{AllowLoopback: true}, FollowRedirects: true})
	}
	s, err := hub.New(hub.Parts{
		Config: cfg, Catalog: available, Secrets: secrets, Env: all,
		Looker: parts.Looker,
		Tokens: outbound.NewClient(outbound.Options{Policy: outbound.Policy{AllowLoopback: true}}), Insecure: env["TEST_INSECURE"] != "",
		Certificate: parts.Certificate, Upstreams: parts.Upstreams, Telemetry: telemetry.New(log, prometheus.NewRegistry()),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// post asks as Looker does.
func (s *server) post(path, body string, headers ...string) (int, string) {
	s.t.Helper()
	return s.ask(http.MethodPost, path, body, headers...)
}

func (s *server) ask(method, path, body string, headers ...string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, io.MultiReader(strings.NewReader(body)))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", `Token token="`+goodToken+`"`)
	req.Header.Set("User-Agent", "LookerOutgoingWebhook/24.20.41")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	return res.StatusCode, string(b)
}

func definition(name string) action.Definition {
	return action.Definition{
		Name: name, Label: "A label", Description: "A description.",
		Params: []action.Param{{Name: "key", Label: "API Key", Required: true, Sensitive: true}},
		Types:  []action.Type{action.TypeQuery, action.TypeDashboard}, Download: action.Push, MinVersion: action.V(5, 5, 0),
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	newer := definition("newer")
	newer.MinVersion = action.V(7, 3, 0)
	newer.Formats = []action.Format{}
	newer.FormatsFor = func(v action.Version) []action.Format {
		if v.AtLeast(action.V(24, 0, 0)) {
			return []action.Format{action.JSONDetailLiteStream}
		}
		return []action.Format{action.JSONDetail}
	}
	s := newServer(t, nil, entry(withLogin{withForm{&fake{definition: definition("login")}}}), entry(&fake{definition: newer}))
	const login = `{"description":"A description.","form_url":"https://hub.example.com/actions/login/form","label":"A label","name":"login",` +
		`"params":[{"name":"key","label":"API Key","required":true,"sensitive":true}],"required_fields":[],"supported_action_types":["query","dashboard"],` +
		`"uses_oauth":true,"delegate_oauth":false,"supported_download_settings":["push"],"icon_data_uri":null,` +
		`"url":"https://hub.example.com/actions/login/execute","token_url":""}`
	format := func(f string) string {
		return `{"description":"A description.","form_url":null,"label":"A label","name":"newer",` +
			`"params":[{"name":"key","label":"API Key","required":true,"sensitive":true}],"required_fields":[],"supported_action_types":["query","dashboard"],` +
			`"uses_oauth":false,"delegate_oauth":false,"supported_formats":["` + f + `"],"supported_download_settings":["push"],"icon_data_uri":null,` +
			`"url":"https://hub.example.com/actions/newer/execute","token_url":""}`
	}
	for agent, integrations := range map[string]string{
		"LookerOutgoingWebhook/24.20.41":  login + "," + format("json_detail_lite_stream"),
		"LookerOutgoingWebhook/7.3.00004": login + "," + format("json_detail"),
		"LookerOutgoingWebhook/6.0.0":     login,
		"LookerOutgoingWebhook/5.0.0":     "",
		"LookerOutgoingWebhook/25.0":      login + "," + format("json_detail"),
		"curl/8":                          login + "," + format("json_detail"),
	} {
		want := `{"integrations":[` + integrations + `],"label":"Golden <Hub>"}`
		status, got := s.post("/", "{}", "User-Agent", agent)
		if status != http.StatusOK || got != want {
			t.Errorf("%s: %d\n%s", agent, status, cmp.Diff(want, got))
		}
	}
	if status, got := s.post("/actions/login", ""); status != http.StatusOK || got != login {
		t.Errorf("one action: %d %s", status, got)
	}
	if status, got := s.post("/Actions/login/", ""); status != http.StatusOK || got != login {
		t.Errorf("another spelling of the address: %d %s", status, got)
	}
}

// A hub below a path is reached with the path and, through proxies that take it away, without.
func TestBasePath(t *testing.T) {
	t.Parallel()
	s := newServer(t, map[string]string{"ACTION_HUB_BASE_URL": "https://hub.example.com/Looker/"}, entry(&fake{definition: definition("a")}))
	for path, want := range map[string]int{
		"/looker": 200, "/Looker/": 200, "/": 200, "/looker/actions/a": 200, "/actions/a": 200, "/lookers": 404, "/looker/looker": 404,
	} {
		if status, body := s.post(path, ""); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if _, body := s.post("/actions/a", ""); !strings.Contains(body, `"url":"https://hub.example.com/Looker/actions/a/execute"`) {
		t.Errorf("the path is not told: %s", body)
	}
}

// Nothing is told to, and nothing read from, whoever has no token.
func TestAuthentication(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, entry(&fake{definition: definition("a"), execute: ok}))
	for header, want := range map[string]int{
		``: 403, `Bearer x`: 403, `Token token=""`: 403, `Token token="a/b"`: 403, `Token token=` + goodToken: 403,
		`x Token token="` + goodToken + `"`: 403, `Token token="` + goodToken + `" x`: 403,
		`Token token="` + goodToken[:len(goodToken)-1] + `0"`: 403,
		`Token token="` + goodToken + `"`:                     200, `token TOKEN="` + goodToken + `"`: 200, `Token token="` + goodToken + `/more"`: 200,
	} {
		for _, path := range []string{"/", "/actions/a", "/actions/nope", "/actions/a/execute"} {
			status, body := s.post(path, "{", "Authorization", header)
			if want == 403 && (status != 403 || body != `{"success":false,"error":"Invalid 'Authorization' header."}`) {
				t.Errorf("%s with %q: %d %s", path, header, status, body)
			}
			if want == 200 && status == 403 {
				t.Errorf("%s with %q was refused", path, header)
			}
		}
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	streaming := definition("streaming")
	streaming.Params, streaming.Download = nil, action.URL
	s := newServer(t, map[string]string{"ACTION_HUB_MAX_BODY_BYTES": "100000"},
		entry(&fake{definition: definition("a"), execute: ok}), entry(&fake{definition: streaming, execute: ok}))
	for _, tt := range []struct {
		name, path, body string
		status           int
		message          string
	}{
		{"unknown action", "/actions/nope", "", 404, "No action found with name nope."},
		{"unknown action's execute", "/actions/nope/execute", "{}", 404, "No action found with name nope."},
		{"unknown address", "/nope", "", 404, "Not found."},
		{"bad escape", "/actions/%25zz/execute", "{}", 404, "No action found with name %zz."},
		{"no form", "/actions/a/form", "{}", 404, "No form defined for action."},
		{"not JSON", "/actions/a/execute", "{", 400, "Request body must be valid JSON."},
		{"a page", "/actions/a/execute", "<html>", 400, "Request body must be valid JSON."},
		{"an array", "/actions/a/execute", "[]", 400, "Request body must be valid JSON."},
		{"no type", "/actions/a/execute", "{}", 404, `No request type specified. The request must be of type: "query", "dashboard".`},
		{"null type", "/actions/a/execute", `{"type":null}`, 404, `Action did not specify a "type".`},
		{"another type", "/actions/a/execute", `{"type":"cell"}`, 404, `This action does not support requests of type "cell". The request must be of type: "query", "dashboard".`},
		{"a missing setting", "/actions/a/execute", `{"type":"query"}`, 404, `Required setting "API Key" not specified in action settings.`},
		{"an empty setting", "/actions/a/execute", `{"type":"query","data":{"key":""}}`, 404, `Required setting "API Key" not specified in action settings.`},
		{"no data", "/actions/streaming/execute", `{"type":"query"}`, 404, "A streaming action was sent incompatible data. The action must have a download url or an attachment."},
		{"too large", "/actions/a/execute", `{"type":"` + strings.Repeat("x", 200_000) + `"}`, 413, "The request is larger than this hub accepts (100000 bytes)."},
	} {
		status, body := s.post(tt.path, tt.body)
		var got struct {
			Success bool
			Error   string
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Errorf("%s: %v: %s", tt.name, err, body)
			continue
		}
		if status != tt.status {
			t.Errorf("%s: status %d, want %d", tt.name, status, tt.status)
		}
		if got.Success {
			t.Errorf("%s: the answer says success", tt.name)
		}
		if got.Error != tt.message {
			t.Errorf("%s: error %q, want %q", tt.name, got.Error, tt.message)
		}
	}
}

func TestExecute(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		execute func(context.Context, *action.Request) (*action.Response, error)
		want    string
	}{
		{"delivered", ok, `{"looker":{"refresh_query":false,"success":true,"validation_errors":{}}}`},
		{
			"with everything", func(context.Context, *action.Request) (*action.Response, error) {
				return &action.Response{Message: "Sent.", RefreshQuery: true, State: &action.State{Data: "{}", RefreshTime: 600}}, nil
			},
			`{"looker":{"message":"Sent.","refresh_query":true,"success":true,"validation_errors":{},"state":{"data":"{}","refresh_time":600}}}`,
		},
		{
			"a bad field, and a new state all the same", func(context.Context, *action.Request) (*action.Response, error) {
				return &action.Response{State: &action.State{Data: "new"}}, action.InvalidField("to", "No <such> address.")
			},
			`{"looker":{"message":"No <such> address.","refresh_query":false,"success":false,"validation_errors":{"to":"No <such> address."},"state":{"data":"new"},` +
				`"error":{"http_code":400,"status_code":"BAD_REQUEST","message":"Server cannot process request due to client request error. No <such> address.","location":"ActionContainer","documentation_url":"TODO"},"webhookId":"wh-7"}}`,
		},
		{
			"an error that nobody explained", func(context.Context, *action.Request) (*action.Response, error) {
				return nil, errors.New("secret detail")
			},
			`{"looker":{"message":"Internal server error.","refresh_query":false,"success":false,"validation_errors":{},` +
				`"error":{"http_code":500,"status_code":"INTERNAL","message":"Internal server error. Internal server error.","location":"ActionContainer","documentation_url":"TODO"},"webhookId":"wh-7"}}`,
		},
		{
			"a panic", func(context.Context, *action.Request) (*action.Response, error) { panic("secret detail") },
			`{"looker":{"message":"Internal server error.","refresh_query":false,"success":false,"validation_errors":{},` +
				`"error":{"http_code":500,"status_code":"INTERNAL","message":"Internal server error. Internal server error.","location":"ActionContainer","documentation_url":"TODO"},"webhookId":"wh-7"}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, nil, entry(&fake{definition: definition("a"), execute: tt.execute}))
			status, got := s.post("/actions/a/execute", `{"type":"query","data":{"key":"k"}}`, "X-Looker-Webhook-Id", "wh-7")
			if status != http.StatusOK || got != tt.want {
				t.Errorf("%d\n%s", status, cmp.Diff(tt.want, got))
			}
		})
	}
}

// Whatever happens after the first newline, a JSON document ends the answer.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	slow := func(err error) func(context.Context, *action.Request) (*action.Response, error) {
		return func(ctx context.Context, _ *action.Request) (*action.Response, error) {
			select {
			case <-time.After(2500 * time.Millisecond):
				return nil, err
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
	s := newServer(t, map[string]string{"ACTION_HUB_JSON_KEEPALIVE_SEC": "1"},
		entry(&fake{definition: definition("a"), execute: slow(nil)}), entry(&fake{definition: definition("b"), execute: slow(errors.New("x"))}))
	for name, success := range map[string]string{"a": `"success":true`, "b": `"success":false`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, got := (&server{s.Server, t}).post("/actions/"+name+"/execute", `{"type":"query","data":{"key":"k"}}`)
			if status != http.StatusOK {
				t.Errorf("status %d", status)
			}
			if answer, kept := strings.CutPrefix(got, "\n"); !kept || !strings.HasPrefix(strings.TrimLeft(answer, "\n"), "{") {
				t.Errorf("%q is not newlines and one object", got)
			}
			if !json.Valid([]byte(got)) || !strings.Contains(got, success) {
				t.Errorf("%q is not JSON with %s", got, success)
			}
		})
	}
}

// A delivery whose client is gone is given up, so that nobody is told of a failure that
// then succeeds.
func TestClientGone(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	s := newServer(t, nil, entry(&fake{definition: definition("a"), execute: func(ctx context.Context, _ *action.Request) (*action.Response, error) {
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}}))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/actions/a/execute", strings.NewReader(`{"type":"query","data":{"key":"k"}}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", `Token token="`+goodToken+`"`)
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
		t.Fatal("the delivery ended")
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the delivery went on without its client")
	}
}

// The whole sign-in: form, link, provider, callback, and what Looker gets to keep.
func TestLogin(t *testing.T) {
	t.Parallel()
	kept := make(chan string, 1)
	looker := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		kept <- string(b)
	}))
	t.Cleanup(looker.Close)
	d := definition("login")
	d.Params = nil
	var state string
	i := withLogin{withForm{&fake{definition: d, form: func(_ context.Context, req *action.Request) (*action.Form, error) {
		state = req.State
		return &action.Form{Fields: []action.Field{{Name: "login", Type: action.OAuthLink, OAuthURL: req.LoginURL}}}, nil
	}}}}
	s := newServer(t, map[string]string{"ENCRYPT_PAYLOAD_LOGIN": "true", "TEST_INSECURE": "true"}, entry(i))
	_, body := s.post("/actions/login/form", `{"state_url":"`+looker.URL+`/state"}`)
	var form action.Form
	if err := json.Unmarshal([]byte(body), &form); err != nil || len(form.Fields) != 1 {
		t.Fatalf("form %s: %v", body, err)
	}
	link, err := url.Parse(form.Fields[0].OAuthURL)
	if err != nil || link.Host != "hub.example.com" {
		t.Fatalf("link %s: %v", form.Fields[0].OAuthURL, err)
	}

	begin := s.browse("/actions/login/oauth?"+link.RawQuery, nil)
	if begin.status != http.StatusFound || begin.cookie == nil {
		t.Fatalf("sign-in begins with %+v, want a redirect and a cookie", begin)
	}
	if begin.cookie.Name != "__Host-action_hub_state" {
		t.Errorf("cookie %q", begin.cookie.Name)
	}
	if !begin.cookie.HttpOnly || !begin.cookie.Secure {
		t.Errorf("the cookie is %+v, want HttpOnly and Secure", begin.cookie)
	}
	to, err := url.Parse(begin.location)
	if err != nil || to.Host != "provider.example.com" || to.Query().Get("redirect_uri") != "https://hub.example.com/actions/login/oauth_redirect" {
		t.Fatalf("sent to %s: %v", begin.location, err)
	}
	callback := url.Values{"state": {to.Query().Get("state")}, "code": {"good"}}

	for name, tt := range map[string]struct {
		values url.Values
		cookie *http.Cookie
		status int
	}{
		"no state":         {url.Values{"code": {"good"}}, begin.cookie, 400},
		"no nonce":         {url.Values{"state": {link.Query().Get("state")}}, begin.cookie, 400},
		"no cookie":        {callback, nil, 403},
		"another cookie":   {callback, &http.Cookie{Name: begin.cookie.Name, Value: "other"}, 403},
		"another browser":  {url.Values{"state": {strings.Repeat("A", 26) + callback.Get("state")[26:]}}, &http.Cookie{Name: begin.cookie.Name, Value: strings.Repeat("A", 26)}, 400},
		"the link's state": {url.Values{"state": {begin.cookie.Value + "." + link.Query().Get("state")}, "code": {"good"}}, begin.cookie, 400},
		"a forged state":   {url.Values{"state": {begin.cookie.Value + ".2AAAA"}, "code": {"good"}}, begin.cookie, 400},
		"a bad code":       {url.Values{"state": callback["state"], "code": {"bad"}}, begin.cookie, 502},
		"a provider's no":  {url.Values{"state": callback["state"], "error": {"access_denied"}}, begin.cookie, 502},
	} {
		if got := s.browse("/actions/login/oauth_redirect?"+tt.values.Encode(), tt.cookie); got.status != tt.status || strings.Contains(got.body, "<") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if end := s.browse("/actions/login/oauth_redirect?"+callback.Encode(), begin.cookie); end.status != http.StatusOK {
		t.Fatalf("sign-in ends with %+v", end)
	}
	stored := <-kept
	if strings.Contains(stored, "t0ken") || !strings.Contains(stored, `"cid"`) {
		t.Errorf("Looker was given %s", stored)
	}
	text, err := json.Marshal(map[string]any{"data": map[string]string{"state_json": stored}})
	if err != nil {
		t.Fatal(err)
	}
	s.post("/actions/login/form", string(text))
	if state != `{"token":"t0ken"}` {
		t.Errorf("the integration got the state %q back", state)
	}
	for _, nothing := range []string{"", "null", "reset", `{"cid":"x","payload":"1043022nonsense"}`} {
		state = "unset"
		text, err := json.Marshal(map[string]any{"data": map[string]string{"state_json": nothing}})
		if err != nil {
			t.Fatal(err)
		}
		s.post("/actions/login/form", string(text))
		if state != "" {
			t.Errorf("state_json %q became %q", nothing, state)
		}
	}
}

// The reference's process ends on these; ours answers.
func TestBrowserWithoutCredentials(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, entry(&fake{definition: definition("plain")}), entry(withLogin{withForm{&fake{definition: definition("login")}}}))
	for path, want := range map[string]int{
		"/actions/nope/oauth?state=1": 404, "/actions/plain/oauth?state=1": 400, "/actions/login/oauth": 400, "/actions/login/oauth?state=forged": 400,
		"/actions/nope/oauth_redirect?state=1": 404, "/actions/plain/oauth_redirect?state=1.2": 400, "/": 200, "/nope": 404, "/actions/plain": 404,
	} {
		if got := s.browse(path, nil); got.status != want {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

type page struct {
	status         int
	location, body string
	cookie         *http.Cookie
}

// browse asks as a browser does, and follows nothing.
func (s *server) browse(path string, cookie *http.Cookie) page {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if cookie != nil {
		req.AddCookie(cookie)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	p := page{status: res.StatusCode, location: res.Header.Get("Location"), body: string(b)}
	if cookies := res.Cookies(); len(cookies) > 0 {
		p.cookie = cookies[0]
	}
	return p
}

func TestSecretsRotate(t *testing.T) {
	t.Parallel()
	minted, err := token.New([]byte("the-next-service-secret"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := newServer(t, map[string]string{"ACTION_HUB_SECRET": "", "ACTION_HUB_SECRET_FILES": writeFile(t, dir, "secret", "the-next-service-secret\n") + "," + writeFile(t, dir, "previous", serviceSecret)})
	if status, _ := s.post("/", ""); status != http.StatusOK {
		t.Errorf("a token of the previous secret: %d", status)
	}
	if status, _ := s.post("/", "", "Authorization", `Token token="`+minted+`"`); status != http.StatusOK {
		t.Errorf("a token of the new secret: %d", status)
	}
}
