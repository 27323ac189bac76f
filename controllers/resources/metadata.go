package resources

import (
	"maps"

	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"integrationhub.dev/api/v1alpha1"
)

// ManagedByLabel and ManagedBy are the label of all objects that the operator creates.
const (
	ManagedByLabel = "app.kubernetes.io/managed-by"
	ManagedBy      = "integration-hub-operator"
)

// InstanceLabel is the label with the hub's name.
const InstanceLabel = "app.kubernetes.io/instance"

// Selector returns the labels of a hub's pods. They must not change: a Deployment's selector is
// immutable.
func Selector(hub *v1alpha1.IntegrationHub) map[string]string {
	return map[string]string{
		"app.kubernetes.io/name": "integration-hub",
		InstanceLabel:            hub.Name,
	}
}

// Labels returns the labels of all objects of a hub. The operator's own take precedence.
func Labels(hub *v1alpha1.IntegrationHub) map[string]string {
	labels := commonLabels(hub)
	maps.Copy(labels, Selector(hub))
	labels[ManagedByLabel] = ManagedBy
	return labels
}

const (
	hubAPIVersion = "hub.integrationhub.dev/v1alpha1"
	hubKind       = "IntegrationHub"
)

// owner makes the hub the controller of an object, which is then deleted with the hub.
func owner(hub *v1alpha1.IntegrationHub) *metav1ac.OwnerReferenceApplyConfiguration {
	return metav1ac.OwnerReference().
		WithAPIVersion(hubAPIVersion).
		WithKind(hubKind).
		WithName(hub.Name).
		WithUID(hub.UID).
		WithController(true).
		WithBlockOwnerDeletion(true)
}
