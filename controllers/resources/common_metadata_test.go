package resources_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// Every object of a hub, and its pods, have the common labels and annotations. What selects pods, and
// what has its own field in the spec, stays as it is.
func TestCommonMetadata(t *testing.T) {
	t.Parallel()
	hub := &v1alpha1.IntegrationHub{
		ObjectMeta: metav1.ObjectMeta{
			Name: "hub", Namespace: "looker",
			Labels:      map[string]string{"cost-center": "inherited", "team": "data", "example.com/tier": "gold", "other": "not inherited", "app.kubernetes.io/name": "x"},
			Annotations: map[string]string{"example.com/owner": "ann", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
		},
		Spec: v1alpha1.IntegrationHubSpec{
			TLS:     v1alpha1.TLS{IssuerRef: &v1alpha1.IssuerRef{Name: "ca"}},
			BaseURL: "https://hub.example.com",
			CommonMetadata: &v1alpha1.CommonMetadata{
				Labels:      map[string]v1alpha1.LabelValue{"cost-center": "4711", resources.InstanceLabel: "other"},
				Annotations: map[string]v1alpha1.AnnotationValue{"contact": "data@example.com"},
			},
			Exposure: &v1alpha1.Exposure{
				Service: &v1alpha1.ServiceExposure{Annotations: map[string]string{"contact": "its own"}},
				Gateway: &v1alpha1.GatewayExposure{ParentRefs: []v1alpha1.ParentRef{{Name: "public"}}},
			},
			Autoscaling: &v1alpha1.Autoscaling{MaxReplicas: 4}, NetworkPolicy: &v1alpha1.NetworkPolicy{},
			Monitoring: &v1alpha1.Monitoring{ServiceMonitor: &v1alpha1.ServiceMonitor{}, PrometheusRule: &v1alpha1.PrometheusRule{}},
		},
	}
	resources.InheritMetadata(hub, []string{"cost-center", "team", "example.com/*", "app.kubernetes.io/*", "kubectl.kubernetes.io/*"})
	in := resources.Inputs{Hub: hub, Image: "hub:test"}
	deployment, err := resources.Deployment(in)
	if err != nil {
		t.Fatal(err)
	}
	revision, err := resources.Revision(in, deployment)
	if err != nil {
		t.Fatal(err)
	}
	list := []any{resources.ServiceSecret(in), resources.TokenSecret(in), resources.Certificate(in)}
	for _, c := range slices.Concat(
		resources.Pods(in, deployment), []resources.Child{revision, resources.ServiceChild(in)},
		resources.Scaling(in), resources.Routes(in), resources.Monitoring(in),
	) {
		if c.Config != nil {
			list = append(list, c.Config)
		}
	}
	hub.Spec.Exposure = &v1alpha1.Exposure{Ingress: &v1alpha1.IngressExposure{}}
	list = append(list, resources.Ingress(in))
	check := func(what string, m metav1.ObjectMeta, contact string) {
		t.Helper()
		for key, want := range map[string]string{"cost-center": "4711", "team": "data", "example.com/tier": "gold", "other": "", resources.InstanceLabel: "hub", "app.kubernetes.io/name": "integration-hub"} {
			if got := m.Labels[key]; got != want {
				t.Errorf("%s has the label %s=%q, want %q", what, key, got, want)
			}
		}
		for key, want := range map[string]string{"contact": contact, "example.com/owner": "ann", "kubectl.kubernetes.io/last-applied-configuration": ""} {
			if got := m.Annotations[key]; got != want {
				t.Errorf("%s has the annotation %s=%q, want %q", what, key, got, want)
			}
		}
	}
	kinds := map[string]int{}
	for _, o := range list {
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		var object struct {
			metav1.TypeMeta   `json:",inline"`
			metav1.ObjectMeta `json:"metadata"`
			Spec              struct {
				Selector any `json:"selector"`
				Template struct {
					metav1.ObjectMeta `json:"metadata"`
				} `json:"template"`
			} `json:"spec"`
		}
		if err := json.Unmarshal(text, &object); err != nil {
			t.Fatal(err)
		}
		kinds[object.Kind]++
		contact := "data@example.com"
		if object.Kind == "Service" && object.Name == "hub" {
			contact = "its own"
		}
		check(object.Kind+" "+object.Name, object.ObjectMeta, contact)
		if object.Kind == "Deployment" {
			check("the pods", object.Spec.Template.ObjectMeta, contact)
			want := map[string]any{"matchLabels": map[string]any{"app.kubernetes.io/name": "integration-hub", resources.InstanceLabel: "hub"}}
			if diff := cmp.Diff(any(want), object.Spec.Selector); diff != "" {
				t.Errorf("the Deployment's selector (-want +got):\n%s", diff)
			}
		}
	}
	if got := slices.Sorted(maps.Keys(kinds)); len(got) < 12 {
		t.Errorf("only %v were checked", got)
	}
}
