// Package resources builds the objects that a hub consists of: pure functions from the hub
// and what was observed to apply configurations, which hold only what the operator owns.
package resources

import (
	"maps"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/api/v1alpha1"
)

// Inputs are what the objects are built from.
type Inputs struct {
	Hub *v1alpha1.IntegrationHub
	// Image is the operator's default image of the hub.
	Image string
	// ServiceSecret and Token are contents for the Secrets that the operator writes.
	ServiceSecret, Token []byte
	// SecretKeys are the keys of the Secrets that integrations refer to, by the Secret's name.
	SecretKeys map[string][]string
	// ConfigChecksum stands for the contents of everything that pods read only at their
	// start; when it changes they are rolled.
	ConfigChecksum string
}

// DrainTimeout is how long a pod's deliveries may go on after it was told to stop.
func DrainTimeout(hub *v1alpha1.IntegrationHub) time.Duration {
	d, err := time.ParseDuration(hub.Spec.DrainTimeout)
	if err != nil { // the CRD's rules let no other value in; an old object may lack it
		return 15 * time.Minute
	}
	return d
}

// ServiceSecretRef is where the service secret is, or will be.
func ServiceSecretRef(hub *v1alpha1.IntegrationHub) v1alpha1.SecretKeyRef {
	if ref := hub.Spec.ServiceSecretRef; ref != nil {
		if ref.Key == "" {
			return v1alpha1.SecretKeyRef{Name: ref.Name, Key: secretKey}
		}
		return *ref
	}
	return v1alpha1.SecretKeyRef{Name: hub.Name + "-service-secret", Key: secretKey}
}

// TokenSecretRef is where Looker's token is.
func TokenSecretRef(hub *v1alpha1.IntegrationHub) v1alpha1.SecretKeyRef {
	return v1alpha1.SecretKeyRef{Name: hub.Name + "-token", Key: "token"}
}

// EnabledIntegrations are the names on offer, in order; nil means all but the disabled ones.
func EnabledIntegrations(hub *v1alpha1.IntegrationHub) []string {
	if hub.Spec.DefaultEnabled {
		return nil
	}
	return NamedIntegrations(hub)
}

// NamedIntegrations are those that the spec enables by name.
func NamedIntegrations(hub *v1alpha1.IntegrationHub) []string {
	var names []string
	for _, i := range enabled(hub) {
		names = append(names, string(i.Name))
	}
	return names
}

// disabledIntegrations are the names that the spec takes off the list.
func disabledIntegrations(hub *v1alpha1.IntegrationHub) []string {
	var names []string
	for _, i := range hub.Spec.Integrations {
		if i.Enabled != nil && !*i.Enabled {
			names = append(names, string(i.Name))
		}
	}
	slices.Sort(names)
	return names
}

func enabled(hub *v1alpha1.IntegrationHub) []v1alpha1.Integration {
	var list []v1alpha1.Integration
	for _, i := range hub.Spec.Integrations {
		if i.Enabled == nil || *i.Enabled {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b v1alpha1.Integration) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return list
}

// ConflictingSetting names a setting that enabled integrations set differently, or is empty.
// All integrations of a hub share one environment.
func ConflictingSetting(hub *v1alpha1.IntegrationHub) string {
	seen := map[string]v1alpha1.SettingValue{}
	for _, i := range enabled(hub) {
		for _, k := range slices.Sorted(maps.Keys(i.Settings)) {
			if v, ok := seen[k]; ok && v != i.Settings[k] {
				return k
			}
			seen[k] = i.Settings[k]
		}
	}
	return ""
}

// IntegrationSecrets are the Secrets that enabled integrations refer to, in order.
func IntegrationSecrets(hub *v1alpha1.IntegrationHub) []string {
	var names []string
	for _, i := range enabled(hub) {
		if i.SecretRef != nil {
			names = append(names, i.SecretRef.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// CABundle is the reference to further certificate authorities, or nil.
func CABundle(hub *v1alpha1.IntegrationHub) *v1alpha1.ConfigMapKeyRef {
	if hub.Spec.Egress == nil {
		return nil
	}
	return hub.Spec.Egress.CABundleRef
}
