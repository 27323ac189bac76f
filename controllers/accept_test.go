package controllers_test

import (
	"strings"
	"testing"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
)

// Nothing is created from a spec that the policy refuses, and the message names the field and the
// rule.
func TestRefusedSpec(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, field string
		change      func(*v1alpha1.IntegrationHubSpec)
	}{
		{name: "pod that reads a Secret", field: "spec.podTemplate.spec.containers[0].command", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.PodTemplate = &runtime.RawExtension{Raw: []byte(`{"spec":{"containers":[{"name":"hub","command":["sh","-c","echo hub: $S >&2; exit 1"],` +
				`"env":[{"name":"S","valueFrom":{"secretKeyRef":{"name":"victim","key":"password"}}}]}]}}`)}
		}},
		{name: "image", field: "spec.image", change: func(s *v1alpha1.IntegrationHubSpec) { s.Image = "evil:v1" }},
		{name: "ServiceAccount", field: "spec.serviceAccount.name", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.ServiceAccount = &v1alpha1.ServiceAccount{Name: "another-teams"}
		}},
		{name: "certificate for the API server", field: "spec.baseURL", change: func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "https://kubernetes.default.svc" }},
		{name: "certificate for another Service", field: "spec.tls.dnsNames[0]", change: func(s *v1alpha1.IntegrationHubSpec) {
			s.TLS.DNSNames = []string{"payments.other-team.svc"}
		}},
		{name: "snippet", field: `spec.exposure.ingress.annotations["nginx.ingress.kubernetes.io/configuration-snippet"]`, change: func(s *v1alpha1.IntegrationHubSpec) {
			s.BaseURL = "https://hub.example.com"
			s.Exposure = &v1alpha1.Exposure{Ingress: &v1alpha1.IngressExposure{
				Annotations: map[string]string{"nginx.ingress.kubernetes.io/configuration-snippet": "content_by_lua_block{…}"},
			}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			h := f.hub()
			tt.change(&h.Spec)
			f.create(h)
			for range 2 {
				f.reconcile()
			}
			f.want(v1alpha1.Accepted, metav1.ConditionFalse, v1alpha1.NotAllowed)
			f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.NotAllowed)
			f.want(v1alpha1.CertificateReady, metav1.ConditionUnknown, v1alpha1.Pending)
			if m := f.message(v1alpha1.Stalled); !strings.HasPrefix(m, tt.field+" ") {
				t.Errorf("message %q, want %q", m, tt.field)
			}
			for _, list := range []client.ObjectList{
				&appsv1.DeploymentList{}, &cmv1.CertificateList{}, &networkingv1.IngressList{}, &corev1.ServiceList{},
			} {
				if err := api.List(t.Context(), list, client.InNamespace(f.namespace)); err != nil {
					t.Fatal(err)
				}
				if n := meta.LenList(list); n > 0 {
					t.Errorf("%d objects in %T", n, list)
				}
			}
		})
	}
}

// Running pods are left unchanged while the spec is refused, and updated once it is allowed.
func TestRefusedLater(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(f.hub())
	f.ready()
	before := f.versions()
	f.edit(func(s *v1alpha1.IntegrationHubSpec) {
		s.Image, s.BaseURL = "mirror.example.com/hub:v2", "https://hub.example.com"
	})
	for range 2 {
		f.reconcile()
	}
	after := f.versions()
	delete(before, "hub")
	delete(after, "hub")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("a refused spec changed something (-before +after):\n%s", diff)
	}
	f.want(v1alpha1.Ready, metav1.ConditionFalse, v1alpha1.NotAllowed)
	f.want(v1alpha1.DeploymentAvailable, metav1.ConditionTrue, v1alpha1.Succeeded)
	f.policy.Default.ImagePrefixes = []string{"mirror.example.com/hub"}
	f.reconcile()
	f.want(v1alpha1.Accepted, metav1.ConditionTrue, v1alpha1.Succeeded)
	f.issue()
	f.reconcile()
	if image := get(f, "hub", &appsv1.Deployment{}).Spec.Template.Spec.Containers[0].Image; image != "mirror.example.com/hub:v2" {
		t.Errorf("image %q", image)
	}
}

// A hub gets no certificate for the name of its Service while another owner has a Service of that
// name.
func TestCertificateNeedsItsOwnService(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	service := &corev1.Service{ObjectMeta: f.meta("hub"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 443}}}}
	f.create(service)
	f.create(f.hub())
	f.reconcile()
	f.want(v1alpha1.CertificateReady, metav1.ConditionFalse, v1alpha1.NameTaken)
	if err := api.Get(t.Context(), f.key(), &cmv1.Certificate{}); !apierrors.IsNotFound(err) {
		t.Errorf("there is a Certificate for another owner's Service: %v", err)
	}
	if err := api.Delete(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	f.ready()
}
