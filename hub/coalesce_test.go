package hub_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/selfsigned"
)

// countingListener counts what its connections write.
type countingListener struct {
	net.Listener
	writes atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c, &l.writes}, nil
}

type countingConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// certificateFor returns a certificate of a hub, and the configuration of a client that trusts it.
func certificateFor(t *testing.T, host string) (tls.Certificate, *tls.Config) {
	t.Helper()
	cert, err := selfsigned.New(host)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert.CertPEM)
	return cert.Pair, &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}
}

// described returns n integrations whose descriptions have a size.
func described(n, size int) []action.Registration {
	var all []action.Registration
	for i := range n {
		d := definition(fmt.Sprintf("action_%02d", i))
		d.Description = strings.Repeat("x", size)
		all = append(all, entry(&fake{definition: d}))
	}
	return all
}

const listRequest = "POST / HTTP/1.1\r\nHost: hub\r\nUser-Agent: LookerOutgoingWebhook/24.0.0\r\nContent-Length: 0\r\n" +
	`Authorization: Token token="` + goodToken + "\"\r\n\r\n"

// A list is one write to the connection, also if it is the first one, whose TLS records are short.
func TestListIsOneWrite(t *testing.T) {
	t.Parallel()
	cert, client := certificateFor(t, "localhost")
	for _, tt := range []struct {
		name         string
		integrations []action.Registration
		tls          uint16
		writes       int64
	}{
		{"short", described(1, 100), tls.VersionTLS13, 1},
		{"long", described(40, 1500), tls.VersionTLS13, 1},
		{"long, TLS 1.2", described(40, 1500), tls.VersionTLS12, 1},
		{"longer than what is held", described(40, 8000), tls.VersionTLS13, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg, err := config.Load(map[string]string{
				"ACTION_HUB_BASE_URL": "https://localhost", "ACTION_HUB_LABEL": "x", "ACTION_HUB_SECRET": serviceSecret,
				"ACTION_HUB_ADMIN_ADDRESS": "127.0.0.1:0", "ACTION_HUB_DRAIN_DELAY": "0s",
			})
			if err != nil {
				t.Fatal(err)
			}
			l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			counting := &countingListener{Listener: l}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				ended <- hub.Run(ctx, hub.Options{
					Config: cfg, Integrations: tt.integrations, Certificate: config.NewCertificate(cert), Listener: counting,
					Log: slog.New(slog.DiscardHandler),
				})
			}()
			client := client.Clone()
			client.MaxVersion = tt.tls
			conn, err := (&tls.Dialer{Config: client}).DialContext(t.Context(), "tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			reader := bufio.NewReader(conn)
			var want string
			for i := range 5 {
				// The handshake's last message may be written while the client already sends its request.
				if i == 1 {
					counting.writes.Store(0)
				}
				if _, err := io.WriteString(conn, listRequest); err != nil {
					t.Fatal(err)
				}
				body := readList(t, reader)
				if i == 0 {
					want = body
				}
				if body != want || !strings.Contains(body, `"name":"action_00"`) {
					t.Errorf("list %d has %d bytes, want %d", i, len(body), len(want))
				}
			}
			if got := counting.writes.Load(); got != 4*tt.writes {
				t.Errorf("4 lists of %d bytes took %d writes, want %d", len(want), got, 4*tt.writes)
			}
			_ = conn.Close()
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

func readList(t *testing.T, reader *bufio.Reader) string {
	t.Helper()
	res, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", res.Status, err)
	}
	return string(body)
}

// Clients that do not read their list are cut off, and keep no other client from its list.
func TestUnreadLists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cert, clientConfig := certificateFor(t, "hub")
		srv := hub.NewHTTPServer(newHandler(t, nil, described(40, 1500)...), 32<<10)
		l := pipes{make(chan net.Conn), make(chan struct{})}
		serverConfig := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
		go func() { _ = srv.Serve(tls.NewListener(hub.NewCoalescing(l), serverConfig)) }()
		var ends []net.Conn
		defer func() {
			for _, c := range ends {
				_ = c.Close() // so that the server does not wait for those who do not read
			}
			_ = srv.Close()
		}()
		dial := func() *tls.Conn {
			there, here := net.Pipe()
			l.conns <- there
			c := tls.Client(here, clientConfig)
			ends = append(ends, here)
			if _, err := io.WriteString(c, listRequest); err != nil {
				t.Error(err)
			}
			return c
		}
		begin := time.Now()
		var silent []*tls.Conn
		for range hub.MaxHolding + 1 {
			silent = append(silent, dial())
		}
		synctest.Wait()
		if body := readList(t, bufio.NewReader(dial())); !strings.Contains(body, `"name":"action_39"`) {
			t.Errorf("the list has %d bytes", len(body))
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("the client that reads waited for %s", took)
		}
		time.Sleep(time.Minute + 10*time.Second)
		for i, c := range silent {
			if body, _ := io.ReadAll(c); len(body) > 0 {
				t.Errorf("connection %d was not closed, and got %d bytes", i, len(body))
			}
		}
		if took := time.Since(begin); took > 2*time.Minute {
			t.Errorf("the connections were closed only after %s", took)
		}
		// What they held is free again.
		for range hub.MaxHolding + 1 {
			readList(t, bufio.NewReader(dial()))
		}
	})
}
