package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// CustomIntegrations selects the no-code integrations of the hub.
type CustomIntegrations struct {
	// Selector selects HTTPIntegrations of the hub's namespace by their labels.
	// An empty selector, {}, selects all of them.
	// If it is not set, the hub has none.
	//
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
}

// CustomIntegrationsStatus is the state of the HTTPIntegrations that the hub selects.
type CustomIntegrationsStatus struct {
	// Selected is the number of HTTPIntegrations that the hub selects.
	Selected int32 `json:"selected"`

	// Offered is the number of HTTPIntegrations that run in all pods.
	Offered int32 `json:"offered"`

	// Refused is the number of HTTPIntegrations whose latest version is not valid, or was rejected by the pods.
	Refused int32 `json:"refused"`

	// Integrations are the selected HTTPIntegrations, 250 at most.
	//
	// +kubebuilder:validation:MaxItems=250
	// +listType=map
	// +listMapKey=name
	// +optional
	Integrations []CustomIntegrationStatus `json:"integrations,omitempty"`
}

// CustomIntegrationStatus is the state of a selected HTTPIntegration.
type CustomIntegrationStatus struct {
	// Name of the HTTPIntegration.
	Name string `json:"name"`

	// Integration is the integration's name in Looker, in the version that the pods should run.
	//
	// +optional
	Integration string `json:"integration,omitempty"`

	// Version that the pods should run; empty if no version is valid.
	//
	// +optional
	Version string `json:"version,omitempty"`

	// RunningVersion is the version that all pods run; empty if their versions differ or are not reported yet.
	//
	// +optional
	RunningVersion string `json:"runningVersion,omitempty"`

	// Reason why the latest version is not available, and what to do.
	//
	// +optional
	Reason string `json:"reason,omitempty"`
}
