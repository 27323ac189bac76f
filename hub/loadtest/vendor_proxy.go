package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// vendorProxy is a proxy (CONNECT) before a server that plays vendors with fixed addresses, so
// that the hub runs as it is.
type vendorProxy struct {
	proxy, server *http.Server
	address       string // the proxy's
	target        string // the server's

	mu   sync.Mutex
	open map[net.Conn]struct{} // the hubs' connections
}

// startVendorProxy serves routes at whatever host a hub asks for. Hosts for which http1 is true
// do not speak HTTP/2.
func startVendorProxy(ctx context.Context, cert *certificate, routes http.Handler, http1 func(host string) bool) (*vendorProxy, error) {
	p := &vendorProxy{open: map[net.Conn]struct{}{}}
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert.pair}}
	old := config.Clone()
	old.NextProtos = []string{"http/1.1"}
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if http1(hello.ServerName) {
			return old, nil
		}
		return nil, nil //nolint:nilnil // the server's own
	}
	p.server = &http.Server{Handler: routes, ErrorLog: quiet, TLSConfig: config}  //nolint:gosec // a local server without timeouts
	p.proxy = &http.Server{Handler: http.HandlerFunc(p.connect), ErrorLog: quiet} //nolint:gosec // a local server without timeouts
	inner, err := new(net.ListenConfig).Listen(ctx, "tcp", "localhost:0")
	if err != nil {
		return nil, fmt.Errorf("listening as vendors: %w", err)
	}
	outer, err := new(net.ListenConfig).Listen(ctx, "tcp", "localhost:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listening as a proxy: %w", err), inner.Close())
	}
	p.target, p.address = inner.Addr().String(), "http://"+outer.Addr().String()
	go func() { _ = p.server.ServeTLS(inner, "", "") }() // both end with close
	go func() { _ = p.proxy.Serve(outer) }()
	return p, nil
}

func (p *vendorProxy) close() {
	_, _ = p.proxy.Close(), p.server.Close()
	p.closeConnections()
}

// closeConnections closes the connections that hubs keep.
func (p *vendorProxy) closeConnections() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
}

// environment is what leads a hub here.
func (p *vendorProxy) environment() map[string]string {
	return map[string]string{"ACTION_HUB_EGRESS_PROXY": "trust", "HTTPS_PROXY": p.address, "NO_PROXY": "localhost"}
}

// connect passes bytes on between a hub and the vendors, whatever host it names.
func (p *vendorProxy) connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "CONNECT only", http.StatusMethodNotAllowed)
		return
	}
	to, err := new(net.Dialer).DialContext(r.Context(), "tcp", p.target)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer p.track(from)()
	if _, err := io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(from, to)
		_ = from.Close()
	}()
	_, _ = io.Copy(to, from) // either end ends both
}

// track remembers a connection until the function that it returns closes it.
func (p *vendorProxy) track(c net.Conn) (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[c] = struct{}{}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, c)
		_ = c.Close()
	}
}
