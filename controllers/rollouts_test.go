package controllers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/controllertest"
)

// fleet is several hubs in one namespace, and an operator that rolls one at a time.
type fleet struct {
	*fixture
	client client.Client
	// operator is replaced when the manager restarts or is upgraded.
	operator *controllers.Reconciler
}

// newFleet returns ready hubs, made by the operator with the image hub:1.
func newFleet(t *testing.T, names ...string) *fleet {
	t.Helper()
	f := newFixture(t)
	fl := &fleet{fixture: f, client: interceptor.NewClient(f.api, interceptor.Funcs{
		// The API server is shared with other tests.
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			return c.List(ctx, list, append(opts, client.InNamespace(f.namespace))...)
		},
	})}
	fl.upgrade("hub:1")
	for _, name := range names {
		h := f.hub()
		h.Name = name
		f.create(h)
		fl.reconcileHub(name)
		fl.play(name, controllertest.Issue)
		fl.reconcileHub(name)
		fl.play(name, controllertest.RunPods)
		fl.reconcileHub(name)
		fl.pods(name, "hub:1")
		fl.pending(name, "")
	}
	return fl
}

// upgrade starts an operator with another default image. It remembers nothing.
func (fl *fleet) upgrade(image string) {
	fl.operator = &controllers.Reconciler{
		Client: fl.client, APIReader: fl.client, Recorder: fl.events, HubImage: image, MaxConcurrentRollouts: 1,
	}
}

// restart replaces the operator by one with the same settings.
func (fl *fleet) restart() { fl.upgrade(fl.operator.HubImage) }

func (fl *fleet) reconcileHub(name string) {
	fl.t.Helper()
	key := client.ObjectKey{Namespace: fl.namespace, Name: name}
	if _, err := fl.operator.Reconcile(fl.t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
		fl.t.Fatalf("reconciling %s: %v", name, err)
	}
}

func (fl *fleet) play(name string, part func(context.Context, client.Client, client.ObjectKey) error) {
	fl.t.Helper()
	if err := part(fl.t.Context(), fl.api, client.ObjectKey{Namespace: fl.namespace, Name: name}); err != nil {
		fl.t.Fatal(err)
	}
}

// fail simulates pods that do not start.
func (fl *fleet) fail(name string) {
	fl.t.Helper()
	d := get(fl.fixture, name, &appsv1.Deployment{})
	d.Status = appsv1.DeploymentStatus{
		ObservedGeneration: d.Generation, Replicas: 3, UpdatedReplicas: 1, ReadyReplicas: 2, AvailableReplicas: 2,
		Conditions: []appsv1.DeploymentCondition{{
			Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded",
		}},
	}
	if err := fl.api.Status().Update(fl.t.Context(), d); err != nil {
		fl.t.Fatal(err)
	}
	fl.reconcileHub(name)
}

// pods checks the image of a hub's Deployment.
func (fl *fleet) pods(name, image string) {
	fl.t.Helper()
	if got := get(fl.fixture, name, &appsv1.Deployment{}).Spec.Template.Spec.Containers[0].Image; got != image {
		fl.t.Errorf("%s runs %s, want %s", name, got, image)
	}
}

// pending checks why a hub's rollout waits; it does not wait if reason is empty.
func (fl *fleet) pending(name, reason string) {
	fl.t.Helper()
	status := get(fl.fixture, name, &v1alpha1.IntegrationHub{}).Status
	c := meta.FindStatusCondition(status.Conditions, v1alpha1.RolloutPending)
	switch {
	case c == nil && reason != "":
		fl.t.Errorf("%s does not wait, want %s", name, reason)
	case c != nil && (c.Reason != reason || c.Status != metav1.ConditionTrue):
		fl.t.Errorf("%s has RolloutPending %s %s, want the reason %q", name, c.Status, c.Reason, reason)
	}
	if reason != "" && !meta.IsStatusConditionTrue(status.Conditions, v1alpha1.Ready) {
		fl.t.Errorf("%s serves with its previous pods, but is not ready", name)
	}
}

func (fl *fleet) editHub(name string, change func(*v1alpha1.IntegrationHub)) {
	fl.t.Helper()
	h := get(fl.fixture, name, &v1alpha1.IntegrationHub{})
	change(h)
	if err := fl.api.Update(fl.t.Context(), h); err != nil {
		fl.t.Fatal(err)
	}
}

// After an upgrade one hub rolls, and the others wait, also if the manager restarts meanwhile.
func TestUpgradeRollsHubsInStages(t *testing.T) {
	t.Parallel()
	fl := newFleet(t, "a", "b", "c")
	fl.upgrade("hub:2")
	for _, name := range []string{"a", "b", "c"} {
		fl.reconcileHub(name)
	}
	fl.pods("a", "hub:2")
	fl.pods("b", "hub:1")
	fl.pods("c", "hub:1")
	fl.pending("a", "")
	fl.pending("b", v1alpha1.RolloutQueued)
	fl.pending("c", v1alpha1.RolloutQueued)

	fl.restart()
	fl.reconcileHub("c")
	fl.pods("c", "hub:1")

	// Everything but the pods follows the spec while a hub waits.
	fl.editHub("c", func(h *v1alpha1.IntegrationHub) { h.Spec.Replicas = new(int32(4)) })
	fl.reconcileHub("c")
	if n := *get(fl.fixture, "c", &appsv1.Deployment{}).Spec.Replicas; n != 4 {
		t.Errorf("a waiting hub has %d replicas, want 4", n)
	}
	fl.pods("c", "hub:1")

	for _, name := range []string{"a", "b"} {
		fl.play(name, controllertest.RunPods)
		fl.reconcileHub(name)
		next := string(name[0] + 1)
		fl.reconcileHub(next)
		fl.pods(next, "hub:2")
		fl.pending(next, "")
	}
	// At rest nothing is written.
	fl.play("c", controllertest.RunPods)
	fl.reconcileHub("c")
	before := get(fl.fixture, "c", &appsv1.Deployment{}).ResourceVersion
	fl.reconcileHub("c")
	if after := get(fl.fixture, "c", &appsv1.Deployment{}).ResourceVersion; after != before {
		t.Errorf("the Deployment's version was %s, is %s", before, after)
	}
}

// A rollout that ends wakes hubs that wait, and no others: one that no longer waits would take the place
// of one that does.
func TestEndedRolloutWakesWaitingHubs(t *testing.T) {
	t.Parallel()
	fl := newFleet(t, "a", "b", "c", "d", "e")
	fl.upgrade("hub:2")
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		fl.reconcileHub(name)
	}
	wakes := func(limit int, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, fl.operator.PendingRollouts(limit)); diff != "" {
			t.Errorf("woken hubs (-want +got):\n%s", diff)
		}
	}
	wakes(0, "b", "c", "d", "e")
	wakes(1, "b")
	fl.editHub("b", func(h *v1alpha1.IntegrationHub) { h.Spec.Paused = true })
	fl.editHub("c", func(h *v1alpha1.IntegrationHub) { h.Spec.TLS.IssuerRef.Name = "missing" })
	if err := fl.api.Delete(t.Context(), get(fl.fixture, "d", &v1alpha1.IntegrationHub{})); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b", "c", "d"} {
		fl.reconcileHub(name)
	}
	wakes(1, "e")
	fl.play("a", controllertest.RunPods)
	fl.reconcileHub("a")
	fl.reconcileHub("e")
	fl.pods("e", "hub:2")
	wakes(0)
}

// A failing rollout pauses the others, until its hub is repaired.
func TestFailedRolloutPausesOthers(t *testing.T) {
	t.Parallel()
	for name, repair := range map[string]func(*fleet){
		"repaired by its author": func(fl *fleet) {
			fl.editHub("a", func(h *v1alpha1.IntegrationHub) { h.Spec.Label = "Repaired" })
		},
		"paused":  func(fl *fleet) { fl.editHub("a", func(h *v1alpha1.IntegrationHub) { h.Spec.Paused = true }) },
		"scaled":  func(fl *fleet) { fl.editHub("a", func(h *v1alpha1.IntegrationHub) { h.Spec.Replicas = new(int32(0)) }) },
		"healthy": func(fl *fleet) { fl.play("a", controllertest.RunPods) },
		"deleted": func(fl *fleet) {
			if err := fl.api.Delete(fl.t.Context(), get(fl.fixture, "a", &v1alpha1.IntegrationHub{})); err != nil {
				fl.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fl := newFleet(t, "a", "b")
			fl.upgrade("hub:2")
			fl.reconcileHub("a")
			fl.fail("a")
			fl.operator.MaxConcurrentRollouts = 2
			fl.reconcileHub("b")
			fl.pods("b", "hub:1")
			fl.pending("b", v1alpha1.RolloutPaused)

			repair(fl)
			fl.reconcileHub("a")
			fl.reconcileHub("b")
			fl.pods("b", "hub:2")
			fl.pending("b", "")
		})
	}
}

// What an author changes is rolled at once: the spec, and the Secrets that pods read at startup.
func TestAuthorsChangesDoNotWait(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*fleet){
		"spec": func(fl *fleet) { fl.editHub("b", func(h *v1alpha1.IntegrationHub) { h.Spec.Label = "Changed" }) },
		"settings": func(fl *fleet) {
			s := get(fl.fixture, "settings", &corev1.Secret{})
			s.Data = map[string][]byte{"A": []byte("2")}
			if err := fl.api.Update(fl.t.Context(), s); err != nil {
				fl.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fl := newFleet(t, "a", "b")
			fl.create(&corev1.Secret{ObjectMeta: fl.meta("settings"), StringData: map[string]string{"A": "1"}})
			fl.editHub("b", func(h *v1alpha1.IntegrationHub) {
				h.Spec.Integrations = []v1alpha1.Integration{{Name: "tray", SecretRef: &v1alpha1.SecretRef{Name: "settings"}}}
			})
			fl.reconcileHub("b")
			fl.play("b", controllertest.RunPods)
			fl.reconcileHub("b")
			fl.upgrade("hub:2")
			fl.reconcileHub("a")
			fl.reconcileHub("b")
			fl.pending("b", v1alpha1.RolloutQueued)

			change(fl)
			fl.reconcileHub("b")
			fl.pods("b", "hub:2")
			fl.pending("b", "")
		})
	}
}

// A hub that failed before the upgrade is rolled at once, and does not pause the others.
func TestFailingHubsDoNotHoldBackAnUpgrade(t *testing.T) {
	t.Parallel()
	fl := newFleet(t, "a", "b")
	fl.fail("a")
	fl.upgrade("hub:2")
	fl.reconcileHub("a")
	fl.fail("a")
	fl.reconcileHub("b")
	fl.pods("a", "hub:2")
	fl.pods("b", "hub:2")
}

// Hubs that an operator without staged rollouts made take their turns as well, and new hubs do not wait.
func TestRolloutsWithoutRecord(t *testing.T) {
	t.Parallel()
	fl := newFleet(t, "a", "b")
	for _, name := range []string{"a", "b"} {
		fl.operator.MaxConcurrentRollouts = 0
		fl.reconcileHub(name)
		if annotations := get(fl.fixture, name, &appsv1.Deployment{}).Annotations; strings.Contains(fmt.Sprint(annotations), "rollout") {
			t.Fatalf("annotations %v, want no record of the rollout", annotations)
		}
	}
	fl.upgrade("hub:2")
	fl.reconcileHub("a")
	fl.reconcileHub("b")
	fl.pods("a", "hub:2")
	fl.pods("b", "hub:1")
	h := fl.hub()
	h.Name = "new"
	fl.create(h)
	fl.reconcileHub("new")
	fl.play("new", controllertest.Issue)
	fl.reconcileHub("new")
	fl.pods("new", "hub:2")
	fl.pending("new", "")
}
