package slack_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/slack"
)

// BenchmarkDeliver brings a file from Looker to Slack as a hub does, with sockets, TLS and a
// spool on disk. What is allocated, both sides together, must not grow with the file.
func BenchmarkDeliver(b *testing.B) {
	for name, size := range map[string]int64{"1MiB": 1 << 20, "256MiB": 256 << 20} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			var allocated uint64
			for b.Loop() {
				allocated += deliverOf(b, size)
			}
			b.ReportMetric(float64(allocated>>10)/float64(b.N), "KiB/op")
		})
	}
}

// deliverOf delivers a file of a size and returns what was allocated for it.
func deliverOf(b *testing.B, size int64) uint64 {
	b.Helper()
	var received int64
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "getUploadURLExternal"):
			_, _ = io.WriteString(w, ticket)
		case r.Host == "files.slack.com":
			received, _ = io.Copy(io.Discard, r.Body)
		default:
			_, _ = io.WriteString(w, `{"ok":true}`)
		}
	}))
	defer srv.Close()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, srv.Listener.Addr().String())
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	defer transport.CloseIdleConnections()
	c := slack.NewConnector(&http.Client{Transport: transport}).Client(token)
	req := actiontest.Download(b, actiontest.Query(nil, map[string]string{"channel": "C1"}), func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 32<<10)
		for range size / int64(len(chunk)) {
			_, _ = w.Write(chunk)
		}
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := c.Deliver(b.Context(), req)
	runtime.ReadMemStats(&after)
	if err != nil || received != size {
		b.Fatalf("received %d of %d bytes: %v", received, size, err)
	}
	return after.TotalAlloc - before.TotalAlloc
}
