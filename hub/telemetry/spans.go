package telemetry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// describe sets a span's name and attributes when the request has ended. They contain no URL
// and no error text, because both may quote data or credentials.
func describe(span trace.Span, method, route string, status int, rec *Record) {
	if !span.IsRecording() {
		return
	}
	if method != http.MethodGet && method != http.MethodPost && method != http.MethodHead {
		method = "_OTHER" // OpenTelemetry's value for unknown methods
	}
	span.SetName(method + " " + route)
	span.SetAttributes(
		attribute.String("http.request.method", method), attribute.String("http.route", route),
		attribute.Int("http.response.status_code", status),
	)
	for key, value := range map[string]string{
		"integrationhub.integration": rec.Integration, "integrationhub.request_id": rec.ID,
		"looker.webhook_id": rec.WebhookID, "looker.instance_id": rec.InstanceID, "integrationhub.outcome": rec.Outcome,
	} {
		if value != "" {
			span.SetAttributes(attribute.String(key, value))
		}
	}
	if rec.Err != nil {
		span.SetStatus(codes.Error, action.KindOf(rec.Err).String())
	}
}

// StartDelivery starts the part of a request in which an integration delivers. What deliver
// reports with the returned context is counted in the stats and traced in the span. The caller
// ends the span.
func StartDelivery(ctx context.Context, stats *DeliveryStats) (context.Context, trace.Span) {
	rec := FromContext(ctx)
	rec.Stats = stats
	tracer := trace.SpanFromContext(ctx).TracerProvider().Tracer("integrationhub.dev/hub")
	ctx, span := tracer.Start(ctx, "deliver "+rec.Integration)
	return deliver.WithObserver(ctx, tracedStats{stats, span}), span
}

// tracedStats also adds retries to the delivery's span as events.
type tracedStats struct {
	*DeliveryStats
	span trace.Span
}

// Retry implements [deliver.Observer].
func (t tracedStats) Retry(err error) {
	t.DeliveryStats.Retry(err)
	t.span.AddEvent("retry", trace.WithAttributes(attribute.String("reason", action.KindOf(err).String())))
}
