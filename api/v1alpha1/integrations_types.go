package v1alpha1

// Integration is one destination that Looker can deliver to.
//
// +kubebuilder:validation:XValidation:rule="!has(self.settings) || self.settings.all(k, k.matches('^[A-Z][A-Z0-9_]*$'))",message="the keys of settings are names of environment variables, such as TRAY_EXTRA_DOMAINS"
// +kubebuilder:validation:XValidation:rule="!has(self.settings) || !self.settings.exists(k, k.startsWith('ACTION_') || k.startsWith('INTEGRATION_') || k.startsWith('CIPHER_') || k.startsWith('ENCRYPT_PAYLOAD') || k.startsWith('SENTRY_') || k.startsWith('OTEL_') || k.startsWith('SSL_CERT_') || k.startsWith('LD_') || k.startsWith('MALLOC_') || k.startsWith('KUBERNETES_') || k.startsWith('AWS_') || k.startsWith('GCE_METADATA_') || k.endsWith('_PROXY') || k in ['PORT', 'BASE_URL', 'CHILD_TEST', 'NODE_ENV', 'PATH', 'HOME', 'HOSTNAME', 'TMPDIR', 'USER', 'SHELL', 'PWD', 'GODEBUG', 'GOGC', 'GOMEMLIMIT', 'GOMAXPROCS', 'GOTRACEBACK', 'GOCOVERDIR', 'GORACE', 'ZONEINFO', 'RES_OPTIONS', 'LOCALDOMAIN', 'HOSTALIASES', 'GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_API_USE_CLIENT_CERTIFICATE', 'GOOGLE_API_USE_MTLS_ENDPOINT', 'AZURE_AUTHORITY_HOST', 'AZURE_FEDERATED_TOKEN_FILE'])",message="settings must not set what belongs to the hub itself or its runtime, such as ACTION_*, CIPHER_*, ENCRYPT_PAYLOAD*, *_PROXY, OTEL_*, SENTRY_*, AWS_* and LD_*: most of it has a field of its own in the spec"
type Integration struct {
	// Name is the integration's name on the wire.
	Name IntegrationName `json:"name"`

	// Enabled takes an integration off the list without losing its settings here.
	//
	// +kubebuilder:default=true
	// +optional
	Enabled *bool `json:"enabled,omitempty"`

	// SecretRef names a Secret of the same namespace whose keys are the integration's
	// settings by their environment names, such as AIRTABLE_CLIENT_ID. Keys that belong to the
	// hub itself or its runtime are ignored: the key for users' tokens and their encryption
	// have fields of their own, cipherSecretRef and encryptUserState.
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
