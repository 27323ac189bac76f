package controllers

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
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

// apply writes one object. It is the only function that does, apart from the status. An
// object of the same name that the hub does not control is never touched.
func (r *Reconciler) apply(ctx context.Context, hub *v1alpha1.IntegrationHub, kind schema.GroupVersionKind, name string, config runtime.ApplyConfiguration) error {
	existing := &metav1.PartialObjectMetadata{}
	existing.SetGroupVersionKind(kind)
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: hub.Namespace, Name: name}, existing)
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return fmt.Errorf("looking for %s %s: %w", kind.Kind, name, err)
	case !metav1.IsControlledBy(existing, hub):
		return &nameTakenError{kind.Kind, name}
	}
	if err := r.Apply(ctx, config, FieldOwner, client.ForceOwnership); err != nil {
		return fmt.Errorf("applying %s %s: %w", kind.Kind, name, err)
	}
	return nil
}
