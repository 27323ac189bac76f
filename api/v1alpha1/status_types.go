package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// IntegrationHubStatus is what the operator answers.
type IntegrationHubStatus struct {
	// ObservedGeneration is the generation of the spec that the rest speaks of.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions say what works, and what to do about the rest.
	//
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// URL is the address to enter in Looker.
	//
	// +optional
	URL string `json:"url,omitempty"`

	// TokenSecretRef names the Secret whose key "token" holds the token to enter in Looker.
	//
	// +optional
	TokenSecretRef *SecretKeyRef `json:"tokenSecretRef,omitempty"`

	// Integrations are those that the spec enables, or all, as a running hub reports them.
	//
	// +kubebuilder:validation:MaxItems=128
	// +listType=map
	// +listMapKey=name
	// +optional
	Integrations []IntegrationStatus `json:"integrations,omitempty"`

	// ObservedVersion is the version that the running hubs report.
	//
	// +optional
	ObservedVersion string `json:"observedVersion,omitempty"`

	// CertificateNotAfter is when the hub's certificate expires.
	//
	// +optional
	CertificateNotAfter *metav1.Time `json:"certificateNotAfter,omitempty"`

	// Replicas is the number of the hub's pods.
	//
	// +optional
	Replicas int32 `json:"replicas,omitempty"`

	// ReadyReplicas is the number of those that take deliveries.
	//
	// +optional
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`

	// Selector selects the hub's pods, for autoscalers and kubectl.
	//
	// +optional
	Selector string `json:"selector,omitempty"`
}

// IntegrationStatus is one integration as a running hub reports it.
type IntegrationStatus struct {
	// Name of the integration.
	Name string `json:"name"`

	// Offered is whether Looker is offered the integration.
	Offered bool `json:"offered"`

	// Reason says why it is not.
	//
	// +optional
	Reason string `json:"reason,omitempty"`
}
