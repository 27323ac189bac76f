package controllers

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// FieldOwner is the operator's field manager for server-side apply.
const FieldOwner = client.FieldOwner("integration-hub-controller")

// ensure applies the children that the spec asks for and removes the others. An error of one child
// does not keep it from the others.
func (r *Reconciler) ensure(ctx context.Context, hub *v1alpha1.IntegrationHub, children ...resources.Child) error {
	errs := make([]error, 0, len(children))
	for _, c := range children {
		errs = append(errs, r.ensureOne(ctx, hub, c))
	}
	return errors.Join(errs...)
}

// ensureInOrder is ensure for children that need those before them: it stops at the first error.
func (r *Reconciler) ensureInOrder(ctx context.Context, hub *v1alpha1.IntegrationHub, children ...resources.Child) error {
	for _, c := range children {
		if err := r.ensureOne(ctx, hub, c); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reconciler) ensureOne(ctx context.Context, hub *v1alpha1.IntegrationHub, c resources.Child) error {
	if !r.kindInstalled(c.Kind) {
		if c.Config != nil {
			return kindMissing(c.Kind)
		}
		return nil
	}
	if err := r.watch(c.Kind); err != nil {
		return fmt.Errorf("watching %s: %w", c.Kind.Kind, err)
	}
	if c.Config != nil {
		return r.apply(ctx, hub, c)
	}
	return r.remove(ctx, hub, c)
}

// apply writes one object; besides the status, nothing else does. An object of the same name that
// is not the hub's own is never changed.
func (r *Reconciler) apply(ctx context.Context, hub *v1alpha1.IntegrationHub, c resources.Child) error {
	existing, err := r.existing(ctx, hub, c)
	if err != nil {
		return err
	}
	config, err := configChecksum(c.Config)
	if err != nil {
		return err
	}
	key := client.ObjectKeyFromObject(hub)
	if existing != nil {
		if err := checkOwner(existing, hub, c.Kind.Kind); err != nil {
			return err
		}
		if r.applied.unchanged(key, c, config, existing) {
			return nil
		}
	}
	if err := r.Apply(ctx, c.Config, FieldOwner, client.ForceOwnership); err != nil {
		r.applied.forgetOne(key, c)
		return applyError(c.Kind.Kind, c.Name, err)
	}
	return r.applied.record(key, c, config)
}

// remove deletes an object that the spec no longer asks for, if it is the hub's own.
func (r *Reconciler) remove(ctx context.Context, hub *v1alpha1.IntegrationHub, c resources.Child) error {
	existing := metadataOf(c.Kind)
	err := r.Get(ctx, client.ObjectKey{Namespace: hub.Namespace, Name: c.Name}, existing)
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return nil
	case err != nil:
		return fmt.Errorf("reading %s %s: %w", c.Kind.Kind, c.Name, err)
	case !belongsTo(existing, hub):
		return nil
	}
	uid := existing.GetUID()
	err = r.Delete(ctx, existing, client.Preconditions{UID: &uid})
	if client.IgnoreNotFound(err) != nil && !apierrors.IsConflict(err) { // a conflict: the object was replaced
		return fmt.Errorf("deleting %s %s: %w", c.Kind.Kind, c.Name, err)
	}
	return nil
}

// existing returns the metadata of the object that has a child's name; nil when there is none. The
// cache holds only the operator's own objects, so a miss is checked against the API server.
func (r *Reconciler) existing(ctx context.Context, hub *v1alpha1.IntegrationHub, c resources.Child) (*metav1.PartialObjectMetadata, error) {
	key := client.ObjectKey{Namespace: hub.Namespace, Name: c.Name}
	for _, reader := range []client.Reader{r.Client, r.APIReader} {
		object := metadataOf(c.Kind)
		err := reader.Get(ctx, key, object)
		if err == nil {
			return object, nil
		}
		if !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("reading %s %s: %w", c.Kind.Kind, c.Name, err)
		}
	}
	return nil, nil //nolint:nilnil // not found is an expected result
}

func metadataOf(kind schema.GroupVersionKind) *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(kind)
	return m
}

func metadataListOf(kind schema.GroupVersionKind) *metav1.PartialObjectMetadataList {
	l := &metav1.PartialObjectMetadataList{}
	l.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	return l
}
