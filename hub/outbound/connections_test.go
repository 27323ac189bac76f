package outbound

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Requests that ask for a fresh connection never get one that has been idle for long, and do
// not share connections with other requests.
func TestWithFreshConnection(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			peers := map[string]map[string]bool{} // by path, the clients' addresses
			protocols := map[string]string{}
			closed := make(chan struct{}, 100)
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				mu.Lock()
				defer mu.Unlock()
				if peers[r.URL.Path] == nil {
					peers[r.URL.Path] = map[string]bool{}
				}
				peers[r.URL.Path][r.RemoteAddr] = true
				protocols[r.URL.Path] = r.Proto
			}))
			srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateClosed {
					closed <- struct{}{}
				}
			}
			srv.EnableHTTP2 = http2
			srv.StartTLS()
			t.Cleanup(srv.Close)
			roots := x509.NewCertPool()
			roots.AddCert(srv.Certificate())
			c := NewClient(Options{Policy: Policy{AllowLoopback: true}, Roots: roots})
			t.Cleanup(c.CloseIdleConnections)
			transports := belowChain(c).(*connections)
			if transports.fresh.IdleConnTimeout != freshIdleTimeout {
				t.Errorf("fresh connections are kept for %v", transports.fresh.IdleConnTimeout)
			}
			transports.fresh.IdleConnTimeout = 50 * time.Millisecond
			send := func(ctx context.Context, path string) {
				t.Helper()
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL+path, strings.NewReader("data"))
				if err != nil {
					t.Fatal(err)
				}
				res, err := c.Do(req)
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
			for range 3 {
				send(t.Context(), "/kept")
				send(WithFreshConnection(t.Context()), "/fresh")
				<-closed // the fresh one, which was idle for too long
			}
			for range 20 {
				send(WithFreshConnection(t.Context()), "/burst")
			}
			mu.Lock()
			defer mu.Unlock()
			if len(peers["/kept"]) != 1 || len(peers["/fresh"]) != 3 || len(peers["/burst"]) == 20 {
				t.Errorf("connections %v", peers)
			}
			for peer := range peers["/fresh"] {
				if peers["/kept"][peer] {
					t.Error("a fresh connection is one that was kept")
				}
			}
			if protocols["/fresh"] != "HTTP/1.1" || (protocols["/kept"] == "HTTP/2.0") != http2 {
				t.Errorf("protocols %v", protocols)
			}
		})
	}
}
