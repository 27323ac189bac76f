// Package actiontest helps to test integrations: requests as Looker makes them, and
// destinations that record what they are sent and answer from a script.
package actiontest

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/payload"
)

// Deps are what the hub would give an integration, with every connection led to d,
// whatever its host name.
func Deps(t testing.TB, d *Destination, env map[string]string) action.Deps {
	t.Helper()
	deps := action.Deps{Env: env, Log: slog.New(slog.DiscardHandler)}
	if d != nil {
		d.checkAtEnd(t)
		deps.HTTP, deps.Identity = d.client(), d.plainClient()
	}
	return deps
}

// New makes an integration that must come about.
func New(t testing.TB, c action.Constructor, deps action.Deps) action.Integration {
	t.Helper()
	i, err := c(deps)
	if err != nil {
		t.Fatalf("making the integration: %v", err)
	}
	return i
}

// Query returns a request for a query without data. Its title is "Orders by day".
func Query(params, form map[string]string) *action.Request {
	return &action.Request{
		Type: action.TypeQuery, Params: nonNil(params), Form: nonNil(form),
		Plan:      action.Plan{ID: "1", Title: "Orders by day", Type: "Look", URL: "https://looker.example.com/looks/1", QueryID: "17"},
		Version:   action.V(24, 20, 41),
		WebhookID: "wh-1",
		Data:      (&payload.Envelope{}).Data(nil),
	}
}

func nonNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// Inline gives a request data that came inside the envelope. Binary data goes as base64.
func Inline(t testing.TB, req *action.Request, mime, extension string, body []byte) *action.Request {
	t.Helper()
	text := string(body)
	if strings.HasSuffix(mime, ";base64") {
		text = base64.StdEncoding.EncodeToString(body)
	}
	envelope, err := json.Marshal(map[string]any{
		"attachment": map[string]string{"mimetype": mime, "extension": extension, "data": text},
	})
	if err != nil {
		t.Fatal(err)
	}
	spool := &payload.Spool{Dir: t.TempDir()}
	e, err := payload.Decode(strings.NewReader(string(envelope)), spool.Share(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	req.Data = e.Data(nil)
	return req
}

// JSONDetail gives a request a json_detail result that came inside the envelope.
func JSONDetail(t testing.TB, req *action.Request, result string) *action.Request {
	t.Helper()
	return Inline(t, req, "application/json", "json", []byte(result))
}

// Download gives a request data that waits at an address served by h.
func Download(t testing.TB, req *action.Request, h http.HandlerFunc) *action.Request {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	client := outbound.NewClient(outbound.Options{Policy: outbound.Policy{AllowLoopback: true}, FollowRedirects: true})
	t.Cleanup(client.CloseIdleConnections)
	e := payload.NewEnvelope((&payload.Spool{Dir: t.TempDir()}).Share(t.Context()))
	e.Plan.DownloadURL = srv.URL + "/downloads/x"
	req.Data = e.Data(&payload.Downloader{Client: client, Timeout: 5 * time.Second})
	return req
}

// BrokenDownload serves the beginning of a body and then cuts the connection.
func BrokenDownload(beginning string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000000000")
		_, _ = w.Write([]byte(beginning))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}
