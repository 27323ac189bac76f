package outbound

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"integrationhub.dev/hub/panics"
	"integrationhub.dev/hub/version"
)

// NewTransport builds the part of a client's round trippers that stands above its connections;
// tests use it with connections of their own. A request passes, in this order:
//
//  1. userAgent: adds the hub's name and version to the User-Agent header.
//  2. collector: remembers the credentials that the request carries, for redaction.
//  3. tracer: records a span, and reports the outcome and duration to the [Observer].
//  4. bodyGuard: turns a panic in the request body's reader into an error.
//
// next is what [NewClient] builds from [Options]:
//
//  5. proxied: sends the request through the host's proxy, after checking the host against the
//     policy. It is left out when no proxy is configured.
//  6. connections: chooses between kept connections and fresh ones (see [WithFreshConnection]).
//  7. http.Transport: speaks TLS and HTTP. Its dialer applies the [Policy] to the address that
//     it is about to connect to.
func NewTransport(next http.RoundTripper, observe Observer) http.RoundTripper {
	return userAgent{collector{tracer{bodyGuard{next}, observe}}}
}

// product is the hub's product token (RFC 9110, section 10.1.5).
var product = sync.OnceValue(func() string { return "IntegrationHub/" + version.Current().Version })

// userAgent names the hub in requests, before the name of an SDK if there is one: vendors
// identify and contact callers by this header.
type userAgent struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (u userAgent) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.WithContext(req.Context()) // a round tripper must not change its request
	req.Header = req.Header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("User-Agent", strings.TrimSpace(product()+" "+req.Header.Get("User-Agent")))
	return u.next.RoundTrip(req)
}

// CloseIdleConnections lets [http.Client] close idle connections.
func (u userAgent) CloseIdleConnections() { closeIdleConnections(u.next) }

// collector adds a request's credentials to those that are redacted: SDKs turn responses into
// errors by themselves, so that their texts cannot be scrubbed where they are read.
type collector struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (c collector) RoundTrip(req *http.Request) (*http.Response, error) {
	SecretsOf(req.Context()).addRequest(req)
	return c.next.RoundTrip(req)
}

// CloseIdleConnections lets [http.Client] close idle connections.
func (c collector) CloseIdleConnections() { closeIdleConnections(c.next) }

// bodyGuard turns a panic while the body is read into an error: net/http reads it on a
// goroutine of its own, where a bug in an integration's reader would end the hub.
type bodyGuard struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (b bodyGuard) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return b.next.RoundTrip(req)
	}
	req = req.WithContext(req.Context())
	req.Body = safeBody{panics.Reader(req.Body), req.Body}
	if open := req.GetBody; open != nil {
		req.GetBody = func() (io.ReadCloser, error) {
			body, err := open()
			if err != nil {
				return nil, err
			}
			return safeBody{panics.Reader(body), body}, nil
		}
	}
	return b.next.RoundTrip(req)
}

// CloseIdleConnections lets [http.Client] close idle connections.
func (b bodyGuard) CloseIdleConnections() { closeIdleConnections(b.next) }

type safeBody struct {
	io.Reader
	io.Closer
}

func closeIdleConnections(t http.RoundTripper) { (&http.Client{Transport: t}).CloseIdleConnections() }
