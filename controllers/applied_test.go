package controllers_test

import (
	"context"
	"encoding/json"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
)

// A status that changes, such as that of a Deployment whose pods start, is no reason to apply the object
// again. A changed or deleted object is.
func TestObjectsAreAppliedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	applied := map[string]int{}
	c := interceptor.NewClient(api, interceptor.Funcs{
		Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
			text, err := json.Marshal(o)
			if err != nil {
				return err
			}
			var target metav1.PartialObjectMetadata
			if err := json.Unmarshal(text, &target); err != nil {
				return err
			}
			applied[target.Kind+" "+target.Name]++
			return c.Apply(ctx, o, opts...)
		},
	})
	r := &controllers.Reconciler{Client: c, APIReader: c, Recorder: f.events, HubImage: "hub:test"}
	reconcile := func() {
		t.Helper()
		if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: f.key()}); err != nil {
			t.Fatal(err)
		}
	}
	f.create(f.hub())
	reconcile()
	f.issue()
	reconcile()
	f.runPods()
	reconcile()
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
	reconcile()
	revisions := &appsv1.ControllerRevisionList{}
	if err := api.List(t.Context(), revisions, client.InNamespace(f.namespace)); err != nil || len(revisions.Items) != 1 {
		t.Fatalf("%d ControllerRevisions: %v", len(revisions.Items), err)
	}
	want := map[string]int{
		"Secret hub-service-secret": 1, "Secret hub-token": 1, "Certificate hub": 1, "ServiceAccount hub": 1, "Deployment hub": 1,
		"Service hub": 1, "PodDisruptionBudget hub": 1, "ControllerRevision " + revisions.Items[0].Name: 1,
	}
	if diff := cmp.Diff(want, applied); diff != "" {
		t.Errorf("applied until the hub was ready (-want +got):\n%s", diff)
	}

	d := get(f, "hub", &appsv1.Deployment{})
	d.Spec.Template.Spec.Containers[0].Image = "other"
	d.Labels["app.kubernetes.io/version"] = "other"
	if err := api.Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	s := get(f, "hub-token", &corev1.Secret{})
	delete(s.Labels, "app.kubernetes.io/instance")
	if err := api.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if err := api.Delete(t.Context(), get(f, "hub", &corev1.Service{})); err != nil {
		t.Fatal(err)
	}
	before := maps.Clone(applied)
	reconcile()
	reconcile()
	for name, times := range map[string]int{"Deployment hub": 1, "Secret hub-token": 1, "Service hub": 1, "ServiceAccount hub": 0} {
		if n := applied[name] - before[name]; n != times {
			t.Errorf("%s was applied %d times after a change, want %d", name, n, times)
		}
	}

	// After a restart the operator does not know what it applied. It applies the same, except for the record,
	// whose name says what is in it.
	clear(applied)
	r = &controllers.Reconciler{Client: c, APIReader: c, Recorder: f.events, HubImage: "hub:test"}
	reconcile()
	want = map[string]int{
		"Secret hub-token": 1, "Certificate hub": 1, "ServiceAccount hub": 1, "Deployment hub": 1, "Service hub": 1, "PodDisruptionBudget hub": 1,
	}
	if diff := cmp.Diff(want, applied); diff != "" {
		t.Errorf("applied after a restart (-want +got):\n%s", diff)
	}
	again := &appsv1.ControllerRevisionList{}
	if err := api.List(t.Context(), again, client.InNamespace(f.namespace)); err != nil || len(again.Items) != 1 ||
		again.Items[0].UID != revisions.Items[0].UID {
		t.Errorf("the ControllerRevision was replaced: %v", err)
	}
}
