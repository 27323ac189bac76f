package console

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	client "integrationhub.dev/hub/cmd/hub/internal/looker"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/token"
)

// realHub is the product's own hub on this machine, with integrations that record what they get, and an
// OAuth provider.
type realHub struct {
	*httptest.Server
	token    string
	provider *provider

	mu         sync.Mutex
	deliveries []delivery
	wait       chan struct{} // deliveries wait until it is closed
}

// delivery is what an integration received.
type delivery struct {
	Integration, Type, Data, State string
	Params, Form                   map[string]string
}

func newHub(t *testing.T) *realHub {
	t.Helper()
	h := &realHub{Server: httptest.NewServer(nil), provider: newProvider(t)}
	t.Cleanup(h.Close)
	const secret = "service-secret-of-the-hub"
	env := map[string]string{
		"ACTION_HUB_BASE_URL": h.URL, "ACTION_HUB_LABEL": "Test hub", "ACTION_HUB_SECRET": secret, "ACTION_HUB_SPOOL_DIR": t.TempDir(),
	}
	cfg, err := config.Load(env)
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := config.LoadSecrets(cfg.Secret, cfg.SecretFiles)
	if err == nil {
		h.token, err = token.New([]byte(secret))
	}
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	available, err := catalog.New(h.integrations(), cfg, action.Deps{Env: env, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	local := outbound.NewClient(outbound.Options{Policy: outbound.Policy{AllowLoopback: true}})
	s, err := hub.New(hub.Parts{
		Config: cfg, Catalog: available, Secrets: secrets, Env: env, Telemetry: telemetry.New(log, prometheus.NewRegistry()),
		Looker: local, Tokens: local, Insecure: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Config.Handler = s.Handler()
	return h
}

// integrations are one with every kind of param and an interactive form, one that downloads, two that
// sign users in, and one that takes cells.
func (h *realHub) integrations() []action.Registration {
	query := []action.Type{action.TypeQuery}
	csv := []action.Format{action.CSV}
	var all []action.Registration
	for _, d := range []action.Definition{
		{
			Name: "crm", Label: "CRM", Description: "Sends rows.", Types: query, Download: action.Push, Formats: []action.Format{action.JSONDetail, action.CSV},
			RequiredFields: []action.RequiredField{{AnyTag: []string{"email", "phone"}}},
			Params: []action.Param{
				{Name: "api_key", Label: "API key", Required: true, Sensitive: true},
				{Name: "region", Label: "Region", Description: "Where the data is."},
				{Name: "account", Label: "Account", PerUser: true, UserAttributeName: "crm_account"},
			},
		},
		{Name: "bucket", Label: "Bucket", Types: query, Formats: csv, Download: action.URL},
		{Name: "drive", Label: "Drive", Types: query, Formats: csv, Download: action.Push},
		{Name: "sheets", Label: "Sheets", Types: query, Formats: csv, Download: action.Push, FetchTokens: true},
		{Name: "droplet", Label: "Droplet", Types: []action.Type{action.TypeCell, action.TypeQuery}, Formats: csv, Download: action.Push},
	} {
		var i action.Integration = &recorder{h, d}
		switch d.Name {
		case "crm":
			i = withForm{&recorder{h, d}}
		case "drive", "sheets":
			i = withSignIn{&recorder{h, d}}
		}
		all = append(all, action.Registration{Name: d.Name, New: func(action.Deps) (action.Integration, error) { return i, nil }})
	}
	return all
}

// recorder records deliveries. The rows of a form's team "refused" are refused.
type recorder struct {
	hub        *realHub
	definition action.Definition
}

func (r *recorder) Definition() action.Definition { return r.definition }

func (r *recorder) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	r.hub.mu.Lock()
	wait := r.hub.wait
	r.hub.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	got := delivery{Integration: r.definition.Name, Type: string(req.Type), State: req.State, Params: req.Params, Form: req.Form}
	if !req.Data.Empty() {
		data, err := req.Data.Open(ctx)
		if err != nil {
			return nil, err
		}
		defer data.Close()
		text, err := io.ReadAll(data)
		if err != nil {
			return nil, err
		}
		got.Data = string(text)
	}
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	r.hub.deliveries = append(r.hub.deliveries, got)
	if req.Form["channel"] == "closed" {
		return nil, action.InvalidField("channel", "The channel is closed.")
	}
	return &action.Response{Message: "Delivered with " + req.Params["api_key"] + ".", RefreshQuery: true}, nil
}

// received returns the deliveries.
func (h *realHub) received() []delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]delivery{}, h.deliveries...)
}

// hold makes deliveries wait until the function that it returns is called.
func (h *realHub) hold() (release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wait = make(chan struct{})
	return sync.OnceFunc(func() { close(h.wait) })
}

// withForm asks for a channel only once the user has chosen a team.
type withForm struct{ *recorder }

func (withForm) Form(_ context.Context, req *action.Request) (*action.Form, error) {
	form := &action.Form{Fields: []action.Field{
		{Name: "hint", Type: action.Message, Value: "Choose a team first."},
		{
			Name: "team", Label: "Team", Type: action.Select, Interactive: true, Required: true,
			Options: []action.Option{{Name: "a", Label: "Team A"}, {Name: "b", Label: "Team B"}},
		},
		{Name: "note", Label: "Note", Type: action.Textarea},
	}}
	if team := req.Form["team"]; team != "" {
		form.Fields = append(form.Fields, action.Field{Name: "channel", Label: "Channel", Type: action.String, Default: "general-" + team, Required: true})
	}
	return form, nil
}

// withSignIn signs users in at the provider, and asks for a folder then.
type withSignIn struct{ *recorder }

func (w withSignIn) Form(_ context.Context, req *action.Request) (*action.Form, error) {
	if req.State == "" {
		return &action.Form{Fields: []action.Field{{Name: "login", Label: "Log in", Type: action.OAuthLink, OAuthURL: req.LoginURL}}}, nil
	}
	return &action.Form{Fields: []action.Field{{Name: "folder", Label: "Folder", Type: action.String, Default: "root"}}}, nil
}

func (w withSignIn) AuthorizeURL(_ context.Context, l action.Login) (string, error) {
	return w.hub.provider.URL + "/authorize?" + url.Values{"redirect_uri": {l.RedirectURL}, "state": {l.State}}.Encode(), nil
}

func (w withSignIn) Exchange(ctx context.Context, _ action.Login, callback url.Values) (*action.State, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.hub.provider.URL+"/token?code="+url.QueryEscape(callback.Get("code")), http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := w.hub.provider.Client().Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return nil, action.Errorf(action.Unauthenticated, "The provider refused the code.")
	}
	return &action.State{Data: string(text)}, nil
}

// provider is an OAuth provider whose page asks for a person's consent. Its codes are valid once.
type provider struct {
	*httptest.Server
	mu    sync.Mutex
	codes int
	open  map[string]bool
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{open: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.codes++
		code := fmt.Sprintf("code-%d", p.codes)
		p.open[code] = true
		q := r.URL.Query()
		to := q.Get("redirect_uri") + "?" + url.Values{"state": {q.Get("state")}, "code": {code}}.Encode()
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!doctype html><title>Provider</title><a id="allow" href="%s">Allow</a>`, strings.ReplaceAll(to, "&", "&amp;"))
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		code := r.FormValue("code")
		if !p.open[code] {
			http.Error(w, "no such code", http.StatusBadRequest)
			return
		}
		delete(p.open, code)
		_, _ = fmt.Fprintf(w, `{"token":"provider-token-for-%s"}`, code)
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// startConsole serves a console for a hub, and returns it with the URL of its first page.
func startConsole(t *testing.T, hubURL, hubToken string, change ...func(*Options)) (*Server, string) {
	t.Helper()
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Hub: client.Options{URL: hubURL, Token: hubToken}, URL: "http://" + l.Addr().String()}
	for _, f := range change {
		f(&o)
	}
	session, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	s := NewServer(ctx, session, o, l.Addr())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the console ended with %v", err)
		}
	})
	return s, "http://" + l.Addr().String() + s.Path()
}
