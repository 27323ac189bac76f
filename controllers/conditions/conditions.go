// Package conditions sets the conditions of the operator's kinds, writes their status, and reports changes of Ready.
package conditions

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/statustext"
)

// MaxMessage limits the message of a condition, in bytes. The API allows 32768, far more than anyone reads.
const MaxMessage = 4096

// Conditions are the conditions of one object, computed for one generation of its spec.
type Conditions struct {
	List       *[]metav1.Condition
	Generation int64
}

// Set sets a condition, and truncates its message to [MaxMessage].
func (c Conditions) Set(condition string, value metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(c.List, metav1.Condition{
		Type: condition, Status: value, Reason: reason, Message: statustext.Truncate(message, MaxMessage), ObservedGeneration: c.Generation,
	})
}

// SetFlag sets Stalled or Reconciling, and removes the other one. They exist only while they are true:
// https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
func (c Conditions) SetFlag(flag, reason, message string) {
	c.ClearFlags(flag)
	c.Set(flag, metav1.ConditionTrue, reason, message)
}

// ClearFlags removes Stalled and Reconciling, except those to keep.
func (c Conditions) ClearFlags(keep ...string) {
	for _, flag := range []string{v1alpha1.Stalled, v1alpha1.Reconciling} {
		if !slices.Contains(keep, flag) {
			meta.RemoveStatusCondition(c.List, flag)
		}
	}
}

// Keep keeps the value of a condition that was not checked; without one it is Unknown.
func (c Conditions) Keep(condition string) {
	if current := meta.FindStatusCondition(*c.List, condition); current != nil {
		c.Set(condition, current.Status, current.Reason, current.Message)
		return
	}
	c.Set(condition, metav1.ConditionUnknown, v1alpha1.Pending, "Not checked yet; see the other conditions.")
}
