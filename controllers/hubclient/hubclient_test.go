package hubclient_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"integrationhub.dev/controllers/hubclient"
	"integrationhub.dev/hub/token"
)

const podIP, podTarget = "192.0.2.1", "192.0.2.1:9090"

func pod(ip string) *corev1.Pod { return &corev1.Pod{Status: corev1.PodStatus{PodIP: ip}} }

// cluster leads every connection to one server and records where it was meant to go.
type cluster struct {
	server string
	mu     sync.Mutex
	dialed []string
}

func newCluster(t *testing.T, handler http.HandlerFunc) *cluster {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	return &cluster{server: srv.Listener.Addr().String()}
}

func (c *cluster) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c.mu.Lock()
	c.dialed = append(c.dialed, address)
	c.mu.Unlock()
	return (&net.Dialer{}).DialContext(ctx, network, c.server)
}

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// The environment of the manager may name a proxy for the API server; a proxy would see, and
// could forge, what pods report. This test is not parallel because it sets a variable.
func TestNoProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example.com:3128")
	t.Setenv("NO_PROXY", "")
	c := newCluster(t, reply(http.StatusOK, `{"version":"v1"}`))
	if _, err := hubclient.NewWithDialer(c.dial).Inspect(t.Context(), pod(podIP)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{podTarget}, c.dialed); diff != "" {
		t.Errorf("connections (-want +got):\n%s", diff)
	}
}

func TestNoRedirect(t *testing.T) {
	t.Parallel()
	for _, code := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Host != podTarget {
					_, _ = w.Write([]byte(`{"version":"secret-of-another-service"}`))
					return
				}
				http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", code)
			})
			report, err := hubclient.NewWithDialer(c.dial).Inspect(t.Context(), pod(podIP))
			if err == nil || report.Version != "" {
				t.Errorf("report %+v, error %v", report, err)
			}
			if diff := cmp.Diff([]string{podTarget}, c.dialed); diff != "" {
				t.Errorf("connections (-want +got):\n%s", diff)
			}
		})
	}
}

// The manager connects to addresses of the pod network only.
func TestRefusedAddresses(t *testing.T) {
	t.Parallel()
	onNode := pod(podIP)
	onNode.Spec.HostNetwork = true
	pods := map[string]*corev1.Pod{"host network": onNode}
	for _, ip := range []string{
		"", "hub.example.com", "127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1", "fe80::1%eth0", "0.0.0.0", "::", "224.0.0.1", "255.255.255.255",
	} {
		pods[ip] = pod(ip)
	}
	for name, p := range pods {
		c := newCluster(t, reply(http.StatusOK, `{"version":"v1"}`))
		if _, err := hubclient.NewWithDialer(c.dial).Inspect(t.Context(), p); err == nil || len(c.dialed) > 0 {
			t.Errorf("%q: error %v, connections %v", name, err, c.dialed)
		}
	}
	for _, ip := range []string{"10.244.1.7", "fd00::7", "192.0.2.1"} {
		c := newCluster(t, reply(http.StatusOK, `{"version":"v1"}`))
		if _, err := hubclient.NewWithDialer(c.dial).Inspect(t.Context(), pod(ip)); err != nil {
			t.Errorf("%q: %v", ip, err)
		}
	}
}

func TestResponses(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"not found": reply(http.StatusNotFound, `{"version":"v1"}`),
		"HTML":      reply(http.StatusOK, "<html>"),
		"too large": reply(http.StatusOK, `{"version":"v1","x":"`+strings.Repeat("x", 1<<20)+`"}`),
		"large headers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 64<<10))
			_, _ = w.Write([]byte(`{"version":"v1"}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, handler)
			if report, err := hubclient.NewWithDialer(c.dial).Inspect(t.Context(), pod(podIP)); err == nil {
				t.Errorf("report %+v", report)
			}
		})
	}
}

// A pod that sends its response byte by byte holds a worker of the manager for two seconds at
// most.
func TestSlowResponse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		dial := func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				defer close(done)
				defer far.Close()
				if _, err := http.ReadRequest(bufio.NewReader(far)); err != nil {
					return
				}
				_, err := far.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"))
				for err == nil {
					time.Sleep(time.Second / 2)
					_, err = far.Write([]byte(" "))
				}
			}()
			return near, nil
		}
		begin := time.Now()
		if _, err := hubclient.NewWithDialer(dial).Inspect(t.Context(), pod(podIP)); err == nil {
			t.Error("no error")
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		<-done
	})
}

// A report goes into the status, so it holds nothing that the API server would refuse.
func TestReport(t *testing.T) {
	t.Parallel()
	var many bytes.Buffer
	for n := range 1000 {
		fmt.Fprintf(&many, `,"i%d"`, n)
	}
	body := `{"version":"v1.2.3","integrations":{"on":["tray","tray","Not A Name","<b>"` + many.String() +
		`],"off":{"airtable":"not enabled","i0":"offered too","a b":"no name"}}}`
	c := newCluster(t, reply(http.StatusOK, body))
	report, err := hubclient.NewWithDialer(c.dial).Inspect(t.Context(), pod(podIP))
	if err != nil {
		t.Fatal(err)
	}
	want := hubclient.Report{Version: "v1.2.3"}
	want.Integrations.Off = map[string]string{"airtable": "not enabled"}
	for n := range 1000 {
		want.Integrations.On = append(want.Integrations.On, fmt.Sprintf("i%d", n))
	}
	slices.Sort(want.Integrations.On)
	want.Integrations.On = want.Integrations.On[:64]
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	c = newCluster(t, reply(http.StatusOK, `{"version":"the password is hunter2"}`))
	if report, err := hubclient.NewWithDialer(c.dial).Inspect(t.Context(), pod(podIP)); err != nil || report.Version != "" {
		t.Errorf("report %+v, error %v", report, err)
	}
}

// No-code integrations are reported by their files, and are not among the hub's own.
func TestReportOfCustomIntegrations(t *testing.T) {
	t.Parallel()
	digest := strings.Repeat("0a", 32)
	body := `{"integrations":{"on":["custom_a","tray"]},"custom":[` +
		`{"name":"custom_a","file":"a.json","digest":"` + digest + `","problem":"is wrong","failed_digest":"` + digest + `"},` +
		`{"file":"b.c.json"},{"file":"../c.json"},{"file":"d.json","digest":"x"},{"file":"e.json","failed_digest":"x"},{"name":"<b>","file":"f.json"}]}`
	c := newCluster(t, reply(http.StatusOK, body))
	report, err := hubclient.NewWithDialer(c.dial).Inspect(t.Context(), pod(podIP))
	if err != nil {
		t.Fatal(err)
	}
	want := []hubclient.Custom{
		{Name: "custom_a", File: "a.json", Digest: digest, Problem: "is wrong", FailedDigest: digest},
		{File: "b.c.json"},
	}
	if diff := cmp.Diff(want, report.Custom); diff != "" {
		t.Errorf("no-code integrations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"tray"}, report.Integrations.On); diff != "" {
		t.Errorf("integrations (-want +got):\n%s", diff)
	}
}

// The question about the service secret contains neither the secret nor a token, and only a pod's
// own answer counts.
func TestAcceptsSecret(t *testing.T) {
	t.Parallel()
	secret := []byte("the service secret")
	hub := func(secrets ...[]byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			query := r.URL.Query()
			if strings.Contains(r.URL.String(), "service+secret") || token.Valid(query.Get("challenge")+"/"+query.Get("proof"), secret) {
				t.Errorf("the request reveals the secret: %s", r.URL)
			}
			_, _ = fmt.Fprintf(w, `{"accepted":%t}`, token.ValidProof(query.Get("proof"), query.Get("challenge"), secrets...))
		}
	}
	for name, tt := range map[string]struct {
		handler        http.HandlerFunc
		accepts, fails bool
	}{
		"the current secret":         {handler: hub([]byte("another secret"), secret), accepts: true},
		"another secret":             {handler: hub([]byte("another secret"))},
		"a hub that cannot be asked": {handler: reply(http.StatusNotFound, "404 page not found"), fails: true},
	} {
		accepts, err := hubclient.NewWithDialer(newCluster(t, tt.handler).dial).AcceptsSecret(t.Context(), pod(podIP), secret)
		if accepts != tt.accepts || (err != nil) != tt.fails {
			t.Errorf("%s: accepts %v, error %v", name, accepts, err)
		}
	}
}
