package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// IntegrationHubStatus is the observed state of a hub.
type IntegrationHubStatus struct {
	// ObservedGeneration is the generation of the spec that the status refers to.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions report the state of each part of the hub, and how to resolve problems.
	//
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// URL to enter in Looker.
	//
	// +optional
	URL string `json:"url,omitempty"`

	// TokenSecretRef references the Secret with the token to enter in Looker.
	//
	// +optional
	TokenSecretRef *SecretKeyRef `json:"tokenSecretRef,omitempty"`

	// ServiceSecretRef references the Secret from which the token is derived.
	//
	// +optional
	ServiceSecretRef *SecretKeyRef `json:"serviceSecretRef,omitempty"`

	// PreviousTokenRegistrations are the LookerRegistrations whose Looker instance still has a previous token of the hub.
	// Keep the previous service secret until the list is empty.
	//
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	PreviousTokenRegistrations []string `json:"previousTokenRegistrations,omitempty"`

	// NewServiceSecret is the last value of the annotation hub.integrationhub.dev/new-service-secret while there was a service secret.
	// The same value does not request another secret.
	//
	// +optional
	NewServiceSecret string `json:"newServiceSecret,omitempty"`

	// Integrations that a running hub reports.
	//
	// +kubebuilder:validation:MaxItems=128
	// +listType=map
	// +listMapKey=name
	// +optional
	Integrations []IntegrationStatus `json:"integrations,omitempty"`

	// CustomIntegrations is the state of the selected HTTPIntegrations.
	//
	// +optional
	CustomIntegrations *CustomIntegrationsStatus `json:"customIntegrations,omitempty"`

	// ObservedVersion is the version that the ready pods report; if they differ, all of their versions, such as v1.2.0, v1.3.0.
	//
	// +optional
	ObservedVersion string `json:"observedVersion,omitempty"`

	// Defaults are the fields of the spec whose values come from the operator's defaults.
	//
	// +kubebuilder:validation:MaxItems=32
	// +listType=set
	// +optional
	Defaults []string `json:"defaults,omitempty"`

	// LastHandledReconcileAt is the last handled value of the annotation hub.integrationhub.dev/reconcile-at.
	//
	// +optional
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`

	// CertificateNotAfter is when the hub's certificate expires.
	//
	// +optional
	CertificateNotAfter *metav1.Time `json:"certificateNotAfter,omitempty"`

	// Replicas is the number of pods.
	//
	// +optional
	Replicas int32 `json:"replicas,omitempty"`

	// ReadyReplicas is the number of ready pods.
	//
	// +optional
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`

	// Selector is the label selector of the hub's pods, for the scale subresource.
	//
	// +optional
	Selector string `json:"selector,omitempty"`
}

// IntegrationStatus is the state of an integration, as a running hub reports it.
type IntegrationStatus struct {
	// Name of the integration.
	Name string `json:"name"`

	// Offered is true if Looker can use the integration.
	Offered bool `json:"offered"`

	// Reason why the integration is not available.
	//
	// +optional
	Reason string `json:"reason,omitempty"`
}
