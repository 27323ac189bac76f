package controllers

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

// maxMessage and maxNote are how many bytes there may be in a condition's message, of the
// 32768 that the API takes, and in an event's note, where it takes no more.
const (
	maxMessage = 4096
	maxNote    = 1024
)

func (rd *round) set(condition string, o outcome) {
	meta.SetStatusCondition(&rd.status.Conditions, metav1.Condition{
		Type: condition, Status: o.status, Reason: o.reason, Message: clip(o.message, maxMessage), ObservedGeneration: rd.hub.Generation,
	})
}

// unchanged is what a condition said before.
func unchanged(rd *round, condition string) outcome {
	c := meta.FindStatusCondition(rd.status.Conditions, condition)
	if c == nil {
		return notDone(v1alpha1.Pending, "Nothing was changed; see the other conditions.")
	}
	return outcome{c.Status, c.Reason, c.Message}
}

// waits are the reasons that pass by themselves; with any other the hub is stalled.
var waits = map[string]bool{
	v1alpha1.Pending: true, v1alpha1.Progressing: true, v1alpha1.CertificateNotReady: true, v1alpha1.ReconcileFailed: true,
	v1alpha1.AddressPending: true,
}

// summarise computes Ready, Reconciling and Stalled from the steps' conditions.
func (rd *round) summarise(steps []step) {
	var first, stalled *metav1.Condition
	for _, s := range steps {
		if s.aside {
			continue
		}
		c := meta.FindStatusCondition(rd.status.Conditions, s.condition)
		if c == nil || c.Status == metav1.ConditionTrue {
			continue
		}
		if first == nil || (c.Reason == v1alpha1.ReconcileFailed && first.Reason != v1alpha1.ReconcileFailed) {
			first = c // what goes wrong goes before what only takes time
		}
		if stalled == nil && !waits[c.Reason] {
			stalled = c
		}
	}
	flag := func(condition string, c *metav1.Condition) {
		if c == nil {
			meta.RemoveStatusCondition(&rd.status.Conditions, condition)
			return
		}
		rd.set(condition, outcome{metav1.ConditionTrue, c.Reason, c.Message})
	}
	switch {
	case first == nil:
		rd.set(v1alpha1.Ready, done("Looker can use the hub."))
		flag(v1alpha1.Stalled, nil)
		flag(v1alpha1.Reconciling, nil)
	case stalled != nil:
		rd.set(v1alpha1.Ready, outcome{metav1.ConditionFalse, stalled.Reason, stalled.Message})
		flag(v1alpha1.Stalled, stalled)
		flag(v1alpha1.Reconciling, nil)
	default:
		rd.set(v1alpha1.Ready, outcome{metav1.ConditionFalse, first.Reason, first.Message})
		flag(v1alpha1.Stalled, nil)
		flag(v1alpha1.Reconciling, first)
	}
	meta.RemoveStatusCondition(&rd.status.Conditions, v1alpha1.Paused)
	rd.status.ObservedGeneration = rd.hub.Generation
}

// pause says that a hub is left as it is. What the other conditions say stays: it was true
// when the operator last looked.
func (r *Reconciler) pause(ctx context.Context, hub *v1alpha1.IntegrationHub) (ctrl.Result, error) {
	rd := &round{hub: hub, status: hub.Status.DeepCopy()}
	rd.set(v1alpha1.Paused, outcome{metav1.ConditionTrue, v1alpha1.SpecPaused, "spec.paused is true: the operator changes nothing, and the other conditions may be out of date."})
	err := r.patchStatus(ctx, rd)
	return ctrl.Result{RequeueAfter: rd.requeue}, err
}

// conflictRetry is a moment for the cache to catch up.
const conflictRetry = 200 * time.Millisecond

// writeStatus writes the status if it changed, and tells people when Ready did.
func (r *Reconciler) writeStatus(ctx context.Context, rd *round) error {
	rd.summarise(r.steps())
	before := meta.FindStatusCondition(rd.hub.Status.Conditions, v1alpha1.Ready)
	now := meta.FindStatusCondition(rd.status.Conditions, v1alpha1.Ready)
	if err := r.patchStatus(ctx, rd); err != nil || rd.stale {
		return err
	}
	if before == nil || before.Status != now.Status || before.Reason != now.Reason {
		kind := corev1.EventTypeNormal
		if meta.IsStatusConditionTrue(rd.status.Conditions, v1alpha1.Stalled) {
			kind = corev1.EventTypeWarning
		}
		r.Recorder.Eventf(rd.hub, nil, kind, now.Reason, "Reconcile", "%s", clip(now.Message, maxNote))
	}
	return nil
}

// patchStatus writes the status if it changed.
func (r *Reconciler) patchStatus(ctx context.Context, rd *round) error {
	if equality.Semantic.DeepEqual(&rd.hub.Status, rd.status) {
		return nil
	}
	base := rd.hub.DeepCopy()
	changed := rd.hub.DeepCopy()
	changed.Status = *rd.status
	err := r.Status().Patch(ctx, changed, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}), FieldOwner)
	switch {
	case apierrors.IsNotFound(err): // deleted meanwhile
		rd.stale = true
		return nil
	case apierrors.IsConflict(err): // the cache was behind: what changed brings another round
		rd.stale = true
		rd.again(conflictRetry)
		return nil
	case err != nil:
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}
