package webhook_test

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/webhook"
)

// Data that is streamed goes over a fresh connection, by HTTP/1.1: by HTTP/2 it would fail
// whenever the receiver says that it goes away and to send it again.
func TestFresh(t *testing.T) {
	t.Parallel()
	arrived := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what is missing shows
		arrived <- r.Proto + " " + string(body)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client := outbound.NewClient(outbound.Options{Policy: outbound.Policy{AllowLoopback: true}, Roots: roots})
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := webhook.Send(client, req, strings.NewReader("data"), "the receiver"); err != nil {
		t.Fatal(err)
	}
	if got := <-arrived; got != "HTTP/1.1 data" {
		t.Errorf("arrived as %q", got)
	}
}
