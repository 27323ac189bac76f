package v1alpha1

// Upstream is another Action Hub whose integrations this hub also serves.
// The hub forwards requests for these integrations to the upstream.
type Upstream struct {
	// Name of the upstream in URLs, conditions, metrics and messages.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// URL is the base URL at which this hub reaches the upstream, such as https://legacy-hub.example.com.
	// A private address must be in egress.allowCIDRs.
	//
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https' && url(self).getHostname() != ''",message="the url of an upstream must be an https URL with a host"
	// +kubebuilder:validation:XValidation:rule="!self.endsWith('/') && !self.contains('?') && !self.contains('#') && !self.contains('@')",message="the url of an upstream must not end with a slash and must not contain a query, a fragment or a user name"
	URL string `json:"url"`

	// TokenSecretRef references the Secret with a token that the upstream accepts.
	// The token of an IntegrationHub is in the Secret NAME-token.
	// A new token is used without restarting pods.
	TokenSecretRef TokenSecretKeyRef `json:"tokenSecretRef"`

	// CABundleRef references a ConfigMap with additional CA certificates (PEM) for this upstream.
	//
	// +optional
	CABundleRef *UpstreamCABundleRef `json:"caBundleRef,omitempty"`

	// Integrations are the names of the integrations to serve, as they are named at the upstream; all if empty.
	//
	// +kubebuilder:validation:MaxItems=200
	// +listType=set
	// +optional
	Integrations []UpstreamIntegrationName `json:"integrations,omitempty"`

	// Prefix is prepended to the names of the upstream's integrations.
	// Without a prefix, an integration whose name is already taken is unavailable.
	//
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([a-z][a-z0-9_]*)?$`
	// +optional
	Prefix string `json:"prefix,omitempty"`
}

// UpstreamIntegrationName is the name of an integration at an upstream.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=100
// +kubebuilder:validation:Pattern=`^[A-Za-z0-9][-A-Za-z0-9._]*$`
type UpstreamIntegrationName string

// TokenSecretKeyRef references a key with a token in a Secret in the hub's namespace.
type TokenSecretKeyRef struct {
	// Name of the Secret.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of an object: lowercase letters, digits, hyphens and dots"
	Name string `json:"name"`

	// Key in the Secret; token if empty.
	//
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]*$`
	// +optional
	Key string `json:"key,omitempty"`
}

// UpstreamCABundleRef references a key with CA certificates in a ConfigMap in the hub's namespace.
type UpstreamCABundleRef struct {
	// Name of the ConfigMap.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of an object: lowercase letters, digits, hyphens and dots"
	Name string `json:"name"`

	// Key in the ConfigMap; ca.crt if empty.
	//
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]*$`
	// +optional
	Key string `json:"key,omitempty"`
}
