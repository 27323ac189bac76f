package hub

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// NewLogger makes the hub's log as its configuration asks for it.
func NewLogger(c Config, to io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.Debug {
		options.Level = slog.LevelDebug
	}
	if c.LogFormat == logText {
		return slog.New(slog.NewTextHandler(to, options))
	}
	return slog.New(slog.NewJSONHandler(to, options))
}

// logFormat is how lines look.
type logFormat string

const (
	logJSON logFormat = "json"
	logText logFormat = "text"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (f *logFormat) UnmarshalText(text []byte) error {
	switch v := logFormat(strings.ToLower(string(text))); v {
	case logJSON, logText:
		*f = v
		return nil
	}
	return fmt.Errorf("the log format is json or text, not %q", text)
}

// fromContext adds to each line which request it belongs to, so that neither the hub nor an
// integration has to.
type fromContext struct{ slog.Handler }

// Handle implements [slog.Handler].
func (h fromContext) Handle(ctx context.Context, line slog.Record) error {
	if r, ok := ctx.Value(recordKey{}).(*record); ok {
		line = line.Clone()
		for _, a := range []struct{ key, value string }{
			{"request_id", r.id}, {"integration", r.integration}, {"webhook_id", r.webhookID}, {"instance_id", r.instanceID},
		} {
			if a.value != "" {
				line.AddAttrs(slog.String(a.key, a.value))
			}
		}
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		line = line.Clone()
		line.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, line)
}

// WithAttrs implements [slog.Handler].
func (h fromContext) WithAttrs(attrs []slog.Attr) slog.Handler {
	return fromContext{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (h fromContext) WithGroup(name string) slog.Handler {
	return fromContext{h.Handler.WithGroup(name)}
}
