package hub

import (
	"context"
	"io"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/trace"

	"integrationhub.dev/hub/config"
)

// NewLogger makes the hub's logger. Each line that is written with a request's context says
// which request, delivery and trace it belongs to, also where an integration writes it; and
// no line shows more of a URL than its host.
func NewLogger(w io.Writer, c config.Config) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel, ReplaceAttr: redact}
	if c.LogFormat == config.LogText {
		return slog.New(&contextHandler{Handler: slog.NewTextHandler(w, o)})
	}
	return slog.New(&contextHandler{Handler: slog.NewJSONHandler(w, o)})
}

// integrationKey is the attribute that names the integration.
const integrationKey = "integration"

// contextHandler adds what the context knows.
type contextHandler struct {
	slog.Handler
	// named is whether the logger says by itself which integration it belongs to.
	named bool
}

// Handle implements [slog.Handler].
func (h *contextHandler) Handle(ctx context.Context, line slog.Record) error {
	rec, span := recordFrom(ctx), trace.SpanContextFromContext(ctx)
	integration := rec.integration
	if h.named {
		integration = ""
	}
	line = scrubLine(ctx, line)
	for _, a := range []slog.Attr{
		slog.String("request_id", rec.id), slog.String(integrationKey, integration),
		slog.String("webhook_id", rec.webhookID), slog.String("instance_id", rec.instanceID),
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
	named := slices.ContainsFunc(attrs, func(a slog.Attr) bool { return a.Key == integrationKey })
	return &contextHandler{h.Handler.WithAttrs(attrs), h.named || named}
}

// WithGroup implements [slog.Handler].
func (h *contextHandler) WithGroup(name string) slog.Handler {
	return &contextHandler{h.Handler.WithGroup(name), h.named}
}
