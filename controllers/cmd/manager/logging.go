package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// setUpLogging writes the log of the manager and its libraries as JSON, a line each.
func setUpLogging(out io.Writer, level slog.Leveler) {
	handler := slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: encodable})
	slog.SetDefault(slog.New(handler))
	ctrl.SetLogger(logr.FromSlogHandler(handler))
	klog.SetSlogLogger(slog.New(handler))
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
