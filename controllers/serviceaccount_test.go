package controllers_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
)

// An existing ServiceAccount may have the hub's own name. Without a name in the spec, the name is taken.
func TestExistingServiceAccountOfTheHubsName(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	existing := &corev1.ServiceAccount{ObjectMeta: f.meta("hub")}
	existing.Annotations = map[string]string{"iam.gke.io/gcp-service-account": "hub@example.com"}
	f.create(existing)
	h := f.hub()
	h.Spec.ServiceAccount = &v1alpha1.ServiceAccount{Name: "hub"}
	f.create(h)
	f.reconcile()
	f.want(v1alpha1.Accepted, metav1.ConditionFalse, v1alpha1.NotAllowed)

	f.policy.Default.ServiceAccounts = []string{"hub"}
	f.ready()
	if got := get(f, "hub", &corev1.ServiceAccount{}); got.ResourceVersion != existing.ResourceVersion {
		t.Errorf("the existing ServiceAccount was changed: %+v", got.ObjectMeta)
	}
	if got := get(f, "hub", &appsv1.Deployment{}).Spec.Template.Spec.ServiceAccountName; got != "hub" {
		t.Errorf("the pods run as %q, want hub", got)
	}

	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.ServiceAccount = nil })
	f.reconcile()
	f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.NameTaken)
}

// Naming the account that the operator created keeps it: the pods still run as it.
func TestCreatedServiceAccountStays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.policy.Default.ServiceAccounts = []string{"hub"}
	f.create(f.hub())
	f.ready()
	created := get(f, "hub", &corev1.ServiceAccount{})
	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.ServiceAccount = &v1alpha1.ServiceAccount{Name: "hub"} })
	f.reconcile()
	if got := get(f, "hub", &corev1.ServiceAccount{}); got.UID != created.UID {
		t.Error("the ServiceAccount was replaced")
	}
}
