package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// CustomIntegrations selects the integrations without code that the hub offers.
type CustomIntegrations struct {
	// Selector selects HTTPIntegrations of the hub's namespace by their labels.
	// An empty selector, {}, selects all of them.
	// If it is not set, the hub offers none.
	//
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
}

// CustomIntegrationsStatus is the state of the HTTPIntegrations that the hub selects.
type CustomIntegrationsStatus struct {
	// Selected is the number of HTTPIntegrations that the hub selects.
	Selected int32 `json:"selected"`

	// Offered is the number of those that have a version in all pods.
	Offered int32 `json:"offered"`

	// Refused is the number of those whose newest version is not given to the pods, or not accepted by them.
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

	// Integration is the name in Looker of the version that the pods are given.
	//
	// +optional
	Integration string `json:"integration,omitempty"`

	// Version that the pods are given; empty if there is no valid one.
	//
	// +optional
	Version string `json:"version,omitempty"`

	// RunningVersion is the version that all pods run; empty if they run different ones, none, or did not report it yet.
	//
	// +optional
	RunningVersion string `json:"runningVersion,omitempty"`

	// Reason why the newest version is not offered, and what to do.
	//
	// +optional
	Reason string `json:"reason,omitempty"`
}
