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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

func (rd *round) set(condition string, o outcome) {
	meta.SetStatusCondition(&rd.status.Conditions, metav1.Condition{
		Type: condition, Status: o.status, Reason: o.reason, Message: o.message, ObservedGeneration: rd.hub.Generation,
	})
}

// waits are the reasons that pass by themselves; with any other the hub is stalled.
var waits = map[string]bool{
	v1alpha1.Pending: true, v1alpha1.Progressing: true, v1alpha1.CertificateNotReady: true, v1alpha1.ReconcileFailed: true,
}

// summarise computes Ready, Reconciling and Stalled from the steps' conditions.
func (rd *round) summarise(steps []step) {
	var first, stalled *metav1.Condition
	for _, s := range steps {
		c := meta.FindStatusCondition(rd.status.Conditions, s.condition)
		if c == nil || c.Status == metav1.ConditionTrue {
			continue
		}
		if first == nil {
			first = c
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
	rd.status.ObservedGeneration = rd.hub.Generation
}

// conflictRetry is a moment for the cache to catch up.
const conflictRetry = 200 * time.Millisecond

// writeStatus writes the status if it changed, and tells people when Ready did.
func (r *Reconciler) writeStatus(ctx context.Context, rd *round) error {
	rd.summarise(r.steps())
	if equality.Semantic.DeepEqual(&rd.hub.Status, rd.status) {
		return nil
	}
	before := meta.FindStatusCondition(rd.hub.Status.Conditions, v1alpha1.Ready)
	base := rd.hub.DeepCopy()
	changed := rd.hub.DeepCopy()
	changed.Status = *rd.status
	err := r.Status().Patch(ctx, changed, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}), FieldOwner)
	switch {
	case apierrors.IsNotFound(err): // deleted meanwhile
		return nil
	case apierrors.IsConflict(err): // the cache was behind: what changed brings another round
		rd.requeue = conflictRetry
		return nil
	case err != nil:
		return fmt.Errorf("writing the status: %w", err)
	}
	now := meta.FindStatusCondition(rd.status.Conditions, v1alpha1.Ready)
	if before == nil || before.Status != now.Status || before.Reason != now.Reason {
		kind := corev1.EventTypeNormal
		if meta.IsStatusConditionTrue(rd.status.Conditions, v1alpha1.Stalled) {
			kind = corev1.EventTypeWarning
		}
		r.Recorder.Eventf(rd.hub, nil, kind, now.Reason, "Reconcile", "%s", now.Message)
	}
	return nil
}
