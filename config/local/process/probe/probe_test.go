package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// target is a container whose ports 8443 and, named admin, 9090 are a test server.
func target(t *testing.T, srv *httptest.Server) Target {
	t.Helper()
	return Target{
		Ports: []corev1.ContainerPort{{Name: "admin", ContainerPort: 9090}},
		Dial: func(_ context.Context, port int) (net.Conn, error) {
			if port != 9090 && port != 8443 {
				return nil, fmt.Errorf("nothing listens at %d", port)
			}
			return net.Dial("tcp", srv.Listener.Addr().String())
		},
		Exec: func(_ context.Context, command []string) error {
			if command[0] != "well" {
				return errors.New("exit status 1")
			}
			return nil
		},
	}
}

func handler(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/redirect":
		http.Redirect(w, r, "http://elsewhere.example/", http.StatusFound)
	case r.URL.Path == "/host" && r.Host != "hub.example.com" || r.URL.Path == "/header" && r.Header.Get("X-A") != "1" || r.URL.Path == "/ill":
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func TestChecks(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(handler))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(handler))
	defer secure.Close()
	get := func(path string, port any, scheme corev1.URIScheme, headers ...corev1.HTTPHeader) corev1.ProbeHandler {
		p := intstr.FromString("admin")
		if n, ok := port.(int); ok {
			p = intstr.FromInt(n)
		}
		return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: p, Scheme: scheme, HTTPHeaders: headers}}
	}
	for name, c := range map[string]struct {
		handler corev1.ProbeHandler
		srv     *httptest.Server
		well    bool
	}{
		"http":           {get("/", "admin", ""), plain, true},
		"no slash":       {get("", 8443, corev1.URISchemeHTTP), plain, true},
		"redirect":       {get("/redirect", 8443, ""), plain, true},
		"status 503":     {get("/ill", 8443, ""), plain, false},
		"other port":     {get("/", 80, ""), plain, false},
		"https":          {get("/", 8443, corev1.URISchemeHTTPS), secure, true},
		"https at http":  {get("/", 8443, corev1.URISchemeHTTPS), plain, false},
		"host header":    {get("/host", 8443, "", corev1.HTTPHeader{Name: "Host", Value: "hub.example.com"}), plain, true},
		"another header": {get("/header", 8443, "", corev1.HTTPHeader{Name: "X-A", Value: "1"}), plain, true},
		"tcp":            {corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("admin")}}, plain, true},
		"tcp closed":     {corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(1)}}, plain, false},
		"tcp unknown":    {corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("none")}}, plain, false},
		"exec":           {corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"well"}}}, plain, true},
		"exec fails":     {corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"ill"}}}, plain, false},
		"grpc":           {corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 1}}, plain, false},
	} {
		if err := New(c.handler, target(t, c.srv))(t.Context()); (err == nil) != c.well {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		results := []bool{false, true, true, false, false, true, false, false, false}
		var got []string
		n := 0
		check := func(ctx context.Context) error {
			if n == len(results) { // one that hangs until its time is over, and then the end
				<-ctx.Done()
				cancel()
				return ctx.Err()
			}
			n++
			if results[n-1] {
				return nil
			}
			return errors.New("ill")
		}
		Run(ctx, &corev1.Probe{
			InitialDelaySeconds: 5, PeriodSeconds: 2, TimeoutSeconds: 3, SuccessThreshold: 2, FailureThreshold: 3,
		}, check, func(err error) { got = append(got, fmt.Sprint(time.Since(start), err)) })
		if diff := cmp.Diff([]string{"9s <nil>", "21s ill"}, got); diff != "" {
			t.Error(diff)
		}
		if d := time.Since(start); d != 5*time.Second+9*2*time.Second+3*time.Second {
			t.Errorf("it ended after %v", d)
		}
	})
}
