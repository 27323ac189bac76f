package registration_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/lookerclient"
	"integrationhub.dev/controllers/registration"
)

var errKilled = errors.New("the manager was killed")

// killer kills a manager at one of its calls to Looker or to the API server.
type killer struct {
	mu sync.Mutex
	// calls counts them. The manager is killed at the call number at, before or after it has its effect.
	calls, at int
	how       loss
	kill      context.CancelFunc
}

// next counts a call, and reports how it is lost.
func (k *killer) next() loss {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	if k.calls != k.at {
		return nothing
	}
	k.kill()
	return k.how
}

// around runs a call to the API server.
func (k *killer) around(call func() error) error {
	how := k.next()
	if how == request {
		return errKilled
	}
	err := call()
	if how == answer {
		return errKilled
	}
	return err
}

// manager returns the API server's client of a manager that is killed.
func (k *killer) client() client.Client {
	return interceptor.NewClient(api, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			return k.around(func() error { return c.Get(ctx, key, o, opts...) })
		},
		List: func(ctx context.Context, c client.WithWatch, l client.ObjectList, opts ...client.ListOption) error {
			return k.around(func() error { return c.List(ctx, l, opts...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return k.around(func() error { return c.Patch(ctx, o, patch, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return k.around(func() error { return c.SubResource(sub).Patch(ctx, o, patch, opts...) })
		},
	})
}

// reconcileKilled lets a manager work until the registration settles or the manager is killed, and returns the
// number of its calls. With at = 0 it is not killed.
func (f *fixture) reconcileKilled(at int, how loss) int {
	f.t.Helper()
	ctx, kill := context.WithCancel(f.t.Context())
	defer kill()
	k := &killer{at: at, how: how, kill: kill}
	f.lookerAt.loseBy(func(*http.Request) loss { return k.next() })
	c := k.client()
	r := &registration.Reconciler{Client: c, APIReader: c, Recorder: f.events, Looker: lookerclient.Options{AllowLoopback: true}}
	for range 4 {
		_, err := r.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKey{Namespace: f.namespace, Name: "looker"}})
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
	f.lookerAt.loseBy(nil)
	f.restart()
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.calls
}

// A manager that is killed at any of its calls, before or after the call has its effect, never leaves two hubs
// in Looker, and the next manager continues.
func TestKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	prepare := func(t *testing.T) *fixture {
		t.Helper()
		f := newFixture(t)
		f.create(&corev1.Secret{ObjectMeta: f.meta("crm"), StringData: map[string]string{"key": "crm-key"}})
		l := f.registration()
		l.Spec.DeletionPolicy = v1alpha1.DeleteHub
		f.create(l)
		return f
	}
	f := prepare(t)
	calls := f.reconcileKilled(0, nothing)
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
	if calls < 20 {
		t.Fatalf("a manager makes %d calls, want more", calls)
	}
	for n := 1; n <= calls; n++ {
		for how, name := range map[loss]string{request: "before", answer: "after"} {
			t.Run(fmt.Sprintf("%s call %d", name, n), func(t *testing.T) {
				t.Parallel()
				f := prepare(t)
				f.reconcileKilled(n, how)
				if hubs := f.hubsInLooker(); len(hubs) > 1 {
					t.Fatalf("Looker has the hubs %v", hubs)
				}
				f.settle()
				f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
				if hubs := f.hubsInLooker(); len(hubs) != 1 {
					t.Errorf("Looker has the hubs %v", hubs)
				}
				if result, err := f.execute(t.Context()); err != nil || !result.Success {
					t.Errorf("Looker runs the integration: %+v, %v", result, err)
				}
			})
		}
	}
}

// The same while the hub is deleted in Looker: the registration is gone in the end, and the hub with it.
func TestKilledAtEveryCallOfDeletion(t *testing.T) {
	t.Parallel()
	prepare := func(t *testing.T) *fixture {
		t.Helper()
		f := newFixture(t)
		f.registered(func(s *v1alpha1.LookerRegistrationSpec) { s.DeletionPolicy = v1alpha1.DeleteHub })
		if err := api.Delete(t.Context(), f.read()); err != nil {
			t.Fatal(err)
		}
		return f
	}
	calls := prepare(t).reconcileKilled(0, nothing)
	for n := 1; n <= calls; n++ {
		for how, name := range map[loss]string{request: "before", answer: "after"} {
			t.Run(fmt.Sprintf("%s call %d", name, n), func(t *testing.T) {
				t.Parallel()
				f := prepare(t)
				f.reconcileKilled(n, how)
				f.reconcile()
				err := api.Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: "looker"}, &v1alpha1.LookerRegistration{})
				if !apierrors.IsNotFound(err) || len(f.hubsInLooker()) != 0 {
					t.Errorf("the registration: %v, Looker has %v", err, f.hubsInLooker())
				}
			})
		}
	}
}
