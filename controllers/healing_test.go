package controllers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

// While a reference is missing, only the template of the pods is frozen: the rest of the spec is
// applied, and what was lost comes back.
func TestMissingReferenceFreezesOnlyTheTemplate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lose   func(*fixture)
		reason string
	}{
		"an integration's Secret": {
			reason: v1alpha1.SecretNotFound,
			lose: func(f *fixture) {
				if err := api.Delete(f.t.Context(), get(f, "settings", &corev1.Secret{})); err != nil {
					f.t.Fatal(err)
				}
			},
		},
		"the issuer": {
			reason: v1alpha1.IssuerNotFound,
			lose:   func(f *fixture) { f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.TLS.IssuerRef.Name = "nowhere" }) },
		},
	} {
		for _, recorded := range []bool{true, false} {
			if !recorded {
				name += ", and an operator that recorded nothing"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				h := f.hub()
				h.Spec.Integrations = []v1alpha1.Integration{{Name: "tray", SecretRef: &v1alpha1.SecretRef{Name: "settings"}}}
				f.create(h)
				f.create(&corev1.Secret{ObjectMeta: f.meta("settings"), StringData: map[string]string{"A": "1"}})
				f.ready()
				before := get(f, "hub", &appsv1.Deployment{}).Spec.Template
				if !recorded {
					if err := api.DeleteAllOf(t.Context(), &appsv1.ControllerRevision{}, client.InNamespace(f.namespace)); err != nil {
						t.Fatal(err)
					}
				}
				tt.lose(f)
				f.edit(func(s *v1alpha1.IntegrationHubSpec) {
					s.Replicas, s.Label, s.NetworkPolicy = new(int32(4)), "Another", &v1alpha1.NetworkPolicy{}
				})
				lost := []client.Object{get(f, "hub", &corev1.Service{}), get(f, "hub", &policyv1.PodDisruptionBudget{})}
				if recorded {
					lost = append(lost, get(f, "hub", &appsv1.Deployment{}))
				}
				for _, o := range lost {
					if err := api.Delete(t.Context(), o); err != nil {
						t.Fatal(err)
					}
				}
				f.reconcile()
				f.want(v1alpha1.Stalled, metav1.ConditionTrue, tt.reason)
				get(f, "hub", &corev1.Service{})
				get(f, "hub", &policyv1.PodDisruptionBudget{})
				get(f, "hub", &networkingv1.NetworkPolicy{})
				d := get(f, "hub", &appsv1.Deployment{})
				if *d.Spec.Replicas != 4 {
					t.Errorf("%d replicas, want 4", *d.Spec.Replicas)
				}
				if diff := cmp.Diff(before, d.Spec.Template); diff != "" {
					t.Errorf("the template changed (-before +after):\n%s", diff)
				}
				d.Spec.Replicas = new(int32(0))
				if err := api.Update(t.Context(), d); err != nil {
					t.Fatal(err)
				}
				f.reconcile()
				if n := *get(f, "hub", &appsv1.Deployment{}).Spec.Replicas; n != 4 {
					t.Errorf("%d replicas, want 4: an outage lasts", n)
				}
				rv := get(f, "hub", &v1alpha1.IntegrationHub{}).ResourceVersion
				f.reconcile()
				if now := get(f, "hub", &v1alpha1.IntegrationHub{}).ResourceVersion; now != rv {
					t.Error("the status is written though nothing changed")
				}
			})
		}
	}
}

// While the certificate of a new address is missing, the routes lead to the address that the pods
// serve.
func TestRoutesFitThePods(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := f.hub()
	h.Spec.BaseURL, h.Spec.Exposure = "https://old.example.com", &v1alpha1.Exposure{Ingress: &v1alpha1.IngressExposure{}}
	f.create(h)
	f.ready()
	f.edit(func(s *v1alpha1.IntegrationHubSpec) {
		s.BaseURL, s.TLS.IssuerRef.Name = "https://new.example.com", "nowhere"
	})
	if err := api.Delete(t.Context(), get(f, "hub", &networkingv1.Ingress{})); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	host := func() string { return get(f, "hub", &networkingv1.Ingress{}).Spec.Rules[0].Host }
	if got := host(); got != "old.example.com" {
		t.Errorf("host %s", got)
	}
	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.TLS.IssuerRef.Name = "ca" })
	f.reconcile()
	f.issue()
	f.reconcile()
	if got := host(); got != "new.example.com" {
		t.Errorf("host %s", got)
	}
}

// There is one ControllerRevision, of the pods that run.
func TestOneRevision(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.Label = "Another" })
	f.reconcile()
	all := &appsv1.ControllerRevisionList{}
	if err := api.List(t.Context(), all, client.InNamespace(f.namespace)); err != nil || len(all.Items) != 1 {
		t.Errorf("%d ControllerRevisions: %v", len(all.Items), err)
	}
}
