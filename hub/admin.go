package hub

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"integrationhub.dev/hub/token"
)

// adminHandler serves health, metrics, status and, if enabled, profiles. The hub is ready while it
// accepts requests and check reports that it can store their data. The state of destinations does
// not count: a load balancer cannot improve it.
func adminHandler(
	reg *prometheus.Registry, draining *atomic.Bool, check func() error, status http.Handler, secrets func() [][]byte, profiles bool,
) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if draining.Load() {
			http.Error(w, "draining", http.StatusServiceUnavailable)
			return
		}
		if err := check(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.Handle("GET /status", status)
	mux.HandleFunc("GET /service-secret", acceptsSecret(secrets))
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	if profiles {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// acceptsSecret tells the operator whether the hub accepts tokens of a service secret, of which the
// request has a proof.
func acceptsSecret(secrets func() [][]byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		accepted := token.ValidProof(query.Get("proof"), query.Get("challenge"), secrets()...)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = fmt.Fprintf(w, "{\"accepted\":%t}\n", accepted)
	}
}
