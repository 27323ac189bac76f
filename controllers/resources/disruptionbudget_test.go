package resources_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// A hub that may have several pods has a budget, also while autoscaling has reduced it to one.
func TestDisruptionBudgetOfScalableHubs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spec v1alpha1.IntegrationHubSpec
		want bool
	}{
		"one replica":                 {v1alpha1.IntegrationHubSpec{Replicas: new(int32(1))}, false},
		"two replicas":                {v1alpha1.IntegrationHubSpec{Replicas: new(int32(2))}, true},
		"autoscaling from 1 to 4":     {v1alpha1.IntegrationHubSpec{Autoscaling: &v1alpha1.Autoscaling{MinReplicas: new(int32(1)), MaxReplicas: 4}}, true},
		"autoscaling from 1 to 1":     {v1alpha1.IntegrationHubSpec{Autoscaling: &v1alpha1.Autoscaling{MinReplicas: new(int32(1)), MaxReplicas: 1}}, false},
		"disabled although there are": {v1alpha1.IntegrationHubSpec{Replicas: new(int32(2)), PodDisruptionBudget: &v1alpha1.PodDisruptionBudget{Disabled: true}}, false},
	} {
		hub := &v1alpha1.IntegrationHub{ObjectMeta: metav1.ObjectMeta{Name: "hub", Namespace: "looker"}, Spec: tt.spec}
		budget := resources.DisruptionBudget(resources.Inputs{Hub: hub})
		if (budget != nil) != tt.want {
			t.Errorf("%s: budget %v, want one: %v", name, budget, tt.want)
		}
		if budget != nil && budget.Spec.MaxUnavailable.IntVal != 1 {
			t.Errorf("%s: maxUnavailable is %v, want 1, which lets a single pod be evicted", name, budget.Spec.MaxUnavailable)
		}
	}
}
