package resources

import (
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// PodSelector returns a label selector for a hub's pods.
func PodSelector(hub *v1alpha1.IntegrationHub) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: Selector(hub)}
}

// OwnLabels returns the labels by which the operator finds the objects of a hub. Unlike [Labels], they
// do not change with the spec.
func OwnLabels(hub *v1alpha1.IntegrationHub) map[string]string {
	labels := Selector(hub)
	labels[ManagedByLabel] = ManagedBy
	return labels
}

// Labels returns the labels of all objects of a hub. The operator's own take precedence.
func Labels(hub *v1alpha1.IntegrationHub) map[string]string {
	labels := commonLabels(hub)
	maps.Copy(labels, OwnLabels(hub))
	return labels
}

// HasOwnLabels reports whether labels say that an object is one of the hub's.
func HasOwnLabels(hub *v1alpha1.IntegrationHub, labels map[string]string) bool {
	for key, value := range OwnLabels(hub) {
		if labels[key] != value {
			return false
		}
	}
	return true
}

const hubAPIVersion = "hub.integrationhub.dev/v1alpha1"

// HubKind is the kind of hubs.
const HubKind = "IntegrationHub"

// owner makes the hub the controller of an object, which is then deleted with the hub.
func owner(hub *v1alpha1.IntegrationHub) *metav1ac.OwnerReferenceApplyConfiguration {
	return metav1ac.OwnerReference().
		WithAPIVersion(hubAPIVersion).
		WithKind(HubKind).
		WithName(hub.Name).
		WithUID(hub.UID).
		WithController(true).
		WithBlockOwnerDeletion(true)
}

// labelMap returns labels of the spec as those of an object.
func labelMap(labels map[string]v1alpha1.LabelValue) map[string]string {
	m := make(map[string]string, len(labels))
	for key, value := range labels {
		m[key] = string(value)
	}
	return m
}
