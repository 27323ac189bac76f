package resources

import (
	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"integrationhub.dev/api/v1alpha1"
)

// schedule sets on which nodes the pods run. By default they are spread over nodes, so that the hub
// survives the loss of one.
func schedule(spec *corev1ac.PodSpecApplyConfiguration, hub *v1alpha1.IntegrationHub) {
	s := hub.Spec.Scheduling
	if s == nil || len(s.TopologySpreadConstraints) == 0 {
		spec.WithTopologySpreadConstraints(corev1ac.TopologySpreadConstraint().
			WithMaxSkew(1).WithTopologyKey("kubernetes.io/hostname").WithWhenUnsatisfiable(corev1.ScheduleAnyway).
			WithLabelSelector(metav1ac.LabelSelector().WithMatchLabels(Selector(hub))))
	}
	if s == nil {
		return
	}
	for _, c := range s.TopologySpreadConstraints {
		spec.WithTopologySpreadConstraints(applied[corev1ac.TopologySpreadConstraintApplyConfiguration](c))
	}
	for _, t := range s.Tolerations {
		spec.WithTolerations(applied[corev1ac.TolerationApplyConfiguration](t))
	}
	if len(s.NodeSelector) > 0 {
		spec.WithNodeSelector(labelMap(s.NodeSelector))
	}
	if s.Affinity != nil {
		spec.WithAffinity(applied[corev1ac.AffinityApplyConfiguration](s.Affinity))
	}
	if s.PriorityClassName != "" {
		spec.WithPriorityClassName(s.PriorityClassName)
	}
}
