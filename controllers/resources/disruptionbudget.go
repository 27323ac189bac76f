package resources

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"
)

// DisruptionBudget limits evictions when nodes are drained; nil if the spec disables it, or if there is
// never more than one pod. With autoscaling from 1, it protects the hub while it has more pods; the
// default of one unavailable pod lets a single pod be evicted.
func DisruptionBudget(in Inputs) *policyv1ac.PodDisruptionBudgetApplyConfiguration {
	hub := in.Hub
	b := hub.Spec.PodDisruptionBudget
	if b == nil && MaxReplicas(hub) < 2 || b != nil && b.Disabled {
		return nil
	}
	spec := policyv1ac.PodDisruptionBudgetSpec().
		WithSelector(metav1ac.LabelSelector().WithMatchLabels(Selector(hub))).
		// A pod that is not ready has no deliveries, so it must not delay a drain.
		WithUnhealthyPodEvictionPolicy(policyv1.AlwaysAllow)
	switch {
	case b != nil && b.MinAvailable != nil:
		spec.WithMinAvailable(*b.MinAvailable)
	case b != nil && b.MaxUnavailable != nil:
		spec.WithMaxUnavailable(*b.MaxUnavailable)
	default:
		spec.WithMaxUnavailable(intstr.FromInt32(1))
	}
	return policyv1ac.PodDisruptionBudget(hub.Name, hub.Namespace).
		WithLabels(Labels(hub)).
		WithAnnotations(Annotations(hub)).
		WithOwnerReferences(owner(hub)).
		WithSpec(spec)
}
