package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/httpintegration"
)

// HTTPIntegration is a no-code integration. It describes the requests that a hub sends when Looker
// delivers data. IntegrationHubs of the same namespace select it with spec.customIntegrations.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=hint,categories=integration-hub
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Integration",type=string,JSONPath=`.status.integration`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.version`
// +kubebuilder:printcolumn:name="Hubs",type=integer,JSONPath=`.status.runningHubs`
// +kubebuilder:printcolumn:name="Label",type=string,priority=1,JSONPath=`.spec.label`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 200",message="the name must not be longer than 200 characters, because names of files are derived from it"
type HTTPIntegration struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is the desired state.
	Spec httpintegration.Spec `json:"spec"`

	// Status is the observed state.
	//
	// +optional
	Status HTTPIntegrationStatus `json:"status,omitempty"`
}

// HTTPIntegrationList is a list of no-code integrations.
//
// +kubebuilder:object:root=true
type HTTPIntegrationList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []HTTPIntegration `json:"items"`
}

// AllowIntegrationsAnnotation of a Secret lists the HTTPIntegrations that may use it,
// separated by commas; * allows all of the namespace. No HTTPIntegration can use a Secret without it:
// otherwise, authors of HTTPIntegrations could send any Secret of the namespace anywhere.
const AllowIntegrationsAnnotation = "hub.integrationhub.dev/allow-integrations"

// HTTPIntegrationStatus is the observed state of a no-code integration.
type HTTPIntegrationStatus struct {
	// ObservedGeneration is the generation of the spec that the status refers to.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions report whether the integration is valid and available, and how to resolve problems.
	//
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// Integration is the name in Looker.
	//
	// +optional
	Integration string `json:"integration,omitempty"`

	// Version identifies the content of the spec: the first digits of its SHA-256.
	//
	// +optional
	Version string `json:"version,omitempty"`

	// RunningHubs is the number of hubs that run this version in all their pods.
	//
	// +optional
	RunningHubs int32 `json:"runningHubs,omitempty"`

	// Hubs are the IntegrationHubs that select the integration, 64 at most.
	//
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=name
	// +optional
	Hubs []HTTPIntegrationHub `json:"hubs,omitempty"`
}

// HTTPIntegrationHub is a hub that selects an integration.
type HTTPIntegrationHub struct {
	// Name of the IntegrationHub.
	Name string `json:"name"`

	// Version that all pods run; empty if their versions differ or are not reported yet.
	//
	// +optional
	Version string `json:"version,omitempty"`

	// Message explains why the hub does not run the current version.
	//
	// +optional
	Message string `json:"message,omitempty"`
}
