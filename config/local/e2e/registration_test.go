//go:build e2e

package e2e

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/tokendigest"
	hublooker "integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/looker/api"
)

// registrationManifest is an IntegrationHub and its LookerRegistration, both with the name registered.
//
//go:embed registration.yaml
var registrationManifest string

const (
	registered    = "registered"
	registeredURL = "https://registered.looker.svc"
)

// A hub is registered in Looker by what is applied, and stays registered through whatever happens there and here.
// The parts share the hub, and each needs those before it.
func TestRegistration(t *testing.T) {
	s := deploySimulator(t)
	allowInLooker(t, namespace)
	newLooker(t).receiverCall(t, http.MethodDelete, "/deliveries", nil)
	create(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "registered-service"},
		StringData: map[string]string{"secret": "the first service secret of it"},
	})
	t.Cleanup(func() { remove(t, newHub(registered)) })
	for _, part := range []struct {
		name string
		run  func(*testing.T, simulator)
	}{
		{"one apply registers the hub", oneApplyRegisters},
		{"drift is corrected", driftIsCorrected},
		{"a hub that is deleted in Looker", hubIsDeletedInLooker},
		{"the API key is rotated", apiKeyIsRotated},
		{"the service secret is rotated", serviceSecretIsRotated},
		{"two hundred at rest", manyAtRest},
		{"deletion", registrationIsDeleted},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(t, s.in(t)) }) {
			t.Fatalf("Looker has the hubs %v; the registration is %+v", s.hubsAt(registeredURL), registration(t).Status)
		}
	}
}

// What Looker's users need comes about from one kubectl apply of both objects.
func oneApplyRegisters(t *testing.T, s simulator) {
	t.Helper()
	start := s.last()
	apply(t, registrationManifest)
	waitRegistered(t)
	hubs := s.hubsAt(registeredURL)
	if r := registration(t); !slices.Equal(hubs, []string{r.Status.HubID}) {
		t.Fatalf("Looker has the hubs %v, the status has %q", hubs, r.Status.HubID)
	}
	if posts := count(s.writes(start), "POST "+hublooker.APIPath+"/integration_hubs"); posts != 1 {
		t.Errorf("Looker was asked %d times to create the hub", posts)
	}
	if enabled := s.enabled(hubs[0]); len(enabled) < 2 || !enabled["tray"] || enabled["zapier"] {
		t.Errorf("Looker's integrations are %v", enabled)
	}
	i := registration(t).Status.Integrations
	if len(i) != 2 || i[0].Test == nil || !i[0].Test.Success || i[1].Test != nil {
		t.Errorf("Looker's tests: %+v", i)
	}
	executes(t, s, "/hooks/registered")
}

// executes has Looker execute, and checks that the data arrived.
func executes(t *testing.T, s simulator, hook string) {
	t.Helper()
	const data = `[{"orders.id":1}]`
	result, err := s.execute(t.Context(), registration(t).Status.HubID, hook, data)
	if err != nil || !result.Success {
		t.Errorf("%+v, %v", result, err)
	}
	if arrived := newLooker(t).arrivals(t, hook); len(arrived) != 1 || string(arrived[0].Body) != data {
		t.Errorf("%d deliveries arrived at %s, or not what was sent", len(arrived), hook)
	}
}

// A setting that somebody changes in Looker's user interface is changed back, and reported.
func driftIsCorrected(t *testing.T, s simulator) {
	t.Helper()
	hub := registration(t).Status.HubID
	s.do(http.MethodPatch, "/integrations/"+hub+"::tray", api.Integration{Enabled: new(false)}, nil)
	if s.enabled(hub)["tray"] {
		t.Fatal("the setting was not changed")
	}
	reconcileNow(t)
	eventually(t, 30*time.Second, func() string {
		i := registration(t).Status.Integrations[0]
		if !s.enabled(hub)["tray"] || !i.Enabled || !slices.Equal(i.CorrectedFields, []string{"enabled"}) {
			return fmt.Sprintf("the setting is not corrected: %+v", i)
		}
		return ""
	})
	emitted(t, v1alpha1.DriftCorrected)
	waitRegistered(t)
	executes(t, s, "/hooks/drift")
}

// A hub that somebody deletes in Looker is created again, unless the policy says that an admin decides.
func hubIsDeletedInLooker(t *testing.T, s simulator) {
	t.Helper()
	first := registration(t).Status.HubID
	s.do(http.MethodDelete, "/hubs/"+first, nil, nil)
	reconcileNow(t)
	eventually(t, 30*time.Second, func() string {
		if r := registration(t); r.Status.HubID == first || r.Status.HubID == "" {
			return "the hub is not created again"
		}
		return ""
	})
	emitted(t, v1alpha1.HubRecreated)
	waitRegistered(t)
	executes(t, s, "/hooks/recreated")

	policy := func(p v1alpha1.MissingHubPolicy) {
		t.Helper()
		r := registration(t)
		editObject(t, r, func() { r.Spec.MissingHubPolicy = p })
	}
	policy(v1alpha1.StallWithoutHub)
	waitRegistered(t)
	s.do(http.MethodDelete, "/hubs/"+registration(t).Status.HubID, nil, nil)
	reconcileNow(t)
	waitCondition(t, v1alpha1.Stalled, v1alpha1.HubMissing)
	if hubs := s.hubsAt(registeredURL); len(hubs) != 0 {
		t.Errorf("the hub was created again: %v", hubs)
	}
	policy(v1alpha1.RecreateHub)
	waitRegistered(t)
	if hubs := s.hubsAt(registeredURL); len(hubs) != 1 {
		t.Errorf("Looker has the hubs %v", hubs)
	}
}

// A new API key ends the operator's session in Looker. What is registered works on, and so does the operator once its
// Secret has the new key.
func apiKeyIsRotated(t *testing.T, s simulator) {
	t.Helper()
	fresh := map[string]string{"client_id": apiKey["client_id"], "client_secret": "the second API secret"}
	s.do(http.MethodPut, "/users/1/credentials", fresh, nil)
	reconcileNow(t)
	waitCondition(t, v1alpha1.Stalled, v1alpha1.CredentialsRejected)
	executes(t, s, "/hooks/rejected-key")
	key := &corev1.Secret{}
	if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "looker-api-key"}, key); err != nil {
		t.Fatal(err)
	}
	editObject(t, key, func() { key.StringData = fresh })
	waitRegistered(t)
}

// The service secret is rotated three times while Looker executes with the token that it has: none is refused. At the
// third time Looker's API is unreachable: Looker keeps its token until it can be written to.
func serviceSecretIsRotated(t *testing.T, s simulator) {
	t.Helper()
	const hook = "/hooks/registered-rotation"
	service := &corev1.Secret{}
	if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "registered-service"}, service); err != nil {
		t.Fatal(err)
	}
	rotate := func(n int) {
		t.Helper()
		editObject(t, service, func() {
			service.Data = map[string][]byte{"secret": fmt.Appendf(nil, "service secret number %d of it", n), "previous": service.Data["secret"]}
		})
		eventually(t, time.Minute, func() string {
			if !hasPreviousToken(t) {
				return "the status does not name the registration with the previous token"
			}
			return ""
		})
	}
	stream := startExecutes(t, s, registration(t).Status.HubID, hook)
	for n := range 2 {
		after := s.last()
		rotate(n + 2)
		waitCurrentToken(t, s, after)
		stream.pass(t)
	}

	after, hubs := s.last(), len(s.hubs())
	s.setEndpoints(false)
	t.Cleanup(func() { s.setEndpoints(true) })
	s.inject(hublooker.Fault{HangUp: hublooker.HangUpBefore}) // also on connections that are open
	rotate(4)
	r := registration(t)
	editObject(t, r, func() { r.Spec.Integrations[1].Enabled = new(true) }) // zapier
	eventually(t, 2*time.Minute, func() string {
		c := meta.FindStatusCondition(registration(t).Status.Conditions, v1alpha1.Registered)
		credentials := meta.FindStatusCondition(hub(t, registered).Status.Conditions, v1alpha1.CredentialsReady)
		switch {
		case c.Reason != v1alpha1.LookerUnreachable || !strings.Contains(c.Message, "connection refused"):
			return fmt.Sprintf("Looker is reachable: %+v", c)
		case credentials.Reason == v1alpha1.TokenPending:
			return "the pods do not accept the new token: " + credentials.Message
		}
		return ""
	})
	if !hasPreviousToken(t) {
		t.Error("the previous secret is reported as unused while Looker has its token")
	}
	stream.pass(t)
	s.do(http.MethodDelete, "/faults", nil, nil)
	s.setEndpoints(true)
	waitCurrentToken(t, s, after)
	waitRegistered(t)
	if enabled := s.enabled(registration(t).Status.HubID); !enabled["zapier"] || len(s.hubs()) != hubs {
		t.Errorf("after the outage Looker has the hubs %+v and the integrations %v", s.hubs(), enabled)
	}
	editObject(t, service, func() { delete(service.Data, "previous") })
	stream.pass(t)
	stream.end(t, s, hook)
}

// hasPreviousToken reports whether the hub's status says that Looker has a previous token.
func hasPreviousToken(t *testing.T) bool {
	t.Helper()
	return slices.Contains(hub(t, registered).Status.PreviousTokenRegistrations, registered)
}

// waitCurrentToken waits until Looker has the hub's current token, and nothing reports a previous one. It was written
// once since a number of the journal.
func waitCurrentToken(t *testing.T, s simulator, after int) {
	t.Helper()
	eventually(t, 3*time.Minute, func() string {
		r := registration(t)
		if !tokendigest.Matches(r.Status.TokenDigest, secret(t, namespace, registered+"-token", "token")) {
			return fmt.Sprintf("Looker does not have the current token: %+v", r.Status.Conditions)
		}
		if hasPreviousToken(t) {
			return "the hub's status has a registration with a previous token"
		}
		return ""
	})
	patch := "PATCH " + hublooker.APIPath + "/integration_hubs/" + registration(t).Status.HubID
	if n := count(s.writes(after), patch); n != 1 {
		t.Errorf("the token was written %d times to Looker", n)
	}
}

// executeStream is a stream of executes that Looker makes until it is stopped.
type executeStream struct {
	hook     string
	stop     context.CancelFunc
	workers  sync.WaitGroup
	sent     atomic.Int64
	mu       sync.Mutex
	failures []string
}

func startExecutes(t *testing.T, s simulator, hub, hook string) *executeStream {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	e := &executeStream{hook: hook, stop: stop}
	for n := range 3 {
		e.workers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				// An execute that has begun is not given up at the end.
				result, err := s.execute(context.WithoutCancel(ctx), hub, hook, fmt.Sprintf(`[{"n":"%d-%d"}]`, n, i))
				if err != nil || !result.Success {
					e.mu.Lock()
					e.failures = append(e.failures, fmt.Sprintf("%d-%d: %+v %v", n, i, result, err))
					e.mu.Unlock()
				} else {
					e.sent.Add(1)
				}
				select {
				case <-ctx.Done():
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
	t.Cleanup(stop)
	return e
}

// pass waits until executes have begun and ended since the call.
func (e *executeStream) pass(t *testing.T) {
	t.Helper()
	before := e.sent.Load()
	eventually(t, time.Minute, func() string {
		e.mu.Lock()
		defer e.mu.Unlock()
		if n := e.sent.Load() - before; n < 20 && len(e.failures) == 0 {
			return fmt.Sprintf("%d executes succeeded", n)
		}
		return ""
	})
}

// end ends the stream. None may have failed, and each arrived once.
func (e *executeStream) end(t *testing.T, s simulator, hook string) {
	t.Helper()
	e.stop()
	e.workers.Wait()
	if len(e.failures) > 0 {
		t.Errorf("%d of %d executes failed, the first: %s", len(e.failures), int(e.sent.Load())+len(e.failures), e.failures[0])
	}
	var calls []hublooker.Call
	s.do(http.MethodGet, "/calls", nil, &calls)
	refused := 0
	for _, c := range calls {
		if c.Status == http.StatusForbidden {
			refused++
		}
	}
	if refused > 0 {
		t.Errorf("the hub refused %d calls of Looker", refused)
	}
	seen := map[string]int{}
	for _, d := range newLooker(t).arrivals(t, hook) {
		seen[string(d.Body)]++
	}
	for body, n := range seen {
		if n != 1 {
			t.Errorf("%s arrived %d times", body, n)
		}
	}
	if int64(len(seen)) != e.sent.Load() {
		t.Errorf("%d different deliveries arrived, Looker made %d", len(seen), e.sent.Load())
	}
	t.Logf("%d executes through three rotations, %d refused", e.sent.Load(), refused)
}

// With deletionPolicy Delete, the hub is deleted in Looker, too.
func registrationIsDeleted(t *testing.T, s simulator) {
	t.Helper()
	r := registration(t)
	if err := cluster.Delete(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, func() string {
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(r), r); !apierrors.IsNotFound(err) {
			return fmt.Sprintf("the registration exists: %v %+v", err, r.Status.Conditions)
		}
		return ""
	})
	if hubs := s.hubsAt(registeredURL); len(hubs) != 0 {
		t.Errorf("Looker still has the hubs %v", hubs)
	}
}

func registration(t *testing.T) *v1alpha1.LookerRegistration {
	t.Helper()
	r := &v1alpha1.LookerRegistration{}
	if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: registered}, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// reconcileNow requests a comparison with Looker, which is otherwise due after the interval.
func reconcileNow(t *testing.T) {
	t.Helper()
	r := registration(t)
	editObject(t, r, func() {
		if r.Annotations == nil {
			r.Annotations = map[string]string{}
		}
		r.Annotations[v1alpha1.ReconcileAtAnnotation] = time.Now().Format(time.RFC3339Nano)
	})
}

// waitRegistered waits until the registration is ready at its current generation, and nothing is left to do.
func waitRegistered(t *testing.T) {
	t.Helper()
	eventually(t, 2*time.Minute, func() string {
		r := registration(t)
		c := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.Ready)
		if c == nil || c.Status != metav1.ConditionTrue || c.ObservedGeneration != r.Generation ||
			meta.FindStatusCondition(r.Status.Conditions, v1alpha1.Reconciling) != nil {
			return fmt.Sprintf("the registration is not ready: %+v", r.Status.Conditions)
		}
		return ""
	})
}

func waitCondition(t *testing.T, condition, reason string) {
	t.Helper()
	eventually(t, 30*time.Second, func() string {
		c := meta.FindStatusCondition(registration(t).Status.Conditions, condition)
		if c == nil || c.Reason != reason {
			return fmt.Sprintf("%s is %+v, want the reason %s", condition, c, reason)
		}
		return ""
	})
}

// emitted waits for an event about the registration.
func emitted(t *testing.T, reason string) {
	t.Helper()
	eventually(t, 30*time.Second, func() string {
		events := &corev1.EventList{}
		if err := cluster.List(t.Context(), events, client.InNamespace(namespace)); err != nil {
			t.Fatal(err)
		}
		for _, e := range events.Items {
			if e.Reason == reason && e.InvolvedObject.Kind == "LookerRegistration" && e.InvolvedObject.Name == registered {
				return ""
			}
		}
		return "no event " + reason
	})
}

func count(list []string, want string) int {
	n := 0
	for _, item := range list {
		if item == want {
			n++
		}
	}
	return n
}
