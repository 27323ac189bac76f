package resources

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	autoscalingv2ac "k8s.io/client-go/applyconfigurations/autoscaling/v2"

	"integrationhub.dev/api/v1alpha1"
)

// deliveriesMetric is the hub's metric of running deliveries.
const deliveriesMetric = "integrationhub_deliveries_in_flight"

// defaultCPU is the target CPU utilization, in percent, if the spec has no target.
const defaultCPU = 80

// Autoscaler scales the number of pods with the load; nil if spec.autoscaling is not set.
func Autoscaler(in Inputs) *autoscalingv2ac.HorizontalPodAutoscalerApplyConfiguration {
	hub := in.Hub
	a := hub.Spec.Autoscaling
	if a == nil {
		return nil
	}
	spec := autoscalingv2ac.HorizontalPodAutoscalerSpec().
		WithScaleTargetRef(autoscalingv2ac.CrossVersionObjectReference().WithAPIVersion("apps/v1").WithKind("Deployment").WithName(hub.Name)).
		WithMinReplicas(MinReplicas(hub)).
		WithMaxReplicas(a.MaxReplicas).
		WithMetrics(scalingMetrics(a)...)
	if a.Behavior != nil {
		spec.WithBehavior(applied[autoscalingv2ac.HorizontalPodAutoscalerBehaviorApplyConfiguration](a.Behavior))
	}
	return autoscalingv2ac.HorizontalPodAutoscaler(hub.Name, hub.Namespace).
		WithLabels(Labels(hub)).
		WithAnnotations(Annotations(hub)).
		WithOwnerReferences(owner(hub)).
		WithSpec(spec)
}

func scalingMetrics(a *v1alpha1.Autoscaling) []*autoscalingv2ac.MetricSpecApplyConfiguration {
	var metrics []*autoscalingv2ac.MetricSpecApplyConfiguration
	utilization := func(name corev1.ResourceName, percent int32) {
		metrics = append(metrics, autoscalingv2ac.MetricSpec().WithType(autoscalingv2.ResourceMetricSourceType).
			WithResource(autoscalingv2ac.ResourceMetricSource().WithName(name).
				WithTarget(autoscalingv2ac.MetricTarget().WithType(autoscalingv2.UtilizationMetricType).WithAverageUtilization(percent))))
	}
	if n := a.TargetDeliveriesInFlight; n != nil {
		metrics = append(metrics, autoscalingv2ac.MetricSpec().WithType(autoscalingv2.PodsMetricSourceType).
			WithPods(autoscalingv2ac.PodsMetricSource().
				WithMetric(autoscalingv2ac.MetricIdentifier().WithName(deliveriesMetric)).
				WithTarget(autoscalingv2ac.MetricTarget().WithType(autoscalingv2.AverageValueMetricType).
					WithAverageValue(*resource.NewQuantity(int64(*n), resource.DecimalSI)))))
	}
	if a.TargetCPUUtilization != nil {
		utilization(corev1.ResourceCPU, *a.TargetCPUUtilization)
	}
	if a.TargetMemoryUtilization != nil {
		utilization(corev1.ResourceMemory, *a.TargetMemoryUtilization)
	}
	if len(metrics) == 0 {
		utilization(corev1.ResourceCPU, defaultCPU)
	}
	return metrics
}

// MinReplicas returns the minimum number of replicas.
func MinReplicas(hub *v1alpha1.IntegrationHub) int32 {
	if a := hub.Spec.Autoscaling; a != nil {
		if a.MinReplicas != nil {
			return *a.MinReplicas
		}
		return 2
	}
	if hub.Spec.Replicas != nil {
		return *hub.Spec.Replicas
	}
	return 1
}

// MaxReplicas returns the maximum number of replicas.
func MaxReplicas(hub *v1alpha1.IntegrationHub) int32 {
	if a := hub.Spec.Autoscaling; a != nil {
		return a.MaxReplicas
	}
	return MinReplicas(hub)
}
