package looker_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/looker/api"
	"integrationhub.dev/hub/looker/openapi"
)

// The users of a simulator under test.
const (
	admin, analyst, guest = "1", "2", "3"
	adminID, adminSecret  = "admin-client", "secret-of-the-admin"
	analystSecret         = "secret-of-the-analyst"
	guestSecret           = "secret-of-the-guest"
)

// instance is a simulator under test, over TLS.
type instance struct {
	*looker.Looker
	*httptest.Server
	t   *testing.T
	log *problems
	// now is the simulator's clock.
	now *clock
	// token is the administrator's access token.
	token string
}

// clock is a clock that a test turns.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// problems is a log. The simulator logs only its own mistakes.
type problems struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *problems) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

// newInstance starts a simulator that trusts all servers of the test. The test fails if one of the
// simulator's own responses does not match Looker's document.
func newInstance(t *testing.T, change func(*looker.Options)) *instance {
	t.Helper()
	i := &instance{t: t, log: &problems{}, now: &clock{at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}}
	i.Server = httptest.NewUnstartedServer(nil)
	i.StartTLS()
	t.Cleanup(i.Close)
	o := looker.Options{
		URL: i.URL, Document: document(t), UserAttributes: []string{"crm_account"}, Roots: roots(i.Server), Now: i.now.Now,
		RateLimit: looker.RateLimit{Requests: -1}, Log: slog.New(slog.NewTextHandler(i.log, nil)),
		Users: []looker.User{
			{ID: admin, ClientID: adminID, ClientSecret: adminSecret, Permissions: []looker.Permission{looker.Admin}},
			{ID: analyst, ClientID: "analyst-client", ClientSecret: analystSecret, Permissions: []looker.Permission{looker.SendToIntegration}},
			{ID: guest, ClientID: "guest-client", ClientSecret: guestSecret},
		},
	}
	if change != nil {
		change(&o)
	}
	var err error
	if i.Looker, err = looker.New(o); err != nil {
		t.Fatal(err)
	}
	i.Config.Handler = i.Looker
	t.Cleanup(func() {
		if i.log.text.Len() > 0 {
			t.Errorf("the simulator reports mistakes of its own:\n%s", &i.log.text)
		}
	})
	i.token = i.login(adminID, adminSecret)
	return i
}

// document is Looker's document.
func document(t testing.TB) *openapi.Document {
	t.Helper()
	doc, err := openapi.New()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// login returns an access token.
func (i *instance) login(id, secret string) string {
	i.t.Helper()
	status, _, body := i.send(http.MethodPost, "/login", url.Values{"client_id": {id}, "client_secret": {secret}}.Encode(), "")
	if status != http.StatusOK {
		i.t.Fatalf("login: %d %s", status, body)
	}
	return decode[api.AccessToken](i.t, body).text()
}

// send sends a request to the API, a form if it is a login. Status 0 means that there was no response.
func (i *instance) send(method, path, body, token string) (int, http.Header, string) {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), method, i.URL+looker.APIPath+path, strings.NewReader(body))
	if err != nil {
		i.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if path == "/login" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		req.Header.Set("Authorization", "token "+token)
	}
	res, err := i.Client().Do(req)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil, err.Error()
	}
	return res.StatusCode, res.Header, string(text)
}

// ask sends a request as the administrator, and wants a status.
func (i *instance) ask(method, path, body string, want int) string {
	i.t.Helper()
	status, _, text := i.send(method, path, body, i.token)
	if status != want {
		i.t.Fatalf("%s %s: %d %s, want %d", method, path, status, text, want)
	}
	return text
}

// value is a decoded response with pointers that a test can follow.
type value[T any] struct {
	t *testing.T
	T T
}

func (v value[T]) text() string {
	token, ok := any(v.T).(api.AccessToken)
	if !ok || token.AccessToken == nil {
		v.t.Fatalf("%+v has no token", v.T)
	}
	return *token.AccessToken
}

func decode[T any](t *testing.T, text string) value[T] {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value[T]{t, v}
}

// addHub registers a hub through the API, and returns its ID.
func (i *instance) addHub(address, token string) string {
	i.t.Helper()
	body, err := json.Marshal(map[string]string{"url": address, "authorization_token": token})
	if err != nil {
		i.t.Fatal(err)
	}
	return *decode[api.IntegrationHub](i.t, i.ask(http.MethodPost, "/integration_hubs", string(body), http.StatusOK)).T.ID
}

// enable enables an integration with settings.
func (i *instance) enable(id string, settings map[string]string) {
	i.t.Helper()
	change := api.Integration{Enabled: new(true)}
	for name, value := range settings {
		change.Params = append(change.Params, api.IntegrationParam{Name: &name, Value: &value})
	}
	body, err := json.Marshal(change)
	if err != nil {
		i.t.Fatal(err)
	}
	i.ask(http.MethodPatch, "/integrations/"+id, string(body), http.StatusOK)
}
