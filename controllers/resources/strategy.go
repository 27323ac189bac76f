package resources

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	"integrationhub.dev/api/v1alpha1"
)

// strategy returns how the Deployment replaces pods. By default, a new pod is ready before an old one
// stops.
func strategy(hub *v1alpha1.IntegrationHub) *appsv1ac.DeploymentStrategyApplyConfiguration {
	surge, unavailable := intstr.FromInt32(1), intstr.FromInt32(0)
	if s := hub.Spec.Strategy; s != nil && s.RollingUpdate != nil {
		if s.RollingUpdate.MaxSurge != nil {
			surge = *s.RollingUpdate.MaxSurge
		}
		if s.RollingUpdate.MaxUnavailable != nil {
			unavailable = *s.RollingUpdate.MaxUnavailable
		}
	}
	return appsv1ac.DeploymentStrategy().
		WithType(appsv1.RollingUpdateDeploymentStrategyType).
		WithRollingUpdate(appsv1ac.RollingUpdateDeployment().WithMaxUnavailable(unavailable).WithMaxSurge(surge))
}
