package network

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"
)

func newBlock(t *testing.T) *Block {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8 without configuration")
	}
	b, err := Claim(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestBlocksDiffer(t *testing.T) {
	a, b := newBlock(t), newBlock(t)
	if a.Address(1) == b.Address(1) {
		t.Errorf("both are %v", a.Address(1))
	}
	first := a.Address(1)
	a.Close()
	again, err := Claim(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Address(1) != first {
		t.Errorf("the same name got %v after %v was free again", again.Address(1), first)
	}
}

func TestPodAddresses(t *testing.T) {
	pods := NewPods(newBlock(t))
	first, err := pods.Add()
	if err != nil {
		t.Fatal(err)
	}
	for range 252 {
		if _, err := pods.Add(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pods.Add(); !errors.Is(err, ErrNoAddress) {
		t.Errorf("one too many: %v", err)
	}
	first.Release()
	if _, ok := pods.At(first.IP); ok {
		t.Error("a pod that is gone still has its address")
	}
	again, err := pods.Add()
	if err != nil || again.IP != first.IP {
		t.Errorf("the free address was not given out: %v, %v", again, err)
	}
	first.Release() // a second time: it is another pod's by now
	if pod, ok := pods.At(first.IP); !ok || pod != again {
		t.Error("a pod gave another's address back")
	}
}

// Two pods may listen at the same port; one that is taken at all addresses is translated.
func TestListen(t *testing.T) {
	pods := NewPods(newBlock(t))
	a, _ := pods.Add()
	b, _ := pods.Add()
	everywhere, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer everywhere.Close()
	taken := everywhere.Addr().(*net.TCPAddr).Port
	free, err := net.Listen("tcp", net.JoinHostPort(a.Host.String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	for _, pod := range []*Pod{a, b} {
		if want := net.JoinHostPort(pod.Host.String(), strconv.Itoa(port)); pod.Listen(port) != want {
			t.Errorf("Listen(%d) = %s, want %s", port, pod.Listen(port), want)
		}
		got := pod.Listen(taken)
		if got == net.JoinHostPort(pod.Host.String(), strconv.Itoa(taken)) {
			t.Errorf("Listen(%d) = %s, which is taken", taken, got)
		}
		l, err := net.Listen("tcp", got)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if again := pod.Listen(taken); again != got {
			t.Errorf("a restarted program gets %s after %s", again, got)
		}
		if n := pod.Port(9); pod.Target(9) != net.JoinHostPort(pod.Host.String(), strconv.Itoa(n)) {
			t.Errorf("a program told to listen at %d is dialed at %s", n, pod.Target(9))
		}
		conn, err := pod.Dial(context.Background(), taken)
		if err != nil {
			t.Fatalf("dialing the port as the cluster knows it: %v", err)
		}
		conn.Close()
	}
}

// newTranslate has a pod behind the service web in namespace shop, whose port 443 is the
// pod's port 8443.
func newTranslate(t *testing.T) (Translate, *Pod) {
	t.Helper()
	block := newBlock(t)
	pods := NewPods(block)
	pod, err := pods.Add()
	if err != nil {
		t.Fatal(err)
	}
	index := func(objects ...any) cache.Indexer {
		i := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
		for _, o := range objects {
			if err := i.Add(o); err != nil {
				t.Fatal(err)
			}
		}
		return i
	}
	service := func(name, ip string) *corev1.Service {
		return &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
			Spec:       corev1.ServiceSpec{ClusterIP: ip, Ports: []corev1.ServicePort{{Name: "https", Port: 443}}},
		}
	}
	slice := func(name, address string, ready bool) *discoveryv1.EndpointSlice {
		return &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name + address, Labels: map[string]string{discoveryv1.LabelServiceName: name}},
			Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}},
			Ports:      []discoveryv1.EndpointPort{{Name: new("other"), Port: new(int32(1))}, {Name: new("https"), Port: new(int32(8443))}},
		}
	}
	return Translate{Block: block, Pods: pods, Services: Services{
		Services: corelisters.NewServiceLister(index(service("web", "198.18.0.7"), service("api", "198.18.0.8"), service("all", "None"))),
		Slices: discoverylisters.NewEndpointSliceLister(index(
			slice("web", pod.IP.String(), true), slice("web", "192.0.2.200", false),
			slice("api", NodeIP, true), slice("all", pod.IP.String(), true))),
	}}, pod
}

func TestTarget(t *testing.T) {
	tr, pod := newTranslate(t)
	host, node := pod.Host.String(), tr.Block.Address(1).String()
	for address, want := range map[string]string{
		"web.shop.svc.cluster.local:443":  host + ":8443",
		"web.shop.svc.cluster.local.:443": host + ":8443",
		"WEB.shop.svc:443":                host + ":8443",
		"web.shop:443":                    host + ":8443",
		"198.18.0.7:443":                  host + ":8443",
		"198.18.0.8:443":                  node + ":8443",
		"all.shop.svc:443":                host + ":8443",
		pod.IP.String() + ":9090":         host + ":9090",
		NodeIP + ":10250":                 node + ":10250",
		"example.com:443":                 "example.com:443",
		"web.elsewhere.svc:443":           "web.elsewhere.svc:443",
		"192.168.7.1:80":                  "192.168.7.1:80",
		"[2001:db8::1]:80":                "[2001:db8::1]:80",
	} {
		got, inside, err := tr.Target(address)
		if err != nil || got != want || inside != strings.HasPrefix(want, "127.") {
			t.Errorf("Target(%s) = %s, %v, %v, want %s", address, got, inside, err, want)
		}
	}
	for _, address := range []string{"198.18.0.7:80", "192.0.2.99:80", "198.18.9.9:443", "web.shop.svc", "web.shop.svc:http"} {
		if got, _, err := tr.Target(address); err == nil {
			t.Errorf("Target(%s) = %s without an error", address, got)
		}
	}
}

func TestHosts(t *testing.T) {
	tr, _ := newTranslate(t)
	got, err := tr.Services.Hosts()
	if err != nil {
		t.Fatal(err)
	}
	want := `127.0.0.1 localhost
::1 localhost
198.18.0.8 api.shop.svc.cluster.local api.shop.svc api.shop
198.18.0.7 web.shop.svc.cluster.local web.shop.svc web.shop
`
	if string(got) != want {
		t.Errorf("hosts:\n%s\nwant:\n%s", got, want)
	}
}

// serve runs the web pod's HTTP server and a proxy, and returns the proxy's address.
func serve(t *testing.T, token string) string {
	t.Helper()
	tr, pod := newTranslate(t)
	l, err := net.Listen("tcp", pod.Listen(8443))
	if err != nil {
		t.Fatal(err)
	}
	web := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello ", r.Host, r.Header.Get("Proxy-Authorization"))
	})}}
	web.Start()
	t.Cleanup(web.Close)
	proxy := httptest.NewServer(&Proxy{Translate: tr, Token: token, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(proxy.Close)
	return proxy.URL
}

func TestProxyForwards(t *testing.T) {
	address := serve(t, "word")
	u, err := url.Parse(URL(address, "word"))
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(u)}}
	defer client.CloseIdleConnections()
	res, err := client.Get("http://web.shop.svc:443/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); string(body) != "hello web.shop.svc:443" {
		t.Errorf("status %d: %s", res.StatusCode, body)
	}
	if res, err = client.Get("http://api.shop.svc:443/"); err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusBadGateway {
		t.Errorf("status for an endpoint where nothing listens = %d", res.StatusCode)
	}
}

func TestProxyTunnels(t *testing.T) {
	u, _ := url.Parse(serve(t, "word"))
	right := base64.StdEncoding.EncodeToString([]byte(User + ":word"))
	for authorization, want := range map[string]int{
		"Basic " + right: http.StatusOK, "Basic x": http.StatusProxyAuthRequired, "": http.StatusProxyAuthRequired,
	} {
		conn, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "CONNECT 198.18.0.7:443 HTTP/1.1\r\nHost: 198.18.0.7:443\r\nProxy-Authorization: %s\r\n\r\n", authorization)
		r := bufio.NewReader(conn)
		res, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect})
		if err != nil || res.StatusCode != want {
			t.Fatalf("CONNECT with %q: %v, %v, want %d", authorization, res, err, want)
		}
		if want != http.StatusOK {
			continue
		}
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
		if res, err = http.ReadResponse(r, nil); err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(res.Body); string(body) != "hello web" {
			t.Errorf("through the tunnel: %s", body)
		}
	}
}

// A connection that goes past the proxy must reach no machine of somebody else's network.
func TestAddressesAreNobodys(t *testing.T) {
	var reserved []netip.Prefix
	for _, p := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15"} { // RFC 5737, RFC 2544
		reserved = append(reserved, netip.MustParsePrefix(p))
	}
	for _, a := range []string{NodeIP + "/32", PodCIDR, ServiceCIDR, APIServiceIP + "/32"} {
		p := netip.MustParsePrefix(a)
		if !slices.ContainsFunc(reserved, func(r netip.Prefix) bool { return r.Contains(p.Addr()) && r.Bits() <= p.Bits() }) {
			t.Errorf("%s may be somebody's", a)
		}
	}
	pod, err := NewPods(newBlock(t)).Add()
	if err != nil || !netip.MustParsePrefix(PodCIDR).Contains(pod.IP) {
		t.Errorf("pod %v, %v", pod, err)
	}
}
