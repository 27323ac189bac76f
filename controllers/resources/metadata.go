package resources

import (
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"integrationhub.dev/api/v1alpha1"
)

// ManagedBy is the label, with its value, of everything that the operator makes.
const (
	ManagedByLabel = "app.kubernetes.io/managed-by"
	ManagedBy      = "integration-hub-operator"
)

// InstanceLabel holds the hub's name on each of its objects.
const InstanceLabel = "app.kubernetes.io/instance"

// Selector are the labels of a hub's pods. They never change: a Deployment's selector can't.
func Selector(hub *v1alpha1.IntegrationHub) map[string]string {
	return map[string]string{
		"app.kubernetes.io/name": "integration-hub",
		InstanceLabel:            hub.Name,
	}
}

// Labels are those of every object of a hub.
func Labels(hub *v1alpha1.IntegrationHub) map[string]string {
	labels := Selector(hub)
	labels[ManagedByLabel] = ManagedBy
	return labels
}

const (
	hubAPIVersion = "hub.integrationhub.dev/v1alpha1"
	hubKind       = "IntegrationHub"
)

// owner makes the hub the controller of an object, so that it goes when the hub goes.
func owner(hub *v1alpha1.IntegrationHub) *metav1ac.OwnerReferenceApplyConfiguration {
	return metav1ac.OwnerReference().
		WithAPIVersion(hubAPIVersion).
		WithKind(hubKind).
		WithName(hub.Name).
		WithUID(hub.UID).
		WithController(true).
		WithBlockOwnerDeletion(true)
}
