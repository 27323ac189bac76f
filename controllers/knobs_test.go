package controllers_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"integrationhub.dev/api/v1alpha1"
)

// Values of the Service and of the strategy that cannot work are refused by the API server.
func TestCRDRefusesServiceAndStrategy(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	service := func(e v1alpha1.ServiceExposure) func(*v1alpha1.IntegrationHubSpec) {
		return func(s *v1alpha1.IntegrationHubSpec) { s.Exposure = &v1alpha1.Exposure{Service: &e} }
	}
	rolling := func(surge, unavailable *intstr.IntOrString) func(*v1alpha1.IntegrationHubSpec) {
		return func(s *v1alpha1.IntegrationHubSpec) {
			s.Strategy = &v1alpha1.Strategy{RollingUpdate: &v1alpha1.RollingUpdate{MaxSurge: surge, MaxUnavailable: unavailable}}
		}
	}
	for name, tt := range map[string]struct {
		change func(*v1alpha1.IntegrationHubSpec)
		want   string
	}{
		"Recreate": {want: "Recreate would stop all pods at once", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.Strategy = &v1alpha1.Strategy{Type: "Recreate"}
		}},
		"no surge by default":        {want: "must not both be 0", change: rolling(new(intstr.FromInt32(0)), nil)},
		"no surge, none unavailable": {want: "must not both be 0", change: rolling(new(intstr.FromString("0%")), new(intstr.FromInt32(0)))},
		"negative surge":             {want: "maxSurge must not be negative", change: rolling(new(intstr.FromInt32(-1)), nil)},
		"surge as a word":            {want: "spec.strategy.rollingUpdate.maxSurge", change: rolling(new(intstr.FromString("lots")), nil)},
		"more than all unavailable":  {want: "spec.strategy.rollingUpdate.maxUnavailable", change: rolling(nil, new(intstr.FromString("101%")))},
		"traffic policy without external traffic": {
			want: "externalTrafficPolicy requires type NodePort or LoadBalancer", change: service(v1alpha1.ServiceExposure{ExternalTrafficPolicy: "Local"}),
		},
		"unknown traffic policy": {
			want: `Unsupported value: "Global"`, change: service(v1alpha1.ServiceExposure{Type: "NodePort", ExternalTrafficPolicy: "Global"}),
		},
		"unknown family": {want: `Unsupported value: "IPv5"`, change: service(v1alpha1.ServiceExposure{IPFamilies: []corev1.IPFamily{"IPv5"}})},
		"one family twice": {want: "must not repeat a family", change: service(v1alpha1.ServiceExposure{
			IPFamilies: []corev1.IPFamily{"IPv4", "IPv4"}, IPFamilyPolicy: new(corev1.IPFamilyPolicyPreferDualStack),
		})},
		"two families in a single stack": {want: "two ipFamilies require ipFamilyPolicy", change: service(v1alpha1.ServiceExposure{
			IPFamilies: []corev1.IPFamily{"IPv4", "IPv6"}, IPFamilyPolicy: new(corev1.IPFamilyPolicySingleStack),
		})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := f.hub()
			h.Name, h.GenerateName = "", "refused-"
			tt.change(&h.Spec)
			if err := f.api.Create(t.Context(), h); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("creating it: %v, want %q", err, tt.want)
			}
		})
	}
}

// The API server accepts the Service and the strategy of a hub that sets everything, and both go
// back to their defaults.
func TestServiceAndStrategy(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	type properties struct {
		Type       corev1.ServiceType
		Policy     corev1.ServiceExternalTrafficPolicy
		IPFamilies corev1.IPFamilyPolicy
		Label      string
		Strategy   appsv1.DeploymentStrategy
	}
	got := func() properties {
		s, d := get(f, "hub", &corev1.Service{}), get(f, "hub", &appsv1.Deployment{})
		return properties{
			Type: s.Spec.Type, Policy: s.Spec.ExternalTrafficPolicy, IPFamilies: *s.Spec.IPFamilyPolicy, Label: s.Labels["pool"],
			Strategy: d.Spec.Strategy,
		}
	}
	strategy := func(surge, unavailable intstr.IntOrString) appsv1.DeploymentStrategy {
		return appsv1.DeploymentStrategy{
			Type:          appsv1.RollingUpdateDeploymentStrategyType,
			RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: &surge, MaxUnavailable: &unavailable},
		}
	}
	before := got()
	if diff := cmp.Diff(strategy(intstr.FromInt32(1), intstr.FromInt32(0)), before.Strategy); diff != "" {
		t.Errorf("default strategy (-want +got):\n%s", diff)
	}
	f.edit(func(s *v1alpha1.IntegrationHubSpec) {
		s.Strategy = &v1alpha1.Strategy{RollingUpdate: &v1alpha1.RollingUpdate{
			MaxSurge: new(intstr.FromInt32(0)), MaxUnavailable: new(intstr.FromString("25%")),
		}}
		s.Exposure = &v1alpha1.Exposure{Service: &v1alpha1.ServiceExposure{
			Type: corev1.ServiceTypeNodePort, ExternalTrafficPolicy: corev1.ServiceExternalTrafficPolicyLocal,
			IPFamilyPolicy: new(corev1.IPFamilyPolicyPreferDualStack), IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol},
			Labels: map[string]v1alpha1.LabelValue{"pool": "internal"},
		}}
	})
	f.reconcile()
	want := properties{
		Type: corev1.ServiceTypeNodePort, Policy: corev1.ServiceExternalTrafficPolicyLocal, IPFamilies: corev1.IPFamilyPolicyPreferDualStack,
		Label: "internal", Strategy: strategy(intstr.FromInt32(0), intstr.FromString("25%")),
	}
	if diff := cmp.Diff(want, got()); diff != "" {
		t.Errorf("with every setting (-want +got):\n%s", diff)
	}
	// The API server keeps the IP families of an existing Service, unless the policy says otherwise.
	f.edit(func(s *v1alpha1.IntegrationHubSpec) {
		s.Strategy = nil
		s.Exposure.Service = &v1alpha1.ServiceExposure{IPFamilyPolicy: new(corev1.IPFamilyPolicySingleStack)}
	})
	f.reconcile()
	if diff := cmp.Diff(before, got()); diff != "" {
		t.Errorf("without settings again (-want +got):\n%s", diff)
	}
}
