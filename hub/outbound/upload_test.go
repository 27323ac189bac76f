package outbound_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"

	"integrationhub.dev/hub/outbound"
)

// leaving is a peer that says on its first connection, after a request has come in, that it
// goes away and did nothing. Later connections it serves.
func leaving(t *testing.T, handler http.Handler) (address string, roots *x509.CertPool) {
	t.Helper()
	certified := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	certified.Close()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secure := tls.NewListener(l, &tls.Config{Certificates: certified.TLS.Certificates, NextProtos: []string{http2.NextProtoTLS}, MinVersion: tls.VersionTLS12})
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(&leavingListener{Listener: secure}) }()
	t.Cleanup(func() { _ = server.Close() })
	roots = x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	return "https://" + l.Addr().String(), roots
}

// leavingListener leaves the first connection and hands out the later ones.
type leavingListener struct {
	net.Listener
	left bool
}

func (l *leavingListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || l.left {
			return conn, err
		}
		l.left = true
		goAway(conn)
	}
}

// goAway reads a request with a part of its body, and says that it was not processed.
func goAway(conn net.Conn) {
	defer conn.Close()
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(conn, preface); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	if framer.WriteSettings() != nil {
		return
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		if f, ok := frame.(*http2.DataFrame); ok && len(f.Data()) > 0 {
			_ = framer.WriteGoAway(0, http2.ErrCodeNo, nil)
			_, _ = io.Copy(io.Discard, conn) // until the client has heard it
			return
		}
	}
}

func TestUpload(t *testing.T) {
	t.Parallel()
	data := strings.Repeat("data", 50_000)
	for name, tt := range map[string]struct {
		upload bool
		sent   int32
	}{
		"a body that can be read again": {true, 1},
		"a body that cannot":            {false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int32
			address, roots := leaving(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if body, err := io.ReadAll(r.Body); err == nil && string(body) == data && r.ContentLength == int64(len(data)) {
					sent.Add(1)
				}
			}))
			c := outbound.NewClient(outbound.Options{Policy: outbound.Policy{AllowLoopback: true}, Roots: roots})
			t.Cleanup(c.CloseIdleConnections)
			body := func() io.Reader { return io.MultiReader(strings.NewReader(data)) }
			req, err := outbound.NewUpload(t.Context(), http.MethodPost, address, int64(len(data)), body)
			if err != nil {
				t.Fatal(err)
			}
			if !tt.upload {
				req.GetBody = nil
			}
			res, err := outbound.Do(c, req, "The peer")
			if err == nil {
				_ = res.Body.Close()
			}
			if (err == nil) != tt.upload || sent.Load() != tt.sent {
				t.Errorf("error %v; it arrived %d times", err, sent.Load())
			}
		})
	}
}
