// Package telemetry reports what the hub does: metrics, the log, traces, and bugs to Sentry.
// None of it contains a row, a credential, or more of a URL than its host.
package telemetry

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/telemetry/tracing"
)

// Telemetry is everything that the hub reports to.
type Telemetry struct {
	Log     *slog.Logger
	Metrics *Metrics

	traces tracing.Traces
	bugs   *bugReporter
}

// New creates telemetry without traces and without Sentry.
func New(log *slog.Logger, reg prometheus.Registerer) *Telemetry {
	return &Telemetry{Log: log, Metrics: newMetrics(reg)}
}

// Options are what [Start] needs.
type Options struct {
	Config  config.Config
	Env     map[string]string
	Version string
	// Roots are the certificate authorities to trust.
	Roots    *x509.CertPool
	Registry prometheus.Registerer
	Log      *slog.Logger
}

// Start creates telemetry with the exporters that are configured. Invalid tracing settings are
// logged and do not keep the hub from starting, because OTEL_* variables are often set for every
// pod of a cluster.
func Start(ctx context.Context, o Options) (*Telemetry, error) {
	t := New(o.Log, o.Registry)
	t.Metrics.setBuildInfo(o.Version)
	var err error
	if t.bugs, err = newBugReporter(o.Config, o.Version, o.Roots); err != nil {
		return nil, err
	}
	t.traces, err = tracing.Start(ctx, tracing.Options{Env: o.Env, Version: o.Version, Roots: o.Roots, Log: o.Log})
	if err != nil {
		o.Log.ErrorContext(ctx, "traces are disabled", "error", err)
	}
	return t, nil
}

// flushTimeout is how long sending the last traces and reports may take.
const flushTimeout = 5 * time.Second

// Stop sends what has not been sent yet.
func (t *Telemetry) Stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if err := t.traces.Stop(ctx); err != nil {
		t.Log.WarnContext(ctx, "stopping traces", "error", err)
	}
	t.bugs.flush(ctx)
}

// Request starts to observe a request. The context that it returns carries the request's record
// and its span. End must be called once, with the matched route and the status of the response.
func (t *Telemetry) Request(ctx context.Context, r *http.Request) (_ context.Context, end func(route string, status int)) {
	start := time.Now()
	rec := newRecord(r.Header)
	ctx, span := t.traces.Request(outbound.WithSecrets(withRecord(ctx, rec)), r)
	return ctx, func(route string, status int) {
		defer span.End()
		seconds := time.Since(start).Seconds()
		t.Metrics.request(route, status, seconds)
		t.logRequest(ctx, rec, r.Method, route, status, seconds)
		describe(span, r.Method, route, status, rec)
		t.bugs.report(rec, route, status)
	}
}

// logRequest writes the one line of a request. It contains the route, never a query or a body.
func (t *Telemetry) logRequest(ctx context.Context, rec *Record, method, route string, status int, seconds float64) {
	level := slog.LevelInfo
	if rec.Err != nil || status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	attrs := []any{"method", method, "route", route, "status", status, "seconds", seconds}
	if rec.Queued > time.Millisecond {
		attrs = append(attrs, "queued_seconds", rec.Queued.Seconds())
	}
	if rec.Outcome != "" {
		attrs = append(attrs, "outcome", rec.Outcome)
	}
	if rec.Stats != nil {
		attrs = append(attrs, rec.Stats.logAttrs()...)
	}
	if rec.Err != nil {
		attrs = append(attrs, "error", rec.Err)
	}
	t.Log.Log(ctx, level, "request", attrs...)
}
