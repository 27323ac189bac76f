package controllers_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/controllertest"
	"integrationhub.dev/controllers/policy"
)

// api is a real kube-apiserver, shared by all tests, with the CRDs of every kind that the operator
// may use. No controllers run: tests simulate cert-manager, Gateways and the kubelet.
var api client.WithWatch

// apiConfig connects to it.
var apiConfig *rest.Config

var hubCRDs = filepath.Join("..", "config", "crd", "bases")

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "starting an API server:", err)
		return 1
	}
	certManager, err := controllertest.CertManagerCRDs(context.Background())
	if err != nil {
		return fail(err)
	}
	optional, err := controllertest.OptionalCRDs(context.Background())
	if err != nil {
		return fail(err)
	}
	if err := controllertest.MissingPrograms(controllertest.APIServer...); err != nil {
		if controllertest.ProgramsRequired() {
			return fail(err)
		}
		return m.Run() // newFixtureOn skips the tests that need them
	}
	env := controllertest.Environment(append(optional, hubCRDs, certManager)...)
	if apiConfig, err = env.Start(); err != nil {
		return fail(err)
	}
	defer env.Stop()
	if api, err = clientOf(apiConfig); err != nil {
		return fail(err)
	}
	return m.Run()
}

func clientOf(config *rest.Config) (client.WithWatch, error) {
	config.QPS, config.Burst = 500, 1000
	scheme, err := controllers.Scheme()
	if err != nil {
		return nil, err
	}
	return client.NewWithWatch(config, client.Options{Scheme: scheme})
}

// fixture is a namespace and a reconciler.
type fixture struct {
	t         *testing.T
	api       client.WithWatch
	namespace string
	events    *events.FakeRecorder
	policy    policy.Policy
}

// newFixture returns a fixture with an issuer, on the shared API server.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := newFixtureOn(t, api)
	f.createIssuer()
	return f
}

func newFixtureOn(t *testing.T, api client.WithWatch) *fixture {
	t.Helper()
	controllertest.NeedPrograms(t, controllertest.APIServer...)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "test-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if err := api.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	return &fixture{t: t, api: api, namespace: ns.Name, events: events.NewFakeRecorder(1000)}
}

func (f *fixture) createIssuer() {
	f.t.Helper()
	f.create(&cmv1.Issuer{ObjectMeta: f.meta("ca"), Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{CA: &cmv1.CAIssuer{SecretName: "ca"}}}})
}

func (f *fixture) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: f.namespace, Name: name}
}

func (f *fixture) create(o client.Object) {
	f.t.Helper()
	if err := f.api.Create(f.t.Context(), o); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) hub() *v1alpha1.IntegrationHub {
	return &v1alpha1.IntegrationHub{ObjectMeta: f.meta("hub"), Spec: v1alpha1.IntegrationHubSpec{
		TLS: v1alpha1.TLS{IssuerRef: &v1alpha1.IssuerRef{Name: "ca"}},
	}}
}

// get reads an object of the hub's namespace; it fails the test if there is none.
func get[T client.Object](f *fixture, name string, o T) T {
	f.t.Helper()
	if err := f.api.Get(f.t.Context(), client.ObjectKey{Namespace: f.namespace, Name: name}, o); err != nil {
		f.t.Fatalf("reading %T %s: %v", o, name, err)
	}
	return o
}

// reconcileWith runs the reconciler once, with a client that may inject faults.
func (f *fixture) reconcileWith(c client.Client) (ctrl.Result, error) {
	r := &controllers.Reconciler{Client: c, APIReader: c, Recorder: f.events, HubImage: "hub:test", Policy: f.policy}
	return r.Reconcile(f.t.Context(), ctrl.Request{NamespacedName: f.key()})
}

func (f *fixture) reconcile() {
	f.t.Helper()
	if _, err := f.reconcileWith(f.api); err != nil {
		f.t.Fatalf("reconciling: %v", err)
	}
}

func (f *fixture) key() client.ObjectKey {
	return client.ObjectKey{Namespace: f.namespace, Name: "hub"}
}

func (f *fixture) issue() {
	f.t.Helper()
	if err := controllertest.Issue(f.t.Context(), f.api, f.key()); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) runPods() {
	f.t.Helper()
	if err := controllertest.RunPods(f.t.Context(), f.api, f.key()); err != nil {
		f.t.Fatal(err)
	}
}

// ready reconciles a new hub until it is ready.
func (f *fixture) ready() {
	f.t.Helper()
	f.reconcile()
	f.issue()
	f.reconcile()
	f.runPods()
	f.reconcile()
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
}

// want checks one condition.
func (f *fixture) want(condition string, status metav1.ConditionStatus, reason string) {
	f.t.Helper()
	h := get(f, "hub", &v1alpha1.IntegrationHub{})
	c := meta.FindStatusCondition(h.Status.Conditions, condition)
	if c == nil {
		f.t.Errorf("there is no condition %s, want %s %s", condition, status, reason)
		return
	}
	want := &metav1.Condition{
		Type: condition, Status: status, Reason: reason, ObservedGeneration: h.Generation,
		Message: c.Message, LastTransitionTime: c.LastTransitionTime,
	}
	if diff := cmp.Diff(want, c); diff != "" {
		f.t.Errorf("condition (-want +got):\n%s", diff)
	}
}

// emitted returns how many events with a reason were emitted since the last call. It drains all events.
func (f *fixture) emitted(reason string) int {
	f.t.Helper()
	n := 0
	for len(f.events.Events) > 0 {
		if strings.Contains(" "+<-f.events.Events, " "+reason+" ") {
			n++
		}
	}
	return n
}

// edit changes the hub's spec.
func (f *fixture) edit(change func(*v1alpha1.IntegrationHubSpec)) {
	f.t.Helper()
	h := get(f, "hub", &v1alpha1.IntegrationHub{})
	change(&h.Spec)
	if err := f.api.Update(context.Background(), h); err != nil {
		f.t.Fatal(err)
	}
}
