package controllers_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

// An Ingress whose class or certificate does not exist is not reported as exposed.
func TestIngress(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	host := f.namespace + ".example.com"
	h := f.hub()
	h.Spec.BaseURL = "https://" + host
	h.Spec.TLS = v1alpha1.TLS{TerminatedElsewhere: true}
	h.Spec.Exposure = &v1alpha1.Exposure{Ingress: &v1alpha1.IngressExposure{ClassName: &f.namespace, TLSSecretName: "cert"}}
	f.create(h)
	f.reconcile()
	f.runPods()
	f.reconcile()
	f.want(v1alpha1.Exposed, metav1.ConditionFalse, v1alpha1.IngressClassNotFound)
	f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.IngressClassNotFound)
	class := &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: f.namespace}, Spec: networkingv1.IngressClassSpec{Controller: "example.com/ingress"}}
	f.create(class)
	f.reconcile()
	f.want(v1alpha1.Exposed, metav1.ConditionFalse, v1alpha1.SecretNotFound)
	s := &corev1.Secret{ObjectMeta: f.meta("cert"), Data: keyPair(t, "other.example.com", time.Now().Add(time.Hour))}
	f.create(s)
	f.reconcile()
	f.want(v1alpha1.Exposed, metav1.ConditionFalse, v1alpha1.SecretInvalid)
	s.Data = keyPair(t, host, time.Now().Add(time.Hour))
	if err := api.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	f.want(v1alpha1.Exposed, metav1.ConditionTrue, v1alpha1.Succeeded)
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)

	// Another hub, in another namespace, at the same host.
	g := newFixture(t)
	second := g.hub()
	second.Spec.BaseURL = h.Spec.BaseURL
	second.Spec.Exposure = &v1alpha1.Exposure{Ingress: &v1alpha1.IngressExposure{ClassName: &f.namespace}}
	time.Sleep(1100 * time.Millisecond) // creation times are in seconds
	g.create(second)
	g.reconcile()
	g.want(v1alpha1.Exposed, metav1.ConditionFalse, v1alpha1.HostTaken)
	if m := g.message(v1alpha1.Exposed); !strings.Contains(m, f.namespace+"/hub") {
		t.Errorf("message %q", m)
	}
	if err := api.Get(t.Context(), client.ObjectKey{Namespace: g.namespace, Name: "hub"}, &networkingv1.Ingress{}); !apierrors.IsNotFound(err) {
		t.Errorf("an Ingress was created: %v", err)
	}
	g.edit(func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL += "/second" })
	g.reconcile()
	get(g, "hub", &networkingv1.Ingress{})
	f.reconcile()
	f.want(v1alpha1.Exposed, metav1.ConditionTrue, v1alpha1.Succeeded)
}
