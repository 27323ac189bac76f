package controllers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/defaults"
)

// The operator's defaults reach the pods where the spec has no value, and the status names them. The
// policy does not restrict them.
func TestDefaults(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	r := &controllers.Reconciler{Client: f.api, APIReader: f.api, Recorder: f.events, HubImage: "hub:test", Defaults: defaults.Defaults{
		Default: defaults.Values{
			Resources:        &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("3Gi")}},
			ImagePullSecrets: []v1alpha1.SecretRef{{Name: "registry"}},
			NodeSelector:     map[string]v1alpha1.LabelValue{"pool": "hubs"},
			PodTemplate: &runtime.RawExtension{Raw: []byte(
				`{"metadata":{"labels":{"cost-center":"42"}},"spec":{"containers":[{"name":"agent","image":"agent:1"}]}}`)},
		},
	}}
	reconcile := func() (corev1.PodTemplateSpec, []string) {
		t.Helper()
		if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: f.key()}); err != nil {
			t.Fatal(err)
		}
		return get(f, "hub", &appsv1.Deployment{}).Spec.Template, get(f, "hub", &v1alpha1.IntegrationHub{}).Status.Defaults
	}
	template, names := reconcile()
	f.want(v1alpha1.Accepted, metav1.ConditionTrue, v1alpha1.Succeeded)
	if diff := cmp.Diff([]string{"spec.imagePullSecrets", "spec.podTemplate", "spec.resources", "spec.scheduling.nodeSelector"}, names); diff != "" {
		t.Errorf("status.defaults (-want +got):\n%s", diff)
	}
	var memory string
	for _, c := range template.Spec.Containers {
		if c.Name == "hub" {
			memory = c.Resources.Limits.Memory().String()
		}
	}
	type properties struct {
		Memory, PullSecret, Pool, Label string
		Containers                      int
	}
	want := properties{Memory: "3Gi", PullSecret: "registry", Pool: "hubs", Label: "42", Containers: 2}
	got := properties{
		Memory: memory, PullSecret: template.Spec.ImagePullSecrets[0].Name, Pool: template.Spec.NodeSelector["pool"],
		Label: template.Labels["cost-center"], Containers: len(template.Spec.Containers),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}

	// The hub's own values win.
	f.edit(func(s *v1alpha1.IntegrationHubSpec) {
		s.Scheduling = &v1alpha1.Scheduling{NodeSelector: map[string]v1alpha1.LabelValue{"pool": "own"}}
	})
	template, names = reconcile()
	if pool := template.Spec.NodeSelector["pool"]; pool != "own" || len(names) != 3 {
		t.Errorf("node selector %q with defaults %v, want own and 3 defaults", pool, names)
	}
	// Without defaults the status names none.
	r.Defaults = defaults.Defaults{}
	if template, names = reconcile(); len(names) != 0 || len(template.Spec.Containers) != 1 {
		t.Errorf("defaults %v, %d containers; want none and 1", names, len(template.Spec.Containers))
	}
}

// A request for a reconcile is reported as handled, except while the hub is paused.
func TestReconcileAt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Annotations = map[string]string{v1alpha1.ReconcileAtAnnotation: "2026-11-26T10:00:00Z"}
	f.create(h)
	f.reconcile()
	if got := get(f, "hub", &v1alpha1.IntegrationHub{}).Status.LastHandledReconcileAt; got != "2026-11-26T10:00:00Z" {
		t.Errorf("lastHandledReconcileAt is %q", got)
	}
	h = get(f, "hub", &v1alpha1.IntegrationHub{})
	h.Annotations[v1alpha1.ReconcileAtAnnotation] = "now"
	h.Spec.Paused = true
	if err := f.api.Update(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	if got := get(f, "hub", &v1alpha1.IntegrationHub{}).Status.LastHandledReconcileAt; got != "2026-11-26T10:00:00Z" {
		t.Errorf("a paused hub handled the request %q", got)
	}
}
