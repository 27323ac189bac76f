package hub

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// describe names a request's span when all is known. It holds neither addresses nor the
// words of an error: both may quote what is nobody's business but the destination's.
func describe(span trace.Span, method, route string, status int, rec *record) {
	if !span.IsRecording() {
		return
	}
	if method != http.MethodGet && method != http.MethodPost && method != http.MethodHead {
		method = "_OTHER" // what OpenTelemetry calls those that a client may have made up
	}
	span.SetName(method + " " + route)
	span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
	for key, value := range map[string]string{
		"integrationhub.integration": rec.integration, "integrationhub.request_id": rec.id,
		"looker.webhook_id": rec.webhookID, "looker.instance_id": rec.instanceID, "integrationhub.outcome": rec.outcome,
	} {
		if value != "" {
			span.SetAttributes(attribute.String(key, value))
		}
	}
	if rec.err != nil {
		span.SetStatus(codes.Error, action.KindOf(rec.err).String())
	}
}

// beginDelivery begins what an integration does, within its request: it is counted and
// traced by the context that is returned. The caller ends the span.
func beginDelivery(ctx context.Context, t *tally) (context.Context, trace.Span) {
	rec := recordFrom(ctx)
	rec.tally = t
	ctx, span := trace.SpanFromContext(ctx).TracerProvider().Tracer("integrationhub.dev/hub").Start(ctx, "deliver "+rec.integration)
	return deliver.WithObserver(ctx, tracedTally{t, span}), span
}

// tracedTally notes in the delivery's span when a call was made again.
type tracedTally struct {
	*tally
	span trace.Span
}

// Retry implements [deliver.Observer].
func (t tracedTally) Retry(err error) {
	t.tally.Retry(err)
	t.span.AddEvent("retry", trace.WithAttributes(attribute.String("reason", action.KindOf(err).String())))
}
