package controllers

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// belongsTo reports whether an object is the hub's own: the hub controls it, or it has the hub's
// labels and no controller. The latter is adopted: backups are often restored without owner
// references, and kubectl delete --cascade=orphan removes them.
func belongsTo(o metav1.Object, hub *v1alpha1.IntegrationHub) bool {
	if controller := metav1.GetControllerOfNoCopy(o); controller != nil {
		return controller.UID == hub.UID
	}
	return resources.HasOwnLabels(hub, o.GetLabels())
}

// checkOwner returns an error for an object that is not the hub's own.
func checkOwner(o metav1.Object, hub *v1alpha1.IntegrationHub, kind string) error {
	if belongsTo(o, hub) {
		return nil
	}
	controller := metav1.GetControllerOfNoCopy(o)
	switch {
	case controller == nil:
		return nameTaken(kind, o.GetName(), "does not have the labels of this IntegrationHub")
	case isFormerHub(controller, hub):
		return &waitingError{
			reason: v1alpha1.Pending,
			message: fmt.Sprintf("%s %q belongs to a deleted IntegrationHub of the same name. The operator continues when it is deleted as well.",
				kind, o.GetName()),
			requeueAfter: podPollInterval,
		}
	}
	return nameTaken(kind, o.GetName(), fmt.Sprintf("is controlled by %s %q", controller.Kind, controller.Name))
}

// isFormerHub reports whether a controller is a deleted hub of the same name. Its objects are about
// to be garbage collected.
func isFormerHub(controller *metav1.OwnerReference, hub *v1alpha1.IntegrationHub) bool {
	group, _, _ := strings.Cut(controller.APIVersion, "/")
	return group == v1alpha1.GroupVersion.Group && controller.Kind == resources.HubKind && controller.Name == hub.Name
}

// nameTaken is returned when another owner's object has the name of a child.
func nameTaken(kind, name, why string) error {
	return &stalledError{
		reason: v1alpha1.NameTaken,
		message: fmt.Sprintf("%s %q already exists and %s. Rename one of them, "+
			"or let the hub adopt it: remove its controller and set the hub's labels (%s=%s and others).",
			kind, name, why, resources.ManagedByLabel, resources.ManagedBy),
		requeueAfter: pollInterval,
	}
}
