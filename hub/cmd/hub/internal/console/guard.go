package console

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// guard refuses requests that a page of another site could make a browser send. The console's pages are
// below a secret path besides, so that other users of the machine cannot open them.
type guard struct {
	// hosts are the names under which the console's pages can be opened. A name that an attacker
	// rebinds to this machine is not among them.
	hosts []string
	// public is the host at which only the hub and the browser of a sign-in arrive; it can be empty.
	public string
	cross  *http.CrossOriginProtection
}

// newGuard guards a console at an address of this machine.
func newGuard(listener net.Addr, public string) *guard {
	g := &guard{cross: http.NewCrossOriginProtection()}
	_, port, _ := net.SplitHostPort(listener.String()) // a listener's address is well-formed
	for _, host := range []string{"127.0.0.1", "::1", "localhost"} {
		g.hosts = append(g.hosts, net.JoinHostPort(host, port))
	}
	g.hosts = append(g.hosts, listener.String())
	if u, err := url.Parse(public); err == nil {
		g.public = u.Host
	}
	return g
}

// oneTime reports whether a path is one of the simulated Looker's own.
func oneTime(path string) bool {
	for _, prefix := range []string{"/action_hub_state/", "/action_hub_oauth_redirect/", "/action_hub_delegate_oauth/", "/downloads/"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// allows reports whether a request is answered.
func (g *guard) allows(r *http.Request) bool {
	own := slices.Contains(g.hosts, strings.ToLower(r.Host))
	if oneTime(r.URL.Path) {
		return own || g.public != "" && r.Host == g.public
	}
	// Browsers say where a request comes from (W3C Fetch Metadata).
	site := r.Header.Get("Sec-Fetch-Site")
	return own && (site == "" || site == "none" || site == "same-origin") && g.cross.Check(r) == nil
}
