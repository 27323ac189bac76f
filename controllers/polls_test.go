package controllers_test

import (
	"context"
	"testing"
	"time"

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
