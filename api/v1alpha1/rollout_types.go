package v1alpha1

import "k8s.io/apimachinery/pkg/util/intstr"

// ReconcileAtAnnotation requests a reconcile of a hub, such as after a change that the operator does
// not watch. Any new value does; a time is usual. The status reports the value that was handled.
const ReconcileAtAnnotation = "hub.integrationhub.dev/reconcile-at"

// Strategy configures how the Deployment replaces pods.
type Strategy struct {
	// Type of the strategy; only RollingUpdate is supported.
	// Recreate would stop all pods at once, and Looker's deliveries would fail until new pods are ready.
	//
	// +kubebuilder:default=RollingUpdate
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self == 'RollingUpdate'",message="strategy.type must be RollingUpdate: Recreate would stop all pods at once, and deliveries would fail until new pods are ready"
	// +optional
	Type string `json:"type,omitempty"`

	// RollingUpdate configures how many pods are replaced at once.
	//
	// +optional
	RollingUpdate *RollingUpdate `json:"rollingUpdate,omitempty"`
}

// RollingUpdate configures how many pods are replaced at once.
//
// +kubebuilder:validation:XValidation:rule="!has(self.maxSurge) || !(string(self.maxSurge) in ['0', '0%']) || has(self.maxUnavailable) && !(string(self.maxUnavailable) in ['0', '0%'])",message="maxSurge and maxUnavailable, which defaults to 0, must not both be 0"
type RollingUpdate struct {
	// MaxSurge is the number or percentage of pods that may run in addition to the replicas; 1 if unset.
	//
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^[0-9]{1,4}%$`
	// +kubebuilder:validation:XValidation:rule="type(self) == string || int(self) >= 0",message="maxSurge must not be negative"
	// +optional
	MaxSurge *intstr.IntOrString `json:"maxSurge,omitempty"`

	// MaxUnavailable is the number or percentage of pods that may be unavailable; 0 if unset.
	// With 0, a new pod is ready before an old one stops.
	//
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^([0-9]|[1-9][0-9]|100)%$`
	// +kubebuilder:validation:XValidation:rule="type(self) == string || int(self) >= 0",message="maxUnavailable must not be negative"
	// +optional
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}
