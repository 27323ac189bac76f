package registration

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/conditions"
)

// conditions are those of a status of the registration.
func (s *scope) conditions(status *v1alpha1.LookerRegistrationStatus) conditions.Conditions {
	return conditions.Conditions{List: &status.Conditions, Generation: s.registration.Generation}
}

// newStatus computes the whole status from the facts of a reconcile.
func newStatus(s *scope) *v1alpha1.LookerRegistrationStatus {
	status := s.registration.Status.DeepCopy()
	s.record.copyTo(status)
	status.LastHandledReconcileAt = s.registration.Annotations[v1alpha1.ReconcileAtAnnotation]
	status.ObservedGeneration = s.registration.Generation
	if s.integrations != nil || s.enabled != nil {
		status.Integrations = s.integrations
	}
	if s.enabled != nil {
		status.EnabledIntegrations = s.enabled
	}
	for condition, success := range map[string]string{
		v1alpha1.Registered:         s.registeredMessage(),
		v1alpha1.HubReachable:       "Looker can connect to the hub.",
		v1alpha1.IntegrationsSynced: fmt.Sprintf("%d integrations have the listed settings in Looker.", len(s.registration.Spec.Integrations)),
	} {
		setPart(status, s, condition, success)
	}
	setSummary(status, s)
	return status
}

// deletingStatus is the status of a registration that cannot be deleted.
func deletingStatus(s *scope, p *problem) *v1alpha1.LookerRegistrationStatus {
	status := s.registration.Status.DeepCopy()
	status.ObservedGeneration = s.registration.Generation
	blocked := &problem{class: p.class, reason: v1alpha1.DeletionBlocked, message: fmt.Sprintf(
		"The hub cannot be deleted in Looker: %s If this Looker instance no longer exists: kubectl -n %s annotate lookerregistration %s %s=true",
		p.message, s.registration.Namespace, s.registration.Name, v1alpha1.AbandonAnnotation)}
	summarize(status, s, blocked, blocked)
	return status
}

func (s *scope) registeredMessage() string {
	message := fmt.Sprintf("The hub is registered in Looker with the ID %s.", s.record.hubID)
	if deferred := s.deferred(); deferred != nil {
		message += " " + problemOf(deferred).message
	}
	return message
}

// setPart sets the condition of one part. One that was not checked keeps its value.
func setPart(status *v1alpha1.LookerRegistrationStatus, s *scope, condition, success string) {
	err := s.results[condition]
	switch {
	case err == nil:
		s.conditions(status).Set(condition, metav1.ConditionTrue, v1alpha1.Succeeded, success)
	case errors.Is(err, errNotRun) || condition != v1alpha1.Registered && s.registered == nil:
		s.conditions(status).Keep(condition)
	default:
		p := problemOf(err)
		value := metav1.ConditionFalse
		if s.record.hubID != "" && (p.class == failed || p.reason == v1alpha1.LookerUnreachable || p.reason == v1alpha1.RateLimited) {
			value = metav1.ConditionUnknown // what Looker has is not known now
		}
		s.conditions(status).Set(condition, value, p.reason, p.message)
	}
}

// setSummary sets Ready, Reconciling and Stalled.
func setSummary(status *v1alpha1.LookerRegistrationStatus, s *scope) {
	var blocker *problem
	for _, condition := range []string{v1alpha1.Registered, v1alpha1.HubReachable, v1alpha1.IntegrationsSynced} {
		if err := s.results[condition]; err != nil && !errors.Is(err, errNotRun) {
			blocker = problemOf(err)
			break
		}
	}
	unfinished := blocker
	if deferred := s.deferred(); unfinished == nil && deferred != nil {
		unfinished = problemOf(deferred)
	}
	summarize(status, s, blocker, unfinished)
}

// summarize sets Ready to false because of blocker, and one of Reconciling and Stalled because of
// unfinished. The latter two exist only while they are true (kstatus).
func summarize(status *v1alpha1.LookerRegistrationStatus, s *scope, blocker, unfinished *problem) {
	if blocker == nil {
		s.conditions(status).Set(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded, "Looker's users can use the hub.")
	} else {
		s.conditions(status).Set(v1alpha1.Ready, metav1.ConditionFalse, blocker.reason, blocker.message)
	}
	switch {
	case unfinished == nil:
		s.conditions(status).ClearFlags()
	case unfinished.class == stalled:
		s.conditions(status).SetFlag(v1alpha1.Stalled, unfinished.reason, unfinished.message)
	default:
		s.conditions(status).SetFlag(v1alpha1.Reconciling, unfinished.reason, unfinished.message)
	}
}

// writeStatus writes the status if it changed, and emits an event when Ready changed.
func (r *Reconciler) writeStatus(ctx context.Context, s *scope, status *v1alpha1.LookerRegistrationStatus) (ctrl.Result, error) {
	before := s.registration.Status.DeepCopy()
	err := r.patchStatus(ctx, s, status)
	switch {
	case apierrors.IsNotFound(err): // deleted in the meantime
		return ctrl.Result{}, nil
	case apierrors.IsConflict(err): // the cache is behind: the newer version is reconciled next
		return ctrl.Result{RequeueAfter: cacheDelay}, nil
	case err != nil:
		return ctrl.Result{}, fmt.Errorf("writing the status: %w", err)
	}
	conditions.EmitReady(r.Recorder, s.registration, before.Conditions, status.Conditions)
	return ctrl.Result{}, nil
}

// patchStatus writes a status that differs from the registration's, and makes it that. It fails if another
// version of the registration was written since: two managers never both create a hub.
func (r *Reconciler) patchStatus(ctx context.Context, s *scope, status *v1alpha1.LookerRegistrationStatus) error {
	if equality.Semantic.DeepEqual(&s.registration.Status, status) {
		return nil
	}
	changed := s.registration.DeepCopy()
	changed.Status = *status
	if err := conditions.Write(ctx, r.Client, s.registration.DeepCopy(), changed, controllers.FieldOwner); err != nil {
		return err
	}
	s.registration = changed
	return nil
}
