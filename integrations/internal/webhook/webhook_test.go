package webhook_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/webhook"
)

// A receiver that hangs up as soon as it is sent something on a connection that it kept:
// what every receiver does that has just given up an idle one.
func TestHangsUpOnKeptConnections(t *testing.T) {
	t.Parallel()
	type key struct{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if used := r.Context().Value(key{}).(*atomic.Bool); used.Swap(true) { //nolint:forcetypeassert // set below
			panic(http.ErrAbortHandler)
		}
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, key{}, new(atomic.Bool))
	}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client := outbound.NewClient(outbound.Options{Policy: outbound.Policy{AllowLoopback: true}, Roots: roots})
	for n := range 3 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := webhook.Send(client, req, strings.NewReader("data"), "the receiver"); err != nil {
			t.Fatalf("delivery %d: %v", n, err)
		}
	}
}
