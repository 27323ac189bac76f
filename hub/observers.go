package hub

import (
	"context"
	"crypto/x509"
	"log/slog"
	"time"

	"integrationhub.dev/hub/tracing"
)

// observers are told of what the hub does, elsewhere, when the environment names where.
type observers struct {
	traces tracing.Traces
	bugs   *BugReporter
}

// startObservers starts what is configured. Traces that cannot be exported are no reason not
// to deliver: OTEL_* variables are often given to every pod of a cluster.
func startObservers(ctx context.Context, o Options, roots *x509.CertPool) (observers, error) {
	bugs, err := NewBugReporter(o.Config, o.Version, roots)
	if err != nil {
		return observers{}, err
	}
	traces, err := tracing.Start(ctx, tracing.Options{Env: o.Env, Version: o.Version, Roots: roots, Log: o.Log})
	if err != nil {
		o.Log.ErrorContext(ctx, "there will be no traces", "error", err)
	}
	return observers{traces, bugs}, nil
}

// flushTime is how long the last traces and reports may take. Deliveries have ended by then.
const flushTime = 5 * time.Second

func (w observers) stop(ctx context.Context, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	if err := w.traces.Stop(ctx); err != nil {
		log.WarnContext(ctx, "stopping", "error", err)
	}
	w.bugs.Flush(ctx)
}
