// Package tracing exports OpenTelemetry traces with OTLP over HTTP if the standard OTEL_* variables
// enable it.
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

// Traces starts the traces of requests. Its zero value starts none. The code that serves a request
// gets its span, and the tracer for further ones, with [trace.SpanFromContext].
type Traces struct {
	provider *sdktrace.TracerProvider
	// joins is whether a request continues its caller's trace.
	joins bool
}

// Options are the arguments of [Start].
type Options struct {
	// Env is the environment.
	Env map[string]string
	// Version is the version of the running build.
	Version string
	// Roots are the default certificate authorities.
	Roots *x509.CertPool
	Log   *slog.Logger
}

// Start starts the export if the environment enables it. The SDK reads the settings of sampling and
// batching from the process's environment (OTEL_TRACES_SAMPLER, OTEL_BSP_*).
func Start(ctx context.Context, o Options) (Traces, error) {
	if !wanted(o.Env) {
		return Traces{}, nil
	}
	s, err := readSettings(o.Env)
	if err != nil {
		return Traces{}, fmt.Errorf("reading the tracing settings: %w", err)
	}
	up, err := newUploader(s, o)
	if err != nil {
		return Traces{}, fmt.Errorf("preparing the export of traces: %w", err)
	}
	exporter, err := otlptrace.New(ctx, up)
	if err != nil {
		return Traces{}, fmt.Errorf("starting the export of traces: %w", err)
	}
	// The uploader logs a failure once; the SDK reports it for each batch.
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

// Request starts the span of an incoming request, in its caller's trace if it has one
// (https://www.w3.org/TR/trace-context/). The caller names and ends the span.
func (t Traces) Request(ctx context.Context, r *http.Request) (context.Context, trace.Span) {
	if t.provider == nil {
		return ctx, trace.SpanFromContext(ctx)
	}
	if t.joins {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	return t.provider.Tracer("integrationhub.dev/hub").Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
}

// Stop exports the remaining traces.
func (t Traces) Stop(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("exporting the last traces: %w", err)
	}
	return nil
}
