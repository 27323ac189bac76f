// Package tracing sends OpenTelemetry traces by OTLP over HTTP, when the standard OTEL_*
// variables ask for it. When they do not, nothing is started.
//
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
package tracing

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Traces begins the traces of requests. Its zero value begins none.
//
// Whatever serves a request finds its span, and by it the means to begin further ones, in
// the request's context: [trace.SpanFromContext].
type Traces struct {
	provider *sdktrace.TracerProvider
	// joins is whether a request may belong to its caller's trace.
	joins bool
}

// Options are what traces are made from.
type Options struct {
	// Env is the environment.
	Env map[string]string
	// Version is the build that is running.
	Version string
	// Roots are the certificate authorities to trust, unless a variable names others.
	Roots *x509.CertPool
	Log   *slog.Logger
}

// Start begins to export when the environment asks for it. How traces are sampled and
// batched the SDK reads from the process's own variables (OTEL_TRACES_SAMPLER, OTEL_BSP_*).
func Start(ctx context.Context, o Options) (Traces, error) {
	if !wanted(o.Env) {
		return Traces{}, nil
	}
	s, err := readSettings(o.Env)
	if err != nil {
		return Traces{}, fmt.Errorf("reading the settings of traces: %w", err)
	}
	up, err := newUploader(s, o)
	if err != nil {
		return Traces{}, fmt.Errorf("preparing the export of traces: %w", err)
	}
	exporter, err := otlptrace.New(ctx, up)
	if err != nil {
		return Traces{}, fmt.Errorf("starting the export of traces: %w", err)
	}
	// The uploader has told already, once; the SDK tells again for each batch.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { o.Log.DebugContext(ctx, "tracing", "error", err) }))
	self, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("integration-hub"), semconv.ServiceVersion(o.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return Traces{}, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	o.Log.InfoContext(ctx, "traces are exported", "endpoint", up.endpoint)
	return Traces{
		provider: sdktrace.NewTracerProvider(sdktrace.WithResource(self), sdktrace.WithBatcher(exporter)),
		joins:    joins(o.Env),
	}, nil
}

// Request begins the span of a request that arrived, in its caller's trace if it says which
// (https://www.w3.org/TR/trace-context/). The caller names the span and ends it.
func (t Traces) Request(ctx context.Context, r *http.Request) (context.Context, trace.Span) {
	if t.provider == nil {
		return ctx, trace.SpanFromContext(ctx)
	}
	if t.joins {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	return t.provider.Tracer("integrationhub.dev/hub").Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
}

// Stop exports what has not been exported yet.
func (t Traces) Stop(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("exporting the last traces: %w", err)
	}
	return nil
}
