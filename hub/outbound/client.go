// Package outbound is the hub's one way out: HTTP clients whose connections are checked
// where they are made, after name resolution, so that no redirect, no SDK and no name that
// changes its address between look-up and connection goes round the check.
package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	// Images are built from scratch: without system roots these are used.
	_ "golang.org/x/crypto/x509roots/fallback"
)

// Options say where the hub may connect to and whom it trusts.
type Options struct {
	Policy Policy
	// Roots are the certificate authorities to trust; nil means the system's.
	Roots *x509.CertPool
	// Certificates are presented to servers that ask for a client's.
	Certificates []tls.Certificate
	// FollowRedirects is for fetching; a delivery is never sent on to another address.
	FollowRedirects bool
	// DisableCompression keeps the client from asking for compressed responses: a few hundred
	// kilobytes of gzip can hold as many megabytes.
	DisableCompression bool
	// Proxy stands before hosts; the zero value before none.
	Proxy Proxy
	// Observe is called for every request, unless it is nil.
	Observe Observer

	resolver *net.Resolver // nil is the system's
}

// Phases of a connection have their own limits; a whole call is bounded by its context,
// since a stream may rightly take long.
const (
	dialTimeout   = 10 * time.Second
	tlsTimeout    = 10 * time.Second
	idleTimeout   = 30 * time.Second // before balancers (60 s and more) hang up: a call that meets that is in doubt
	perHost       = 256
	maxRedirects  = 5
	maxHeaderSize = 64 << 10
)

// NewClient returns a client for outbound calls; see [NewTransport] for what a request passes.
func NewClient(o Options) *http.Client {
	c := &http.Client{Transport: NewTransport(o.transport(), o.Observe)}
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		req.Header.Del("Referer") // the URL before the redirect may be a secret
		if !o.FollowRedirects || len(via) > maxRedirects {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return c
}

func (o Options) transport() http.RoundTripper {
	direct := o.connections(func(t *http.Transport) { t.DialContext = o.Policy.dialer(o.resolver) })
	if o.Proxy.of == nil {
		return direct
	}
	through := o.connections(func(t *http.Transport) {
		t.DialContext = (&net.Dialer{Timeout: dialTimeout, Resolver: o.resolver}).DialContext
		t.Proxy = func(req *http.Request) (*url.URL, error) { return o.Proxy.of(req.URL) }
		t.OnProxyConnectResponse = refusal
	})
	return &proxied{proxy: o.Proxy, policy: o.Policy, resolver: o.resolver, direct: direct, through: through}
}

// LoadRoots returns the system's certificate authorities and those in a PEM file. An empty
// name adds none.
func LoadRoots(file string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("loading the system's certificate authorities: %w", err)
	}
	if file == "" {
		return pool, nil
	}
	return AddRoots(pool, file)
}

// AddRoots returns certificate authorities together with those in a PEM file.
func AddRoots(pool *x509.CertPool, file string) (*x509.CertPool, error) {
	pool = pool.Clone()
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading certificate authorities: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading certificate authorities: %s holds no PEM certificate", file)
	}
	return pool, nil
}
