package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"integrationhub.dev/hub/action"
)

// ProxyUse says whether the proxies of the environment are used. Behind a proxy the address
// that is connected to is the proxy's choice, so that the guard can only judge what is asked
// of it.
type ProxyUse string

// The ways to use a proxy.
const (
	// ProxyOff connects directly, whatever the environment says.
	ProxyOff ProxyUse = "off"
	// ProxyResolve uses it for hosts whose addresses can be looked up here and are all
	// allowed. Where the proxy's name service says something else, the proxy has to refuse.
	ProxyResolve ProxyUse = "resolve"
	// ProxyTrust uses it also for names that are unknown here, as is usual where only the
	// proxy can look names up: which of them are inside is then for the proxy to know.
	ProxyTrust ProxyUse = "trust"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (u *ProxyUse) UnmarshalText(text []byte) error {
	switch *u = ProxyUse(text); *u {
	case ProxyOff, ProxyResolve, ProxyTrust:
		return nil
	}
	return errors.New("must be off, resolve or trust")
}

// Proxy says which proxy stands before which host.
type Proxy struct {
	use ProxyUse
	of  func(*url.URL) (*url.URL, error)
}

// LoadProxy reads HTTPS_PROXY, HTTP_PROXY and NO_PROXY, or their names in small letters, from
// an environment. The proxies may be http, https or socks5 addresses, with user and password.
func LoadProxy(use ProxyUse, environment map[string]string) (Proxy, error) {
	if use == ProxyOff || use == "" {
		return Proxy{}, nil
	}
	get := func(name string) string {
		if v := environment[name]; v != "" {
			return v
		}
		return environment[strings.ToLower(name)]
	}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY"} {
		if !isProxy(get(name)) { // the library would go on without it
			return Proxy{}, fmt.Errorf("%s is not the address of a proxy, such as http://proxy.example.com:3128", name)
		}
	}
	c := httpproxy.Config{HTTPProxy: get("HTTP_PROXY"), HTTPSProxy: get("HTTPS_PROXY"), NoProxy: get("NO_PROXY")}
	return Proxy{use: use, of: c.ProxyFunc()}, nil
}

// isProxy reports whether an address is one that a proxy can have; none is fine too. An
// address without a scheme is http, as everywhere.
func isProxy(address string) bool {
	if address == "" {
		return true
	}
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	return err == nil && u.Hostname() != "" && slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme)
}

// ProxySet reports whether an environment names a proxy.
func ProxySet(environment map[string]string) bool {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		if environment[name] != "" {
			return true
		}
	}
	return false
}

// ErrProxyRefused says that the proxy did not open a way to the host.
var ErrProxyRefused = errors.New("the proxy refused the connection")

// errProxyFailed says that the proxy did not reach the host: 502, 503 and 504 are of what is behind it (RFC 9110, section 15.6;
// RFC 9209, section 2.3).
var errProxyFailed = errors.New("the proxy did not reach the host")

// proxied sends requests by the proxy of their host, or directly where it has none.
type proxied struct {
	proxy    Proxy
	policy   Policy
	resolver *net.Resolver
	// direct dials behind the guard; through dials proxies only, which the administrator chose
	// and which stand where the guard would not let anybody else connect.
	direct, through *connections
}

// RoundTrip implements [http.RoundTripper].
func (p *proxied) RoundTrip(req *http.Request) (*http.Response, error) {
	proxy, err := p.proxy.of(req.URL)
	if err != nil || proxy == nil {
		return p.direct.RoundTrip(req)
	}
	if err := p.check(req.Context(), req.URL); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	return p.through.RoundTrip(req)
}

// CloseIdleConnections lets [http.Client] reach the transports'.
func (p *proxied) CloseIdleConnections() {
	p.direct.CloseIdleConnections()
	p.through.CloseIdleConnections()
}

// check judges what the proxy is to be asked for.
func (p *proxied) check(ctx context.Context, u *url.URL) error {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if err := p.policy.CheckHost(net.JoinHostPort(u.Hostname(), port)); err != nil {
		return err
	}
	name, ok := hostName(u.Hostname())
	if !ok {
		return fmt.Errorf("%w: %s is not a host name", ErrForbiddenAddress, u.Hostname())
	}
	if a, err := netip.ParseAddr(name); err == nil {
		return p.policy.Check(a)
	}
	addresses, err := p.resolver.LookupNetIP(ctx, "ip", name)
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound && p.proxy.use == ProxyTrust && !isInternalName(name) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("resolving the host before connecting to the proxy: %w", err)
	}
	for _, a := range addresses {
		if err := p.policy.Check(a); err != nil {
			return err
		}
	}
	return nil
}

// isInternalName reports whether a name can only mean something on the proxy's own machine or
// link: names without a domain, and those of the clouds' metadata services.
func isInternalName(name string) bool {
	return !strings.Contains(name, ".") || strings.HasSuffix(name, ".localhost") || strings.HasSuffix(name, ".local") ||
		name == "metadata.google.internal" || name == "metadata.goog"
}

// refusal turns a proxy's answer to CONNECT into an error that says so.
func refusal(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
	switch {
	case res.StatusCode == http.StatusOK:
		return nil
	case action.KindOfStatus(res.StatusCode).Retryable():
		return fmt.Errorf("%w: it returned %d", errProxyFailed, res.StatusCode)
	}
	return fmt.Errorf("%w: it returned %d", ErrProxyRefused, res.StatusCode)
}
