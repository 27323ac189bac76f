package custom_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/controllertest"
	"integrationhub.dev/controllers/custom"
)

// api is a real kube-apiserver, shared by all tests.
var api client.WithWatch

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "starting an API server:", err)
		return 1
	}
	if err := controllertest.MissingPrograms(controllertest.APIServer...); err != nil {
		if controllertest.ProgramsRequired() {
			return fail(err)
		}
		return m.Run() // newFixture skips the tests that need them
	}
	env := controllertest.Environment(filepath.Join("..", "..", "config", "crd", "bases"))
	config, err := env.Start()
	if err != nil {
		return fail(err)
	}
	defer env.Stop()
	config.QPS, config.Burst = 500, 1000
	scheme, err := controllers.Scheme()
	if err == nil {
		api, err = client.NewWithWatch(config, client.Options{Scheme: scheme})
	}
	if err != nil {
		return fail(err)
	}
	return m.Run()
}

// fixture is a namespace and a reconciler.
type fixture struct {
	t         *testing.T
	namespace string
	events    *events.FakeRecorder
	client    client.Client
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	controllertest.NeedPrograms(t, controllertest.APIServer...)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := api.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	return &fixture{t: t, namespace: ns.Name, events: events.NewFakeRecorder(1000), client: api}
}

func (f *fixture) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: f.namespace, Name: name}
}

func (f *fixture) create(o client.Object) {
	f.t.Helper()
	if err := api.Create(f.t.Context(), o); err != nil {
		f.t.Fatal(err)
	}
}

// minimal is an integration that is valid.
func (f *fixture) minimal(name string) *v1alpha1.HTTPIntegration {
	i := &v1alpha1.HTTPIntegration{ObjectMeta: f.meta(name), Spec: httpintegration.Spec{Label: "A"}}
	i.Spec.Request.URL = "https://a.example.com/"
	return i
}

// hub selects all integrations.
func (f *fixture) hub(name string) *v1alpha1.IntegrationHub {
	h := &v1alpha1.IntegrationHub{ObjectMeta: f.meta(name), Spec: v1alpha1.IntegrationHubSpec{
		TLS: v1alpha1.TLS{IssuerRef: &v1alpha1.IssuerRef{Name: "ca"}},
	}}
	h.Spec.CustomIntegrations = &v1alpha1.CustomIntegrations{Selector: &metav1.LabelSelector{}}
	return h
}

// report writes what a hub reports of an integration.
func (f *fixture) report(hub *v1alpha1.IntegrationHub, entry v1alpha1.CustomIntegrationStatus) {
	f.t.Helper()
	hub.Status.CustomIntegrations = &v1alpha1.CustomIntegrationsStatus{Selected: 1, Integrations: []v1alpha1.CustomIntegrationStatus{entry}}
	if err := api.Status().Update(f.t.Context(), hub); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) reconcile(name string) *v1alpha1.HTTPIntegration {
	f.t.Helper()
	r := &custom.Reconciler{Client: f.client, Recorder: f.events}
	key := client.ObjectKey{Namespace: f.namespace, Name: name}
	if _, err := r.Reconcile(f.t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
		f.t.Fatalf("reconciling: %v", err)
	}
	i := &v1alpha1.HTTPIntegration{}
	if err := api.Get(f.t.Context(), key, i); err != nil {
		f.t.Fatal(err)
	}
	return i
}

// want checks one condition, a part of its message included.
func want(t *testing.T, i *v1alpha1.HTTPIntegration, condition string, status metav1.ConditionStatus, reason, message string) {
	t.Helper()
	c := meta.FindStatusCondition(i.Status.Conditions, condition)
	switch {
	case c == nil:
		t.Errorf("there is no condition %s", condition)
	case c.Status != status || c.Reason != reason:
		t.Errorf("%s is %s %s, want %s %s: %s", condition, c.Status, c.Reason, status, reason, c.Message)
	case c.ObservedGeneration != i.Generation:
		t.Errorf("%s is of generation %d, want %d", condition, c.ObservedGeneration, i.Generation)
	case !strings.Contains(c.Message, message):
		t.Errorf("%s has the message %q, want %q in it", condition, c.Message, message)
	}
}
