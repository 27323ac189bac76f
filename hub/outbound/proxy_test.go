package outbound

import (
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"integrationhub.dev/hub/action"
)

// forwarder is a proxy that brings all connections to one server, whatever they ask for.
type forwarder struct {
	server string

	mu    sync.Mutex
	asked []string // "METHOD host", with the credentials if there were any
}

func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user := ""
	if basic, ok := strings.CutPrefix(r.Header.Get("Proxy-Authorization"), "Basic "); ok {
		b, _ := base64.StdEncoding.DecodeString(basic)
		user = " as " + string(b)
	}
	f.mu.Lock()
	f.asked = append(f.asked, r.Method+" "+r.Host+user)
	f.mu.Unlock()
	if status := map[string]int{
		"refused.example.com:443": http.StatusForbidden, "unknown.example.com:443": http.StatusProxyAuthRequired,
		"down.example.com:443": http.StatusServiceUnavailable,
	}[r.Host]; status != 0 {
		w.WriteHeader(status)
		return
	}
	if r.Method != http.MethodConnect {
		_, _ = io.WriteString(w, "by the proxy")
		return
	}
	there, err := new(net.Dialer).DialContext(r.Context(), "tcp", f.server)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	// The server reads ahead until it is told to let go: whoever is answered before sends what
	// it would swallow.
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	if _, err := io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	go func() { _, _ = io.Copy(there, here); _ = there.Close() }()
	_, _ = io.Copy(here, there)
}

func TestProxy(t *testing.T) {
	t.Parallel()
	_, resolver := newNameServer(t, map[string][]string{
		"example.com.": {"93.184.216.34"}, "refused.example.com.": {"93.184.216.34"},
		"unknown.example.com.": {"93.184.216.34"}, "down.example.com.": {"93.184.216.34"},
		"inside.example.com.": {"10.0.0.7"}, "both.example.com.": {"93.184.216.34", "10.0.0.7"}, "direct.example.com.": {"10.0.0.8"},
	})
	forbidden := func(err error) bool { return errors.Is(err, ErrForbiddenAddress) }
	none := func(err error) bool { return err == nil }
	for _, tt := range []struct {
		name string
		use  ProxyUse
		url  string
		want func(error) bool
		// asked is what the proxy was asked for; nothing if empty.
		asked string
	}{
		{"a public host", ProxyResolve, "https://example.com/", none, "CONNECT example.com:443 as user:pass"},
		{"without TLS", ProxyResolve, "http://example.com/", none, "GET example.com as user:pass"},
		{"a public address", ProxyResolve, "https://93.184.216.34/", none, "CONNECT 93.184.216.34:443 as user:pass"},
		{"a private address", ProxyResolve, "https://10.0.0.7/", forbidden, ""},
		{"metadata", ProxyTrust, "http://169.254.169.254/latest/meta-data", forbidden, ""},
		{"metadata, mapped", ProxyTrust, "http://[::ffff:169.254.169.254]/latest/meta-data", forbidden, ""},
		{"metadata by its name", ProxyTrust, "http://metadata.google.internal/computeMetadata/v1/", func(err error) bool { return action.KindOf(err) == action.NotFound }, ""},
		{"metadata as one number", ProxyTrust, "http://2852039166/latest/meta-data", forbidden, ""},
		{"metadata in octal", ProxyTrust, "http://0251.0376.0251.0376/latest/meta-data", forbidden, ""},
		{"metadata in hexadecimal", ProxyTrust, "http://0xa9.0xfe.0xa9.0xfe/latest/meta-data", forbidden, ""},
		{"the proxy's own machine", ProxyTrust, "https://gateway/", func(err error) bool { return err != nil }, ""},
		{"a name inside", ProxyTrust, "https://inside.example.com/", forbidden, ""},
		{"a name with an address inside", ProxyTrust, "https://both.example.com/", forbidden, ""},
		{"a name that is unknown here", ProxyResolve, "https://elsewhere.example.com/", func(err error) bool { return action.KindOf(err) == action.NotFound }, ""},
		{"a name that only the proxy knows", ProxyTrust, "https://elsewhere.example.com/", none, "CONNECT elsewhere.example.com:443 as user:pass"},
		{"what needs no proxy is judged as ever", ProxyTrust, "https://direct.example.com/", forbidden, ""},
		{"a proxy that says no", ProxyResolve, "https://refused.example.com/", func(err error) bool {
			return errors.Is(err, ErrProxyRefused) && action.KindOf(err) == action.Forbidden
		}, "CONNECT refused.example.com:443 as user:pass"},
		{"a proxy that wants a password", ProxyResolve, "https://unknown.example.com/", func(err error) bool {
			return errors.Is(err, ErrProxyRefused) && action.KindOf(err) == action.Forbidden
		}, "CONNECT unknown.example.com:443 as user:pass"},
		{"a host that the proxy cannot reach", ProxyResolve, "https://down.example.com/", func(err error) bool {
			return action.KindOf(err) == action.Unavailable && action.MessageOf(err) == "The hub's proxy could not connect to Test."
		}, "CONNECT down.example.com:443 as user:pass"},
		{"a port that is closed", ProxyResolve, "https://example.com:22/", forbidden, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "there") }))
			t.Cleanup(srv.Close)
			f := &forwarder{server: srv.Listener.Addr().String()}
			proxy := httptest.NewServer(f)
			t.Cleanup(proxy.Close)
			address := "http://user:pass@" + proxy.Listener.Addr().String()
			p, err := LoadProxy(tt.use, map[string]string{"https_proxy": address, "HTTP_PROXY": address, "NO_PROXY": "direct.example.com"})
			if err != nil {
				t.Fatal(err)
			}
			c := NewClient(Options{Policy: Policy{Ports: []uint16{80, 443}}, Proxy: p, resolver: resolver})
			through := belowChain(c).(*proxied).through
			through.kept.TLSClientConfig.InsecureSkipVerify = true // the certificate is for another name
			err = get(t, c, tt.url)
			if !tt.want(err) {
				t.Errorf("error %v", err)
			}
			if err != nil && (strings.Contains(err.Error(), "pass") || strings.Contains(action.MessageOf(err), "169.254")) {
				t.Errorf("the error tells too much: %v", err)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if want := slices.DeleteFunc([]string{tt.asked}, func(s string) bool { return s == "" }); !slices.Equal(f.asked, want) {
				t.Errorf("the proxy was asked for %q", f.asked)
			}
		})
	}
}

// The administrator's proxy may stand where the guard lets nothing else connect, but is no
// way in: its address as a destination is judged like any other.
func TestTheProxyIsNoDestination(t *testing.T) {
	t.Parallel()
	visits, port := counter(t)
	p, err := LoadProxy(ProxyTrust, map[string]string{"HTTPS_PROXY": "http://127.0.0.1:" + port, "NO_PROXY": "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := get(t, NewClient(Options{Proxy: p}), "http://127.0.0.1:"+port); !errors.Is(err, ErrForbiddenAddress) || visits.Load() > 0 {
		t.Errorf("%d visits, %v", visits.Load(), err)
	}
}

func TestLoadProxy(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"http://user:hunter2@[::1", "http://", "%zz:hunter2"} {
		if _, err := LoadProxy(ProxyResolve, map[string]string{"HTTPS_PROXY": bad}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", bad, err)
		}
		if _, err := LoadProxy(ProxyOff, map[string]string{"HTTPS_PROXY": bad}); err != nil {
			t.Errorf("%s is read though proxies are off: %v", bad, err)
		}
	}
	var use ProxyUse
	if err := use.UnmarshalText([]byte("on")); err == nil {
		t.Error("a way of use that does not exist")
	}
	if !ProxySet(map[string]string{"https_proxy": "x"}) || ProxySet(map[string]string{"NO_PROXY": "x"}) {
		t.Error("ProxySet")
	}
}
