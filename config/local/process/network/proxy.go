package network

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"
)

// Proxy is an HTTP proxy into the cluster's network, and out of it: what is not of the
// cluster is connected to as it is.
type Proxy struct {
	Translate Translate
	// Token is the password that clients must send, so that other users of the machine cannot
	// enter here. Empty is for a listener that knows its clients otherwise.
	Token string
	Log   *slog.Logger
}

// User is the name that clients of a Proxy with a token send.
const User = "cluster"

// Dial connects to an address of the cluster's network or outside of it.
func (p *Proxy) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	target, _, err := p.Translate.Target(address)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: 10 * time.Second}
	return d.DialContext(ctx, network, target)
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.allowed(r) {
		w.Header().Set("Proxy-Authenticate", `Basic realm="cluster"`)
		http.Error(w, "proxy credentials are missing or wrong", http.StatusProxyAuthRequired)
		return
	}
	if r.Method == http.MethodConnect {
		p.tunnel(w, r)
		return
	}
	if !r.URL.IsAbs() {
		http.Error(w, "this is a proxy", http.StatusBadRequest)
		return
	}
	forward := httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) { pr.Out.Host = pr.In.Host },
		Transport: &http.Transport{
			DialContext: p.Dial, DisableKeepAlives: true, // pods come and go
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			p.Log.InfoContext(r.Context(), "forwarding failed", "host", r.Host, "error", err)
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
	forward.ServeHTTP(w, r)
}

func (p *Proxy) allowed(r *http.Request) bool {
	if p.Token == "" {
		return true
	}
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(User+":"+p.Token))
	return subtle.ConstantTimeCompare([]byte(r.Header.Get("Proxy-Authorization")), []byte(want)) == 1
}

func (p *Proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	target, err := p.Dial(r.Context(), "tcp", r.Host)
	if err != nil {
		p.Log.InfoContext(r.Context(), "connecting failed", "host", r.Host, "error", err)
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer target.Close()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer client.Close()
	// Written only now: the client may speak as soon as it reads this.
	if _, err := io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	Join(struct {
		io.Reader
		io.WriteCloser
	}{buffered, client}, target)
}

// Join copies between two connections until both directions have ended.
func Join(a, b io.ReadWriteCloser) {
	done := make(chan struct{}, 2)
	one := func(dst, src io.ReadWriteCloser) {
		_, _ = io.Copy(dst, src) // a connection that breaks ends the copy, as its end does
		if half, ok := dst.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		} else {
			_ = dst.Close()
		}
		done <- struct{}{}
	}
	go one(a, b)
	go one(b, a)
	<-done
	<-done
}

// URL is the proxy's address for HTTPS_PROXY, with a token.
func URL(address, token string) string {
	return "http://" + User + ":" + token + "@" + strings.TrimPrefix(address, "http://")
}
