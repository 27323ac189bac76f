package outbound

import (
	"crypto/tls"
	"net/http"
	"time"
)

// connections keeps connections for the next request, but gives requests that ask for it
// ([http.Request.Close]) one that nobody used before and nobody uses after. By itself net/http
// only keeps no connection after such a request: it may go over one that was kept, which its
// peer may be hanging up, and takes a connection of HTTP/2 away from the other requests on it.
type connections struct {
	kept, own *http.Transport
}

func (o Options) connections(configure func(*http.Transport)) *connections {
	c := &connections{kept: o.newTransport(), own: o.newTransport()}
	c.kept.ForceAttemptHTTP2 = true
	c.own.DisableKeepAlives = true
	configure(c.kept)
	configure(c.own)
	return c
}

// newTransport makes a transport that has no way to connect yet.
func (o Options) newTransport() *http.Transport {
	return &http.Transport{
		TLSClientConfig:        &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    tlsTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConns:           perHost,
		MaxIdleConnsPerHost:    perHost,
		MaxResponseHeaderBytes: maxHeaderSize,
		ExpectContinueTimeout:  time.Second,
		ReadBufferSize:         32 << 10,
		WriteBufferSize:        32 << 10,
	}
}

// RoundTrip implements [http.RoundTripper].
func (c *connections) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Close {
		return c.own.RoundTrip(req)
	}
	return c.kept.RoundTrip(req)
}

// CloseIdleConnections lets [http.Client] reach the transport's.
func (c *connections) CloseIdleConnections() { c.kept.CloseIdleConnections() }
