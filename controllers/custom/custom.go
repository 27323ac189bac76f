// Package custom reconciles HTTPIntegrations: it checks each as a hub does, and reports in its status
// which hubs run it. The controller of IntegrationHubs gives the valid ones to the pods.
package custom

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// Reconciler writes the status of HTTPIntegrations, and nothing else.
type Reconciler struct {
	// Client reads from the cache, which holds HTTPIntegrations, IntegrationHubs and the metadata of Secrets.
	client.Client
	Recorder events.EventRecorder
	// Class is the spec.controllerClass of the integrations to manage.
	Class string

	checks checks
}

// +kubebuilder:rbac:groups=hub.integrationhub.dev,resources=httpintegrations,verbs=get;list;watch
// +kubebuilder:rbac:groups=hub.integrationhub.dev,resources=httpintegrations/status,verbs=get;patch

// scope is one reconcile of one integration: its spec, and what was found.
type scope struct {
	integration *v1alpha1.HTTPIntegration
	check       check
	// secret is what is wrong with a Secret; nil if all can be used.
	secret *problem
	// hubs are those that select the integration, in the order of their names.
	hubs []v1alpha1.HTTPIntegrationHub
	// kept is set if a hub runs a version, perhaps an earlier one.
	kept bool
}

// problem is why a condition is false.
type problem struct{ reason, message string }

// Reconcile checks one integration and writes its status, if it changed.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	integration := &v1alpha1.HTTPIntegration{}
	if err := r.Get(ctx, req.NamespacedName, integration); err != nil {
		if apierrors.IsNotFound(err) {
			r.checks.forget(req.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !integration.DeletionTimestamp.IsZero() || integration.Spec.ControllerClass != r.Class {
		return ctrl.Result{}, nil
	}
	s := &scope{integration: integration}
	var err error
	if s.check, err = r.checks.of(req.NamespacedName, integration); err != nil {
		return ctrl.Result{}, err
	}
	if s.secret, err = r.checkSecrets(ctx, integration); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.selectingHubs(ctx, s); err != nil {
		return ctrl.Result{}, err
	}
	return r.writeStatus(ctx, integration, newStatus(s))
}

// checkSecrets returns what keeps an integration from using its Secrets. It reads their metadata only, so
// that a missing key is found by the pods.
func (r *Reconciler) checkSecrets(ctx context.Context, i *v1alpha1.HTTPIntegration) (*problem, error) {
	for _, s := range i.Spec.Secrets {
		name := s.SecretKeyRef.Name
		secret := &metav1.PartialObjectMetadata{}
		secret.SetGroupVersionKind(resources.SecretKind)
		err := r.Get(ctx, client.ObjectKey{Namespace: i.Namespace, Name: name}, secret)
		switch {
		case apierrors.IsNotFound(err):
			return &problem{v1alpha1.SecretNotFound, fmt.Sprintf(
				"Secret %q of spec.secrets does not exist. Create it, with the annotation %s: %s.", name, v1alpha1.AllowIntegrationsAnnotation, i.Name)}, nil
		case err != nil:
			return nil, fmt.Errorf("reading the metadata of Secret %s: %w", name, err)
		case !resources.AllowsIntegration(secret, i.Name):
			return &problem{v1alpha1.SecretNotAllowed, fmt.Sprintf(
				"Secret %q does not allow this integration. If everyone who can edit the integration may use its values: "+
					"kubectl -n %s annotate secret %s %s=%s", name, i.Namespace, name, v1alpha1.AllowIntegrationsAnnotation, i.Name)}, nil
		}
	}
	return nil, nil //nolint:nilnil // no problem is an expected result
}

// maxHubs bounds the list of hubs in the status.
const maxHubs = 64

// selectingHubs reads which hubs select the integration, and what they report of it.
func (r *Reconciler) selectingHubs(ctx context.Context, s *scope) error {
	all := &v1alpha1.IntegrationHubList{}
	if err := r.List(ctx, all, client.InNamespace(s.integration.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing IntegrationHubs: %w", err)
	}
	for i := range all.Items {
		hub := &all.Items[i]
		if !hub.DeletionTimestamp.IsZero() || !resources.SelectsCustom(hub, s.integration) {
			continue
		}
		entry := v1alpha1.HTTPIntegrationHub{Name: hub.Name}
		if reported := entryOf(hub, s.integration.Name); reported != nil {
			entry.Version, entry.Message = reported.RunningVersion, reported.Reason
			s.kept = s.kept || reported.Version != ""
		}
		s.hubs = append(s.hubs, entry)
	}
	slices.SortFunc(s.hubs, func(a, b v1alpha1.HTTPIntegrationHub) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// entryOf returns what a hub reports of an integration; nil if nothing.
func entryOf(hub *v1alpha1.IntegrationHub, integration string) *v1alpha1.CustomIntegrationStatus {
	status := hub.Status.CustomIntegrations
	if status == nil {
		return nil
	}
	n := slices.IndexFunc(status.Integrations, func(e v1alpha1.CustomIntegrationStatus) bool { return e.Name == integration })
	if n < 0 {
		return nil
	}
	return &status.Integrations[n]
}
