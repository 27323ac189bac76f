package controllers_test

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
)

// Where something else keeps changing an object back, such as a second operator, the operator does
// not fight: it gives up for a while, and says so.
func TestContention(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	tracked := controllers.TrackWrites(f.api)
	reconcile := func() {
		t.Helper()
		if _, err := f.reconcileWith(tracked); err != nil {
			t.Fatal(err)
		}
	}
	image := func() string { return get(f, "hub", &appsv1.Deployment{}).Spec.Template.Spec.Containers[0].Image }
	for range 10 {
		d := get(f, "hub", &appsv1.Deployment{})
		d.Spec.Template.Spec.Containers[0].Image = "theirs"
		if err := f.api.Update(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		reconcile()
	}
	if got := image(); got != "theirs" {
		t.Errorf("the image is %s: the operator still fights", got)
	}
	if generation := get(f, "hub", &appsv1.Deployment{}).Generation; generation > 16 {
		t.Errorf("generation %d: the operator fought for too long", generation)
	}
	f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.FieldsContended)
	if got := f.message(v1alpha1.Stalled); !strings.Contains(got, "keeps reverting Deployment hub") {
		t.Errorf("message %q", got)
	}
	// One change by an admin is only restored.
	g := newFixture(t)
	g.create(g.hub())
	g.ready()
	d := get(g, "hub", &appsv1.Deployment{})
	d.Spec.Template.Spec.Containers[0].Image = "theirs"
	if err := g.api.Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if _, err := g.reconcileWith(tracked); err != nil {
		t.Fatal(err)
	}
	if got := get(g, "hub", &appsv1.Deployment{}).Spec.Template.Spec.Containers[0].Image; got != "hub:test" {
		t.Errorf("the image is %s, want hub:test", got)
	}
}

// An operator manages only hubs of its class, so several can watch the same namespaces.
func TestControllerClass(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.ControllerClass = "finance"
	f.create(h)
	f.reconcile()
	if got := get(f, "hub", &v1alpha1.IntegrationHub{}).Status.Conditions; len(got) > 0 {
		t.Errorf("an operator of no class reconciles it: %v", got)
	}
	r := &controllers.Reconciler{Client: f.api, APIReader: f.api, Recorder: f.events, HubImage: "hub:test", Class: "finance"}
	if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: f.key()}); err != nil {
		t.Fatal(err)
	}
	conditions := get(f, "hub", &v1alpha1.IntegrationHub{}).Status.Conditions
	if !slices.ContainsFunc(conditions, func(c metav1.Condition) bool { return c.Type == v1alpha1.Ready }) {
		t.Error("the operator of its class does not reconcile it")
	}
}
