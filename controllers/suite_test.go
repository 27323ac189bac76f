package controllers_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
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

// api is a real kube-apiserver on a real etcd, shared by all tests, which knows every kind that
// the operator may use. Nothing else of a cluster runs: tests play cert-manager's, the Gateway's
// and the kubelet's part.
var api client.WithWatch

// apiConfig leads to it.
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
		return m.Run() // newWorldAt skips the tests that need them
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

// world is a namespace, and a reconciler that sees it.
type world struct {
	t         *testing.T
	api       client.WithWatch
	namespace string
	events    *events.FakeRecorder
	policy    policy.Policy
}

// newWorld is a world with an issuer, on the shared API server.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := newWorldAt(t, api)
	w.createIssuer()
	return w
}

func newWorldAt(t *testing.T, api client.WithWatch) *world {
	t.Helper()
	controllertest.NeedPrograms(t, controllertest.APIServer...)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "test-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if err := api.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	return &world{t: t, api: api, namespace: ns.Name, events: events.NewFakeRecorder(1000)}
}

func (w *world) createIssuer() {
	w.t.Helper()
	w.create(&cmv1.Issuer{ObjectMeta: w.meta("ca"), Spec: cmv1.IssuerSpec{IssuerConfig: cmv1.IssuerConfig{CA: &cmv1.CAIssuer{SecretName: "ca"}}}})
}

func (w *world) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: w.namespace, Name: name}
}

func (w *world) create(o client.Object) {
	w.t.Helper()
	if err := w.api.Create(w.t.Context(), o); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) hub() *v1alpha1.IntegrationHub {
	return &v1alpha1.IntegrationHub{ObjectMeta: w.meta("hub"), Spec: v1alpha1.IntegrationHubSpec{
		TLS: v1alpha1.TLS{IssuerRef: &v1alpha1.IssuerRef{Name: "ca"}},
	}}
}

// get reads an object of the hub's namespace; it fails the test when there is none.
func get[T client.Object](w *world, name string, o T) T {
	w.t.Helper()
	if err := w.api.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: name}, o); err != nil {
		w.t.Fatalf("reading %T %s: %v", o, name, err)
	}
	return o
}

// reconcile runs the reconciler once, with a client that may misbehave.
func (w *world) reconcileWith(c client.Client) (ctrl.Result, error) {
	r := &controllers.Reconciler{Client: c, Live: c, Recorder: w.events, HubImage: "hub:test", Policy: w.policy}
	return r.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: w.key()})
}

func (w *world) reconcile() {
	w.t.Helper()
	if _, err := w.reconcileWith(w.api); err != nil {
		w.t.Fatalf("reconciling: %v", err)
	}
}

func (w *world) key() client.ObjectKey {
	return client.ObjectKey{Namespace: w.namespace, Name: "hub"}
}

func (w *world) issue() {
	w.t.Helper()
	if err := controllertest.Issue(w.t.Context(), w.api, w.key()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) runPods() {
	w.t.Helper()
	if err := controllertest.RunPods(w.t.Context(), w.api, w.key()); err != nil {
		w.t.Fatal(err)
	}
}

// ready brings a new hub all the way.
func (w *world) ready() {
	w.t.Helper()
	w.reconcile()
	w.issue()
	w.reconcile()
	w.runPods()
	w.reconcile()
	w.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
}

// want checks one condition.
func (w *world) want(condition string, status metav1.ConditionStatus, reason string) {
	w.t.Helper()
	h := get(w, "hub", &v1alpha1.IntegrationHub{})
	c := meta.FindStatusCondition(h.Status.Conditions, condition)
	if c == nil || c.Status != status || c.Reason != reason || c.ObservedGeneration != h.Generation {
		w.t.Errorf("%s is %+v, want %s %s at generation %d", condition, c, status, reason, h.Generation)
	}
}

// edit changes the hub's spec.
func (w *world) edit(change func(*v1alpha1.IntegrationHubSpec)) {
	w.t.Helper()
	h := get(w, "hub", &v1alpha1.IntegrationHub{})
	change(&h.Spec)
	if err := w.api.Update(context.Background(), h); err != nil {
		w.t.Fatal(err)
	}
}
