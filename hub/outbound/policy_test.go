package outbound

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
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
		"100.100.100.200": {false, false}, "64:ff9b::a00:1": {false, false}, "2002:7f00:1::": {false, false}, "224.0.0.1": {false, true},
	} {
		a := netip.MustParseAddr(address)
		if err := (Policy{}).Check(a); (err == nil) != want.closed {
			t.Errorf("%s by default: %v", address, err)
		}
		if err := open.Check(a); (err == nil) != want.open {
			t.Errorf("%s with everything allowed: %v", address, err)
		}
	}
	if err := (Policy{AllowLoopback: true}).Check(netip.MustParseAddr("127.0.0.1")); err != nil {
		t.Errorf("loopback for developers: %v", err)
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
