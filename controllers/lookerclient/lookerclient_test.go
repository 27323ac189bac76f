package lookerclient_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/controllers/lookerclient"
	"integrationhub.dev/hub/looker/api"
	"integrationhub.dev/hub/outbound"
)

const secret = "a-secret-of-the-api-key"

// server is a Looker whose answers a test chooses. It records what it is asked.
type server struct {
	*httptest.Server

	mu       sync.Mutex
	requests []string
	// answer handles everything but logins and logouts; login handles those, unless it is nil.
	answer, login http.HandlerFunc
	expiresIn     int
	logins        int
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{expiresIn: 3600}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization"))
	login, answer, n := s.login, s.answer, s.logins
	if r.URL.Path == "/api/4.0/login" {
		n++
		s.logins = n
	}
	s.mu.Unlock()
	switch {
	case r.URL.Path == "/api/4.0/login" && login != nil:
		login(w, r)
	case r.URL.Path == "/api/4.0/login":
		if r.FormValue("client_id") != "id" || r.PostFormValue("client_secret") != secret || r.URL.RawQuery != "" {
			http.Error(w, `{"message":"Not found"}`, http.StatusNotFound)
			return
		}
		respond(w, http.StatusOK, fmt.Sprintf(`{"access_token":"session-%d","token_type":"Bearer","expires_in":%d}`, n, s.expiresIn))
	case r.URL.Path == "/api/4.0/logout":
		w.WriteHeader(http.StatusNoContent)
	default:
		answer(w, r)
	}
}

func respond(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func (s *server) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

func (s *server) config() lookerclient.Config {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return lookerclient.Config{URL: s.URL, ClientID: "id", ClientSecret: secret, CABundle: string(ca)}
}

func (s *server) client(t *testing.T) *lookerclient.Client {
	t.Helper()
	c, err := lookerclient.New(s.config(), lookerclient.Options{AllowLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// operations are all calls but login and logout.
var operations = map[string]func(context.Context, *lookerclient.Client) error{
	"list hubs": func(ctx context.Context, c *lookerclient.Client) error { _, err := c.Hubs(ctx); return err },
	"create hub": func(ctx context.Context, c *lookerclient.Client) error {
		_, err := c.CreateHub(ctx, "https://h", "t")
		return err
	},
	"update hub": func(ctx context.Context, c *lookerclient.Client) error {
		_, err := c.UpdateHub(ctx, "1", nil, new("t"))
		return err
	},
	"delete hub": func(ctx context.Context, c *lookerclient.Client) error { return c.DeleteHub(ctx, "1") },
	"accept agreement": func(ctx context.Context, c *lookerclient.Client) error {
		_, err := c.AcceptLegalAgreement(ctx, "1")
		return err
	},
	"health": func(ctx context.Context, c *lookerclient.Client) error { _, err := c.Health(ctx, "1"); return err },
	"list integrations": func(ctx context.Context, c *lookerclient.Client) error {
		_, err := c.Integrations(ctx, "1")
		return err
	},
	"update integration": func(ctx context.Context, c *lookerclient.Client) error {
		_, err := c.UpdateIntegration(ctx, "1::a", api.Integration{})
		return err
	},
	"test integration": func(ctx context.Context, c *lookerclient.Client) error {
		_, err := c.TestIntegration(ctx, "1::a")
		return err
	},
}

// Every status code of every path has a kind, which decides what the operator does.
func TestStatusCodes(t *testing.T) {
	t.Parallel()
	const invalid = `{"message":"Validation Failed","errors":[{"field":"url","code":"invalid","message":"must be https"}],"documentation_url":""}`
	for status, tt := range map[int]struct {
		body    string
		kind    lookerclient.Kind
		inDoubt bool
		message string
	}{
		301: {kind: lookerclient.Unexpected, inDoubt: true, message: "redirect"},
		400: {body: `{"message":"Bad Request","documentation_url":""}`, kind: lookerclient.Invalid, message: "Bad Request"},
		401: {body: `{"message":"Requires authentication.","documentation_url":""}`, kind: lookerclient.Credentials, message: "Requires authentication."},
		403: {body: `{"message":"Forbidden","documentation_url":""}`, kind: lookerclient.Permission, message: "Forbidden"},
		404: {body: `{"message":"Not found","documentation_url":""}`, kind: lookerclient.NotFound, message: "Not found"},
		405: {body: `{"message":"Not allowed"}`, kind: lookerclient.Invalid, message: "Not allowed"},
		409: {body: `{"message":"Already exists","documentation_url":""}`, kind: lookerclient.Conflict, message: "Already exists"},
		422: {body: invalid, kind: lookerclient.Invalid, message: "Validation Failed (url: must be https)"},
		429: {body: `{"message":"Too Many Requests","documentation_url":""}`, kind: lookerclient.RateLimited, message: "Too Many Requests"},
		500: {body: "oops", kind: lookerclient.Server, inDoubt: true},
		502: {body: "<html>", kind: lookerclient.Server, inDoubt: true},
		503: {kind: lookerclient.Server, inDoubt: true},
		504: {kind: lookerclient.Server, inDoubt: true},
	} {
		for name, call := range operations {
			t.Run(fmt.Sprintf("%d to %s", status, name), func(t *testing.T) {
				t.Parallel()
				s := newServer(t)
				s.answer = func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", s.URL+"/elsewhere")
					w.Header().Set("Retry-After", "7")
					respond(w, status, tt.body)
				}
				err := call(t.Context(), s.client(t))
				e, ok := errors.AsType[*lookerclient.Error](err)
				if !ok {
					t.Fatalf("%v is not an error of a call", err)
				}
				if e.Kind != tt.kind || e.Status != status || !strings.Contains(e.Message, tt.message) || lookerclient.IsInDoubt(err) != tt.inDoubt {
					t.Errorf("got %s %d %q, in doubt %t, want %s %q, %t", e.Kind, e.Status, e.Message, lookerclient.IsInDoubt(err), tt.kind, tt.message, tt.inDoubt)
				}
				if wants := tt.kind == lookerclient.RateLimited || tt.kind == lookerclient.Server; wants != (e.RetryAfter == 7*time.Second) {
					t.Errorf("retry after %s", e.RetryAfter)
				}
				if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "session-") {
					t.Errorf("the error %q contains a secret", err)
				}
				for _, request := range s.asked() {
					if strings.Contains(request, "/elsewhere") {
						t.Error("a redirect was followed")
					}
				}
			})
		}
	}
}

// A login has its own meaning of status codes: Looker answers 404 to a wrong API key.
func TestLogin(t *testing.T) {
	t.Parallel()
	for status, tt := range map[int]struct {
		body string
		kind lookerclient.Kind
	}{
		400: {`{"message":"Bad Request"}`, lookerclient.Credentials},
		401: {`{"message":"Requires authentication."}`, lookerclient.Credentials},
		403: {`{"message":"Forbidden"}`, lookerclient.Credentials},
		404: {`{"message":"Not found"}`, lookerclient.Credentials},
		429: {`{"message":"Too Many Requests"}`, lookerclient.RateLimited},
		500: {`{"message":"An error has occurred."}`, lookerclient.Server},
		302: {``, lookerclient.Unexpected},
		// Something else than Looker's API has this address.
		410: {`{"message":"Gone"}`, lookerclient.Credentials},
		200: {`{"message":"no token"}`, lookerclient.Unexpected},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.login = func(w http.ResponseWriter, _ *http.Request) { respond(w, status, tt.body) }
			s.answer = func(http.ResponseWriter, *http.Request) { t.Error("called without a session") }
			if _, err := s.client(t).Hubs(t.Context()); lookerclient.KindOf(err) != tt.kind {
				t.Errorf("got %v, want %s", err, tt.kind)
			}
		})
	}
	t.Run("a page that is not Looker's", func(t *testing.T) {
		t.Parallel()
		s := newServer(t)
		s.login = http.NotFound
		if _, err := s.client(t).Hubs(t.Context()); lookerclient.KindOf(err) != lookerclient.Unexpected {
			t.Errorf("got %v", err)
		}
	})
}

// A session is used until it expires, replaced when Looker does not know it anymore, and ended by a logout.
func TestSession(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	unknown := "session-1"
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "token "+unknown {
			respond(w, http.StatusUnauthorized, `{"message":"Requires authentication."}`)
			return
		}
		respond(w, http.StatusOK, `[]`)
	}
	c := s.client(t)
	for range 3 {
		if _, err := c.Hubs(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Logout(t.Context()); err != nil { // there is no session to end
		t.Fatal(err)
	}
	want := []string{
		"POST /api/4.0/login ", "GET /api/4.0/integration_hubs token session-1",
		"POST /api/4.0/login ", "GET /api/4.0/integration_hubs token session-2", "GET /api/4.0/integration_hubs token session-2",
		"GET /api/4.0/integration_hubs token session-2", "DELETE /api/4.0/logout token session-2",
	}
	if diff := cmp.Diff(want, s.asked()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// A session that is about to expire is not used.
func TestExpiredSession(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.answer = func(w http.ResponseWriter, _ *http.Request) { respond(w, http.StatusOK, `[]`) }
	s.expiresIn = 1
	c := s.client(t)
	if _, err := c.Hubs(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, err := c.Hubs(t.Context()); err != nil {
			t.Fatal(err)
		}
		asked := s.asked()
		if last := asked[len(asked)-1]; strings.HasSuffix(last, "session-2") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("an expired session is still used: %v", asked)
		}
	}
}

// While Looker limits the rate, nothing is sent, whatever asks for it.
func TestRateLimitHoldsBackEverything(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		respond(w, http.StatusTooManyRequests, `{"message":"Too Many Requests"}`)
	}
	c := s.client(t)
	_, _ = c.Hubs(t.Context())
	sent := len(s.asked())
	_, err := c.CreateHub(t.Context(), "https://h", "t")
	if e, ok := errors.AsType[*lookerclient.Error](err); !ok || e.Kind != lookerclient.RateLimited || e.RetryAfter <= 0 {
		t.Errorf("got %v", err)
	}
	if n := len(s.asked()); n != sent {
		t.Errorf("%d requests were sent during the pause", n-sent)
	}
}

func TestConnections(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.answer = func(w http.ResponseWriter, _ *http.Request) { respond(w, http.StatusOK, `[]`) }
	public := s.config()
	public.CABundle = ""
	large := newServer(t)
	large.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`["` + strings.Repeat("x", 9<<20) + `"]`))
	}
	closed := newServer(t)
	closed.Close()
	broken := newServer(t)
	broken.answer = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, tt := range map[string]struct {
		config  lookerclient.Config
		options lookerclient.Options
		kind    lookerclient.Kind
		message string
	}{
		"a certificate of an unknown authority": {public, lookerclient.Options{AllowLoopback: true}, lookerclient.Unreachable, "x509:"},
		"a large answer":                        {large.config(), lookerclient.Options{AllowLoopback: true}, lookerclient.Unexpected, "larger than 8 MiB"},
		"nothing listens":                       {closed.config(), lookerclient.Options{AllowLoopback: true}, lookerclient.Unreachable, "refused"},
		"the connection breaks":                 {broken.config(), lookerclient.Options{AllowLoopback: true}, lookerclient.Unreachable, "EOF"},
		"the manager's own host":                {s.config(), lookerclient.Options{}, lookerclient.Forbidden, "forbids"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := lookerclient.New(tt.config, tt.options)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Hubs(t.Context())
			if lookerclient.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.message) || strings.Contains(err.Error(), "https://") {
				t.Errorf("got %s: %v, want %s: %s", lookerclient.KindOf(err), err, tt.kind, tt.message)
			}
		})
	}
}

// A proxy of the environment is used, and cannot be used to reach the manager's own host.
func TestProxy(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host
		http.Error(w, "no", http.StatusForbidden)
	}))
	t.Cleanup(proxy.Close)
	load, err := outbound.LoadProxy(outbound.ProxyTrust, map[string]string{"HTTPS_PROXY": proxy.URL})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]lookerclient.Kind{"https://93.184.216.34": lookerclient.Unreachable, "https://169.254.169.254": lookerclient.Forbidden} {
		c, err := lookerclient.New(lookerclient.Config{URL: address, ClientID: "id", ClientSecret: secret}, lookerclient.Options{Proxy: load})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Hubs(t.Context()); lookerclient.KindOf(err) != want {
			t.Errorf("%s: got %v, want %s", address, err, want)
		}
	}
	if got := <-asked; got != "CONNECT 93.184.216.34:443" {
		t.Errorf("the proxy was asked for %q", got)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "http://looker.example.com", "https://", "looker.example.com"} {
		if _, err := lookerclient.New(lookerclient.Config{URL: address}, lookerclient.Options{}); err == nil {
			t.Errorf("the URL %q is accepted", address)
		}
	}
	if _, err := lookerclient.New(lookerclient.Config{URL: "https://l", CABundle: "x"}, lookerclient.Options{}); !errors.Is(err, lookerclient.ErrCABundle) {
		t.Errorf("an empty CA bundle: %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "99999": time.Hour, "Fri, 27 Nov 2026 00:00:30 GMT": 30 * time.Second,
		"Fri, 27 Nov 2026 09:00:00 GMT": time.Hour, "Thu, 26 Nov 2026 00:00:00 GMT": 0,
	} {
		if got := lookerclient.RetryAfter(header, now); got != want {
			t.Errorf("%q is %s, want %s", header, got, want)
		}
	}
}

// Looker's words do not change a status with every attempt, and cannot forge lines of a log.
func TestClean(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		" a\n b\tc\x00\x1b[31m": "a b c[31m", "read tcp 10.0.0.1:4711->10.0.0.2:443: reset": "read tcp 10.0.0.2:443: reset", "\xff": "",
	} {
		if got := lookerclient.Clean(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	if got := lookerclient.Clean(strings.Repeat("ä", 1000)); len(got) > 512 || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
