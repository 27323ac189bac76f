package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// setUpLogging writes the log of the manager and its libraries as JSON, a line each.
func setUpLogging(out io.Writer, level slog.Leveler) {
	handler := newLogHandler(out, level)
	slog.SetDefault(slog.New(handler))
	ctrl.SetLogger(logr.FromSlogHandler(handler))
	klog.SetSlogLogger(slog.New(handler))
}

func newLogHandler(out io.Writer, level slog.Leveler) slog.Handler {
	return rejectedEvents{slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: encodable})}
}

// rejectedEvents lowers the level of client-go's error about an event in a namespace that is being deleted:
// its objects end there, and no admin can do anything. The older recorder of client-go does the same.
type rejectedEvents struct{ slog.Handler }

// rejectedMessage is client-go's message.
const rejectedMessage = "Server rejected event (will not retry!)"

// Handle implements [slog.Handler].
func (h rejectedEvents) Handle(ctx context.Context, r slog.Record) error {
	if r.Message != rejectedMessage || r.Level < slog.LevelError || !isTerminating(r) {
		return h.Handler.Handle(ctx, r)
	}
	r.Level = slog.LevelDebug
	if !h.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func isTerminating(r slog.Record) (found bool) {
	r.Attrs(func(a slog.Attr) bool {
		err, ok := a.Value.Any().(error)
		found = found || ok && apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
		return !found
	})
	return found
}

// WithAttrs implements [slog.Handler].
func (h rejectedEvents) WithAttrs(attrs []slog.Attr) slog.Handler {
	return rejectedEvents{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (h rejectedEvents) WithGroup(name string) slog.Handler {
	return rejectedEvents{h.Handler.WithGroup(name)}
}

// encodable replaces a value that has no JSON, such as a watch, by its text: slog would write only
// the error.
func encodable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindAny {
		return a
	}
	value := a.Value.Any()
	if _, isError := value.(error); isError {
		return a
	}
	if _, err := json.Marshal(value); err != nil {
		a.Value = slog.StringValue(fmt.Sprint(value))
	}
	return a
}
