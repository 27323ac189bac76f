package telemetry

import (
	"context"
	"log/slog"

	"integrationhub.dev/hub/outbound"
)

// scrubLine removes the request's secrets from a log line.
func scrubLine(ctx context.Context, line slog.Record) slog.Record {
	clean := slog.NewRecord(line.Time, line.Level, scrub(ctx, line.Message), line.PC)
	line.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(scrubAttr(ctx, a))
		return true
	})
	return clean
}

func scrubAttr(ctx context.Context, a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(scrub(ctx, a.Value.String()))
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.StringValue(scrub(ctx, redactError(err)))
		}
	case slog.KindGroup:
		var group []slog.Attr
		for _, item := range a.Value.Group() {
			group = append(group, scrubAttr(ctx, item))
		}
		a.Value = slog.GroupValue(group...)
	default: // contains no text
	}
	return a
}

func scrub(ctx context.Context, text string) string { return outbound.SecretsOf(ctx).Scrub(text) }
