package mailtest

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// listener hands out the other ends of pipes.
type listener struct {
	dialled chan net.Conn
	closed  chan struct{}
	once    *sync.Once
}

func newListener() listener {
	return listener{make(chan net.Conn), make(chan struct{}), new(sync.Once)}
}

func (l listener) dial(ctx context.Context) (net.Conn, error) {
	there, back := newHalf(), newHalf()
	select {
	case l.dialled <- pipe{there, back}:
		return pipe{back, there}, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements [net.Listener].
func (l listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.dialled:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements [net.Listener].
func (listener) Addr() net.Addr { return &net.TCPAddr{} }

// pipe is one end of a connection that takes whatever is written to it at once, as sockets do
// and those of [net.Pipe] do not: TLS writes where nobody reads yet. It knows no deadlines.
type pipe struct{ in, out *half }

func (p pipe) Read(b []byte) (int, error)     { return p.in.read(b) }
func (p pipe) Write(b []byte) (int, error)    { return p.out.write(b) }
func (pipe) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (pipe) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (pipe) SetDeadline(time.Time) error      { return nil }
func (pipe) SetReadDeadline(time.Time) error  { return nil }
func (pipe) SetWriteDeadline(time.Time) error { return nil }

func (p pipe) Close() error {
	p.in.close()
	p.out.close()
	return nil
}

// half is one direction of a pipe.
type half struct {
	mu      sync.Mutex
	changed *sync.Cond
	kept    bytes.Buffer
	closed  bool
}

func newHalf() *half {
	h := &half{}
	h.changed = sync.NewCond(&h.mu)
	return h
}

func (h *half) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.kept.Len() == 0 {
		if h.closed {
			return 0, io.EOF
		}
		h.changed.Wait()
	}
	return h.kept.Read(b)
}

func (h *half) write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return 0, io.ErrClosedPipe
	}
	defer h.changed.Broadcast()
	return h.kept.Write(b)
}

func (h *half) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.changed.Broadcast()
}
