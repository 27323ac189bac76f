package hub_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
)

// pipes is a listener whose connections are in memory, so that a test's clock can run ahead.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

// client is one connection to a hub, and what came back over it.
type client struct {
	net.Conn
	hung chan struct{} // closed when the hub has closed the connection
}

// dial starts a hub and connects to it. It must be called in a bubble of synctest.
func dial(t *testing.T, entries ...action.Registration) client {
	t.Helper()
	return dialServer(t, hub.NewHTTPServer(newHandler(t, nil, entries...), 32<<10))
}

// dialServer is dial for a hub that has not been started.
func dialServer(t *testing.T, srv *http.Server) client {
	t.Helper()
	c := client{hung: make(chan struct{})}
	l := pipes{make(chan net.Conn), make(chan struct{})}
	hook := srv.ConnState
	srv.ConnState = func(conn net.Conn, s http.ConnState) {
		if hook != nil {
			hook(conn, s)
		}
		if s == http.StateClosed {
			close(c.hung)
		}
	}
	go func() { _ = srv.Serve(l) }()
	there, here := net.Pipe()
	l.conns <- there
	c.Conn = here
	t.Cleanup(func() { _ = here.Close(); _ = srv.Close() })
	return c
}

// say writes as long as the hub listens.
func (c client) say(text string) { _, _ = io.WriteString(c, text) }

// trickle writes a byte at a time.
func (c client) trickle(text string, pause time.Duration) {
	for i := range text {
		if _, err := io.WriteString(c, text[i:i+1]); err != nil {
			return
		}
		time.Sleep(pause)
	}
}

// answer reads one answer.
func (c client) answer(t *testing.T) (int, string) {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, string(body)
}

const executeHead = "POST /actions/a/execute HTTP/1.1\r\nHost: hub\r\nUser-Agent: LookerOutgoingWebhook/24.0.0\r\nContent-Type: application/json\r\n"

// A client that says nothing, or too little, is left; how soon is what the clock says.
func TestConnectionsThatStandStill(t *testing.T) {
	t.Parallel()
	authorization := `Authorization: Token token="` + goodToken + "\"\r\n"
	for _, tt := range []struct {
		name string
		talk func(t *testing.T, c client)
		// within is when the hub has hung up at the latest.
		within time.Duration
	}{
		{"nothing at all", func(*testing.T, client) {}, 10 * time.Second},
		{"headers a byte at a time", func(_ *testing.T, c client) {
			go func() { _, _ = io.Copy(io.Discard, c) }()
			c.trickle(executeHead+strings.Repeat("A: b\r\n", 100), time.Second)
		}, 11 * time.Second},
		{"a request and then nothing", func(t *testing.T, c client) {
			t.Helper()
			c.say("GET /nothing HTTP/1.1\r\nHost: hub\r\n\r\n")
			c.answer(t)
		}, 5 * time.Minute},
		{"a body that never comes, from a stranger", func(_ *testing.T, c client) {
			c.say(executeHead + "Content-Length: 100\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
		}, time.Minute},
		{"a body that stops", func(t *testing.T, c client) {
			t.Helper()
			c.say(executeHead + authorization + "Content-Length: 100\r\n\r\n{\"type\":")
			if status, body := c.answer(t); status != http.StatusRequestTimeout || !strings.Contains(body, "too slowly") {
				t.Errorf("answer %d %s", status, body)
			}
			_, _ = io.Copy(io.Discard, c)
		}, time.Minute + time.Second},
		{"a body of a byte a second", func(t *testing.T, c client) {
			t.Helper()
			c.say(executeHead + authorization + "Content-Length: 1000\r\n\r\n")
			done := make(chan struct{})
			go func() {
				defer close(done)
				c.trickle(`{"type":"`+strings.Repeat("x", 900), time.Second)
			}()
			defer func() { <-done }()
			if status, body := c.answer(t); status != http.StatusRequestTimeout || !strings.Contains(body, "too slowly") {
				t.Errorf("answer %d %s", status, body)
			}
			_, _ = io.Copy(io.Discard, c)
		}, time.Minute + time.Second},
		{"an answer that nobody reads", func(_ *testing.T, c client) {
			c.say("POST / HTTP/1.1\r\nHost: hub\r\nContent-Length: 0\r\n" + authorization + "\r\n")
		}, time.Minute},
		{"a page that nobody reads", func(_ *testing.T, c client) { c.say("GET / HTTP/1.1\r\nHost: hub\r\nAccept: text/html\r\n\r\n") }, time.Minute},
		{"headers past the limit", func(t *testing.T, c client) {
			t.Helper()
			go c.say(executeHead + "A: " + strings.Repeat("x", 64<<10) + "\r\n\r\n")
			if status, _ := c.answer(t); status != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("answer %d", status)
			}
		}, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := dial(t, entry(&fake{definition: definition("a"), execute: ok}))
				begun := time.Now()
				tt.talk(t, c)
				<-c.hung
				if took := time.Since(begun); took > tt.within {
					t.Errorf("the hub hung up after %s", took)
				}
			})
		})
	}
}

// What moves is not cut off, however long it takes.
func TestSlowButMoving(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, entry(&fake{definition: definition("a"), execute: func(ctx context.Context, _ *action.Request) (*action.Response, error) {
			select {
			case <-time.After(50 * time.Minute):
				return &action.Response{Message: "Sent."}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}}))
		const pieces, piece = 50, 64 << 10
		before := `{"type":"query","data":{"key":"k"},"form_params":{},"attachment":{"mimetype":"text/csv","data":"`
		after := `"}}`
		c.say(executeHead + fmt.Sprintf("Authorization: Token token=%q\r\nContent-Length: %d\r\n\r\n", goodToken, len(before)+pieces*piece+len(after)))
		c.say(before)
		for range pieces {
			time.Sleep(50 * time.Second)
			c.say(strings.Repeat("a", piece))
		}
		c.say(after)
		status, answer := c.answer(t)
		if newlines := strings.Count(answer, "\n"); status != http.StatusOK || !strings.Contains(answer, `"success":true`) || newlines < 99 {
			t.Errorf("answer %d with %d newlines: %s", status, newlines, strings.TrimSpace(answer))
		}
	})
}

// Connections that only stand there do not keep others out, and nothing newer than HTTP/1.1
// is spoken, so that its own attacks (resets, continuations) find nobody.
func TestManyIdleConnections(t *testing.T) {
	t.Parallel()
	dir, pair := t.TempDir(), selfSigned(t, "localhost")
	h := runHub(t, map[string]string{
		"ACTION_HUB_TLS_CERT_FILE": writeFile(t, dir, "tls.crt", pair.cert), "ACTION_HUB_TLS_KEY_FILE": writeFile(t, dir, "tls.key", pair.key),
	})
	at := strings.TrimPrefix(h.URL, "http://")
	for range 2000 {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	conf := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}
	conn, err := (&tls.Dialer{Config: conf}).DialContext(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if p := conn.(*tls.Conn).ConnectionState().NegotiatedProtocol; p == "h2" {
		t.Error("HTTP/2 was agreed on")
	}
	_, _ = io.WriteString(conn, "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
}
