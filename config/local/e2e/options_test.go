//go:build e2e

package e2e

import (
	"slices"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

// A hub with most of what can be said runs, where the restricted Pod Security Standard is
// enforced, and has the objects that it asks for.
func TestManyOptions(t *testing.T) {
	h := newHub("options")
	h.Spec.BaseURL = "https://options.example.com/looker"
	h.Spec.Exposure = &v1alpha1.Exposure{Ingress: &v1alpha1.IngressExposure{}}
	h.Spec.Autoscaling = &v1alpha1.Autoscaling{MinReplicas: new(int32(1)), MaxReplicas: 3, TargetCPUUtilization: new(int32(90))}
	h.Spec.PodDisruptionBudget = &v1alpha1.PodDisruptionBudget{}
	h.Spec.NetworkPolicy = &v1alpha1.NetworkPolicy{}
	h.Spec.ServiceAccount = &v1alpha1.ServiceAccount{Annotations: map[string]string{"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/hub"}}
	h.Spec.PodTemplate = &runtime.RawExtension{Raw: []byte(`{"metadata":{"annotations":{"team":"data"}},"spec":{"containers":[{"name":"hub","env":[{"name":"TZ","value":"UTC"}]}]}}`)}
	h.Spec.Scheduling = &v1alpha1.Scheduling{Tolerations: []corev1.Toleration{{Key: "hubs", Operator: corev1.TolerationOpExists}}}
	h.Spec.Limits = &v1alpha1.Limits{Deliveries: new(int32(4)), QueuedDeliveries: new(int32(8)), Spool: new(resource.MustParse("1Gi")), DeliveryTimeout: "10m"}
	h.Spec.Logging = &v1alpha1.Logging{Level: "debug", Format: "text"}
	h.Spec.EncryptUserState = true
	if err := cluster.Create(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, h) })
	waitReady(t, "options")
	for _, o := range []client.Object{
		&networkingv1.Ingress{}, &autoscalingv2.HorizontalPodAutoscaler{}, &policyv1.PodDisruptionBudget{}, &networkingv1.NetworkPolicy{},
	} {
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(h), o); err != nil {
			t.Error(err)
		}
	}
	if d := deployment(t, "options"); d.Spec.Template.Annotations["team"] != "data" {
		t.Errorf("the pods' template was not merged: %+v", d.Spec.Template.Annotations)
	}
	edit(t, "options", func(s *v1alpha1.IntegrationHubSpec) { s.Exposure, s.Autoscaling, s.NetworkPolicy = nil, nil, nil })
	waitReady(t, "options")
	for _, o := range []client.Object{&networkingv1.Ingress{}, &autoscalingv2.HorizontalPodAutoscaler{}, &networkingv1.NetworkPolicy{}} {
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(h), o); err == nil {
			t.Errorf("%T stayed", o)
		}
	}
}

// The status tells what the running pods report, and what is missing for an integration that
// was asked for.
func TestReportOfRunningHubs(t *testing.T) {
	h := newHub("report")
	h.Spec.Integrations = []v1alpha1.Integration{{Name: "airtable"}, {Name: "tray"}}
	if err := cluster.Create(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, h) })
	expect(t, "report", v1alpha1.IntegrationsReady, v1alpha1.SettingsMissing)
	status := hub(t, "report").Status
	contains(t, "the message", meta.FindStatusCondition(status.Conditions, v1alpha1.IntegrationsReady).Message, "airtable (missing settings: AIRTABLE_CLIENT_ID, AIRTABLE_CLIENT_SECRET)")
	if status.ObservedVersion == "" {
		t.Error("no version is reported")
	}
	var offered []bool
	for _, i := range status.Integrations {
		offered = append(offered, i.Offered)
	}
	if !slices.Equal(offered, []bool{false, true}) {
		t.Errorf("reported %+v, want the second of two integrations to be offered", status.Integrations)
	}
	edit(t, "report", func(s *v1alpha1.IntegrationHubSpec) {
		s.Integrations[0].Settings = map[string]v1alpha1.SettingValue{"AIRTABLE_CLIENT_ID": "id", "AIRTABLE_CLIENT_SECRET": "secret"}
	})
	eventually(t, 2*time.Minute, func() string {
		if list := hub(t, "report").Status.Integrations; len(list) != 2 || !list[0].Offered {
			return "airtable is not offered though its settings are there"
		}
		return ""
	})
	waitReady(t, "report")
}
