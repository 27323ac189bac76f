package registration

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/lookerclient"
	"integrationhub.dev/controllers/resources"
)

// prerequisites reads what a registration needs before Looker is called.
func (r *Reconciler) prerequisites(ctx context.Context, s *scope) error {
	if err := r.readHub(ctx, s); err != nil {
		return err
	}
	if s.notServing != nil && s.record.hubID == "" && s.record.pendingHubURL == "" {
		return s.notServing
	}
	if err := r.checkConflict(ctx, s); err != nil {
		return err
	}
	if err := r.readToken(ctx, s); err != nil {
		return err
	}
	return r.connect(ctx, s)
}

// readHub reads the IntegrationHub, and whether it serves at its URL. A registered hub is still compared
// with Looker while it does not serve, but not changed there.
func (r *Reconciler) readHub(ctx context.Context, s *scope) error {
	name := s.registration.Spec.HubRef.Name
	hub := &v1alpha1.IntegrationHub{}
	err := r.Get(ctx, client.ObjectKey{Namespace: s.registration.Namespace, Name: name}, hub)
	switch {
	case apierrors.IsNotFound(err):
		s.notServing = wait(v1alpha1.HubNotFound, 0, "IntegrationHub %q does not exist. Create it, or correct spec.hubRef.", name)
		return nil
	case err != nil:
		return fmt.Errorf("reading IntegrationHub %s: %w", name, err)
	}
	s.hub = hub
	if !servesAtURL(hub) {
		s.notServing = wait(v1alpha1.HubNotReady, 0, "IntegrationHub %q is not reachable at its URL yet. See its conditions.", name)
	}
	return nil
}

// servesAtURL reports whether a hub serves at the URL of its status. Ready includes that the pods and the
// routes are those of the current spec, or are being replaced by them.
func servesAtURL(hub *v1alpha1.IntegrationHub) bool {
	return hub.DeletionTimestamp.IsZero() && hub.Status.URL != "" && hub.Status.TokenSecretRef != nil &&
		hub.Status.ObservedGeneration == hub.Generation &&
		meta.IsStatusConditionTrue(hub.Status.Conditions, v1alpha1.Serving) &&
		meta.IsStatusConditionTrue(hub.Status.Conditions, v1alpha1.Ready)
}

// readToken reads the hub's token. While pods do not accept a new token, its Secret has an annotation.
func (r *Reconciler) readToken(ctx context.Context, s *scope) error {
	if !s.serves() {
		return nil
	}
	ref := s.hub.Status.TokenSecretRef
	secret, err := controllers.ReadSecret(ctx, r.APIReader, s.registration.Namespace, ref.Name)
	if err != nil {
		return err
	}
	if secret == nil || len(secret.Data[ref.Key]) == 0 {
		return wait(v1alpha1.SecretNotFound, pollInterval, "Secret %q with the token of the hub does not exist yet.", ref.Name)
	}
	if secret.Annotations[resources.TokenChangedAnnotation] != "" {
		s.tokenPending = wait(v1alpha1.TokenPending, 0, "Not all pods accept the new token in Secret %s yet. Looker keeps the previous token until they do.", ref.Name)
		return nil
	}
	s.token = secret.Data[ref.Key]
	return nil
}

// connect creates the client for Looker's API.
func (r *Reconciler) connect(ctx context.Context, s *scope) error {
	config, err := r.lookerConfig(ctx, s.registration)
	if err != nil {
		return err
	}
	s.apiSecret = config.ClientSecret
	s.looker, err = r.sessions.client(ctx, client.ObjectKeyFromObject(s.registration), config, r.Looker)
	if errors.Is(err, lookerclient.ErrCABundle) {
		ref := s.registration.Spec.Looker.CABundleRef
		return stall(v1alpha1.ConfigMapNotFound, 0, "ConfigMap %q has no certificate in PEM format under the key %q.", ref.Name, ref.Key)
	}
	return err
}

func (r *Reconciler) lookerConfig(ctx context.Context, registration *v1alpha1.LookerRegistration) (lookerclient.Config, error) {
	config := lookerclient.Config{URL: registration.Spec.Looker.URL}
	name := registration.Spec.Looker.CredentialsSecretRef.Name
	secret, err := controllers.ReadSecret(ctx, r.APIReader, registration.Namespace, name)
	switch {
	case err != nil:
		return config, err
	case secret == nil:
		return config, stall(v1alpha1.SecretNotFound, 0,
			"Secret %q of spec.looker.credentialsSecretRef does not exist. Create it with the keys client_id and client_secret.", name)
	}
	for key, value := range map[string]*string{"client_id": &config.ClientID, "client_secret": &config.ClientSecret} {
		if *value = strings.TrimSpace(string(secret.Data[key])); *value == "" {
			return config, stall(v1alpha1.SecretInvalid, 0, "Secret %q must have the keys client_id and client_secret of a Looker API key.", name)
		}
	}
	if ref := registration.Spec.Looker.CABundleRef; ref != nil {
		config.CABundle, err = r.caBundle(ctx, registration.Namespace, *ref)
	}
	return config, err
}

func (r *Reconciler) caBundle(ctx context.Context, namespace string, ref v1alpha1.ConfigMapKeyRef) (string, error) {
	m := &corev1.ConfigMap{}
	err := r.APIReader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, m)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("reading ConfigMap %s: %w", ref.Name, err)
	}
	if m.Data[ref.Key] == "" {
		return "", stall(v1alpha1.ConfigMapNotFound, 0,
			"ConfigMap %q of spec.looker.caBundleRef does not exist, or its key %q is empty. Create it.", ref.Name, ref.Key)
	}
	return m.Data[ref.Key], nil
}
