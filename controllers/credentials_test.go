package controllers_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
)

// The generated service secret outlives the hub, unless the spec says otherwise.
func TestServiceSecretPolicy(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	for policy, owners := range map[v1alpha1.ServiceSecretPolicy]int{v1alpha1.DeleteServiceSecret: 1, v1alpha1.RetainServiceSecret: 0} {
		before := get(f, "hub-service-secret", &corev1.Secret{})
		f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.ServiceSecretPolicy = policy })
		f.reconcile()
		after := get(f, "hub-service-secret", &corev1.Secret{})
		if len(after.OwnerReferences) != owners {
			t.Errorf("%s: owner references %+v, want %d", policy, after.OwnerReferences, owners)
		}
		if string(after.Data["secret"]) != string(before.Data["secret"]) || len(after.Data["secret"]) == 0 {
			t.Errorf("%s: the secret changed", policy)
		}
	}
}

// A lost service secret is reported, and replaced only when an admin asks for it, once.
func TestLostServiceSecret(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	lose := func() {
		t.Helper()
		if err := api.Delete(t.Context(), get(f, "hub-service-secret", &corev1.Secret{})); err != nil {
			t.Fatal(err)
		}
		f.emitted("")
		f.reconcile()
		f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.ServiceSecretLost)
		f.want(v1alpha1.Serving, metav1.ConditionTrue, v1alpha1.Succeeded)
		if n := f.emitted("Warning " + v1alpha1.ServiceSecretLost); n != 1 {
			t.Errorf("%d warnings, want 1", n)
		}
		if err := api.Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: "hub-service-secret"}, &corev1.Secret{}); !apierrors.IsNotFound(err) {
			t.Errorf("a new service secret was generated: %v", err)
		}
	}
	ask := func(value string) {
		t.Helper()
		h := get(f, "hub", &v1alpha1.IntegrationHub{})
		h.Annotations = map[string]string{v1alpha1.NewServiceSecretAnnotation: value}
		if err := api.Update(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		f.reconcile()
	}
	token := get(f, "hub-token", &corev1.Secret{}).Data["token"]
	lose()
	ask("yes")
	f.want(v1alpha1.CredentialsReady, metav1.ConditionTrue, v1alpha1.Succeeded)
	if string(get(f, "hub-token", &corev1.Secret{}).Data["token"]) == string(token) {
		t.Error("the token is of the lost secret")
	}
	lose() // the same annotation does not count again
	ask("again")
	f.want(v1alpha1.CredentialsReady, metav1.ConditionTrue, v1alpha1.Succeeded)
}

// A restored hub without a status finds its token, so it does not generate another service secret.
func TestLostServiceSecretOfARestoredHub(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	f.orphan()
	if err := api.Delete(t.Context(), get(f, "hub-service-secret", &corev1.Secret{})); err != nil {
		t.Fatal(err)
	}
	f.recreate()
	f.reconcile()
	f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.ServiceSecretLost)
}

// A new token is announced when all pods accept it, also by an operator that starts in between.
func TestTokenChangedWhenAllPodsAcceptIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.ServiceSecretRef = &v1alpha1.SecretKeyRef{Name: "mine"}
	f.create(h)
	s := &corev1.Secret{ObjectMeta: f.meta("mine"), StringData: map[string]string{"secret": "first-service-secret"}}
	f.create(s)
	f.ready()
	f.readyPod("hub-1")
	f.readyPod("hub-2")
	accepts := map[string]bool{}
	reconcile := func() {
		t.Helper()
		r := &controllers.Reconciler{
			Client: api, APIReader: api, Recorder: f.events, HubImage: "hub:test", Hubs: inspector{accepts: func(pod string) bool { return accepts[pod] }},
		}
		if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: f.key()}); err != nil {
			t.Fatal(err)
		}
	}
	s.StringData = map[string]string{"secret": "second-service-secret", "previous": "first-service-secret"}
	if err := api.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for _, pod := range []string{"", "hub-2"} {
		accepts[pod] = true
		reconcile()
		f.want(v1alpha1.CredentialsReady, metav1.ConditionFalse, v1alpha1.TokenPending)
		f.want(v1alpha1.Reconciling, metav1.ConditionTrue, v1alpha1.TokenPending)
		f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)
		if n := f.emitted(v1alpha1.TokenChanged); n != 0 {
			t.Errorf("%d events TokenChanged before all pods accept the token", n)
		}
	}
	accepts["hub-1"] = true
	for range 2 {
		reconcile()
	}
	f.want(v1alpha1.CredentialsReady, metav1.ConditionTrue, v1alpha1.Succeeded)
	if n := f.emitted(v1alpha1.TokenChanged); n != 1 {
		t.Errorf("%d events TokenChanged, want 1", n)
	}
}
