package resources

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"integrationhub.dev/api/v1alpha1"
)

// LastApplied is what a hub's pods run with: the template of their Deployment, and the parts of the
// spec that the other objects must agree with. It contains no values of Secrets.
type LastApplied struct {
	Template       *corev1ac.PodTemplateSpecApplyConfiguration `json:"template"`
	BaseURL        string                                      `json:"baseURL,omitempty"`
	TLS            v1alpha1.TLS                                `json:"tls"`
	Exposure       *v1alpha1.Exposure                          `json:"exposure,omitempty"`
	ServiceAccount *v1alpha1.ServiceAccount                    `json:"serviceAccount,omitempty"`
}

// hashLength is the number of hexadecimal digits in the name of a ControllerRevision. With a hub's
// name of 52 characters, the name has 63.
const hashLength = 10

// Revision records a Deployment in a ControllerRevision, which survives the Deployment's deletion
// and a restart of the manager. Its data are immutable, so its name contains their hash.
func Revision(in Inputs, deployment *appsv1ac.DeploymentApplyConfiguration) (Child, error) {
	hub := in.Hub
	data, err := json.Marshal(LastApplied{
		Template: deployment.Spec.Template,
		BaseURL:  hub.Spec.BaseURL, TLS: hub.Spec.TLS, Exposure: hub.Spec.Exposure, ServiceAccount: hub.Spec.ServiceAccount,
	})
	if err != nil {
		return Child{}, fmt.Errorf("recording the Deployment: %w", err)
	}
	sum := sha256.Sum256(data)
	name := hub.Name + "-" + hex.EncodeToString(sum[:])[:hashLength]
	return child(RevisionKind, name, appsv1ac.ControllerRevision(name, hub.Namespace).
		WithLabels(Labels(hub)).
		WithAnnotations(Annotations(hub)).
		WithOwnerReferences(owner(hub)).
		WithRevision(hub.Generation).
		WithData(runtime.RawExtension{Raw: data})), nil
}

// ReadRevision returns what a ControllerRevision records.
func ReadRevision(revision *appsv1.ControllerRevision) (*LastApplied, error) {
	last := &LastApplied{}
	if err := json.Unmarshal(revision.Data.Raw, last); err != nil {
		return nil, fmt.Errorf("reading ControllerRevision %s: %w", revision.Name, err)
	}
	if last.Template == nil {
		return nil, fmt.Errorf("ControllerRevision %s has no pod template", revision.Name)
	}
	return last, nil
}

// Frozen returns inputs that keep the pods as they are, and the routes where they would no longer
// lead to these pods. Everything else follows the current spec.
func (in Inputs) Frozen(last LastApplied) Inputs {
	hub := in.Hub.DeepCopy()
	hub.Spec.BaseURL, hub.Spec.TLS, hub.Spec.Exposure = last.BaseURL, last.TLS, last.Exposure
	if BaseURL(hub) == BaseURL(in.Hub) && ServesTLS(hub) == ServesTLS(in.Hub) && TLSSecretName(hub) == TLSSecretName(in.Hub) {
		hub = in.Hub.DeepCopy()
	} else {
		hub.Spec.Exposure = withService(last.Exposure, in.Hub.Spec.Exposure)
	}
	hub.Spec.ServiceAccount = last.ServiceAccount
	in.Hub, in.Template = hub, last.Template
	return in
}

// withService returns the routes of one exposure with the Service of another.
func withService(routes, service *v1alpha1.Exposure) *v1alpha1.Exposure {
	merged := &v1alpha1.Exposure{}
	if routes != nil {
		merged = routes.DeepCopy()
	}
	merged.Service = nil
	if service != nil {
		merged.Service = service.Service
	}
	return merged
}
