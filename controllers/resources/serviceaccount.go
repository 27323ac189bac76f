package resources

import (
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"integrationhub.dev/api/v1alpha1"
)

// ServiceAccountName returns the name of the pods' ServiceAccount.
func ServiceAccountName(hub *v1alpha1.IntegrationHub) string {
	if a := hub.Spec.ServiceAccount; a != nil && a.Name != "" {
		return a.Name
	}
	return hub.Name
}

// ServiceAccount of the pods; nil if the spec names an existing one. It has no permissions in the
// cluster, and the pods mount no token.
func ServiceAccount(in Inputs) *corev1ac.ServiceAccountApplyConfiguration {
	hub := in.Hub
	if ServiceAccountName(hub) != hub.Name {
		return nil
	}
	account := corev1ac.ServiceAccount(hub.Name, hub.Namespace).
		WithLabels(Labels(hub)).
		WithOwnerReferences(owner(hub)).
		WithAutomountServiceAccountToken(false)
	if a := hub.Spec.ServiceAccount; a != nil && len(a.Annotations) > 0 {
		account.WithAnnotations(a.Annotations)
	}
	return account
}
