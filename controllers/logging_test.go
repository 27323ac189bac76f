package controllers

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// A retry that fails in the same way logs nothing: neither here nor in controller-runtime, which logs
// every failed reconcile.
func TestErrorsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	loggers := RequestLogger(logr.FromSlogHandler(slog.NewJSONHandler(&out, nil)), "hub")
	var fails error
	r := newLoggingReconciler(reconcile.Func(func(context.Context, reconcile.Request) (reconcile.Result, error) {
		return reconcile.Result{}, fails
	}), noHubs{})
	req := reconcile.Request{}
	req.Name = "hub"
	run := func() {
		log := loggers(&req)
		_, err := r.Reconcile(ctrl.LoggerInto(t.Context(), log), req)
		if fails != nil && !errors.Is(err, fails) {
			t.Errorf("the error %v is lost: %v", fails, err)
		}
		if err != nil {
			log.Error(err, "Reconciler error") // as controller-runtime does
		}
	}
	for _, fails = range []error{errors.New("first"), errors.New("first"), errors.New("first"), errors.New("second"), nil, nil, errors.New("first")} {
		run()
	}
	log := out.String()
	for text, want := range map[string]int{
		`"err":"first"`: 2, `"err":"second"`: 1, "reconciling succeeded again": 1, "Reconciler error": 0, `"hub":"hub"`: 4,
	} {
		if got := strings.Count(log, text); got != want {
			t.Errorf("%s is logged %d times, want %d:\n%s", text, got, want, log)
		}
	}
}

// noHubs is a cache without hubs.
type noHubs struct{ client.Reader }

func (noHubs) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errors.New("not found")
}
