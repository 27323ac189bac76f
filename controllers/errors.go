package controllers

import (
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// waitingError is returned by a step that waits for another controller. The hub is Reconciling.
type waitingError struct {
	reason, message string
	// requeueAfter is set where no watch reports the end of the wait.
	requeueAfter time.Duration
	// forFiles is set if the wait ends when pods have read files that the kubelet updates.
	forFiles bool
}

func (e *waitingError) Error() string { return e.message }

// stalledError is returned by a step that cannot finish before an admin changes something. The
// hub is Stalled.
type stalledError struct {
	reason, message string
	// requeueAfter is set where no watch reports the admin's change.
	requeueAfter time.Duration
	// forFiles is set if the hub also waits for pods to read files that the kubelet updates.
	forFiles bool
}

func (e *stalledError) Error() string { return e.message }

// unknownError says why a condition is Unknown: the part was not checked yet. The hub does not wait
// for it.
type unknownError struct{ reason, message string }

func (e *unknownError) Error() string { return e.message }

// errNotRun is returned by a step that other conditions keep from running. Its condition keeps
// its value.
var errNotRun = errors.New("not run")

func waiting(reason, format string, args ...any) error {
	return &waitingError{reason: reason, message: fmt.Sprintf(format, args...)}
}

func stalled(reason, format string, args ...any) error {
	return &stalledError{reason: reason, message: fmt.Sprintf(format, args...)}
}

// applyError wraps an error of applying an object. What the API server refuses as invalid stays so
// until the spec changes: the hub is stalled.
func applyError(kind, name string, err error) error {
	err = fmt.Errorf("applying %s %s: %w", kind, name, err)
	if !apierrors.IsInvalid(err) {
		return err
	}
	return &stalledError{
		reason:       v1alpha1.SpecInvalid,
		message:      sentence(err.Error()) + " Correct the part of the spec that the error names.",
		requeueAfter: pollInterval,
	}
}

// kindMissing is returned when the cluster lacks a CRD that the spec needs.
func kindMissing(kind schema.GroupVersionKind) error {
	from := origins[kind.Group]
	return &stalledError{
		reason: v1alpha1.KindMissing,
		message: fmt.Sprintf("%s of %s is not installed in this cluster. "+
			"Install a version of %s that includes it, or remove %s. Reconciliation resumes automatically.",
			kind.Kind, kind.GroupVersion(), from.product, from.field),
		requeueAfter: pollInterval,
	}
}

// origins names the product that installs an optional kind, and the field that needs it.
var origins = map[string]struct{ product, field string }{
	resources.CertificateKind.Group:    {product: "cert-manager", field: "spec.tls.issuerRef"},
	resources.HTTPRouteKind.Group:      {product: "the Gateway API", field: "spec.exposure.gateway"},
	resources.ServiceMonitorKind.Group: {product: "the Prometheus operator", field: "spec.monitoring"},
}
