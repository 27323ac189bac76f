package controllers_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/controllertest"
	"integrationhub.dev/controllers/resources"
)

// A missing CRD is reported in the condition that needs it, and reconciliation resumes once it is
// installed. Ready does not depend on monitoring.
func TestKindsThatComeLater(t *testing.T) {
	t.Parallel()
	controllertest.NeedPrograms(t, controllertest.APIServer...)
	env := controllertest.Environment(hubCRDs)
	config, err := env.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	bare, err := clientOf(config)
	if err != nil {
		t.Fatal(err)
	}
	install := func(paths ...string) {
		t.Helper()
		if _, err := envtest.InstallCRDs(config, envtest.CRDInstallOptions{Paths: paths, ErrorIfPathMissing: true}); err != nil {
			t.Fatal(err)
		}
	}
	f := newFixtureOn(t, bare)
	h := f.hub()
	h.Spec.Exposure = gatewayExposure()
	h.Spec.Monitoring = &v1alpha1.Monitoring{ServiceMonitor: &v1alpha1.ServiceMonitor{}}
	f.create(h)
	f.reconcile()
	f.want(v1alpha1.CertificateReady, metav1.ConditionFalse, v1alpha1.CertManagerMissing)
	f.want(v1alpha1.Exposed, metav1.ConditionFalse, v1alpha1.KindMissing)
	f.want(v1alpha1.MonitoringReady, metav1.ConditionFalse, v1alpha1.KindMissing)
	f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.CertManagerMissing)
	for condition, want := range map[string]string{
		v1alpha1.Exposed:         "BackendTLSPolicy of gateway.networking.k8s.io/v1 is not installed in this cluster. Install a version of the Gateway API that includes it, or remove spec.exposure.gateway.",
		v1alpha1.MonitoringReady: "ServiceMonitor of monitoring.coreos.com/v1 is not installed in this cluster. Install a version of the Prometheus operator that includes it, or remove spec.monitoring.",
	} {
		if got := f.message(condition); !strings.Contains(got, want) {
			t.Errorf("%s has the message %q, want %q", condition, got, want)
		}
	}

	certManager, err := controllertest.CertManagerCRDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	install(certManager)
	f.createIssuer()
	f.reconcile()
	f.issue()
	f.reconcile()
	f.runPods()
	f.reconcile()
	f.want(v1alpha1.DeploymentAvailable, metav1.ConditionTrue, v1alpha1.Succeeded)
	f.want(v1alpha1.Stalled, metav1.ConditionTrue, v1alpha1.KindMissing)

	// A Gateway API without BackendTLSPolicy v1 still gets its HTTPRoute.
	optional, err := controllertest.OptionalCRDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range optional {
		if strings.Contains(file, "httproutes") {
			install(file)
		}
	}
	f.reconcile()
	unstructuredObject(f, resources.HTTPRouteKind)
	f.want(v1alpha1.Exposed, metav1.ConditionFalse, v1alpha1.KindMissing)

	f.edit(func(s *v1alpha1.IntegrationHubSpec) { s.Exposure = nil })
	f.reconcile()
	f.issue()
	f.reconcile()
	f.runPods()
	f.reconcile()
	f.want(v1alpha1.MonitoringReady, metav1.ConditionFalse, v1alpha1.KindMissing)
	f.want(v1alpha1.Ready, metav1.ConditionTrue, v1alpha1.Succeeded)

	install(optional...)
	f.reconcile()
	f.want(v1alpha1.MonitoringReady, metav1.ConditionTrue, v1alpha1.Succeeded)
}
