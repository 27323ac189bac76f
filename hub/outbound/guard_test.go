package outbound

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer is a DNS server on loopback that tests put words into the mouth of.
type nameServer struct {
	mu    sync.Mutex
	names map[string][]string // addresses by name
}

// newNameServer starts one and returns the resolver that asks it.
func newNameServer(t *testing.T, names map[string][]string) (*nameServer, *net.Resolver) {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	s := &nameServer{names: names}
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var q dnsmessage.Message
			if q.Unpack(buf[:n]) != nil || len(q.Questions) != 1 {
				continue
			}
			if a, err := s.answer(q); err == nil {
				_, _ = conn.WriteTo(a, from)
			}
		}
	}()
	return s, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (s *nameServer) set(name string, addresses ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[name] = addresses
}

func (s *nameServer) answer(q dnsmessage.Message) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	question := q.Questions[0]
	a := dnsmessage.Message{Header: dnsmessage.Header{ID: q.ID, Response: true, Authoritative: true}, Questions: q.Questions}
	addresses, known := s.names[strings.ToLower(question.Name.String())]
	if !known {
		a.RCode = dnsmessage.RCodeNameError
	}
	for _, text := range addresses {
		ip := netip.MustParseAddr(text)
		h := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: dnsmessage.ClassINET}
		switch {
		case ip.Is4() && question.Type == dnsmessage.TypeA:
			a.Answers = append(a.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: ip.As4()}})
		case ip.Is6() && question.Type == dnsmessage.TypeAAAA:
			a.Answers = append(a.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
		}
	}
	return a.Pack()
}

// counter is a server that counts its visits, and its port.
func counter(t *testing.T) (*atomic.Int64, string) {
	t.Helper()
	var visits atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	t.Cleanup(srv.Close)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return &visits, port
}

func get(t *testing.T, c *http.Client, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := Do(c, req, "Test")
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.Body.Close()
}

// A name that answers with an allowed address first and a forbidden one then gets through
// only while it names the allowed one: what is judged is what is dialled.
func TestNamesThatChange(t *testing.T) {
	t.Parallel()
	visits, port := counter(t) // listens on 127.0.0.1
	dns, resolver := newNameServer(t, map[string][]string{"moving.test.": {"127.0.0.1"}})
	allowed := NewClient(Options{Policy: Policy{AllowLoopback: true}, resolver: resolver})
	if err := get(t, allowed, "http://moving.test:"+port); err != nil {
		t.Fatal(err)
	}
	for _, inside := range []string{"169.254.169.254", "10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "fd00:ec2::254"} {
		dns.set("moving.test.", inside)
		allowed.CloseIdleConnections()
		if err := get(t, allowed, "http://moving.test:"+port); !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("after the name moved to %s: %v", inside, err)
		}
	}
	// One bad address among good ones is not connected to either.
	closed := NewClient(Options{Policy: Policy{AllowLoopback: true, Deny: prefixes("127.0.0.1/32")}, resolver: resolver})
	dns.set("moving.test.", "127.0.0.1", "::1", "10.0.0.1")
	if err := get(t, closed, "http://moving.test:"+port); err == nil {
		t.Error("a forbidden address among others was connected to")
	}
	if n := visits.Load(); n != 1 {
		t.Errorf("%d visits", n)
	}
}

func TestOnlyHostsThatAreAllowed(t *testing.T) {
	t.Parallel()
	visits, port := counter(t)
	_, resolver := newNameServer(t, map[string][]string{"good.test.": {"127.0.0.1"}, "a.wide.test.": {"127.0.0.1"}, "other.test.": {"127.0.0.1"}})
	c := NewClient(Options{Policy: Policy{AllowLoopback: true, Hosts: []HostPattern{"good.test", "*.wide.test"}}, resolver: resolver})
	for host, want := range map[string]bool{
		"good.test": true, "GOOD.test.": true, "a.wide.test": true, "other.test": false, "127.0.0.1": false, "good.test@other.test": false,
	} {
		err := get(t, c, "http://"+host+":"+port)
		if (err == nil) != want || !want && !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if n := visits.Load(); n != 3 {
		t.Errorf("%d visits", n)
	}
}

// A redirect meets the same guard, and credentials do not go to another host.
func TestRedirects(t *testing.T) {
	t.Parallel()
	var leaked atomic.Value
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		leaked.Store(r.Header.Get("Authorization") + r.Header.Get("Cookie"))
	}))
	t.Cleanup(other.Close)
	_, port, _ := net.SplitHostPort(other.Listener.Addr().String())
	to := map[string]string{
		"/inside": "http://169.254.169.254/latest/meta-data", "/private": "http://10.0.0.1/", "/file": "file:///etc/passwd",
		"/other": "http://other.test:" + port,
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to[r.URL.Path], http.StatusTemporaryRedirect)
	}))
	t.Cleanup(srv.Close)
	_, resolver := newNameServer(t, map[string][]string{"other.test.": {"127.0.0.1"}})
	c := NewClient(Options{Policy: Policy{AllowLoopback: true}, FollowRedirects: true, resolver: resolver})
	for path := range to {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer secret")
		req.Header.Set("Cookie", "a=secret")
		res, err := Do(c, req, "Test")
		if err == nil {
			_ = res.Body.Close()
		}
		if (err == nil) != (path == "/other") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if leaked.Load() != "" {
		t.Errorf("another host got %q", leaked.Load())
	}
}
