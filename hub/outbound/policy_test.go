package outbound

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	open := Policy{Allow: prefixes("10.0.0.0/8", "fd00::/8", "0.0.0.0/0")}
	for address, want := range map[string]struct{ closed, open bool }{
		"93.184.216.34": {true, true}, "2606:2800:220:1::1": {true, true},
		"10.1.2.3": {false, true}, "192.168.0.1": {false, true}, "fd00::1": {false, true}, "::ffff:10.1.2.3": {false, true},
		"127.0.0.1": {false, false}, "::1": {false, false}, "::ffff:127.0.0.1": {false, false}, "0.0.0.0": {false, false}, "::": {false, false},
		"169.254.169.254": {false, false}, "::ffff:169.254.169.254": {false, false}, "fe80::1%eth0": {false, false}, "fd00:ec2::254": {false, false},
		"100.100.100.200": {false, false}, "2002:7f00:1::": {false, false}, "2001:0:4136:e378:8000:63bf:3fff:fdd2": {false, false}, "::10.1.2.3": {false, false},
		"64:ff9b::a00:1": {false, true}, "64:ff9b::5db8:d822": {true, true}, "64:ff9b::a9fe:a9fe": {false, false}, "64:ff9b:1::a9fe:a9fe": {false, false}, "::ffff:0:a9fe:a9fe": {false, false},
		"168.63.129.16": {false, false}, "192.0.0.192": {false, false}, "fd20:ce::254": {false, false}, "fd00:ec2::23": {false, false}, "169.254.170.2": {false, false},
		"100.64.0.1": {false, true}, "172.31.255.255": {false, true}, "172.32.0.0": {true, true}, "198.18.0.1": {false, true}, "203.0.113.9": {false, true},
		"255.255.255.255": {false, false}, "240.0.0.1": {false, true}, "fec0::1": {false, false}, "ff02::1": {false, false}, "2001:db8::1": {false, false},
		"::ffff:0.0.0.0": {false, false}, "0.1.2.3": {false, false}, "224.0.0.1": {false, true},
	} {
		a := netip.MustParseAddr(address)
		if err := (Policy{}).Check(a); (err == nil) != want.closed {
			t.Errorf("%s by default: %v", address, err)
		}
		if err := open.Check(a); (err == nil) != want.open {
			t.Errorf("%s with everything allowed: %v", address, err)
		}
	}
	denied := Policy{Allow: prefixes("10.0.0.0/8"), Deny: prefixes("10.9.0.0/16", "93.184.216.0/24", "127.0.0.1/32"), AllowLoopback: true}
	for address, want := range map[string]bool{
		"10.8.0.1": true, "10.9.0.1": false, "::ffff:10.9.0.1": false, "64:ff9b::a09:1": false, "93.184.216.34": false, "93.184.217.34": true, "127.0.0.1": false, "127.0.0.2": true,
	} {
		if err := denied.Check(netip.MustParseAddr(address)); (err == nil) != want {
			t.Errorf("%s beside what is denied: %v", address, err)
		}
	}
	if err := (Policy{AllowLoopback: true}).Check(netip.MustParseAddr("127.0.0.1")); err != nil {
		t.Errorf("loopback for developers: %v", err)
	}
}

// One open address opens nothing beside it: no other port, no other address.
func TestAllowAddrs(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	address := netip.MustParseAddrPort(srv.Listener.Addr().String())
	for _, test := range []struct {
		name, url string
		policy    Policy
		open      bool
	}{
		{"the address", srv.URL, Policy{AllowAddrs: []netip.AddrPort{address}}, true},
		{"beside other hosts and ports", srv.URL, Policy{AllowAddrs: []netip.AddrPort{address}, Hosts: []HostPattern{"example.com"}, Ports: []uint16{443}}, true},
		{"another port", other.URL, Policy{AllowAddrs: []netip.AddrPort{address}}, false},
		{"denied", srv.URL, Policy{AllowAddrs: []netip.AddrPort{address}, Deny: prefixes("127.0.0.0/8")}, false},
		{"another address", srv.URL, Policy{AllowAddrs: []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), address.Port())}}, false},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, test.url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := NewClient(Options{Policy: test.policy}).Do(req)
		if err == nil {
			res.Body.Close()
		}
		if (err == nil) != test.open || err != nil && !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("%s: got %v, want open: %v", test.name, err, test.open)
		}
	}
}

// The guard stands where connections are made: no spelling of an address, no name and no
// redirect goes round it.
func TestGuard(t *testing.T) {
	t.Parallel()
	hit := false
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hit = true }))
	t.Cleanup(srv.Close)
	_, port, _ := splitHostPort(srv.Listener.Addr().String())
	c := NewClient(Options{})
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0177.0.0.1", "2130706433", "127.1"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+":"+port+"/secret", nil)
		if err != nil {
			continue // not even a URL
		}
		if _, err := Do(c, req, "Test"); err == nil {
			t.Errorf("%s was reached", host)
		}
	}
	if hit {
		t.Error("the server was reached")
	}
}

// What is dialled without HTTP meets the same guard.
func TestDialer(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	address := srv.Listener.Addr().String()
	if conn, err := Dialer(Policy{})(t.Context(), "tcp", address); !errors.Is(err, ErrForbiddenAddress) {
		t.Errorf("%v, %v", conn, err)
	}
	conn, err := Dialer(Policy{AllowLoopback: true})(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func splitHostPort(a string) (string, string, error) {
	p, err := netip.ParseAddrPort(a)
	return p.Addr().String(), a[len(p.Addr().String())+1:], err
}

func TestRedirectsAreNotFollowedOut(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
	}))
	t.Cleanup(srv.Close)
	for _, follow := range []bool{false, true} {
		c := NewClient(Options{Policy: Policy{AllowLoopback: true}, FollowRedirects: follow})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Do(c, req, "Test")
		if follow && !errors.Is(err, ErrForbiddenAddress) || !follow && action.KindOf(err) != action.Invalid {
			t.Errorf("following %v: %v", follow, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, "-1": 0, "soon": 0, now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func TestUntilUnix(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	unix := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }
	for text, want := range map[string]time.Duration{
		"": 0, "soon": 0, unix(0): time.Second, unix(-time.Hour): 0, unix(time.Minute): 61 * time.Second,
	} {
		if got := UntilUnix(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
