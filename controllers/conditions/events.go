package conditions

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/statustext"
)

// MaxNote limits the note of an event, in bytes, as the API does.
const MaxNote = 1024

// EmitReady emits an event if the status or the reason of Ready changed, or if the object is stalled and was not. It is a
// warning while the object is stalled.
func EmitReady(recorder events.EventRecorder, object runtime.Object, before, after []metav1.Condition) {
	was, now := meta.FindStatusCondition(before, v1alpha1.Ready), meta.FindStatusCondition(after, v1alpha1.Ready)
	stalled := meta.IsStatusConditionTrue(after, v1alpha1.Stalled)
	becameStalled := stalled && !meta.IsStatusConditionTrue(before, v1alpha1.Stalled)
	if now == nil || was != nil && was.Status == now.Status && was.Reason == now.Reason && !becameStalled {
		return
	}
	eventType := corev1.EventTypeNormal
	if stalled {
		eventType = corev1.EventTypeWarning
	}
	emit(recorder, object, eventType, now)
}

// EmitWarning emits a warning with a condition's reason and message.
func EmitWarning(recorder events.EventRecorder, object runtime.Object, c *metav1.Condition) {
	emit(recorder, object, corev1.EventTypeWarning, c)
}

func emit(recorder events.EventRecorder, object runtime.Object, eventType string, c *metav1.Condition) {
	recorder.Eventf(object, nil, eventType, c.Reason, "Reconcile", "%s", statustext.Truncate(c.Message, MaxNote))
}
