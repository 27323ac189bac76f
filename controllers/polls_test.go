package controllers_test

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
)

// requests counts what is sent to the API server.
type requests struct{ reads, writes int }

func (n *requests) client() client.WithWatch {
	return interceptor.NewClient(api, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			n.reads++
			return c.Get(ctx, key, o, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			n.reads++
			return c.List(ctx, list, opts...)
		},
		Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
			n.writes++
			return c.Apply(ctx, o, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			n.writes++
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		},
	})
}

// A hub that fails is checked less and less often, and at rest nothing is written.
func TestFailingHubBacksOff(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*v1alpha1.IntegrationHubSpec){
		"no issuer":       func(s *v1alpha1.IntegrationHubSpec) { s.TLS.IssuerRef.Name = "missing" },
		"pods that start": func(*v1alpha1.IntegrationHubSpec) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			h := f.hub()
			change(&h.Spec)
			f.create(h)
			f.reconcile()
			if h.Spec.TLS.IssuerRef.Name == "ca" {
				f.issue()
			}
			n, now := &requests{}, time.Now()
			c := n.client()
			// The cache answers these reads in a cluster.
			r := &controllers.Reconciler{Client: c, APIReader: c, Recorder: f.events, HubImage: "hub:test"}
			r.SetClock(func() time.Time { return now })
			pass := func(span time.Duration) (reconciles int) {
				t.Helper()
				for end := now.Add(span); now.Before(end); reconciles++ {
					result, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: f.key()})
					if err != nil || result.RequeueAfter == 0 {
						t.Fatalf("%+v, %v", result, err)
					}
					now = now.Add(result.RequeueAfter)
				}
				return reconciles
			}
			first := pass(time.Minute)
			pass(10 * time.Minute)
			*n = requests{}
			const minutes = 20
			later := pass(minutes * time.Minute)
			if first < 3 || later > minutes/2+1 {
				t.Errorf("%d reconciles in the first minute, and %d in %d minutes at rest", first, later, minutes)
			}
			if n.writes > 0 || n.reads > 15*minutes {
				t.Errorf("%d writes and %d reads in %d minutes at rest", n.writes, n.reads, minutes)
			}
			f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.Label = "Another" })
			if result, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: f.key()}); err != nil || result.RequeueAfter > time.Minute {
				t.Errorf("after a change: %+v, %v", result, err)
			}
		})
	}
}

// The kubelet takes up to a minute and a half to update mounted files. What waits for pods to read them is
// noticed soon after that, and not half as long again later.
func TestFilesOfPodsAreNoticedSoon(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) (f *fixture, hubs controllers.Inspector, update func(), condition string){
		"the service secret": func(t *testing.T) (*fixture, controllers.Inspector, func(), string) {
			t.Helper()
			f := newFixture(t)
			h := f.hub()
			h.Spec.ServiceSecretRef = &v1alpha1.SecretKeyRef{Name: "mine"}
			f.create(h)
			s := &corev1.Secret{ObjectMeta: f.meta("mine"), StringData: map[string]string{"secret": "first-service-secret"}}
			f.create(s)
			f.ready()
			f.readyPod("hub-1")
			s.StringData = map[string]string{"secret": "second-service-secret", "previous": "first-service-secret"}
			if err := api.Update(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			accepts := false
			return f, inspector{accepts: func(string) bool { return accepts }}, func() { accepts = true }, v1alpha1.CredentialsReady
		},
		"an integration without code": func(t *testing.T) (*fixture, controllers.Inspector, func(), string) {
			t.Helper()
			f := newCustomFixture(t)
			f.create(f.integration("a"))
			f.pod.stale = true
			f.settle()
			return f.fixture, f.pod, func() { f.pod.stale = false }, v1alpha1.CustomIntegrationsReady
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, hubs, update, condition := start(t)
			now := time.Now()
			r := &controllers.Reconciler{Client: api, APIReader: api, Recorder: f.events, HubImage: "hub:test", Hubs: hubs}
			r.SetClock(func() time.Time { return now })
			ready := func() bool {
				return meta.IsStatusConditionTrue(get(f, "hub", &v1alpha1.IntegrationHub{}).Status.Conditions, condition)
			}
			updated := now.Add(80 * time.Second)
			for {
				if !now.Before(updated) {
					update()
				}
				result, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: f.key()})
				if ready() {
					break
				}
				if err != nil || result.RequeueAfter == 0 {
					t.Fatalf("%+v, %v", result, err)
				}
				now = now.Add(result.RequeueAfter)
			}
			if late := now.Sub(updated); late < 0 || late > 10*time.Second {
				t.Errorf("noticed %s after the pods read the files", late)
			}
		})
	}
}

// Files that pods never read are checked less and less often in the end.
func TestFilesThatPodsNeverReadBackOff(t *testing.T) {
	t.Parallel()
	f := newCustomFixture(t)
	f.create(f.integration("a"))
	f.pod.stale = true
	f.settle()
	now := time.Now()
	r := &controllers.Reconciler{Client: api, APIReader: api, Recorder: f.events, HubImage: "hub:test", Hubs: f.pod}
	r.SetClock(func() time.Time { return now })
	var last time.Duration
	for end := now.Add(10 * time.Minute); now.Before(end); now = now.Add(last) {
		result, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: f.key()})
		if err != nil || result.RequeueAfter == 0 {
			t.Fatalf("%+v, %v", result, err)
		}
		last = result.RequeueAfter
	}
	if last < time.Minute {
		t.Errorf("checked every %s after ten minutes", last)
	}
}
