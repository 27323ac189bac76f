package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"integrationhub.dev/hub/action"
)

// Observer is called for every request of a client, with the request's context, its outcome
// ("ok" or the label of the error's [action.Kind]) and the time until the response's headers.
type Observer func(ctx context.Context, outcome string, took time.Duration)

// tracer reports requests to an [Observer], and traces them below the span of the request's
// context.
//
// A span holds the method, the host and the status. Paths and queries hold credentials (the URL
// of a webhook is its secret), so no URL is recorded: OpenTelemetry's otelhttp records all of it
// but the user. The trace context is not sent to destinations either.
type tracer struct {
	next    http.RoundTripper
	observe Observer
}

// RoundTrip implements [http.RoundTripper].
func (t tracer) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, span := trace.SpanFromContext(req.Context()).TracerProvider().Tracer("integrationhub.dev/hub/outbound").
		Start(req.Context(), req.Method, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("http.request.method", req.Method), attribute.String("server.address", req.URL.Hostname())))
	start := time.Now()
	res, err := t.next.RoundTrip(req.WithContext(ctx))
	outcome := outcomeOf(ctx, res, err)
	if t.observe != nil {
		t.observe(ctx, outcome, time.Since(start))
	}
	if outcome != succeeded {
		span.SetStatus(codes.Error, outcome)
	}
	if err != nil {
		span.End()
		return nil, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", res.StatusCode))
	if span.IsRecording() {
		res.Body = &tracedBody{res.Body, span}
	}
	return res, nil
}

// CloseIdleConnections lets [http.Client] close idle connections.
func (t tracer) CloseIdleConnections() { closeIdleConnections(t.next) }

const succeeded = "ok"

func outcomeOf(ctx context.Context, res *http.Response, err error) string {
	switch {
	case err != nil:
		return action.KindOf(ConnectionError(ctx, err, "the destination")).String()
	case res.StatusCode >= http.StatusBadRequest:
		return action.KindOfStatus(res.StatusCode).String()
	}
	return succeeded
}

// tracedBody ends a span together with the response's body, so that the trace shows a slow
// download or one that breaks off.
type tracedBody struct {
	io.ReadCloser
	span trace.Span
}

func (b *tracedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		if !errors.Is(err, io.EOF) {
			b.span.SetStatus(codes.Error, "the response ended early")
		}
		b.span.End()
	}
	return n, err
}

func (b *tracedBody) Close() error {
	b.span.End()
	return b.ReadCloser.Close()
}
