package registration_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/controllertest"
	"integrationhub.dev/controllers/hubclient"
	"integrationhub.dev/controllers/policy"
)

// inspector asks the fake hub's pods, which are named pod-0 and pod-1.
type inspector struct{ hub *fakeHub }

func (inspector) Inspect(context.Context, *corev1.Pod) (hubclient.Report, error) {
	return hubclient.Report{Version: "test"}, nil
}

func (i inspector) AcceptsSecret(_ context.Context, pod *corev1.Pod, secret []byte) (bool, error) {
	return i.hub.accepts(int(pod.Name[len(pod.Name)-1]-'0'), secret), nil
}

// operator reconciles the IntegrationHub actions as the manager does.
func (f *fixture) operator() *controllers.Reconciler {
	return &controllers.Reconciler{
		Client: api, APIReader: api, Recorder: f.events, HubImage: "hub:test", Hubs: inspector{f.hub},
		Policy: policy.Policy{Default: policy.Rules{Hosts: []string{"127.0.0.1"}}},
	}
}

// runActions creates the IntegrationHub actions with two pods, and a registration of it.
func (f *fixture) runActions(operate func()) {
	f.t.Helper()
	f.create(&corev1.Secret{ObjectMeta: f.meta("service"), StringData: map[string]string{"secret": firstSecret}})
	f.create(&v1alpha1.IntegrationHub{ObjectMeta: f.meta("actions"), Spec: v1alpha1.IntegrationHubSpec{
		BaseURL: f.hub.URL, TLS: v1alpha1.TLS{TerminatedElsewhere: true}, ServiceSecretRef: &v1alpha1.SecretKeyRef{Name: "service", Key: "secret"},
	}})
	operate()
	if err := controllertest.RunPods(f.t.Context(), api, client.ObjectKey{Namespace: f.namespace, Name: "actions"}); err != nil {
		f.t.Fatal(err)
	}
	for n := range 2 {
		pod := &corev1.Pod{ObjectMeta: f.meta(fmt.Sprint("pod-", n)), Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "hub", Image: "hub:test"}}}}
		pod.Labels = map[string]string{"app.kubernetes.io/name": "integration-hub", "app.kubernetes.io/instance": "actions"}
		f.create(pod)
		pod.Status.PodIP, pod.Status.PodIPs = fmt.Sprint("192.0.2.", n+1), []corev1.PodIP{{IP: fmt.Sprint("192.0.2.", n+1)}}
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		if err := api.Status().Update(f.t.Context(), pod); err != nil {
			f.t.Fatal(err)
		}
	}
	operate()
	f.registered(func(s *v1alpha1.LookerRegistrationSpec) { s.HubRef.Name = "actions" })
}

// The service secret rotates three times while Looker runs integrations with the token that it has: none is
// refused. Looker gets the new token only when all pods accept it, and only then is the previous secret
// reported as unused.
func TestRotation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	operator := f.operator()
	operate := func() {
		t.Helper()
		if _, err := operator.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: f.namespace, Name: "actions"}}); err != nil {
			t.Fatal(err)
		}
	}
	f.runActions(operate)
	previousUsers := func() []string {
		t.Helper()
		return get(f, "actions", &v1alpha1.IntegrationHub{}).Status.PreviousTokenRegistrations
	}

	// Looker runs an integration all the time.
	ctx, stop := context.WithCancel(t.Context())
	var runs, failures atomic.Int64
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for ctx.Err() == nil {
			if result, err := f.execute(ctx); ctx.Err() == nil && (err != nil || !result.Success) {
				failures.Add(1)
			}
			runs.Add(1)
		}
	}()
	// runTwice waits for a run that began after the call, and so with the token that Looker has now.
	runTwice := func() {
		t.Helper()
		for n, deadline := runs.Load(), time.Now().Add(time.Minute); runs.Load() < n+2; {
			if time.Now().After(deadline) {
				t.Fatal("Looker does not run integrations")
			}
			select {
			case <-stopped:
				t.Fatal("Looker stopped")
			case <-time.After(time.Millisecond):
			}
		}
	}

	secret := firstSecret
	for round := range 3 {
		previous := secret
		secret = fmt.Sprintf("service secret number %d", round+2)
		s := get(f, "service", &corev1.Secret{})
		s.Data = map[string][]byte{"secret": []byte(secret), "previous": []byte(previous)}
		if err := api.Update(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		after := f.last()
		for pod := range 2 { // the kubelets update the pods one after another
			operate()
			f.settle()
			f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
			f.want(v1alpha1.Reconciling, metav1.ConditionTrue, v1alpha1.TokenPending)
			f.wantWrites(after)
			operate()
			if diff := cmp.Diff([]string{"looker"}, previousUsers()); diff != "" {
				t.Errorf("registrations with the previous token (-want +got):\n%s", diff)
			}
			runTwice()
			f.hub.load(pod, secret, previous)
		}
		operate() // all pods have the new secret
		f.emitted("")
		operate()
		if len(previousUsers()) != 1 {
			t.Error("the previous secret is reported as unused before Looker has the new token")
		}
		f.settle()
		f.wantWrites(after, "PATCH /integration_hubs/"+f.read().Status.HubID)
		if meta.IsStatusConditionTrue(f.read().Status.Conditions, v1alpha1.Reconciling) {
			t.Error("the registration still waits")
		}
		operate()
		if users := previousUsers(); len(users) != 0 {
			t.Errorf("registrations with the previous token: %v", users)
		}
		if e := f.emitted(v1alpha1.PreviousTokenUnused); len(e) != 1 {
			t.Errorf("events: %q", e)
		}
		runTwice() // none with the previous token is left
		f.hub.load(0, secret)
		f.hub.load(1, secret)
		runTwice()
	}
	stop()
	<-stopped
	if n := failures.Load(); n > 0 || f.hub.refusals() > 0 {
		t.Errorf("%d of %d runs failed, and the hub refused %d requests", n, runs.Load(), f.hub.refusals())
	}
	if c := meta.FindStatusCondition(get(f, "actions", &v1alpha1.IntegrationHub{}).Status.Conditions, v1alpha1.CredentialsReady); strings.Contains(c.Message, "previous") {
		t.Errorf("the hub's message is %q", c.Message)
	}
}
