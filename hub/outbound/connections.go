package outbound

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"
)

// freshIdleTimeout is how long a fresh connection may be idle before it is closed. Servers close
// idle connections after five seconds (Node.js, Apache) or more.
const freshIdleTimeout = 2 * time.Second

// pings find out within 25 seconds, before most calls time out, that an HTTP/2 connection carries nothing any more: a call that
// waits for 15 seconds without a frame sends a ping. The other requests to the host would be sent on it, too, until TCP gives it
// up after a quarter of an hour: https://github.com/golang/go/issues/36026
var pings = http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second}

type freshKey struct{}

// WithFreshConnection makes the requests of a context use HTTP/1.1 and connections that are new
// or were used less than two seconds ago. It is for requests that must not be sent twice: when a
// server closes a kept connection while a request is in flight, the client cannot know whether
// the server processed it.
func WithFreshConnection(ctx context.Context) context.Context {
	return context.WithValue(ctx, freshKey{}, true)
}

// connections keeps idle connections for later requests.
type connections struct {
	kept, fresh *http.Transport
	order       connectionOrder
}

func (o Options) connections(configure func(*http.Transport)) *connections {
	c := &connections{kept: o.newTransport(idleTimeout), fresh: o.newTransport(freshIdleTimeout)}
	c.kept.ForceAttemptHTTP2, c.kept.HTTP2 = true, &pings
	configure(c.kept)
	configure(c.fresh)
	return c
}

// newTransport returns a transport whose dialer is not set yet.
func (o Options) newTransport(idle time.Duration) *http.Transport {
	return &http.Transport{
		TLSClientConfig:        &tls.Config{RootCAs: o.Roots, Certificates: o.Certificates, MinVersion: tls.VersionTLS12},
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
	ctx, done := c.order.begin(req.Context())
	defer done()
	req = req.WithContext(ctx)
	if req.Context().Value(freshKey{}) != nil {
		return c.fresh.RoundTrip(req)
	}
	return c.kept.RoundTrip(req)
}

// CloseIdleConnections lets [http.Client] close idle connections.
func (c *connections) CloseIdleConnections() {
	c.kept.CloseIdleConnections()
	c.fresh.CloseIdleConnections()
}
