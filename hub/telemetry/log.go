package telemetry

import (
	"context"
	"io"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/trace"

	"integrationhub.dev/hub/config"
)

// NewLogger creates the hub's logger. Lines that are written with a request's context name the
// request, the delivery and the trace, also when an integration writes them. Of a URL no line
// contains more than the host.
func NewLogger(w io.Writer, c config.Config) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel, ReplaceAttr: redact}
	if c.LogFormat == config.LogText {
		return slog.New(&contextHandler{Handler: slog.NewTextHandler(w, o)})
	}
	return slog.New(&contextHandler{Handler: slog.NewJSONHandler(w, o)})
}

// IntegrationKey is the log attribute with the name of the integration.
const IntegrationKey = "integration"

// contextHandler adds the attributes of the request in the context.
type contextHandler struct {
	slog.Handler
	// named is true when the logger itself has the integration as an attribute.
	named bool
}

// Handle implements [slog.Handler].
func (h *contextHandler) Handle(ctx context.Context, line slog.Record) error {
	rec, span := FromContext(ctx), trace.SpanContextFromContext(ctx)
	integration := rec.Integration
	if h.named {
		integration = ""
	}
	line = scrubLine(ctx, line)
	for _, a := range []slog.Attr{
		slog.String("request_id", rec.ID), slog.String(IntegrationKey, integration),
		slog.String("webhook_id", rec.WebhookID), slog.String("instance_id", rec.InstanceID),
	} {
		if a.Value.String() != "" {
			line.AddAttrs(a)
		}
	}
	if span.IsValid() {
		line.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, line)
}

// WithAttrs implements [slog.Handler].
func (h *contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	named := slices.ContainsFunc(attrs, func(a slog.Attr) bool { return a.Key == IntegrationKey })
	return &contextHandler{h.Handler.WithAttrs(attrs), h.named || named}
}

// WithGroup implements [slog.Handler].
func (h *contextHandler) WithGroup(name string) slog.Handler {
	return &contextHandler{h.Handler.WithGroup(name), h.named}
}
