package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"integrationhub.dev/api/v1alpha1"
)

// loggingReconciler logs the errors of reconciles, each once: a retry that fails in the same way adds
// nothing.
type loggingReconciler struct {
	reconcile.Reconciler
	// hubs reads hubs, whose changes are logged with their cause; nil for other objects.
	hubs client.Reader

	mu sync.Mutex
	// failing has the last error of each hub that cannot be reconciled.
	failing map[reconcile.Request]string
	// seen has the last generation of each hub that was reconciled: the cache's status lags behind.
	seen map[reconcile.Request]int64
}

func newLoggingReconciler(r reconcile.Reconciler, hubs client.Reader) *loggingReconciler {
	return &loggingReconciler{
		Reconciler: r, hubs: hubs, failing: map[reconcile.Request]string{}, seen: map[reconcile.Request]int64{},
	}
}

// LogErrors returns a reconciler that logs each error once, and its end.
func LogErrors(r reconcile.Reconciler) reconcile.Reconciler { return newLoggingReconciler(r, nil) }

// loggedError is an error that is in the log already.
type loggedError struct{ error }

func (e loggedError) Unwrap() error { return e.error }

// Reconcile implements [reconcile.Reconciler].
func (l *loggingReconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	if l.hubs != nil {
		ctx = l.addCause(ctx, req)
	}
	result, err := l.Reconciler.Reconcile(ctx, req)
	l.mu.Lock()
	last, failed := l.failing[req]
	if err == nil {
		delete(l.failing, req)
	} else {
		l.failing[req] = err.Error()
	}
	l.mu.Unlock()
	log := ctrl.LoggerFrom(ctx)
	switch {
	case ctx.Err() != nil: // the manager stops
	case err == nil && failed:
		log.Info("reconciling succeeded again")
	case err != nil && err.Error() != last:
		log.Error(err, "reconciling failed; retrying")
	}
	if err != nil {
		return result, loggedError{err}
	}
	return result, nil
}

// addCause adds what caused the reconcile of a hub to its context.
func (l *loggingReconciler) addCause(ctx context.Context, req reconcile.Request) context.Context {
	hub := &v1alpha1.IntegrationHub{}
	exists := l.hubs.Get(ctx, req.NamespacedName, hub) == nil
	l.mu.Lock()
	defer l.mu.Unlock()
	if !exists {
		delete(l.seen, req)
		return ctx
	}
	ctx = withCause(ctx, hub.Generation, max(hub.Status.ObservedGeneration, l.seen[req]))
	l.seen[req] = hub.Generation
	return ctx
}

// onceSink drops errors that are in the log already: controller-runtime logs each failed retry.
type onceSink struct{ logr.LogSink }

func (s onceSink) Error(err error, message string, keysAndValues ...any) {
	if !errors.As(err, &loggedError{}) {
		s.LogSink.Error(err, message, keysAndValues...)
	}
}

func (s onceSink) WithValues(keysAndValues ...any) logr.LogSink {
	return onceSink{s.LogSink.WithValues(keysAndValues...)}
}

func (s onceSink) WithName(name string) logr.LogSink { return onceSink{s.LogSink.WithName(name)} }

// RequestLogger returns the loggers of reconciles. Their lines name the object, under the given key.
func RequestLogger(log logr.Logger, key string) func(*reconcile.Request) logr.Logger {
	log = logr.New(onceSink{log.GetSink()})
	return func(req *reconcile.Request) logr.Logger {
		if req == nil {
			return log
		}
		return log.WithValues("namespace", req.Namespace, key, req.Name)
	}
}

// LogEvents returns a recorder that also logs each event, so that the log says what changed in the
// state of a hub.
func LogEvents(recorder events.EventRecorder, log logr.Logger) events.EventRecorder {
	return eventLogger{recorder, log}
}

type eventLogger struct {
	events.EventRecorder
	log logr.Logger
}

// Eventf implements [events.EventRecorder].
func (e eventLogger) Eventf(regarding, related runtime.Object, eventType, reason, action, note string, args ...any) {
	e.EventRecorder.Eventf(regarding, related, eventType, reason, action, note, args...)
	values := []any{"reason", reason, "message", fmt.Sprintf(note, args...)}
	kind := "hub"
	switch regarding.(type) {
	case *v1alpha1.LookerRegistration:
		kind = "registration"
	case *v1alpha1.HTTPIntegration:
		kind = "integration"
	}
	if o, ok := regarding.(client.Object); ok {
		values = append(values, "namespace", o.GetNamespace(), kind, o.GetName())
	}
	if eventType == corev1.EventTypeWarning {
		e.log.Info(kind+" has a problem", values...)
	} else {
		e.log.Info(kind+" changed", values...)
	}
}
