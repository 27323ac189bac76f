package hub

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
)

// crypto/tls writes each record to the connection by itself, and net/http the first 4 kB of a response before
// the rest. A list has 70 kB, so that would be six system calls, ten on a new connection, whose records are
// shorter (crypto/tls, DynamicRecordSizingDisabled). Each can wake the client, for a part of what it waits for.

const (
	// coalesceFrom is the size of net/http's buffer: a smaller write is one record, or waits in the buffer.
	coalesceFrom = 4 << 10
	// maxCoalesced limits the records that are held back.
	maxCoalesced = 128 << 10
	// maxHolding limits the connections that hold records back at once, because a client that does not read
	// makes its connection keep them. Others write each record by itself.
	maxHolding = 64
)

// coalescing is a listener whose connections can write several TLS records at once.
type coalescing struct {
	net.Listener
	holding chan struct{}
}

// newCoalescing is to be used below a TLS listener.
func newCoalescing(l net.Listener) net.Listener {
	return &coalescing{l, make(chan struct{}, maxHolding)}
}

// Accept implements [net.Listener].
func (l *coalescing) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &coalescingConn{Conn: c, holding: l.holding}, nil
}

// coalescingConn is a connection below TLS. While it holds, it collects what is written.
type coalescingConn struct {
	net.Conn
	holding chan struct{}

	mu   sync.Mutex // crypto/tls also writes for its reader, for example to update keys
	held *[]byte    // nil if it does not hold
}

var heldBuffers = sync.Pool{New: func() any { return new([]byte) }}

// hold begins to collect writes, for a response of size bytes. If it returns true, the caller calls release.
func (c *coalescingConn) hold(size int) bool {
	if c == nil || size < coalesceFrom {
		return false
	}
	select {
	case c.holding <- struct{}{}:
	default:
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held, _ = heldBuffers.Get().(*[]byte)
	// The headers, and 22 bytes with each record of at most 16 kB.
	*c.held = slices.Grow((*c.held)[:0], min(size+size/256+coalesceFrom, maxCoalesced))
	return true
}

// release writes what was collected. If that fails, it closes the connection: crypto/tls does not know that the
// client has only a part of a record.
func (c *coalescingConn) release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.writeHeld()
	heldBuffers.Put(c.held)
	c.held = nil
	<-c.holding
	if err != nil {
		_ = c.Close()
	}
	return err
}

// Write implements [net.Conn].
func (c *coalescingConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		return c.Conn.Write(p)
	}
	if len(*c.held)+len(p) > maxCoalesced {
		if err := c.writeHeld(); err != nil {
			return 0, err
		}
	}
	*c.held = append(*c.held, p...)
	return len(p), nil
}

func (c *coalescingConn) writeHeld() error {
	if len(*c.held) == 0 {
		return nil
	}
	_, err := c.Conn.Write(*c.held)
	*c.held = (*c.held)[:0]
	return err
}

type coalescingKey struct{}

// withCoalescing is the ConnContext of the [http.Server].
func withCoalescing(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		if below, ok := t.NetConn().(*coalescingConn); ok {
			return context.WithValue(ctx, coalescingKey{}, below)
		}
	}
	return ctx
}

// coalescingOf returns the connection of a request, or nil if it cannot hold writes.
func coalescingOf(ctx context.Context) *coalescingConn {
	c, _ := ctx.Value(coalescingKey{}).(*coalescingConn)
	return c
}
