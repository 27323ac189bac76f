package hub

import (
	"context"
	"fmt"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"integrationhub.dev/hub/version"
)

// tracing follows deliveries through the hub, by the standard variables of OpenTelemetry
// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Unless
// they name an exporter nothing is traced and nothing runs.
//
// Looker's own trace goes on in the hub's. Destinations are not told of it: who they are
// delivered to by, and how, is none of their business.
type tracing struct {
	provider *sdktrace.TracerProvider // nil when nothing is traced
}

// wantsTraces is whether the environment names an exporter.
func wantsTraces(env map[string]string) bool {
	if env["OTEL_SDK_DISABLED"] == "true" {
		return false
	}
	switch env["OTEL_TRACES_EXPORTER"] {
	case "otlp":
		return true
	case "":
		return env["OTEL_EXPORTER_OTLP_ENDPOINT"] != "" || env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] != ""
	}
	return false
}

func newTracing(ctx context.Context, env map[string]string) (*tracing, error) {
	if !wantsTraces(env) {
		return &tracing{}, nil
	}
	exporter, err := otlptracehttp.New(ctx) // it reads the OTEL_EXPORTER_OTLP_* variables
	if err != nil {
		return nil, fmt.Errorf("starting the export of traces: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "integration-hub"), attribute.String("service.version", version.Current().Version)),
		resource.WithFromEnv()) // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win
	if err != nil {
		return nil, fmt.Errorf("describing the source of traces: %w", err)
	}
	// The provider reads OTEL_TRACES_SAMPLER and OTEL_BSP_*.
	return &tracing{sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))}, nil
}

// end sends what has not been sent yet.
func (t *tracing) end(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// inbound traces requests of Looker. A span is named after the route, and holds neither the
// address, which may carry a sign-in's state, nor a header.
func (t *tracing) inbound(next http.Handler) http.Handler {
	if t.provider == nil {
		return next
	}
	return otelhttp.NewHandler(next, "request",
		otelhttp.WithTracerProvider(t.provider),
		otelhttp.WithPropagators(propagation.TraceContext{}))
}

// outbound traces calls of a client: the method and the host, never the rest of an address.
func (t *tracing) outbound(c *http.Client) {
	if t.provider != nil {
		c.Transport = spanTransport{c.Transport, t.provider.Tracer("integrationhub.dev/hub")}
	}
}

// spanTransport is used in place of otelhttp's, which records whole addresses: those of
// webhooks and downloads are secrets.
type spanTransport struct {
	next   http.RoundTripper
	tracer trace.Tracer
}

// RoundTrip implements [http.RoundTripper].
func (s spanTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, span := s.tracer.Start(req.Context(), req.Method, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", req.Method), attribute.String("server.address", req.URL.Hostname())))
	defer span.End()
	res, err := s.next.RoundTrip(req.WithContext(ctx))
	switch {
	case err != nil:
		span.SetStatus(codes.Error, "no answer")
	default:
		span.SetAttributes(attribute.Int("http.response.status_code", res.StatusCode))
		if res.StatusCode >= http.StatusBadRequest {
			span.SetStatus(codes.Error, "")
		}
	}
	return res, err
}

// describeSpan says what a request's span is about.
func describeSpan(ctx context.Context, route string, r *record) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetName(route)
	for _, a := range []struct{ key, value string }{
		{"looker.webhook_id", r.webhookID}, {"looker.instance_id", r.instanceID}, {"integrationhub.integration", r.integration},
	} {
		if a.value != "" {
			span.SetAttributes(attribute.String(a.key, a.value))
		}
	}
	if r.err != nil {
		span.SetStatus(codes.Error, "not delivered")
	}
}
