package controllers

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// FieldOwner is the one field manager of everything that the operator applies.
const FieldOwner = client.FieldOwner("integration-hub-controller")

// nameTakenError says that an object of a needed name belongs to somebody else.
type nameTakenError struct {
	kind, name string
}

func (e *nameTakenError) Error() string {
	return fmt.Sprintf("There is a %s named %q that does not belong to this IntegrationHub. Rename or delete one of the two.", e.kind, e.name)
}

// kindMissingError says that the cluster does not know a kind that the spec asks for.
type kindMissingError struct {
	kind schema.GroupVersionKind
}

func (e *kindMissingError) Error() string {
	from := origins[e.kind.Group]
	return fmt.Sprintf("This cluster does not know the kind %s of %s. Install %s in a version that has it, or leave %s out; the operator goes on by itself then.",
		e.kind.Kind, e.kind.GroupVersion(), from.product, from.field)
}

// origins are where optional kinds come from, and which field asks for them.
var origins = map[string]struct{ product, field string }{
	resources.CertificateKind.Group:    {"cert-manager", "spec.tls.issuerRef"},
	resources.HTTPRouteKind.Group:      {"the Gateway API", "spec.exposure.gateway"},
	resources.ServiceMonitorKind.Group: {"the Prometheus operator", "spec.monitoring"},
}

// ensure applies the children that are wanted and removes the others.
func (r *Reconciler) ensure(ctx context.Context, hub *v1alpha1.IntegrationHub, children ...resources.Child) error {
	for _, c := range children {
		if !r.kindInstalled(c.Kind) {
			if c.Config != nil {
				return &kindMissingError{c.Kind}
			}
			continue
		}
		if err := r.watch(c.Kind); err != nil {
			return fmt.Errorf("watching %s: %w", c.Kind.Kind, err)
		}
		var err error
		if c.Config != nil {
			err = r.apply(ctx, hub, c)
		} else {
			err = r.remove(ctx, hub, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// apply writes one object. It is the only function that does, apart from the status. An
// object of the same name that the hub does not control is never touched.
func (r *Reconciler) apply(ctx context.Context, hub *v1alpha1.IntegrationHub, c resources.Child) error {
	existing, err := r.existing(ctx, hub, c)
	if err != nil {
		return err
	}
	if existing != nil && !metav1.IsControlledBy(existing, hub) {
		return &nameTakenError{c.Kind.Kind, c.Name}
	}
	if err := r.Apply(ctx, c.Config, FieldOwner, client.ForceOwnership); err != nil {
		return fmt.Errorf("applying %s %s: %w", c.Kind.Kind, c.Name, err)
	}
	return nil
}

// remove deletes an object that the spec no longer asks for, if it is the hub's.
func (r *Reconciler) remove(ctx context.Context, hub *v1alpha1.IntegrationHub, c resources.Child) error {
	existing := metadataOf(c.Kind)
	err := r.Get(ctx, client.ObjectKey{Namespace: hub.Namespace, Name: c.Name}, existing)
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return nil
	case err != nil:
		return fmt.Errorf("looking for %s %s: %w", c.Kind.Kind, c.Name, err)
	case !metav1.IsControlledBy(existing, hub):
		return nil
	}
	uid := existing.GetUID()
	err = r.Delete(ctx, existing, client.Preconditions{UID: &uid})
	if client.IgnoreNotFound(err) != nil && !apierrors.IsConflict(err) { // a conflict: it is another one by now
		return fmt.Errorf("removing %s %s: %w", c.Kind.Kind, c.Name, err)
	}
	return nil
}

// existing finds an object of a child's name; nil when there is none. The cache knows the
// operator's own objects; only what it does not know is looked for in the cluster.
func (r *Reconciler) existing(ctx context.Context, hub *v1alpha1.IntegrationHub, c resources.Child) (*metav1.PartialObjectMetadata, error) {
	key := client.ObjectKey{Namespace: hub.Namespace, Name: c.Name}
	for _, reader := range []client.Reader{r.Client, r.APIReader} {
		object := metadataOf(c.Kind)
		err := reader.Get(ctx, key, object)
		if err == nil {
			return object, nil
		}
		if !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("looking for %s %s: %w", c.Kind.Kind, c.Name, err)
		}
	}
	return nil, nil //nolint:nilnil // absence is an answer here, not a fault
}

func metadataOf(kind schema.GroupVersionKind) *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(kind)
	return m
}
