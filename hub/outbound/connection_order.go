package outbound

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"sync"
)

// connectionOrder keeps a request from using a connection before the request before it on the connection
// has its response. net/http puts a connection back before it returns a response without a body.
// If the next request then breaks the connection, for example because the source of its body broke
// off, the first one can get that error instead of its response: a delivery that was accepted would
// be reported as failed.
type connectionOrder struct {
	mu     sync.Mutex
	owners map[net.Conn]chan struct{} // closed when the owner has its response
}

// begin returns a context for a request. done must be called when the request has its response or
// an error.
func (h *connectionOrder) begin(ctx context.Context) (_ context.Context, done func()) {
	own := make(chan struct{})
	var taken []net.Conn // more than one if net/http repeats the request
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if c, ok := info.Conn.(*tls.Conn); ok && c.ConnectionState().NegotiatedProtocol == "h2" {
			return // its requests do not end each other
		}
		taken = append(taken, info.Conn)
		if before := h.take(info.Conn, own); before != nil {
			<-before
		}
	}})
	return ctx, func() {
		h.release(taken, own)
		close(own)
	}
}

// take makes a request the owner of a connection, and returns the owner before it, or nil.
func (h *connectionOrder) take(c net.Conn, own chan struct{}) chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.owners[c]
	if before == own { // net/http repeats a request on the connection that it has
		return nil
	}
	if h.owners == nil {
		h.owners = map[net.Conn]chan struct{}{}
	}
	h.owners[c] = own
	return before
}

func (h *connectionOrder) release(taken []net.Conn, own chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range taken {
		if h.owners[c] == own {
			delete(h.owners, c)
		}
	}
}
