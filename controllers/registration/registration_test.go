package registration_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/hub/looker"
	lookerapi "integrationhub.dev/hub/looker/api"
)

// From nothing: the hub is created in Looker once it serves, its integration is enabled with its parameters,
// Looker tests it, and can run it. The status and the events contain no value.
func TestFromNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setServing("hub", false)
	f.create(f.registration())
	f.settle()
	f.want(v1alpha1.Registered, metav1.ConditionFalse, v1alpha1.HubNotReady)
	f.want(v1alpha1.Reconciling, metav1.ConditionTrue, v1alpha1.HubNotReady)
	if n := len(f.looker.Requests(0)); n > 0 {
		t.Errorf("Looker got %d requests before the hub served", n)
	}

	f.setServing("hub", true)
	f.settle()
	f.want(v1alpha1.Registered, metav1.ConditionTrue, v1alpha1.Succeeded)
	f.want(v1alpha1.HubReachable, metav1.ConditionTrue, v1alpha1.Succeeded)
	f.want(v1alpha1.IntegrationsSynced, metav1.ConditionFalse, v1alpha1.IntegrationsDiffer)
	if m := f.message(v1alpha1.IntegrationsSynced); !strings.Contains(m, `Secret "crm" of the parameter key does not exist`) {
		t.Errorf("the message is %q", m)
	}

	f.create(&corev1.Secret{ObjectMeta: f.meta("crm"), StringData: map[string]string{"key": "crm-key", "unused": "other-value"}})
	f.settle()
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
	l := f.read()
	if meta.FindStatusCondition(l.Status.Conditions, v1alpha1.Reconciling) != nil || meta.FindStatusCondition(l.Status.Conditions, v1alpha1.Stalled) != nil {
		t.Errorf("conditions of a ready registration: %+v", l.Status.Conditions)
	}
	want := []v1alpha1.RegisteredIntegrationStatus{{
		Name: "crm", Synced: true, Enabled: true, SettingsDigest: l.Status.Integrations[0].SettingsDigest,
		Test: &v1alpha1.IntegrationTestStatus{Success: true, Message: "The test succeeded."},
	}}
	if diff := cmp.Diff(want, l.Status.Integrations); diff != "" {
		t.Errorf("integrations (-want +got):\n%s", diff)
	}
	if l.Status.HubURL != f.hub.URL || l.Status.HubID == "" || l.Status.PendingHubURL != "" || *l.Status.EnabledIntegrations != 1 {
		t.Errorf("status: %+v", l.Status)
	}
	f.wantWrites(0, "POST /integration_hubs", "PATCH /integrations/"+l.Status.HubID+"::crm", "POST /integrations/"+l.Status.HubID+"::crm/test")
	if result, err := f.execute(t.Context()); err != nil || !result.Success {
		t.Errorf("Looker runs the integration: %+v, %v", result, err)
	}
	var text string
	for len(f.events.Events) > 0 {
		text += <-f.events.Events
	}
	encoded, err := json.Marshal(f.read())
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"crm-key", "other-value", "key-secret", string(get(f, "hub-token", &corev1.Secret{}).Data["token"])} {
		if strings.Contains(text+string(encoded), secret) {
			t.Errorf("the status or an event contains %q", secret)
		}
	}
}

// At rest, Looker is only read and Kubernetes is not written to, also by a manager that was just started.
func TestAtRest(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.registered()
	version, after := f.read().ResourceVersion, f.last()
	f.restart()
	for range 3 {
		result := f.reconcile()
		if result.RequeueAfter < 10*time.Minute || result.RequeueAfter > 12*time.Minute {
			t.Errorf("checked again after %s", result.RequeueAfter)
		}
	}
	f.wantWrites(after)
	if f.read().ResourceVersion != version {
		t.Error("the registration was written")
	}
	logins := 0
	for _, r := range f.looker.Requests(after) {
		if strings.HasSuffix(r.Path, "/login") {
			logins++
		}
	}
	if logins != 1 {
		t.Errorf("%d logins in three reconciles of a new manager, want 1", logins)
	}
}

// What an admin changes in Looker's UI is changed back if it is listed, and reported.
func TestDrift(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.registered()
	id := f.read().Status.HubID
	change := func(integration string, change lookerapi.Integration) {
		t.Helper()
		if err := f.looker.ChangeIntegration(id+"::"+integration, change); err != nil {
			t.Fatal(err)
		}
	}
	change("crm", lookerapi.Integration{Enabled: new(false), Params: []lookerapi.IntegrationParam{
		{Name: new("domain"), Value: new("evil.example.com")}, {Name: new("key"), Value: new("")},
	}})
	change("files", lookerapi.Integration{Enabled: new(true)}) // not listed
	after := f.last()
	f.emitted("")
	f.settle()
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
	f.wantWrites(after, "PATCH /integrations/"+id+"::crm", "POST /integrations/"+id+"::crm/test")
	fields := []string{"enabled", "params[domain]", "params[key]"}
	if diff := cmp.Diff(fields, f.read().Status.Integrations[0].CorrectedFields); diff != "" {
		t.Errorf("corrected fields (-want +got):\n%s", diff)
	}
	if e := f.emitted(v1alpha1.DriftCorrected); len(e) != 1 || !strings.Contains(e[0], "enabled, params[domain], params[key] of integration crm") || strings.Contains(e[0], "crm-key") {
		t.Errorf("events: %q", e)
	}
	if n := *f.read().Status.EnabledIntegrations; n != 2 {
		t.Errorf("%d integrations are enabled, want 2: what is not listed is left as it is", n)
	}

	f.edit(func(l *v1alpha1.LookerRegistration) { l.Spec.Prune = true })
	f.settle()
	if n := *f.read().Status.EnabledIntegrations; n != 1 {
		t.Errorf("%d integrations are enabled with prune, want 1", n)
	}
}

// If something else keeps changing an integration, the operator does not fight over it.
func TestContention(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.registered()
	id := f.read().Status.HubID
	for range 5 {
		if err := f.looker.ChangeIntegration(id+"::crm", lookerapi.Integration{Enabled: new(false)}); err != nil {
			t.Fatal(err)
		}
		f.reconcile()
	}
	f.want(v1alpha1.IntegrationsSynced, metav1.ConditionFalse, v1alpha1.FieldsContended)
	f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.FieldsContended)
	after := f.last()
	f.reconcile()
	f.wantWrites(after)
}

// A changed Secret is written once, although Looker never returns the value.
func TestChangedParam(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.registered()
	id, after := f.read().Status.HubID, f.last()
	f.setSecret("crm", "key", "another-key")
	f.settle()
	f.wantWrites(after, "PATCH /integrations/"+id+"::crm", "POST /integrations/"+id+"::crm/test")
	if fields := f.read().Status.Integrations[0].CorrectedFields; fields != nil {
		t.Errorf("a change of the spec is reported as drift: %v", fields)
	}
	after = f.last()
	f.setSecret("crm", "unused", "x")
	f.settle()
	f.wantWrites(after)
}

// A failed test is reported in Looker's words, and repeated at the interval.
func TestFailedTest(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.hub.set(func(h *fakeHub) { h.failTests = "The key was revoked" })
	f.create(&corev1.Secret{ObjectMeta: f.meta("crm"), StringData: map[string]string{"key": "crm-key"}})
	f.create(f.registration())
	f.settle()
	f.want(v1alpha1.IntegrationsSynced, metav1.ConditionFalse, v1alpha1.TestFailed)
	if m := f.message(v1alpha1.Ready); !strings.Contains(m, "The key was revoked") {
		t.Errorf("the message is %q", m)
	}
	f.hub.set(func(h *fakeHub) { h.failTests = "" })
	after := f.last()
	f.settle()
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
	f.wantWrites(after, "POST /integrations/"+f.read().Status.HubID+"::crm/test")

	f.edit(func(l *v1alpha1.LookerRegistration) {
		l.Spec.Integrations[0].Test, l.Spec.Integrations[0].Params[0].Value = v1alpha1.TestNever, new("example.org")
	})
	after = f.last()
	f.settle()
	f.wantWrites(after, "PATCH /integrations/"+f.read().Status.HubID+"::crm")
}

// A hub that an admin deleted in Looker is created again, unless the policy says otherwise.
func TestHubDeletedInLooker(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.registered()
	before := f.read().Status.HubID
	remove := func() {
		t.Helper()
		if err := f.looker.DeleteHub(f.read().Status.HubID); err != nil {
			t.Fatal(err)
		}
	}
	remove()
	f.settle()
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
	if now := f.read().Status.HubID; now == before || len(f.hubsInLooker()) != 1 {
		t.Errorf("the hub has the ID %s as before, or Looker has the hubs %v", now, f.hubsInLooker())
	}
	if e := f.emitted(v1alpha1.HubRecreated); len(e) != 1 {
		t.Errorf("events: %q", e)
	}

	f.edit(func(l *v1alpha1.LookerRegistration) { l.Spec.MissingHubPolicy = v1alpha1.StallWithoutHub })
	remove()
	after := f.last()
	f.settle()
	f.want(v1alpha1.Registered, metav1.ConditionFalse, v1alpha1.HubMissing)
	f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.HubMissing)
	f.wantWrites(after)
}

// Another API key is used at once, and the session of the previous one is ended.
func TestCredentialsRotated(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.registered()
	f.setSecret("looker", "client_secret", "wrong")
	f.settle()
	f.want(v1alpha1.Registered, metav1.ConditionFalse, v1alpha1.CredentialsRejected)
	f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.CredentialsRejected)
	logouts := 0
	for _, r := range f.looker.Requests(0) {
		if strings.HasSuffix(r.Path, "/logout") && r.Status == http.StatusNoContent {
			logouts++
		}
	}
	if logouts != 1 {
		t.Errorf("%d logouts, want 1", logouts)
	}
	f.setSecret("looker", "client_id", "new")
	f.setSecret("looker", "client_secret", "new-secret")
	f.settle()
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)

	f.setSecret("looker", "client_id", "viewer")
	f.setSecret("looker", "client_secret", "viewer-secret")
	f.settle()
	if c := meta.FindStatusCondition(f.read().Status.Conditions, v1alpha1.Registered); c.Reason != v1alpha1.PermissionDenied || !strings.Contains(c.Message, "Admin") {
		t.Errorf("a user without permission: %+v", c)
	}
	if len(f.hubsInLooker()) != 1 {
		t.Errorf("Looker has the hubs %v", f.hubsInLooker())
	}
}

// Looker that is unreachable is retried, and nothing is lost.
func TestLookerUnreachable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.registered()
	before := f.read().Status
	f.lookerAt.loseBy(func(*http.Request) loss { return request })
	f.edit(func(l *v1alpha1.LookerRegistration) { l.Spec.Integrations[0].Params[0].Value = new("example.org") })
	for range 3 {
		if _, err := f.reconcileNamed("looker"); err == nil {
			t.Fatal("the work queue would not retry with a backoff")
		}
	}
	f.want(v1alpha1.Registered, metav1.ConditionUnknown, v1alpha1.LookerUnreachable)
	f.want(v1alpha1.Reconciling, metav1.ConditionTrue, v1alpha1.LookerUnreachable)
	now := f.read().Status
	if now.HubID != before.HubID || now.TokenDigest != before.TokenDigest || cmp.Diff(now.Integrations, before.Integrations) != "" {
		t.Errorf("status was %+v, is %+v", before, now)
	}
	version := f.read().ResourceVersion
	_, _ = f.reconcileNamed("looker")
	if f.read().ResourceVersion != version {
		t.Error("a retry that fails in the same way writes the status")
	}
	f.lookerAt.loseBy(nil)
	after := f.last()
	f.settle()
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
	f.wantWrites(after, "PATCH /integrations/"+now.HubID+"::crm", "POST /integrations/"+now.HubID+"::crm/test")
}

// What Looker answers decides the condition, and when the operator tries again.
func TestFaults(t *testing.T) {
	t.Parallel()
	const hubs = looker.APIPath + "/integration_hubs"
	for name, tt := range map[string]struct {
		fault     looker.Fault
		condition string
		status    metav1.ConditionStatus
		reason    string
		message   string
		flag      string
		// retried is set if the work queue retries; otherwise the next check is between min and max.
		retried  bool
		min, max time.Duration
	}{
		"creating is rate limited": {
			fault:     looker.Fault{Method: "POST", Path: hubs, Status: 429, RetryAfter: "120"},
			condition: v1alpha1.Registered, status: metav1.ConditionFalse, reason: v1alpha1.RateLimited, flag: v1alpha1.Reconciling,
			min: 119 * time.Second, max: 144 * time.Second,
		},
		"creating is refused": {
			fault: looker.Fault{Method: "POST", Path: hubs, Status: 422, Message: "Validation Failed", Errors: []lookerapi.ValidationErrorDetail{
				{Field: new("url"), Message: new("is not allowed"), Code: new("invalid"), DocumentationURL: new("")},
			}},
			condition: v1alpha1.Registered, status: metav1.ConditionFalse, reason: v1alpha1.LookerRefused, message: "url: is not allowed", flag: v1alpha1.Stalled,
			min: time.Minute, max: time.Minute,
		},
		"creating is forbidden": {
			fault:     looker.Fault{Method: "POST", Path: hubs, Status: 403},
			condition: v1alpha1.Registered, status: metav1.ConditionFalse, reason: v1alpha1.PermissionDenied, message: "Admin role", flag: v1alpha1.Stalled,
			min: time.Minute, max: time.Minute,
		},
		"creating answers 404": {
			fault:     looker.Fault{Method: "POST", Path: hubs, Status: 404},
			condition: v1alpha1.Registered, status: metav1.ConditionFalse, reason: v1alpha1.PermissionDenied, message: "Admin role", flag: v1alpha1.Stalled,
			min: time.Minute, max: time.Minute,
		},
		"creating conflicts": {
			fault:     looker.Fault{Method: "POST", Path: hubs, Status: 409},
			condition: v1alpha1.Registered, status: metav1.ConditionFalse, reason: v1alpha1.LookerRefused, flag: v1alpha1.Reconciling,
			min: 5 * time.Second, max: 6 * time.Second,
		},
		"creating fails": {
			fault:     looker.Fault{Method: "POST", Path: hubs, Status: 500},
			condition: v1alpha1.Registered, status: metav1.ConditionFalse, reason: v1alpha1.LookerUnreachable, flag: v1alpha1.Reconciling, retried: true,
		},
		"listing is unauthorized": {
			fault:     looker.Fault{Method: "GET", Path: hubs, Status: 401},
			condition: v1alpha1.Registered, status: metav1.ConditionFalse, reason: v1alpha1.CredentialsRejected, flag: v1alpha1.Stalled,
			min: time.Minute, max: time.Minute,
		},
		"health fails": {
			fault:     looker.Fault{Path: hubs + "/*/health", Status: 503, RetryAfter: "30"},
			condition: v1alpha1.HubReachable, status: metav1.ConditionUnknown, reason: v1alpha1.LookerUnreachable, flag: v1alpha1.Reconciling,
			min: 29 * time.Second, max: 37 * time.Second,
		},
		"the change of an integration is refused": {
			fault: looker.Fault{
				Method: "PATCH", Path: looker.APIPath + "/integrations/*", Status: 422, Message: "Validation Failed",
				Errors: []lookerapi.ValidationErrorDetail{{Field: new("params.0"), Message: new("is bad"), Code: new("invalid"), DocumentationURL: new("")}},
			},
			condition: v1alpha1.IntegrationsSynced, status: metav1.ConditionFalse, reason: v1alpha1.IntegrationsDiffer, message: "params.0: is bad", flag: v1alpha1.Stalled,
			min: 10 * time.Minute, max: 12 * time.Minute,
		},
		"a test is refused": {
			fault:     looker.Fault{Method: "POST", Path: looker.APIPath + "/integrations/*/test", Status: 404},
			condition: v1alpha1.IntegrationsSynced, status: metav1.ConditionFalse, reason: v1alpha1.TestFailed, flag: v1alpha1.Stalled,
			min: 10 * time.Minute, max: 12 * time.Minute,
		},
		"a test is rate limited": {
			fault:     looker.Fault{Method: "POST", Path: looker.APIPath + "/integrations/*/test", Status: 429},
			condition: v1alpha1.IntegrationsSynced, status: metav1.ConditionUnknown, reason: v1alpha1.RateLimited, flag: v1alpha1.Reconciling,
			min: time.Minute, max: 72 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.create(&corev1.Secret{ObjectMeta: f.meta("crm"), StringData: map[string]string{"key": "crm-key"}})
			if err := f.looker.InjectFault(tt.fault); err != nil {
				t.Fatal(err)
			}
			f.create(f.registration())
			result, err := f.reconcileNamed("looker")
			if (err != nil) != tt.retried || !tt.retried && (result.RequeueAfter < tt.min || result.RequeueAfter > tt.max) {
				t.Errorf("next check after %s, %v", result.RequeueAfter, err)
			}
			f.want(tt.condition, tt.status, tt.reason)
			f.want(tt.flag, metav1.ConditionTrue, tt.reason)
			f.want(v1alpha1.Ready, metav1.ConditionFalse, tt.reason)
			if m := f.message(tt.condition); !strings.Contains(m, tt.message) {
				t.Errorf("the message is %q, want %q", m, tt.message)
			}
			f.looker.ClearFaults()
			f.restart() // without the pause that a rate limit causes
			f.settle()
			f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
			if n := len(f.hubsInLooker()); n != 1 {
				t.Errorf("Looker has %d hubs", n)
			}
		})
	}
}

// Looker's words about the hub are in the condition, and the token is written again once: it may have been
// changed in Looker.
func TestHubUnreachable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.registered()
	id := f.read().Status.HubID
	f.hub.load(0, "another secret of the hub")
	f.hub.load(1, "another secret of the hub")
	after := f.last()
	f.settle()
	f.reconcile()
	f.wantWrites(after, "PATCH /integration_hubs/"+id)
	f.want(v1alpha1.HubReachable, metav1.ConditionFalse, v1alpha1.HubUnreachable)
	f.want(v1alpha1.Reconciling, metav1.ConditionTrue, v1alpha1.HubUnreachable)
	if m := f.message(v1alpha1.HubReachable); !strings.Contains(m, "Looker reported: ") || !strings.Contains(m, "403") {
		t.Errorf("the message is %q", m)
	}
	f.hub.load(0, firstSecret)
	f.hub.load(1, firstSecret)
	f.settle()
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
}

// The legal agreement is accepted only if the spec says so.
func TestLegalAgreement(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(o *looker.Options) { o.LegalAgreement = "The terms." })
	f.create(&corev1.Secret{ObjectMeta: f.meta("crm"), StringData: map[string]string{"key": "crm-key"}})
	f.create(f.registration())
	f.settle()
	f.want(v1alpha1.Registered, metav1.ConditionFalse, v1alpha1.LegalAgreementRequired)
	f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.LegalAgreementRequired)
	if f.read().Status.HubID == "" {
		t.Error("the status does not have the ID of the created hub")
	}
	f.wantWrites(0, "POST /integration_hubs")
	f.edit(func(l *v1alpha1.LookerRegistration) { l.Spec.AcceptLegalAgreement = true })
	f.settle()
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
}

// A hub that is in Looker already is left unchanged, unless the spec adopts it.
func TestExistingHub(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(&corev1.Secret{ObjectMeta: f.meta("crm"), StringData: map[string]string{"key": "crm-key"}})
	id, err := f.looker.AddHub(t.Context(), f.hub.URL+"/", "of an admin")
	if err != nil {
		t.Fatal(err)
	}
	f.create(f.registration())
	f.settle()
	f.want(v1alpha1.Registered, metav1.ConditionFalse, v1alpha1.HubExists)
	f.wantWrites(0)
	if m := f.message(v1alpha1.Registered); !strings.Contains(m, "Hub "+id+" ") || !strings.Contains(m, "did not create that hub") {
		t.Errorf("the message is %q", m)
	}
	f.edit(func(l *v1alpha1.LookerRegistration) { l.Spec.Adopt = true })
	f.settle()
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
	if l := f.read(); l.Status.HubID != id || len(f.hubsInLooker()) != 1 {
		t.Errorf("the hub %s was adopted, want %s; Looker has %v", l.Status.HubID, id, f.hubsInLooker())
	}
}

// Only one registration of a hub writes to Looker. The other one names it, and takes over when it is gone.
func TestTwoRegistrationsOfOneHub(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.registered()
	second := f.registration()
	second.Name, second.Spec.Adopt = "second", true
	f.create(second)
	after := f.last()
	for range 2 {
		if _, err := f.reconcileNamed("second"); err != nil {
			t.Fatal(err)
		}
	}
	f.wantNamed("second", v1alpha1.Registered, metav1.ConditionFalse, v1alpha1.RegistrationConflict)
	f.wantNamed("second", v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.RegistrationConflict)
	c := meta.FindStatusCondition(get(f, "second", &v1alpha1.LookerRegistration{}).Status.Conditions, v1alpha1.Ready)
	if !strings.Contains(c.Message, f.namespace+"/looker") {
		t.Errorf("the message is %q", c.Message)
	}
	f.wantWrites(after)
	f.settle() // the first one stays ready
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)

	// A registration in another namespace, of another IntegrationHub with the same URL.
	other := newFixture(t)
	o := f.registration()
	o.Namespace = other.namespace
	other.create(o)
	hub := get(other, "hub", &v1alpha1.IntegrationHub{})
	hub.Status.URL = f.hub.URL
	if err := api.Status().Update(t.Context(), hub); err != nil {
		t.Fatal(err)
	}
	other.settle()
	other.want(v1alpha1.Registered, metav1.ConditionFalse, v1alpha1.RegistrationConflict)

	if err := api.Delete(t.Context(), f.read()); err != nil {
		t.Fatal(err)
	}
	if err := api.Delete(t.Context(), other.read()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := f.reconcileNamed("second"); err != nil {
			t.Fatal(err)
		}
	}
	f.wantNamed("second", v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
}

// A change of the finalizers alone is no event, so that the reconcile that adds one does the rest, too.
func TestFinalizerIsNoEvent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	l := f.registration()
	l.Spec.DeletionPolicy = v1alpha1.DeleteHub
	f.create(l)
	f.reconcile()
	if finalizers := f.read().Finalizers; len(finalizers) != 1 {
		t.Errorf("finalizers %q", finalizers)
	}
	if f.want(v1alpha1.Registered, metav1.ConditionTrue, v1alpha1.Succeeded); len(f.hubsInLooker()) != 1 {
		t.Errorf("hubs in Looker: %v", f.hubsInLooker())
	}
}

// With the policy Delete, the hub is deleted in Looker before the registration is.
func TestDeletion(t *testing.T) {
	t.Parallel()
	deleting := func(s *v1alpha1.LookerRegistrationSpec) { s.DeletionPolicy = v1alpha1.DeleteHub }
	gone := func(f *fixture) bool {
		err := api.Get(f.t.Context(), client.ObjectKey{Namespace: f.namespace, Name: "looker"}, &v1alpha1.LookerRegistration{})
		return apierrors.IsNotFound(err)
	}
	remove := func(f *fixture) {
		f.t.Helper()
		if err := api.Delete(f.t.Context(), f.read()); err != nil {
			f.t.Fatal(err)
		}
	}
	t.Run("Retain", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.registered()
		remove(f)
		if !gone(f) || len(f.hubsInLooker()) != 1 {
			t.Errorf("gone: %t, hubs in Looker: %v", gone(f), f.hubsInLooker())
		}
	})
	t.Run("Delete", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.registered(deleting)
		remove(f)
		f.reconcile()
		if !gone(f) || len(f.hubsInLooker()) != 0 {
			t.Errorf("gone: %t, hubs in Looker: %v", gone(f), f.hubsInLooker())
		}
		if e := f.emitted(v1alpha1.HubUnregistered); len(e) != 1 {
			t.Errorf("events: %q", e)
		}
	})
	t.Run("the policy is changed to Retain", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.registered(deleting)
		f.edit(func(l *v1alpha1.LookerRegistration) { l.Spec.DeletionPolicy = v1alpha1.RetainHub })
		f.settle()
		remove(f)
		if !gone(f) || len(f.hubsInLooker()) != 1 {
			t.Errorf("gone: %t, hubs in Looker: %v", gone(f), f.hubsInLooker())
		}
	})
	t.Run("Looker is unreachable, and then gone for good", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.registered(deleting)
		f.lookerAt.loseBy(func(*http.Request) loss { return request })
		remove(f)
		if _, err := f.reconcileNamed("looker"); err == nil {
			t.Error("the work queue would not retry")
		}
		f.want(v1alpha1.Ready, metav1.ConditionFalse, v1alpha1.DeletionBlocked)
		if m := f.message(v1alpha1.Ready); !strings.Contains(m, v1alpha1.AbandonAnnotation+"=true") {
			t.Errorf("the message is %q", m)
		}
		f.edit(func(l *v1alpha1.LookerRegistration) {
			l.Annotations = map[string]string{v1alpha1.AbandonAnnotation: "true"}
		})
		f.reconcile()
		if !gone(f) {
			t.Error("the registration still exists")
		}
		if e := f.emitted(v1alpha1.RegistrationAbandoned); len(e) != 1 || !strings.HasPrefix(e[0], corev1.EventTypeWarning) {
			t.Errorf("events: %q", e)
		}
	})
	t.Run("Looker is reachable again", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.registered(deleting)
		f.lookerAt.loseBy(func(*http.Request) loss { return request })
		remove(f)
		_, _ = f.reconcileNamed("looker")
		f.lookerAt.loseBy(nil)
		f.reconcile()
		if !gone(f) || len(f.hubsInLooker()) != 0 {
			t.Errorf("gone: %t, hubs in Looker: %v", gone(f), f.hubsInLooker())
		}
	})
	// Whoever deletes a namespace deletes the credentials at the same time.
	withoutCredentials := func(t *testing.T) *fixture {
		t.Helper()
		f := newFixture(t)
		f.registered(deleting)
		for _, o := range []client.Object{get(f, "looker", &corev1.Secret{}), get(f, "looker-ca", &corev1.ConfigMap{})} {
			if err := api.Delete(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		return f
	}
	t.Run("the credentials are gone", func(t *testing.T) {
		t.Parallel()
		f := withoutCredentials(t)
		f.reconcile() // the watch of Secrets
		remove(f)
		f.reconcile()
		if !gone(f) || len(f.hubsInLooker()) != 0 {
			t.Errorf("gone: %t, hubs in Looker: %v", gone(f), f.hubsInLooker())
		}
	})
	t.Run("the credentials are gone, and the manager was restarted", func(t *testing.T) {
		t.Parallel()
		f := withoutCredentials(t)
		f.restart()
		remove(f)
		f.reconcile()
		f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.DeletionBlocked)
	})
	t.Run("a hub that is not this registration's stays", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		if _, err := f.looker.AddHub(t.Context(), f.hub.URL, "of an admin"); err != nil {
			t.Fatal(err)
		}
		l := f.registration()
		deleting(&l.Spec)
		f.create(l)
		f.settle()
		f.want(v1alpha1.Registered, metav1.ConditionFalse, v1alpha1.HubExists)
		remove(f)
		f.reconcile()
		if !gone(f) || len(f.hubsInLooker()) != 1 {
			t.Errorf("gone: %t, hubs in Looker: %v", gone(f), f.hubsInLooker())
		}
	})
}

// The hub's URL changes in Looker with the hub, which keeps its ID, and only when it serves there.
func TestChangedURL(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.registered()
	id := f.read().Status.HubID
	hub := get(f, "hub", &v1alpha1.IntegrationHub{})
	hub.Spec.BaseURL = f.hub.URL + "/moved"
	if err := api.Update(t.Context(), hub); err != nil {
		t.Fatal(err)
	}
	after := f.last()
	f.settle()
	f.wantWrites(after)
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
	f.want(v1alpha1.Reconciling, metav1.ConditionTrue, v1alpha1.HubNotReady)
	f.setServing("hub", true)
	f.reconcile()
	f.wantWrites(after, "PATCH /integration_hubs/"+id)
	if l := f.read(); l.Status.HubID != id || l.Status.HubURL != f.hub.URL+"/moved" || len(f.hubsInLooker()) != 1 {
		t.Errorf("status: %+v, Looker has %v", l.Status, f.hubsInLooker())
	}
}

// A hub of another class of operators, and a registration that is gone, are left alone.
func TestIgnored(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	l := f.registration()
	l.Spec.ControllerClass = "finance"
	f.create(l)
	version := f.read().ResourceVersion
	f.reconcile()
	if f.read().ResourceVersion != version || len(f.looker.Requests(0)) > 0 {
		t.Error("a registration of another class was reconciled")
	}
	if _, err := f.reconcileNamed("missing"); err != nil {
		t.Error(err)
	}
}

// A manager that stops ends its sessions in Looker.
func TestLogoutAtShutdown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.registered()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.reconciler.EndSessions(ctx); err != nil {
		t.Fatal(err)
	}
	requests := f.looker.Requests(0)
	if last := requests[len(requests)-1]; !strings.HasSuffix(last.Path, "/logout") || last.Status != http.StatusNoContent {
		t.Errorf("the last request is %s %s, %d", last.Method, last.Path, last.Status)
	}
}
