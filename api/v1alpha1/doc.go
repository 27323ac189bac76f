// Package v1alpha1 is the API group hub.integrationhub.dev: what a platform engineer asks
// for, and what the operator answers.
//
// +kubebuilder:object:generate=true
// +groupName=hub.integrationhub.dev
package v1alpha1
