package v1alpha1

// Integration is a destination that Looker can deliver to.
//
// +kubebuilder:validation:XValidation:rule="!has(self.settings) || self.settings.all(k, k.matches('^[A-Z][A-Z0-9_]*$'))",message="the keys of settings must be names of environment variables, such as TRAY_EXTRA_DOMAINS"
// +kubebuilder:validation:XValidation:rule="!has(self.settings) || !self.settings.exists(k, k.startsWith('ACTION_') || k.startsWith('INTEGRATION_') || k.startsWith('CIPHER_') || k.startsWith('ENCRYPT_PAYLOAD') || k.startsWith('SENTRY_') || k.startsWith('OTEL_') || k.startsWith('SSL_CERT_') || k.startsWith('LD_') || k.startsWith('MALLOC_') || k.startsWith('KUBERNETES_') || k.startsWith('AWS_') || k.startsWith('GCE_METADATA_') || k.endsWith('_PROXY') || k in ['PORT', 'BASE_URL', 'CHILD_TEST', 'NODE_ENV', 'PATH', 'HOME', 'HOSTNAME', 'TMPDIR', 'USER', 'SHELL', 'PWD', 'GODEBUG', 'GOGC', 'GOMEMLIMIT', 'GOMAXPROCS', 'GOTRACEBACK', 'GOCOVERDIR', 'GORACE', 'ZONEINFO', 'RES_OPTIONS', 'LOCALDOMAIN', 'HOSTALIASES', 'GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_API_USE_CLIENT_CERTIFICATE', 'GOOGLE_API_USE_MTLS_ENDPOINT', 'AZURE_AUTHORITY_HOST', 'AZURE_FEDERATED_TOKEN_FILE'])",message="settings must not contain variables that are reserved for the hub or its runtime (ACTION_*, CIPHER_*, *_PROXY, AWS_* and others): use the fields of the spec"
type Integration struct {
	// Name of the integration in Looker's API.
	Name IntegrationName `json:"name"`

	// Enabled makes the integration available. It is true if unset; false hides the integration and keeps its settings.
	//
	// +optional
	Enabled *bool `json:"enabled,omitempty"`

	// SecretRef references a Secret in the same namespace whose keys are the integration's settings, such as AIRTABLE_CLIENT_ID.
	// Keys that are reserved for the hub or its runtime are ignored; see cipherSecretRef and encryptUserState.
	//
	// +optional
	SecretRef *SecretRef `json:"secretRef,omitempty"`

	// Settings that are not secret, by the name of their environment variable.
	// They take precedence over the same names in Secrets.
	// All integrations of a hub share one environment.
	//
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Settings map[string]SettingValue `json:"settings,omitempty"`
}

// SettingValue is the value of a setting.
//
// +kubebuilder:validation:MaxLength=4096
type SettingValue string
