package resources_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/env"
	"integrationhub.dev/hub/page"
)

// Hubs of earlier versions know only true and false: every value that the operator sets is one of them,
// and means the same to this version.
func TestStatusPage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		page   *bool
		access v1alpha1.StatusPageAccess
		value  string
		want   config.StatusPage
	}{
		{"an object from before the field", nil, "", "", config.StatusPageToken},
		{"the defaults", new(true), v1alpha1.StatusPageToken, "", config.StatusPageToken},
		{"public", new(true), v1alpha1.StatusPagePublic, "true", config.StatusPagePublic},
		{"off", new(false), v1alpha1.StatusPageToken, "false", config.StatusPageOff},
		{"off and public", new(false), v1alpha1.StatusPagePublic, "false", config.StatusPageOff},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			hub := &v1alpha1.IntegrationHub{ObjectMeta: metav1.ObjectMeta{Name: "actions", Namespace: "looker"}}
			hub.Spec.TLS.SecretName, hub.Spec.StatusPage, hub.Spec.StatusPageAccess = "tls", tt.page, tt.access
			deployment, err := resources.Deployment(resources.Inputs{Hub: hub, Image: "hub:test"})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, e := range deployment.Spec.Template.Spec.Containers[0].Env {
				if e.Value != nil {
					got[*e.Name] = *e.Value
				}
			}
			if got[env.StatusPage] != tt.value || got[env.Name] != "actions" || got[env.Namespace] != "looker" {
				t.Errorf("%q, %s/%s", got[env.StatusPage], got[env.Namespace], got[env.Name])
			}
			got[env.Label] = "Hub"
			c, err := config.Load(got)
			if err != nil || c.StatusPage != tt.want {
				t.Errorf("the hub reads %q: %v", c.StatusPage, err)
			}
		})
	}
}

// The manifest on an integration's page is what the operator takes: a hub that enables the
// integration, whose settings come from a Secret.
func TestManifestOfThePage(t *testing.T) {
	t.Parallel()
	p := page.IntegrationPage{
		Site: page.Site{Name: "actions", Namespace: "looker"},
		Integration: page.Integration{
			Definition: action.Definition{Name: "google_drive"},
			Required:   []string{"GOOGLE_DRIVE_CLIENT_ID"}, Optional: []string{"GOOGLE_DRIVE_X", "AWS_REGION"},
		},
	}
	documents := strings.Split(p.Manifest(), "---\n")
	if len(documents) != 2 {
		t.Fatal(p.Manifest())
	}
	secret, hub := &corev1.Secret{}, &v1alpha1.IntegrationHub{}
	if err := yaml.UnmarshalStrict([]byte(documents[0]), secret); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict([]byte(documents[1]), hub); err != nil {
		t.Fatal(err)
	}
	if secret.Kind != "Secret" || hub.Kind != "IntegrationHub" || hub.APIVersion != v1alpha1.GroupVersion.String() ||
		secret.Namespace != "looker" || hub.Namespace != "looker" || hub.Name != "actions" {
		t.Error(p.Manifest())
	}
	if diff := cmp.Diff([]string{secret.Name}, resources.IntegrationSecrets(hub)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"google_drive"}, resources.EnabledIntegrations(hub)); diff != "" {
		t.Error(diff)
	}
	for key := range secret.StringData {
		if !resources.IsIntegrationSetting(key) {
			t.Errorf("the operator ignores %s", key)
		}
	}
	if len(secret.StringData) != 1 || strings.Contains(p.Manifest(), "AWS_REGION") {
		t.Error(p.Manifest())
	}
}
