package hub_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/upstream"
)

// member is a hub whose upstreams are hubs of the same test.
type member struct {
	server
	hub *hub.Server
	set *upstream.Set
	// handler serves once the hub is created, which needs the addresses of its upstreams first.
	handler atomic.Value
}

func ownIntegration(name string) action.Registration {
	i := &fake{definition: definition(name), execute: ok}
	i.definition.Params = nil
	i.form = func(context.Context, *action.Request) (*action.Form, error) { return &action.Form{}, nil }
	return entry(withForm{i})
}

func newMember(t *testing.T) *member {
	t.Helper()
	m := &member{}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.handler.Load().(http.Handler).ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	m.server = server{srv, t}
	return m
}

// start creates the hub, with one integration of its own.
func (m *member) start(label string, own action.Registration, peers ...*member) {
	m.t.Helper()
	cfg := config.Config{BaseURL: "https://hub.example.com", Label: label}
	for _, p := range peers {
		c := upstreamConfig(m.t, p.Server, goodToken)
		c.Name, c.Prefix = "peer", "p_"
		cfg.Upstreams = append(cfg.Upstreams, c)
	}
	set, err := upstream.New(cfg.Upstreams, upstream.Options{
		Roots: x509.NewCertPool(), ID: upstream.ID(cfg), Log: slog.New(slog.DiscardHandler),
		NewClient: func(roots *x509.CertPool) *http.Client {
			return outbound.NewClient(outbound.Options{Policy: outbound.Policy{AllowLoopback: true}, Roots: roots})
		},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.set = set
	m.hub = newHub(m.t, map[string]string{"ACTION_HUB_LABEL": label, "ACTION_HUB_STATUS_PAGE": "public"}, hub.Parts{Upstreams: set}, own)
	m.handler.Store(m.hub.Handler())
}

// refresh fetches the lists, as each hub does every minute.
func (m *member) refresh() error {
	for _, h := range m.set.Hubs() {
		h.Refresh(m.t.Context())
	}
	return m.hub.OfferRemote()
}

func (m *member) get(method, path string, headers ...string) (int, string) {
	m.t.Helper()
	req, err := http.NewRequestWithContext(m.t.Context(), method, m.URL+path, strings.NewReader(`{"type":"query","attachment":{"mimetype":"application/json","data":"[]"}}`))
	if err != nil {
		m.t.Fatal(err)
	}
	req.Header.Set("Authorization", `Token token="`+goodToken+`"`)
	for n := 0; n < len(headers); n += 2 {
		req.Header.Add(headers[n], headers[n+1])
	}
	w := httptest.NewRecorder()
	m.hub.Handler().ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

// listed returns the names in the list that Looker gets, which has no members of its own kind.
func (m *member) listed() (names []string) {
	m.t.Helper()
	_, text := m.get(http.MethodPost, "/")
	var list struct{ Integrations []struct{ Name string } }
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		m.t.Fatal(err)
	}
	if strings.Contains(text, `"via"`) {
		m.t.Errorf("Looker's list names hubs: %s", text)
	}
	for _, i := range list.Integrations {
		names = append(names, i.Name)
	}
	return names
}

func (m *member) status() (problem string, refused []catalog.Refusal) {
	m.t.Helper()
	_, text := m.get(http.MethodGet, "/status")
	var got struct {
		Upstreams []struct {
			Problem string
			Refused []catalog.Refusal
		}
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || len(got.Upstreams) != 1 {
		m.t.Fatalf("%s: %v", text, err)
	}
	return got.Upstreams[0].Problem, got.Upstreams[0].Refused
}

// A hub that is its own upstream says so, and offers nothing twice, however often it fetches the list.
func TestUpstreamIsTheHubItself(t *testing.T) {
	t.Parallel()
	m := newMember(t)
	m.start("Hub", ownIntegration("own"), m)
	for range 3 {
		if err := m.refresh(); err == nil || !strings.Contains(err.Error(), "is this hub itself") {
			t.Fatalf("error %v", err)
		}
	}
	if diff := cmp.Diff([]string{"own"}, m.listed()); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	if problem, _ := m.status(); problem != "Action Hub peer is this hub itself. Correct its URL, or remove the upstream." {
		t.Errorf("problem %q", problem)
	}
}

// In a ring of hubs each integration arrives once, and is refused at the hub that runs it, so that names do not
// grow. An integration that disappears does so everywhere.
func TestRingOfUpstreams(t *testing.T) {
	t.Parallel()
	ring := []*member{newMember(t), newMember(t), newMember(t)}
	for n, m := range ring {
		label := string(rune('a' + n))
		m.start(label, ownIntegration(label), ring[(n+1)%len(ring)])
	}
	for range 2 * len(ring) {
		for _, m := range ring {
			if err := m.refresh(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n, m := range ring {
		name := func(at int) string { return string(rune('a' + (n+at)%len(ring))) }
		if diff := cmp.Diff([]string{name(0), "p_" + name(1), "p_p_" + name(2)}, m.listed()); diff != "" {
			t.Errorf("list of %s (-want +got):\n%s", name(0), diff)
		}
		problem, refused := m.status()
		want := []catalog.Refusal{{
			Name: "p_p_p_" + name(0), Reason: "It comes from this hub, so the upstreams form a loop. Limit the upstream to its own integrations.",
		}}
		if diff := cmp.Diff(want, refused); diff != "" || problem != "" {
			t.Errorf("refused by %s, problem %q (-want +got):\n%s", name(0), problem, diff)
		}
	}

	ring[0].start("a", ownIntegration("z"), ring[1])
	for range 2 * len(ring) {
		for _, m := range ring {
			_ = m.refresh()
		}
	}
	for n, m := range ring {
		if slices.ContainsFunc(m.listed(), func(name string) bool { return strings.HasSuffix(name, "a") }) {
			t.Errorf("hub %d still offers what no hub has: %v", n, m.listed())
		}
	}
}

// A request that comes back is refused, so that it does not run in circles where a hub of the loop does not
// list what it came through.
func TestRequestLoop(t *testing.T) {
	t.Parallel()
	m := newMember(t)
	m.start("Hub", ownIntegration("own"), m)
	for _, path := range []string{"/actions/own/execute", "/actions/own/form", "/"} {
		if code, body := m.get(http.MethodPost, path, "Via", "1.1 proxy.example.com, 1.1 "+m.set.ID()); code != http.StatusLoopDetected {
			t.Errorf("%s: %d %s", path, code, body)
		}
		if code, body := m.get(http.MethodPost, path, "Via", "1.1 proxy.example.com, 1.1 integrationhub-0123456789abcdef"); code != http.StatusOK {
			t.Errorf("%s by way of another hub: %d %s", path, code, body)
		}
	}
}
