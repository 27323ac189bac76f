package controllers_test

import (
	"encoding/json"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/hubclient"
	"integrationhub.dev/hub/config"
)

func upstreamOf(name string) v1alpha1.Upstream {
	return v1alpha1.Upstream{Name: name, URL: "https://" + name + ".example.com", TokenSecretRef: v1alpha1.TokenSecretKeyRef{Name: name + "-token"}}
}

// The pods get the URL in a setting, and the token and the CA certificates as files. A missing one keeps the
// pods as they are; a new token needs no rollout.
func TestUpstreams(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	u := upstreamOf("legacy")
	u.CABundleRef, u.Prefix, u.Integrations = &v1alpha1.UpstreamCABundleRef{Name: "legacy-ca"}, "old_", []v1alpha1.UpstreamIntegrationName{"rows"}
	h.Spec.Upstreams = []v1alpha1.Upstream{u}
	f.create(h)
	f.reconcile()
	f.want(v1alpha1.IntegrationsReady, metav1.ConditionFalse, v1alpha1.SecretNotFound)
	token := &corev1.Secret{ObjectMeta: f.meta("legacy-token"), Data: map[string][]byte{"token": []byte("\n")}}
	f.create(token)
	f.reconcile()
	f.want(v1alpha1.IntegrationsReady, metav1.ConditionFalse, v1alpha1.SecretInvalid)
	token.Data["token"] = []byte("first/token")
	if err := api.Update(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	f.want(v1alpha1.IntegrationsReady, metav1.ConditionFalse, v1alpha1.ConfigMapNotFound)
	if got := f.message(v1alpha1.IntegrationsReady); !strings.Contains(got, "spec.upstreams[legacy].caBundleRef") {
		t.Errorf("message %s", got)
	}
	ca := &corev1.ConfigMap{ObjectMeta: f.meta("legacy-ca"), Data: map[string]string{"ca.crt": "first"}}
	f.create(ca)
	f.ready()
	template := func() corev1.PodTemplateSpec { return get(f, "hub", &appsv1.Deployment{}).Spec.Template }
	first := template()
	var setting string
	for _, v := range first.Spec.Containers[0].Env {
		if v.Name == "ACTION_HUB_UPSTREAMS" {
			setting = v.Value
		}
	}
	var upstreams config.Upstreams
	if err := upstreams.UnmarshalText([]byte(setting)); err != nil || len(upstreams) != 1 || upstreams[0].TokenFile != "/etc/integration-hub/upstreams/legacy/token" {
		t.Errorf("setting %q: %v", setting, err)
	}
	if text, err := json.Marshal(first); err != nil || strings.Contains(string(text), "first/token") {
		t.Errorf("the token is in the pods' template: %v", err)
	}
	token.Data["token"] = []byte("second/token")
	if err := api.Update(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	if got := template().Annotations; got["hub.integrationhub.dev/config-checksum"] != first.Annotations["hub.integrationhub.dev/config-checksum"] {
		t.Error("a new token rolls the pods")
	}
	ca.Data["ca.crt"] = "second"
	if err := api.Update(t.Context(), ca); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	if got := template().Annotations; got["hub.integrationhub.dev/config-checksum"] == first.Annotations["hub.integrationhub.dev/config-checksum"] {
		t.Error("new CA certificates, which are read at the start, do not roll the pods")
	}
}

// What a running hub reports about its upstreams has a condition, on which Ready does not depend.
func TestUpstreamsReady(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.Upstreams = []v1alpha1.Upstream{upstreamOf("one"), upstreamOf("two")}
	for _, u := range h.Spec.Upstreams {
		f.create(&corev1.Secret{ObjectMeta: f.meta(u.TokenSecretRef.Name), Data: map[string][]byte{"token": []byte("a/token")}})
	}
	f.create(h)
	f.ready()
	f.want(v1alpha1.UpstreamsReady, metav1.ConditionUnknown, v1alpha1.Pending)
	f.readyPod("hub-1")
	inspect := func(upstreams ...hubclient.Upstream) ctrl.Result {
		t.Helper()
		report := hubclient.Report{Version: "v1.2.3", Upstreams: upstreams}
		r := &controllers.Reconciler{Client: api, APIReader: api, Recorder: f.events, HubImage: "hub:test", Hubs: inspector{report: report}}
		result, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: f.key()})
		if err != nil {
			t.Fatal(err)
		}
		f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
		return result
	}
	fine := []hubclient.Upstream{{Name: "one", Integrations: []string{"a", "b"}}, {Name: "two", Integrations: []string{"c"}}}
	if result := inspect(fine...); result.RequeueAfter == 0 {
		t.Error("the operator does not look again whether the upstreams work")
	}
	f.want(v1alpha1.UpstreamsReady, metav1.ConditionTrue, v1alpha1.Succeeded)
	if got, want := f.message(v1alpha1.UpstreamsReady), "All upstreams are reachable; 3 of their integrations are available."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	f.emitted("")
	inspect(hubclient.Upstream{Name: "one", Problem: "Action Hub one rejected this hub's token."}, hubclient.Upstream{Name: "two", Refused: []hubclient.Refusal{{Name: "x", Reason: "Y."}}})
	f.want(v1alpha1.UpstreamsReady, metav1.ConditionFalse, v1alpha1.UpstreamFailing)
	if got := f.message(v1alpha1.UpstreamsReady); !strings.Contains(got, "one: Action Hub one rejected this hub's token.") || strings.Contains(got, "two") {
		t.Errorf("message %q", got)
	}
	if n := f.emitted(v1alpha1.UpstreamFailing); n != 1 {
		t.Errorf("%d events UpstreamFailing, want 1", n)
	}
	f.reconcile() // no hub answers
	f.want(v1alpha1.UpstreamsReady, metav1.ConditionFalse, v1alpha1.UpstreamFailing)
	inspect(fine[0], hubclient.Upstream{Name: "two", Refused: []hubclient.Refusal{{Name: "x", Reason: "Its name is taken."}}})
	f.want(v1alpha1.UpstreamsReady, metav1.ConditionFalse, v1alpha1.UpstreamIntegrationsRefused)
	if got := f.message(v1alpha1.UpstreamsReady); got != "These integrations are not available: two: x (Its name is taken)." {
		t.Errorf("message %q", got)
	}
	inspect() // an older hub
	f.want(v1alpha1.UpstreamsReady, metav1.ConditionUnknown, v1alpha1.Pending)
	inspect(fine...)
	f.reconcile() // no hub answers
	f.want(v1alpha1.UpstreamsReady, metav1.ConditionTrue, v1alpha1.Succeeded)
	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.Upstreams = nil })
	f.reconcile()
	if c := meta.FindStatusCondition(get(f, "hub", &v1alpha1.IntegrationHub{}).Status.Conditions, v1alpha1.UpstreamsReady); c != nil {
		t.Errorf("the condition stays without upstreams: %v", c)
	}
}
