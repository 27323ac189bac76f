package controllers_test

import (
	"strings"
	"testing"

	"integrationhub.dev/api/v1alpha1"
)

// What cannot work is refused by the API server itself, with a sentence that helps.
func TestCRDRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	integration := func(name string, settings map[string]v1alpha1.SettingValue) func(*v1alpha1.IntegrationHubSpec) {
		return func(s *v1alpha1.IntegrationHubSpec) {
			s.Integrations = []v1alpha1.Integration{{Name: v1alpha1.IntegrationName(name), Settings: settings}}
		}
	}
	for _, tt := range []struct {
		name, want string
		change     func(*v1alpha1.IntegrationHubSpec)
	}{
		{"clear text", "baseURL must begin with https://", func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "http://hub.example.com" }},
		{"no host", "baseURL must begin with https://", func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "https://" }},
		{"a slash at the end", "must not end with a slash", func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "https://hub.example.com/" }},
		{"a query", "must not contain a query", func(s *v1alpha1.IntegrationHubSpec) { s.BaseURL = "https://hub.example.com?a=b" }},
		{"an unknown integration", `Unsupported value: "carrier_pigeon"`, integration("carrier_pigeon", nil)},
		{"a setting that is no name", "the keys of settings are names of environment variables", integration("tray", map[string]v1alpha1.SettingValue{"lower": "x"})},
		{"a setting of the hub", "settings must not set what belongs to the hub itself", integration("tray", map[string]v1alpha1.SettingValue{"ACTION_HUB_SECRET": "x"})},
		{"the same integration twice", "Duplicate value", func(s *v1alpha1.IntegrationHubSpec) {
			s.Integrations = []v1alpha1.Integration{{Name: "tray"}, {Name: "tray"}}
		}},
		{"renewal before issuance", "renewBefore must be shorter than duration", func(s *v1alpha1.IntegrationHubSpec) {
			s.TLS.Duration, s.TLS.RenewBefore = "1h", "2h"
		}},
		{"a short certificate", "duration must be at least 1h", func(s *v1alpha1.IntegrationHubSpec) { s.TLS.Duration = "5m" }},
		{"no issuer", "spec.tls.issuerRef.name", func(s *v1alpha1.IntegrationHubSpec) { s.TLS.IssuerRef.Name = "" }},
		{"a range that is none", "must be a range such as 10.1.0.0/16", func(s *v1alpha1.IntegrationHubSpec) {
			s.Egress = &v1alpha1.Egress{AllowCIDRs: []string{"10.0.0.0"}}
		}},
		{"an endless drain", "drainTimeout must be between 0s and 2h", func(s *v1alpha1.IntegrationHubSpec) { s.DrainTimeout = "3h" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := w.hub()
			h.Name, h.GenerateName = "", "refused-"
			tt.change(&h.Spec)
			err := api.Create(t.Context(), h)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	h := w.hub()
	h.Name = strings.Repeat("x", 53)
	if err := api.Create(t.Context(), h); err == nil || !strings.Contains(err.Error(), "must not be longer than 52") {
		t.Errorf("a long name: %v", err)
	}
}

func TestCRDAccepts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.hub()
	h.Spec.BaseURL = "https://hub.example.com/looker"
	h.Spec.TLS.Duration, h.Spec.TLS.RenewBefore = "2160h", "360h"
	h.Spec.Integrations = []v1alpha1.Integration{{Name: "tray", Settings: map[string]v1alpha1.SettingValue{"TRAY_EXTRA_DOMAINS": "example.com"}}, {Name: "zapier"}}
	h.Spec.Egress = &v1alpha1.Egress{AllowCIDRs: []string{"10.0.0.0/8", "fd00::/8"}}
	w.create(h)
	got := get(w, "hub", &v1alpha1.IntegrationHub{}).Spec
	if *got.Replicas != 2 || got.DrainTimeout != "15m" || got.Label != "Integration Hub" || got.TLS.IssuerRef.Kind != "Issuer" || got.TLS.IssuerRef.Group != "cert-manager.io" || !*got.Integrations[0].Enabled {
		t.Errorf("defaults: %+v", got)
	}
}
