package looker_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/token"
)

const serviceSecret = "service-secret-of-the-hub"

// realHub is the product's own hub over TLS, with integrations that record what they get.
type realHub struct {
	*httptest.Server
	token string

	mu         sync.Mutex
	deliveries []delivery
	// state is what the next delivery and the next form return.
	state *action.State
	// failWith makes deliveries and forms fail.
	failWith error
	// refused makes the provider refuse codes.
	refused bool
}

// delivery is what an integration received.
type delivery struct {
	Integration, Type, Data, Title, State, WebhookID, Instance, Version string
	Params, Form                                                        map[string]string
	Err                                                                 string
}

// roots trust a server of a test, and so all of them: they have the same certificate.
func roots(s *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

func newHub(t *testing.T) *realHub {
	t.Helper()
	h := &realHub{}
	h.Server = httptest.NewUnstartedServer(nil)
	h.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // a test refuses its certificate
	h.StartTLS()
	t.Cleanup(h.Close)
	env := map[string]string{
		"ACTION_HUB_BASE_URL": h.URL, "ACTION_HUB_LABEL": "Test hub", "ACTION_HUB_SECRET": serviceSecret, "ACTION_HUB_SPOOL_DIR": t.TempDir(),
	}
	cfg, err := config.Load(env)
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := config.LoadSecrets(cfg.Secret, cfg.SecretFiles)
	if err != nil {
		t.Fatal(err)
	}
	if h.token, err = token.New([]byte(serviceSecret)); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	available, err := catalog.New(h.integrations(), cfg, action.Deps{Env: env, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	local := outbound.Options{Policy: outbound.Policy{AllowLoopback: true}, Roots: roots(h.Server)}
	s, err := hub.New(hub.Parts{
		Config: cfg, Catalog: available, Secrets: secrets, Env: env, Telemetry: telemetry.New(log, prometheus.NewRegistry()),
		Looker: outbound.NewClient(local), Tokens: outbound.NewClient(local),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Config.Handler = s.Handler()
	return h
}

// integrations are one with every kind of param and an interactive form, one that downloads, and two
// that sign users in.
func (h *realHub) integrations() []action.Registration {
	query := []action.Type{action.TypeQuery, action.TypeCell}
	definitions := []action.Definition{
		{
			Name: "crm", Label: "CRM", Description: "Sends rows.", Types: query, Download: action.Push,
			Formats: []action.Format{action.CSV, action.JSON, action.InlineJSON, action.WysiwygPNG},
			Params: []action.Param{
				{Name: "api_key", Label: "API key", Required: true, Sensitive: true},
				{Name: "region", Label: "Region", Sensitive: false},
				{Name: "account", Label: "Account", Sensitive: true, PerUser: true, UserAttributeName: "crm_account"},
			},
		},
		{Name: "bucket", Label: "Bucket", Types: query, Formats: []action.Format{action.CSV}, Download: action.URL},
		{Name: "drive", Label: "Drive", Types: query, Formats: []action.Format{action.CSV}, Download: action.Push},
		{
			Name: "chat", Label: "Chat", Types: query, Formats: []action.Format{action.CSV}, Download: action.Push,
			Params: []action.Param{{Name: "install", Label: "Connect", DelegateOAuthURL: "/admin/integrations/chat/install"}},
		},
		{Name: "sheets", Label: "Sheets", Types: query, Formats: []action.Format{action.CSV}, Download: action.Push, FetchTokens: true},
	}
	var all []action.Registration
	for _, d := range definitions {
		var i action.Integration = &recorder{h, d}
		switch d.Name {
		case "crm":
			i = withForm{&recorder{h, d}}
		case "chat":
			i = delegated{&recorder{h, d}}
		case "drive", "sheets":
			i = withSignIn{withForm{&recorder{h, d}}}
		}
		all = append(all, action.Registration{Name: d.Name, New: func(action.Deps) (action.Integration, error) { return i, nil }})
	}
	return all
}

// recorder records deliveries.
type recorder struct {
	hub        *realHub
	definition action.Definition
}

func (r *recorder) Definition() action.Definition { return r.definition }

func (r *recorder) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	got := delivery{
		Integration: r.definition.Name, Type: string(req.Type), Title: req.Plan.Title, State: req.State, WebhookID: req.WebhookID,
		Instance: req.InstanceID, Version: req.Version.String(), Params: req.Params, Form: req.Form,
	}
	var err error
	if !req.Data.Empty() {
		var data io.ReadCloser
		if data, err = req.Data.Open(ctx); err == nil {
			var text []byte
			text, err = io.ReadAll(data)
			got.Data = string(text)
			_ = data.Close()
		}
	}
	if err != nil {
		got.Err = err.Error()
	}
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	r.hub.deliveries = append(r.hub.deliveries, got)
	if err == nil {
		err = r.hub.failWith
	}
	if err != nil {
		return nil, err
	}
	return &action.Response{Message: "Delivered.", RefreshQuery: true, State: r.hub.state}, nil
}

// received returns the deliveries.
func (h *realHub) received() []delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]delivery{}, h.deliveries...)
}

func (h *realHub) set(state *action.State, failWith error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state, h.failWith = state, failWith
}

func (h *realHub) refuseCodes(refused bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused = refused
}

// delegated is an integration whose credentials Looker has. A workspace rejects the token "revoked".
type delegated struct{ *recorder }

func (delegated) tokens(req *action.Request) (all []struct{ InstallID, Token string }) {
	var items []map[string]string
	_ = json.Unmarshal([]byte(req.State), &items) // no state has no items
	for _, i := range items {
		all = append(all, struct{ InstallID, Token string }{i["install_id"], i["token"]})
	}
	return all
}

func (d delegated) Form(_ context.Context, req *action.Request) (*action.Form, error) {
	if len(d.tokens(req)) == 0 {
		return &action.Form{Fields: []action.Field{{Name: "login", Type: action.OAuthLink, OAuthURL: req.StateURL}}, State: &action.State{}}, nil
	}
	return &action.Form{Fields: []action.Field{{Name: "channel", Label: "Channel"}}}, nil
}

func (d delegated) CheckConnection(_ context.Context, req *action.Request) (*action.Form, error) {
	form := &action.Form{}
	for _, t := range d.tokens(req) {
		if t.Token != "revoked" {
			value, err := json.Marshal(map[string]string{"installation_id": "T" + t.InstallID, "installation_name": "Workspace"})
			if err != nil {
				return nil, err
			}
			form.Fields = append(form.Fields, action.Field{Name: "Connected", Type: action.Message, Value: string(value)})
		}
	}
	if len(form.Fields) == 0 {
		return nil, action.Errorf(action.Unauthenticated, "Connect to a workspace first.")
	}
	return form, nil
}

// withForm asks for a channel only once the user has chosen a team.
type withForm struct{ *recorder }

func (w withForm) Form(_ context.Context, req *action.Request) (*action.Form, error) {
	w.hub.mu.Lock()
	state, failWith := w.hub.state, w.hub.failWith
	w.hub.mu.Unlock()
	if failWith != nil {
		return nil, failWith
	}
	if w.definition.Name != "crm" && req.State == "" {
		return &action.Form{Fields: []action.Field{{Name: "login", Type: action.OAuthLink, OAuthURL: req.LoginURL}}}, nil
	}
	form := &action.Form{State: state, Fields: []action.Field{{
		Name: "team", Label: "Team", Type: action.Select, Default: "a", Interactive: true, Required: true,
		Options: []action.Option{{Name: "a", Label: "A"}, {Name: "b", Label: "B"}},
	}}}
	if team := req.Form["team"]; team != "" {
		form.Fields = append(form.Fields, action.Field{Name: "channel", Type: action.String, Default: "general-" + team})
	}
	return form, nil
}

// withSignIn signs users in at a provider that sends the browser straight back.
type withSignIn struct{ withForm }

func (w withSignIn) AuthorizeURL(_ context.Context, l action.Login) (string, error) {
	return l.RedirectURL + "?" + url.Values{"state": {l.State}, "code": {"good"}}.Encode(), nil
}

func (w withSignIn) Exchange(_ context.Context, _ action.Login, _ url.Values) (*action.State, error) {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	if w.hub.refused {
		return nil, action.Errorf(action.Unauthenticated, "The code has expired.")
	}
	return &action.State{Data: `{"token":"provider-token-of-` + w.definition.Name + `"}`}, nil
}

// respond is a hub that answers every request in the same way.
func respond(t *testing.T, status int, body string) *httptest.Server {
	t.Helper()
	return serve(t, func(w http.ResponseWriter) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// respondWith is a hub whose answer changes.
func respondWith(t *testing.T, body func() string) *httptest.Server {
	t.Helper()
	return serve(t, func(w http.ResponseWriter) { _, _ = io.WriteString(w, body()) })
}

func serve(t *testing.T, answer func(http.ResponseWriter)) *httptest.Server {
	t.Helper()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
	t.Cleanup(srv.Close)
	return srv
}

// serveBodies answers every request in the same way, and keeps its body.
func serveBodies(t *testing.T, answer string, bodies *[]string) *httptest.Server {
	t.Helper()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		*bodies = append(*bodies, string(text))
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(srv.Close)
	return srv
}
