package hub_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/upstream"
)

const upstreamToken = "0011223344/the-token-of-the-upstream"

// reference is an upstream that behaves like Looker's own Action Hub: it reads the whole body before it checks
// the token, answers 404 with {"success":false,"error":…} to requests that it cannot deliver, 500 when an
// integration breaks, and 200 with newlines before the document otherwise.
type reference struct {
	*httptest.Server
	// answer answers execute and form.
	answer http.HandlerFunc

	mu       sync.Mutex
	requests []passedRequest
}

// passedRequest is a request as the upstream got it.
type passedRequest struct {
	Method, Path, Token, Agent, Webhook, Instance, Body string
	Length                                              int64
	Err                                                 error
}

func newReference(t testing.TB) *reference {
	t.Helper()
	up := &reference{}
	up.Server = httptest.NewTLSServer(http.HandlerFunc(up.serve))
	t.Cleanup(up.Close)
	return up
}

func (up *reference) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" {
		_, _ = io.WriteString(w, `{"integrations":[`+strings.Join([]string{
			up.item("files", `["url"]`, true), up.item("rows", `["push"]`, false),
		}, ",")+`],"label":"Legacy"}`)
		return
	}
	body, err := io.ReadAll(r.Body)
	up.mu.Lock()
	up.requests = append(up.requests, passedRequest{
		Method: r.Method, Path: r.URL.RequestURI(), Token: r.Header.Get("Authorization"), Agent: r.UserAgent(),
		Webhook: r.Header.Get("X-Looker-Webhook-Id"), Instance: r.Header.Get("X-Looker-Instance"), Body: string(body), Length: r.ContentLength, Err: err,
	})
	up.mu.Unlock()
	switch {
	case err != nil:
		return
	case r.Method == http.MethodPost && r.Header.Get("Authorization") != `Token token="`+upstreamToken+`"`:
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"success":false,"error":"Invalid 'Authorization' header."}`)
	default:
		w.Header().Set("Content-Type", "application/json")
		up.answer(w, r)
	}
}

// last returns the last request.
func (up *reference) last() passedRequest {
	up.mu.Lock()
	defer up.mu.Unlock()
	if len(up.requests) == 0 {
		return passedRequest{}
	}
	return up.requests[len(up.requests)-1]
}

func (up *reference) item(name, download string, oauth bool) string {
	tokenURL := ""
	if oauth {
		tokenURL = up.URL + "/actions/" + name + "/oauth_token"
	}
	return fmt.Sprintf(`{"description":"D","form_url":"%[1]s/actions/%[2]s/form","label":"L","name":%[2]q,"params":[],"required_fields":[],`+
		`"supported_action_types":["query"],"uses_oauth":%[3]t,"delegate_oauth":false,"supported_download_settings":%[4]s,"icon_data_uri":null,`+
		`"url":"%[1]s/actions/%[2]s/execute","token_url":%[5]q}`, up.URL, name, oauth, download, tokenURL)
}

// says answers with a text.
func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

// upstreamConfig is how a hub is configured for an upstream.
func upstreamConfig(t testing.TB, srv *httptest.Server, token string) config.Upstream {
	t.Helper()
	dir := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	for name, text := range map[string]string{"ca.crt": string(ca), "token": token} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config.Upstream{
		Name: "legacy", URL: srv.URL, TokenFile: filepath.Join(dir, "token"), CAFile: filepath.Join(dir, "ca.crt"), Prefix: "old_",
	}
}

// before returns a hub that offers the integrations of upstreams, whose lists were fetched.
func before(t *testing.T, env map[string]string, configs ...config.Upstream) *server {
	t.Helper()
	set, err := upstream.New(configs, upstream.Options{
		Roots: x509.NewCertPool(), Log: slog.New(slog.DiscardHandler),
		NewClient: func(roots *x509.CertPool) *http.Client {
			return outbound.NewClient(outbound.Options{Policy: outbound.Policy{AllowLoopback: true}, Roots: roots})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	set.Start(t.Context())
	s := newHub(t, env, hub.Parts{Upstreams: set})
	if err := s.OfferRemote(); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	return &server{srv, t}
}
