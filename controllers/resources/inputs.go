// Package resources builds the objects of a hub: pure functions from the hub and observed facts to
// apply configurations, which contain only the fields that the operator owns.
package resources

import (
	"maps"
	"slices"
	"strings"
	"time"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"integrationhub.dev/api/v1alpha1"
)

// Inputs are the inputs of the functions that build the objects.
type Inputs struct {
	Hub *v1alpha1.IntegrationHub
	// Image is the operator's default image for hubs.
	Image string
	// ServiceSecret and Token are the values of the Secrets that the operator writes.
	ServiceSecret, Token []byte
	// SecretKeys are the keys of the integrations' Secrets, by the name of the Secret.
	SecretKeys map[string][]string
	// CustomSecretKeys are the keys that no-code integrations use, by the name of the Secret. Pods mount no
	// others.
	CustomSecretKeys map[string][]string
	// TokenChangedAt is when the token last changed, while pods may not accept it yet; otherwise zero.
	TokenChangedAt time.Time
	// Template is the pods' template where it does not come from the spec; see [Inputs.Frozen].
	Template *corev1ac.PodTemplateSpecApplyConfiguration
	// ConfigChecksum is the checksum of the settings that pods read at startup; a change rolls them.
	ConfigChecksum string
	// DefaultPodTemplate is a patch of the pods' template that is merged before spec.podTemplate.
	DefaultPodTemplate []byte
}

// DrainTimeout returns how long deliveries may continue when a pod stops.
func DrainTimeout(hub *v1alpha1.IntegrationHub) time.Duration {
	d, err := time.ParseDuration(hub.Spec.DrainTimeout)
	if err != nil { // the CRD validates it; an old object may lack it
		return 15 * time.Minute
	}
	return d
}

// ProgressDeadline returns how long pods may take to start.
func ProgressDeadline(hub *v1alpha1.IntegrationHub) time.Duration {
	d, err := time.ParseDuration(hub.Spec.ProgressDeadline)
	if err != nil { // the CRD validates it; an old object may lack it
		return 10 * time.Minute
	}
	return d
}

// ServiceSecretRef returns the reference to the service secret, which may not exist yet.
func ServiceSecretRef(hub *v1alpha1.IntegrationHub) v1alpha1.SecretKeyRef {
	if ref := hub.Spec.ServiceSecretRef; ref != nil {
		if ref.Key == "" {
			return v1alpha1.SecretKeyRef{Name: ref.Name, Key: secretKey}
		}
		return *ref
	}
	return v1alpha1.SecretKeyRef{Name: hub.Name + "-service-secret", Key: secretKey}
}

// TokenSecretRef returns the reference to the token for Looker.
func TokenSecretRef(hub *v1alpha1.IntegrationHub) v1alpha1.SecretKeyRef {
	return v1alpha1.SecretKeyRef{Name: hub.Name + "-token", Key: "token"}
}

// EnabledIntegrations returns the sorted names of the offered integrations; nil means all except the disabled ones.
func EnabledIntegrations(hub *v1alpha1.IntegrationHub) []string {
	if hub.Spec.DefaultEnabled {
		return nil
	}
	return NamedIntegrations(hub)
}

// NamedIntegrations returns the integrations that the spec enables by name.
func NamedIntegrations(hub *v1alpha1.IntegrationHub) []string {
	var names []string
	for _, i := range enabled(hub) {
		names = append(names, string(i.Name))
	}
	return names
}

// disabledIntegrations returns the integrations that the spec disables.
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

// ConflictingSetting returns a setting that two enabled integrations set to different values, or "".
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

// IntegrationSecrets returns the sorted names of the enabled integrations' Secrets.
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

// CABundle returns the reference to additional CA certificates, or nil.
func CABundle(hub *v1alpha1.IntegrationHub) *v1alpha1.ConfigMapKeyRef {
	if hub.Spec.Egress == nil {
		return nil
	}
	return hub.Spec.Egress.CABundleRef
}
