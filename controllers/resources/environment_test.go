package resources_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// Neither settings nor Secrets reach what belongs to the hub itself, not even in an object that
// is older than the CRD's rule.
func TestReservedVariables(t *testing.T) {
	t.Parallel()
	reserved := []string{
		"CIPHER_MASTER", "ENCRYPT_PAYLOAD", "ENCRYPT_PAYLOAD_DROPBOX", "HTTPS_PROXY", "https_proxy", "OTEL_EXPORTER_OTLP_ENDPOINT",
		"SENTRY_DSN", "LD_PRELOAD", "GODEBUG", "SSL_CERT_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "INTEGRATION_PROVIDER_LABEL",
	}
	hub := &v1alpha1.IntegrationHub{ObjectMeta: metav1.ObjectMeta{Name: "hub", Namespace: "looker"}}
	hub.Spec.TLS.SecretName = "tls"
	hub.Spec.Integrations = []v1alpha1.Integration{
		{Name: "dropbox", SecretRef: &v1alpha1.SecretRef{Name: "dropbox"}},
		{Name: "tray", Settings: map[string]v1alpha1.SettingValue{"TRAY_EXTRA_DOMAINS": "example.com"}},
	}
	for _, name := range reserved {
		hub.Spec.Integrations[1].Settings[name] = "evil"
	}
	deployment, err := resources.Deployment(resources.Inputs{
		Hub: hub, Image: "hub:test", SecretKeys: map[string][]string{"dropbox": append(reserved, "DROPBOX_ACTION_APP_KEY")},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, e := range deployment.Spec.Template.Spec.Containers[0].Env {
		got[*e.Name] = true
	}
	for _, name := range reserved {
		if got[name] {
			t.Errorf("%s is set", name)
		}
	}
	if !got["TRAY_EXTRA_DOMAINS"] || !got["DROPBOX_ACTION_APP_KEY"] {
		t.Errorf("the integrations' own settings are missing: %v", got)
	}
}
