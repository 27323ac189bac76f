// Package registration reconciles LookerRegistrations: it registers IntegrationHubs in Looker through
// Looker's API, and keeps the settings of their integrations there.
package registration

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/lookerclient"
)

// Reconciler keeps hubs registered in Looker as LookerRegistrations describe it.
type Reconciler struct {
	client.Client
	// APIReader bypasses the cache, which holds no Secrets.
	APIReader client.Reader
	Recorder  events.EventRecorder
	// Class is the spec.controllerClass of the registrations to manage.
	Class string
	// Looker configures the connections to Looker.
	Looker lookerclient.Options

	sessions    sessions
	corrections corrections
	repairs     repairs
}

// +kubebuilder:rbac:groups=hub.integrationhub.dev,resources=lookerregistrations,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=hub.integrationhub.dev,resources=lookerregistrations/status,verbs=get;patch

// stepFunc brings one part of a registration up to date and adds what it finds to the scope. Its error is
// a [problem], one of Looker's API, or one of the API server.
type stepFunc func(context.Context, *scope) error

// steps returns the steps of a reconcile, in order. Each needs those before it.
func (r *Reconciler) steps() []step {
	return []step{
		{condition: v1alpha1.Registered, run: r.register},
		{condition: v1alpha1.HubReachable, run: r.checkReachable},
		{condition: v1alpha1.IntegrationsSynced, run: r.syncIntegrations},
	}
}

type step struct {
	condition string
	run       stepFunc
}

// Reconcile brings one registration closer to its spec. What it keeps in memory, such as sessions, only
// saves requests: the manager can be killed at any point.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	registration := &v1alpha1.LookerRegistration{}
	if err := r.Get(ctx, req.NamespacedName, registration); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(ctx, req.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if registration.Spec.ControllerClass != r.Class {
		return ctrl.Result{}, nil // another operator manages it
	}
	if !registration.DeletionTimestamp.IsZero() {
		return r.finalize(ctx, registration)
	}
	if err := r.ensureFinalizer(ctx, registration); err != nil {
		return retryChanged(err)
	}
	s := &scope{registration: registration, results: map[string]error{}, record: recordOf(registration.Status)}
	err := r.prerequisites(ctx, s)
	for _, step := range r.steps() {
		if err == nil {
			err = step.run(ctx, s)
			s.results[step.condition] = err
		} else if _, first := s.results[v1alpha1.Registered]; first {
			s.results[step.condition] = errNotRun
		} else {
			s.results[step.condition] = err // a prerequisite is missing
		}
	}
	status := newStatus(s)
	result, err := r.writeStatus(ctx, s, status)
	if err != nil || result.RequeueAfter > 0 {
		return result, err
	}
	return ctrl.Result{RequeueAfter: s.requeueAfter()}, s.failure()
}

// retryChanged reconciles again what was changed in the meantime. A change of nothing but the status or
// the finalizers is no event.
func retryChanged(err error) (ctrl.Result, error) {
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: cacheDelay}, nil
	}
	return ctrl.Result{}, client.IgnoreNotFound(err)
}

// interval returns how often a registration is compared with Looker.
func interval(registration *v1alpha1.LookerRegistration) time.Duration {
	d, err := time.ParseDuration(registration.Spec.Interval)
	if err != nil || d <= 0 { // the CRD validates it
		return 10 * time.Minute
	}
	return d
}

// requeueAfter returns when to reconcile without an event.
func (s *scope) requeueAfter() time.Duration {
	next := jitter(interval(s.registration))
	for _, err := range s.results {
		if err == nil || errors.Is(err, errNotRun) {
			continue
		}
		if p := problemOf(err); p.requeueAfter > 0 {
			next = min(next, p.requeueAfter)
			if p.reason == v1alpha1.RateLimited {
				return p.requeueAfter // not before Looker allows it
			}
		}
	}
	return next
}

// failure is the error that the work queue retries with a backoff.
func (s *scope) failure() error {
	var errs []error
	for _, err := range s.results {
		if err != nil && !errors.Is(err, errNotRun) && problemOf(err).class == failed {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
