package outbound_test

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"integrationhub.dev/hub/outbound"
)

// Requests that ask for a connection of their own have one, and leave that of the others alone.
func TestConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			peers := map[string]map[string]int{} // by path, by the client's address
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				mu.Lock()
				defer mu.Unlock()
				if peers[r.URL.Path] == nil {
					peers[r.URL.Path] = map[string]int{}
				}
				peers[r.URL.Path][r.RemoteAddr]++
			}))
			srv.EnableHTTP2 = http2
			srv.StartTLS()
			t.Cleanup(srv.Close)
			roots := x509.NewCertPool()
			roots.AddCert(srv.Certificate())
			c := outbound.NewClient(outbound.Options{Policy: outbound.Policy{AllowLoopback: true}, Roots: roots})
			t.Cleanup(c.CloseIdleConnections)
			send := func(path string, own bool) {
				// Not a reader that net/http could read again.
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+path, io.MultiReader(strings.NewReader("data")))
				if err != nil {
					t.Error(err)
					return
				}
				req.Close = own
				res, err := c.Do(req)
				if err != nil {
					t.Errorf("%s: %v", path, err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
			const each = 50
			var wait sync.WaitGroup
			for range 8 {
				wait.Go(func() {
					for range each {
						send("/own", true)
						send("/kept", false)
					}
				})
			}
			wait.Wait()
			if own := len(peers["/own"]); own != 8*each {
				t.Errorf("%d connections for %d requests", own, 8*each)
			}
			if kept := len(peers["/kept"]); kept > 8 {
				t.Errorf("%d connections for 8 requests at once", kept)
			}
			for peer := range peers["/kept"] {
				if peers["/own"][peer] != 0 {
					t.Errorf("a connection of its own was kept")
				}
			}
		})
	}
}
