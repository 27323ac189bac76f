package outbound

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"
)

// freshFor is how long a connection may be idle for requests that want a fresh one. Servers
// hang up on idle ones after five seconds and more: Node.js and Apache after five.
const freshFor = 2 * time.Second

type freshKey struct{}

// Fresh makes the requests of a context go over connections that are new or were used a moment
// ago, and speak HTTP/1.1. It is for requests that cannot be sent again: where a peer hangs up
// on a kept connection while a request is on its way, nobody can tell whether it was taken, and
// a body that is read once cannot be sent again even where HTTP/2 says that nothing was.
func Fresh(ctx context.Context) context.Context { return context.WithValue(ctx, freshKey{}, true) }

// connections keeps connections for the next request.
type connections struct {
	kept, fresh *http.Transport
}

func (o Options) connections(configure func(*http.Transport)) *connections {
	c := &connections{kept: o.newTransport(idleTimeout), fresh: o.newTransport(freshFor)}
	c.kept.ForceAttemptHTTP2 = true
	configure(c.kept)
	configure(c.fresh)
	return c
}

// newTransport makes a transport that has no way to connect yet.
func (o Options) newTransport(idle time.Duration) *http.Transport {
	return &http.Transport{
		TLSClientConfig:        &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    tlsTimeout,
		IdleConnTimeout:        idle,
		MaxIdleConns:           perHost,
		MaxIdleConnsPerHost:    perHost,
		MaxResponseHeaderBytes: maxHeaderSize,
		DisableCompression:     o.DisableCompression,
		ExpectContinueTimeout:  time.Second,
		ReadBufferSize:         32 << 10,
		WriteBufferSize:        32 << 10,
	}
}

// RoundTrip implements [http.RoundTripper].
func (c *connections) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Context().Value(freshKey{}) != nil {
		return c.fresh.RoundTrip(req)
	}
	return c.kept.RoundTrip(req)
}

// CloseIdleConnections lets [http.Client] reach the transports'.
func (c *connections) CloseIdleConnections() {
	c.kept.CloseIdleConnections()
	c.fresh.CloseIdleConnections()
}
