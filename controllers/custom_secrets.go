package controllers

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/controllers/resources"
)

// withMountedKeys adds keys that pods mount already and no integration uses any more to the keys that they need, so
// that deleting an integration rolls nothing. The next rollout for another reason unmounts them, and so does a Secret
// that no longer allows integrations.
func (r *Reconciler) withMountedKeys(
	ctx context.Context, s *scope, versions map[string]*customVersion, needed map[string][]string,
) (map[string][]string, error) {
	if found, err := r.mayExist(ctx, s.hub, resources.DeploymentKind); err != nil || !found {
		return needed, err
	}
	d := &appsv1.Deployment{}
	switch err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(s.hub), d); {
	case apierrors.IsNotFound(err):
		return needed, nil
	case err != nil:
		return nil, fmt.Errorf("reading the Secrets that pods mount: %w", err)
	}
	mounted := resources.MountedCustomKeys(&d.Spec.Template.Spec)
	if d.Spec.Template.Annotations[resources.ChecksumAnnotation] != checksumWith(s.inputs.ConfigChecksum, mounted) {
		return needed, nil // the pods are rolled anyway
	}
	for name, keys := range needed {
		if slices.ContainsFunc(keys, func(key string) bool { return !slices.Contains(mounted[name], key) }) {
			return needed, nil
		}
	}
	for name, keys := range mounted {
		if len(keys) == len(needed[name]) {
			continue
		}
		if allowed, err := r.allowsUnused(ctx, s, name, versions); err != nil || !allowed {
			return needed, err
		}
	}
	return mounted, nil
}

// allowsUnused reports whether pods may keep keys of a Secret that no integration uses: the Secret still allows
// integrations, and all that name it. Pods would give a mounted key to each of them.
func (r *Reconciler) allowsUnused(ctx context.Context, s *scope, name string, versions map[string]*customVersion) (bool, error) {
	secret := metadataOf(resources.SecretKind)
	err := r.Get(ctx, client.ObjectKey{Namespace: s.hub.Namespace, Name: name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading the metadata of Secret %s: %w", name, err)
	case !resources.AllowsIntegrations(secret):
		return false, nil
	}
	for integration, v := range versions {
		for _, ref := range v.secrets {
			if ref.Name == name && !resources.AllowsIntegration(secret, integration) {
				return false, nil
			}
		}
	}
	return true, nil
}
