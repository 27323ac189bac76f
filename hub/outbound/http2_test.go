package outbound

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a network of connections in memory, which can stop to carry what a client sends.
type pipes struct {
	accept chan net.Conn
	closed func()
	done   chan struct{}

	mu    sync.Mutex
	conns []*stallable
}

func newPipes() *pipes {
	p := &pipes{accept: make(chan net.Conn), done: make(chan struct{})}
	p.closed = sync.OnceFunc(func() { close(p.done) })
	return p
}

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	c := &stallable{Conn: here}
	p.mu.Lock()
	p.conns = append(p.conns, c)
	p.mu.Unlock()
	p.accept <- there
	return c, nil
}

// stall drops what is sent on the existing connections without closing them, as after the failure of a router.
func (p *pipes) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.stalled.Store(true)
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.closed(); return nil }

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

type stallable struct {
	net.Conn

	stalled atomic.Bool
}

func (c *stallable) Write(b []byte) (int, error) {
	if c.stalled.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// A connection that carries nothing any more is replaced within the time limit of a call, so that a retry can succeed.
func TestDeadHTTP2Connection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		_ = srv.Listener.Close()
		srv.Listener, srv.EnableHTTP2 = network, true
		srv.StartTLS()
		defer srv.Close()
		c := NewClient(Options{})
		defer c.CloseIdleConnections()
		kept := belowChain(c).(*connections).kept
		kept.TLSClientConfig.InsecureSkipVerify = true // the certificate is for another name
		kept.DialContext = network.dial
		request := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.com/", nil)
			if err != nil {
				return err
			}
			res, err := Do(c, req, "Test")
			if err != nil {
				return err
			}
			if res.ProtoMajor != 2 {
				t.Errorf("protocol %s, want HTTP/2", res.Proto)
			}
			return res.Body.Close()
		}
		if err := request(); err != nil {
			t.Fatal(err)
		}
		network.stall()
		if err := request(); err == nil {
			t.Error("a response on a dead connection")
		}
		if err := request(); err != nil {
			t.Errorf("the next request: %v", err)
		}
	})
}
