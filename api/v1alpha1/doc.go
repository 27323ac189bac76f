// Package v1alpha1 is the API group hub.integrationhub.dev.
//
// +kubebuilder:object:generate=true
// +groupName=hub.integrationhub.dev
package v1alpha1
