package v1alpha1

// Integration is one destination that Looker can deliver to.
//
// +kubebuilder:validation:XValidation:rule="!has(self.settings) || self.settings.all(k, k.matches('^[A-Z][A-Z0-9_]*$'))",message="the keys of settings are names of environment variables, such as TRAY_EXTRA_DOMAINS"
// +kubebuilder:validation:XValidation:rule="!has(self.settings) || !self.settings.exists(k, k.startsWith('ACTION_') || k.startsWith('CIPHER_') || k.startsWith('SSL_CERT_') || k in ['PORT', 'GOMEMLIMIT', 'PATH', 'HOME', 'BASE_URL', 'INTEGRATION_SERVICE_SECRET'])",message="settings must not set what belongs to the hub itself: ACTION_*, CIPHER_*, SSL_CERT_*, PORT, GOMEMLIMIT and the like"
type Integration struct {
	// Name is the integration's name on the wire.
	Name IntegrationName `json:"name"`

	// Enabled takes an integration off the list without losing its settings here.
	//
	// +kubebuilder:default=true
	// +optional
	Enabled *bool `json:"enabled,omitempty"`

	// SecretRef names a Secret of the same namespace whose keys are the integration's
	// settings by their environment names, such as AIRTABLE_CLIENT_ID.
	//
	// +optional
	SecretRef *SecretRef `json:"secretRef,omitempty"`

	// Settings that are no secret, by their environment names. They win over the same names in
	// Secrets. All integrations of a hub share one environment.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Settings map[string]SettingValue `json:"settings,omitempty"`
}

// SettingValue is the value of a setting.
//
// +kubebuilder:validation:MaxLength=4096
type SettingValue string
