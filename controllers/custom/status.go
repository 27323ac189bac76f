package custom

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/resources"
	"integrationhub.dev/controllers/statustext"
)

// The API allows 32768 bytes in a condition's message, which is far more than anybody reads, and 1024 in
// an event's note.
const (
	maxMessage = 4096
	maxNote    = 1024
)

// newStatus computes the whole status from the facts of a reconcile.
func newStatus(s *scope) *v1alpha1.HTTPIntegrationStatus {
	status := s.integration.Status.DeepCopy()
	status.ObservedGeneration = s.integration.Generation
	status.Integration = httpintegration.LookerName(s.integration.Name, &s.integration.Spec)
	status.Version = resources.CustomVersion(s.check.digest)
	status.Hubs = s.hubs[:min(len(s.hubs), maxHubs)]
	status.RunningHubs = 0
	for _, h := range s.hubs {
		if h.Version == status.Version {
			status.RunningHubs++
		}
	}
	invalid := s.invalid()
	setPart(status, s, v1alpha1.Valid, invalid, "The integration is valid.")
	unoffered, waiting := s.unoffered(status.Version)
	setPart(status, s, v1alpha1.Offered, unoffered, fmt.Sprintf("Hubs that run this version: %d.", status.RunningHubs))
	setSummary(status, s, invalid, unoffered, waiting)
	return status
}

// invalid is why hubs do not get the current version; nil if they do.
func (s *scope) invalid() *problem {
	if len(s.check.problems) > 0 {
		return &problem{v1alpha1.NotValid, strings.Join(s.check.problems, " ")}
	}
	return s.secret
}

// unoffered is why hubs do not run a version; nil if all do. waiting is set if that only takes time.
func (s *scope) unoffered(version string) (unoffered *problem, waiting bool) {
	if len(s.hubs) == 0 {
		return &problem{v1alpha1.NotSelected, "No IntegrationHub of this namespace selects the integration. " +
			"Set spec.customIntegrations.selector of one, or change the labels of the integration."}, true
	}
	var pending []string
	for _, h := range s.hubs {
		switch {
		case h.Message != "":
			return &problem{v1alpha1.NotOffered, fmt.Sprintf("IntegrationHub %s: %s", h.Name, h.Message)}, false
		case h.Version != version:
			pending = append(pending, h.Name)
		}
	}
	if len(pending) > 0 {
		return &problem{v1alpha1.Progressing, "Not all pods run this version yet. IntegrationHubs: " + strings.Join(pending, ", ") + "."}, true
	}
	return nil, false
}

func setPart(status *v1alpha1.HTTPIntegrationStatus, s *scope, condition string, p *problem, success string) {
	if p == nil {
		setCondition(status, s, condition, metav1.ConditionTrue, v1alpha1.Succeeded, success)
		return
	}
	setCondition(status, s, condition, metav1.ConditionFalse, p.reason, p.message)
}

// setSummary sets Ready, and one of Reconciling and Stalled, which exist only while they are true (kstatus).
func setSummary(status *v1alpha1.HTTPIntegrationStatus, s *scope, invalid, unoffered *problem, waiting bool) {
	blocker, flag := unoffered, ""
	switch {
	case invalid != nil:
		blocker, flag = invalid, v1alpha1.Stalled
		if s.kept {
			blocker = &problem{invalid.reason, invalid.message + " The last valid version is still offered."}
		}
	case unoffered != nil && waiting:
		flag = v1alpha1.Reconciling
	case unoffered != nil:
		flag = v1alpha1.Stalled
	}
	setPart(status, s, v1alpha1.Ready, blocker, "All hubs that select the integration offer it.")
	for _, condition := range []string{v1alpha1.Stalled, v1alpha1.Reconciling} {
		if condition == flag {
			setCondition(status, s, condition, metav1.ConditionTrue, blocker.reason, blocker.message)
		} else {
			meta.RemoveStatusCondition(&status.Conditions, condition)
		}
	}
}

func setCondition(status *v1alpha1.HTTPIntegrationStatus, s *scope, condition string, value metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: condition, Status: value, Reason: reason, Message: statustext.Truncate(message, maxMessage),
		ObservedGeneration: s.integration.Generation,
	})
}

// conflictRetry gives the cache time to catch up.
const conflictRetry = 200 * time.Millisecond

// writeStatus writes the status if it changed, and emits an event when Ready changed.
func (r *Reconciler) writeStatus(ctx context.Context, i *v1alpha1.HTTPIntegration, status *v1alpha1.HTTPIntegrationStatus) (ctrl.Result, error) {
	if equality.Semantic.DeepEqual(&i.Status, status) {
		return ctrl.Result{}, nil
	}
	changed := i.DeepCopy()
	changed.Status = *status
	err := r.Status().Patch(ctx, changed, client.MergeFromWithOptions(i, client.MergeFromWithOptimisticLock{}), controllers.FieldOwner)
	switch {
	case apierrors.IsNotFound(err): // deleted in the meantime
		return ctrl.Result{}, nil
	case apierrors.IsConflict(err): // the cache is behind: the newer version is reconciled next
		return ctrl.Result{RequeueAfter: conflictRetry}, nil
	case err != nil:
		return ctrl.Result{}, fmt.Errorf("writing the status: %w", err)
	}
	r.emitReadyEvent(i, status)
	return ctrl.Result{}, nil
}

func (r *Reconciler) emitReadyEvent(i *v1alpha1.HTTPIntegration, status *v1alpha1.HTTPIntegrationStatus) {
	was, now := meta.FindStatusCondition(i.Status.Conditions, v1alpha1.Ready), meta.FindStatusCondition(status.Conditions, v1alpha1.Ready)
	if now == nil || was != nil && was.Status == now.Status && was.Reason == now.Reason {
		return
	}
	eventType := corev1.EventTypeNormal
	if meta.IsStatusConditionTrue(status.Conditions, v1alpha1.Stalled) {
		eventType = corev1.EventTypeWarning
	}
	r.Recorder.Eventf(i, nil, eventType, now.Reason, "Reconcile", "%s", statustext.Truncate(now.Message, maxNote))
}
