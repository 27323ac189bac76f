package controllers

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
	"integrationhub.dev/hub/token"
)

// credentials reads or generates the service secret, and issues Looker's token from it.
func (r *Reconciler) credentials(ctx context.Context, s *scope) error {
	published, err := ReadSecret(ctx, r.APIReader, s.hub.Namespace, resources.TokenSecretRef(s.hub).Name)
	if err != nil {
		return err
	}
	if err := r.serviceSecret(ctx, s, published); err != nil {
		return err
	}
	return r.token(ctx, s, published)
}

// serviceSecret reads the service secret. It generates one, once, if the spec names none.
func (r *Reconciler) serviceSecret(ctx context.Context, s *scope, published *corev1.Secret) error {
	hub, ref := s.hub, resources.ServiceSecretRef(s.hub)
	generated := hub.Spec.ServiceSecretRef == nil
	secret, err := ReadSecret(ctx, r.APIReader, hub.Namespace, ref.Name)
	switch {
	case err != nil:
		return err
	case secret == nil && !generated:
		return stalled(v1alpha1.SecretNotFound,
			"Secret %q of spec.serviceSecretRef does not exist. Create it, or remove serviceSecretRef to have one generated.", ref.Name)
	case secret == nil:
		return r.generateServiceSecret(ctx, s, published)
	case generated:
		if err := checkOwner(secret, hub, resources.SecretKind.Kind); err != nil {
			return err
		}
	}
	for _, key := range []string{ref.Key, "previous"} {
		if value, ok := secret.Data[key]; (ok || key == ref.Key) && token.Check(string(value)) != nil {
			return stalled(v1alpha1.SecretInvalid,
				"Secret %q must hold at least %d characters under the key %q. Generate a value with: openssl rand -hex 32",
				ref.Name, token.MinSecret, key)
		}
	}
	s.inputs.ServiceSecret = secret.Data[ref.Key]
	if generated && metav1.IsControlledBy(secret, hub) != resources.DeletesServiceSecret(hub) {
		if err := r.applyServiceSecret(ctx, s); err != nil {
			return err
		}
	}
	s.inputs.ServiceSecret = token.Secret(s.inputs.ServiceSecret)
	return nil
}

func (r *Reconciler) applyServiceSecret(ctx context.Context, s *scope) error {
	return r.ensure(ctx, s.hub, resources.Child{
		Kind: resources.SecretKind, Name: resources.ServiceSecretRef(s.hub).Name, Config: resources.ServiceSecret(s.inputs),
	})
}

// generateServiceSecret generates a service secret for a new hub. If Looker may already have a token,
// that token would become invalid, so an admin must ask for it.
func (r *Reconciler) generateServiceSecret(ctx context.Context, s *scope, published *corev1.Secret) error {
	hub := s.hub
	request := hub.Annotations[v1alpha1.NewServiceSecretAnnotation]
	if isPublished(hub, published) && (request == "" || request == hub.Status.NewServiceSecret) {
		return stalled(v1alpha1.ServiceSecretLost,
			"Secret %q with the generated service secret no longer exists, so new pods cannot accept Looker's token. Restore it from a backup. "+
				"To generate a new secret, and then enter a new token in Looker: kubectl -n %s annotate --overwrite integrationhub %s %s=%s",
			resources.ServiceSecretRef(hub).Name,
			hub.Namespace, hub.Name, v1alpha1.NewServiceSecretAnnotation, nextRequest(hub.Status.NewServiceSecret))
	}
	s.inputs.ServiceSecret = []byte(rand.Text() + rand.Text())
	return r.applyServiceSecret(ctx, s)
}

// nextRequest returns a value for the annotation that was not used before.
func nextRequest(last string) string {
	if last == "yes" {
		return "again"
	}
	return "yes"
}

// isPublished reports whether Looker may have a token of the generated service secret.
func isPublished(hub *v1alpha1.IntegrationHub, published *corev1.Secret) bool {
	if ref := hub.Status.ServiceSecretRef; ref != nil {
		return ref.Name == resources.ServiceSecretRef(hub).Name
	}
	// The status is of an earlier operator, or was lost with a restored hub.
	return hub.Status.TokenSecretRef != nil || published != nil && belongsTo(published, hub)
}

// token keeps a token that is valid for the current secret, and otherwise issues a new one.
func (r *Reconciler) token(ctx context.Context, s *scope, published *corev1.Secret) error {
	ref := resources.TokenSecretRef(s.hub)
	own := published != nil && belongsTo(published, s.hub)
	if own && token.Valid(string(published.Data[ref.Key]), s.inputs.ServiceSecret) {
		s.inputs.Token = published.Data[ref.Key]
		s.inputs.TokenChangedAt, _ = time.Parse(time.RFC3339, published.Annotations[resources.TokenChangedAnnotation])
	} else {
		issued, err := token.New(s.inputs.ServiceSecret)
		if err != nil {
			return err
		}
		s.inputs.Token = []byte(issued)
		if own && !bytes.Equal(published.Data[ref.Key], s.inputs.Token) {
			s.inputs.TokenChangedAt = time.Now()
		}
	}
	return r.applyToken(ctx, s)
}

func (r *Reconciler) applyToken(ctx context.Context, s *scope) error {
	return r.ensure(ctx, s.hub, resources.Child{
		Kind: resources.SecretKind, Name: resources.TokenSecretRef(s.hub).Name, Config: resources.TokenSecret(s.inputs),
	})
}

// announceToken emits an event when all pods accept a new token. Until then Looker must keep the
// previous one. The token's Secret records that the event is due, so that a restart does not lose it.
// Pods that cannot be asked are taken to accept the new token after maxFileDelay.
func (r *Reconciler) announceToken(ctx context.Context, s *scope) error {
	if !s.succeeded(v1alpha1.CredentialsReady) || s.inputs.TokenChangedAt.IsZero() {
		return nil
	}
	pods, err := r.readyPods(ctx, s.hub)
	if err != nil {
		return err
	}
	accepted, refused := r.askForToken(ctx, s, pods)
	if refused > 0 || accepted < len(pods) && time.Since(s.inputs.TokenChangedAt) < maxFileDelay {
		return &waitingError{
			reason: v1alpha1.TokenPending,
			message: fmt.Sprintf("%d of %d pods accept the new token in Secret %s. Keep the previous token in Looker until all of them do.",
				accepted, len(pods), resources.TokenSecretRef(s.hub).Name),
			requeueAfter: podPollInterval,
			forFiles:     refused > 0,
		}
	}
	s.inputs.TokenChangedAt = time.Time{}
	if err := r.applyToken(ctx, s); err != nil {
		return err
	}
	r.Recorder.Eventf(s.hub, nil, corev1.EventTypeNormal, v1alpha1.TokenChanged, "Mint",
		"The service secret changed, and all pods accept the new token. Enter the token from Secret %s in Looker.",
		resources.TokenSecretRef(s.hub).Name)
	return nil
}

// askForToken asks pods whether they accept tokens of the current service secret. Those that cannot be
// asked are in neither number.
func (r *Reconciler) askForToken(ctx context.Context, s *scope, pods []corev1.Pod) (accepted, refused int) {
	if r.Hubs == nil {
		return 0, 0
	}
	for i := range pods {
		switch accepts, err := r.Hubs.AcceptsSecret(ctx, &pods[i], s.inputs.ServiceSecret); {
		case err != nil:
		case accepts:
			accepted++
		default:
			refused++
		}
	}
	return accepted, refused
}
