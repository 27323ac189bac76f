package resources

import (
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"integrationhub.dev/api/v1alpha1"
)

// ServiceAccountName returns the name of the pods' ServiceAccount.
func ServiceAccountName(hub *v1alpha1.IntegrationHub) string {
	if usesExistingServiceAccount(hub) {
		return hub.Spec.ServiceAccount.Name
	}
	return hub.Name
}

func usesExistingServiceAccount(hub *v1alpha1.IntegrationHub) bool {
	a := hub.Spec.ServiceAccount
	return a != nil && a.Name != ""
}

// ServiceAccount of the pods; nil if the spec names an existing one. It has no permissions in the
// cluster, and the pods mount no token.
func ServiceAccount(in Inputs) *corev1ac.ServiceAccountApplyConfiguration {
	hub := in.Hub
	if usesExistingServiceAccount(hub) {
		return nil
	}
	account := corev1ac.ServiceAccount(hub.Name, hub.Namespace).
		WithLabels(Labels(hub)).
		WithAnnotations(Annotations(hub)).
		WithOwnerReferences(owner(hub)).
		WithAutomountServiceAccountToken(false)
	if a := hub.Spec.ServiceAccount; a != nil && len(a.Annotations) > 0 {
		account.WithAnnotations(a.Annotations)
	}
	return account
}

// serviceAccountChildren returns the ServiceAccount as a child. An account that the spec names is no
// child, also if it has the hub's name: removing the operator's earlier account would remove it.
func serviceAccountChildren(in Inputs) []Child {
	if ServiceAccountName(in.Hub) == in.Hub.Name && usesExistingServiceAccount(in.Hub) {
		return nil
	}
	return []Child{child(ServiceAccountKind, in.Hub.Name, ServiceAccount(in))}
}
