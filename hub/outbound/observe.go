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
	"integrationhub.dev/hub/panics"
)

// Observer is told of every exchange of a client, with the context of its request: "ok" or
// the label of the [action.Kind] of what went wrong, and how long it took until the answer's
// headers, sending included.
type Observer func(ctx context.Context, outcome string, took time.Duration)

// observed tells of what goes through a transport, and traces it below the span of the
// request's context.
//
// A span holds the method, the host and the status. Paths and queries hold credentials (a
// webhook's address is its secret), so no URL goes in: OpenTelemetry's otelhttp puts in all
// but the user. Nor is the trace context sent out: it would tell strangers which of their
// requests belong together.
type observed struct {
	next http.RoundTripper
	tell Observer
}

// Observed is a transport whose exchanges are traced, told of, and searched for secrets. It is
// the part of a client above its connections, for tests with a transport of their own.
func Observed(next http.RoundTripper, tell Observer) http.RoundTripper { return &observed{next, tell} }

// RoundTrip implements [http.RoundTripper].
func (o *observed) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, span := trace.SpanFromContext(req.Context()).TracerProvider().Tracer("integrationhub.dev/hub/outbound").
		Start(req.Context(), req.Method, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("http.request.method", req.Method), attribute.String("server.address", req.URL.Hostname())))
	SecretsOf(ctx).addRequest(req) // SDKs turn answers into errors by themselves
	start := time.Now()
	res, err := o.next.RoundTrip(withSafeBody(req.WithContext(ctx)))
	outcome := outcomeOf(ctx, res, err)
	if o.tell != nil {
		o.tell(ctx, outcome, time.Since(start))
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

// withSafeBody turns a panic while the body is read into an error: net/http reads it on a
// goroutine of its own, where a bug in an integration's reader would end the hub.
func withSafeBody(req *http.Request) *http.Request {
	if req.Body == nil || req.Body == http.NoBody {
		return req
	}
	req.Body = safeBody{panics.Reader(req.Body), req.Body}
	if open := req.GetBody; open != nil {
		req.GetBody = func() (io.ReadCloser, error) {
			body, err := open()
			if err != nil {
				return nil, err
			}
			return safeBody{panics.Reader(body), body}, nil
		}
	}
	return req
}

type safeBody struct {
	io.Reader
	io.Closer
}

// CloseIdleConnections lets [http.Client] reach the transport's.
func (o *observed) CloseIdleConnections() { (&http.Client{Transport: o.next}).CloseIdleConnections() }

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

// tracedBody ends a span together with the answer's body: what is fetched slowly, or breaks
// off, shows in the trace.
type tracedBody struct {
	io.ReadCloser
	span trace.Span
}

func (b *tracedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		if !errors.Is(err, io.EOF) {
			b.span.SetStatus(codes.Error, "the answer broke off")
		}
		b.span.End()
	}
	return n, err
}

func (b *tracedBody) Close() error {
	b.span.End()
	return b.ReadCloser.Close()
}
