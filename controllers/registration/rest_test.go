package registration_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/lookerclient"
	"integrationhub.dev/controllers/registration"
)

// countWrites returns a client that counts what it writes, and that lists from a cache, as the manager's does.
func countWrites(f *fixture, writes *atomic.Int64) client.Client {
	f.t.Helper()
	lists, err := cache.New(apiConfig, cache.Options{Scheme: api.Scheme(), DefaultNamespaces: map[string]cache.Config{f.namespace: {}}})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.t.Cleanup(cancel)
	go lists.Start(ctx)
	return interceptor.NewClient(api, interceptor.Funcs{
		List: func(ctx context.Context, _ client.WithWatch, l client.ObjectList, opts ...client.ListOption) error {
			return lists.List(ctx, l, opts...)
		},
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			writes.Add(1)
			return c.Create(ctx, o, opts...)
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			writes.Add(1)
			return c.Update(ctx, o, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, patch client.Patch, opts ...client.PatchOption) error {
			writes.Add(1)
			return c.Patch(ctx, o, patch, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			writes.Add(1)
			return c.SubResource(sub).Patch(ctx, o, patch, opts...)
		},
	})
}

// Many registrations in one Looker, of a hub each, write nothing at rest: not to Kubernetes, and not to Looker.
// The test is not parallel, so that its many objects do not slow the other ones.
func TestManyAtRest(t *testing.T) {
	const registrations = 200
	f := newFixture(t)
	f.create(&corev1.Secret{ObjectMeta: f.meta("crm"), StringData: map[string]string{"key": "crm-key"}})
	var writes atomic.Int64
	c := countWrites(f, &writes)
	f.reconciler = &registration.Reconciler{Client: c, APIReader: c, Recorder: f.events, Looker: lookerclient.Options{AllowLoopback: true}}
	t.Cleanup(func() {
		if err := api.DeleteAllOf(context.Background(), &v1alpha1.LookerRegistration{}, client.InNamespace(f.namespace)); err != nil {
			t.Error(err)
		}
	})
	name := func(n int) string { return fmt.Sprintf("r-%03d", n) }
	reconcileAll := func() {
		t.Helper()
		for n := range registrations {
			if _, err := f.reconcileNamed(name(n)); err != nil {
				t.Fatal(err)
			}
			for len(f.events.Events) > 0 {
				<-f.events.Events
			}
		}
	}
	for n := range registrations {
		hub := &v1alpha1.IntegrationHub{ObjectMeta: f.meta(name(n)), Spec: v1alpha1.IntegrationHubSpec{
			BaseURL: f.hub.URL + "/" + name(n), TLS: v1alpha1.TLS{TerminatedElsewhere: true},
		}}
		f.create(hub)
		f.create(&corev1.Secret{ObjectMeta: f.meta(name(n) + "-token"), StringData: map[string]string{"token": f.hub.newToken()}})
		f.setServing(name(n), true)
		l := f.registration()
		l.Name, l.Spec.HubRef.Name = name(n), name(n)
		f.create(l)
	}
	reconcileAll()
	if writes.Load() == 0 {
		t.Fatal("the writes are not counted")
	}
	all := &v1alpha1.LookerRegistrationList{}
	if err := api.List(t.Context(), all, client.InNamespace(f.namespace)); err != nil {
		t.Fatal(err)
	}
	for i := range all.Items {
		if !meta.IsStatusConditionTrue(all.Items[i].Status.Conditions, v1alpha1.Ready) {
			t.Fatalf("%s is not ready: %+v", all.Items[i].Name, all.Items[i].Status.Conditions)
		}
	}
	if len(all.Items) != registrations || len(f.hubsInLooker()) != registrations {
		t.Fatalf("%d registrations, %d hubs in Looker", len(all.Items), len(f.hubsInLooker()))
	}
	writes.Store(0)
	after := f.last()
	reconcileAll()
	f.wantWrites(after)
	if n := writes.Load(); n != 0 {
		t.Errorf("%d writes to Kubernetes at rest", n)
	}
}
