package controllers

import (
	"bytes"
	"context"
	"crypto/rand"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
	"integrationhub.dev/hub/token"
)

// credentials reads or generates the service secret, and issues Looker's token from it.
func (r *Reconciler) credentials(ctx context.Context, s *scope) error {
	if err := r.serviceSecret(ctx, s); err != nil {
		return err
	}
	return r.token(ctx, s)
}

// serviceSecret reads the service secret. It generates one, once, if the spec names none.
func (r *Reconciler) serviceSecret(ctx context.Context, s *scope) error {
	hub, ref := s.hub, resources.ServiceSecretRef(s.hub)
	secret, err := r.getSecret(ctx, hub.Namespace, ref.Name)
	if err != nil {
		return err
	}
	switch {
	case secret == nil && hub.Spec.ServiceSecretRef != nil:
		return stalled(v1alpha1.SecretNotFound,
			"Secret %q of spec.serviceSecretRef does not exist. Create it, or remove serviceSecretRef to have one generated.", ref.Name)
	case secret == nil:
		s.inputs.ServiceSecret = []byte(rand.Text() + rand.Text())
		return r.ensure(ctx, hub, resources.Child{Kind: resources.SecretKind, Name: ref.Name, Config: resources.ServiceSecret(s.inputs)})
	case hub.Spec.ServiceSecretRef == nil && !metav1.IsControlledBy(secret, hub):
		return nameTaken(resources.SecretKind.Kind, ref.Name)
	}
	for _, key := range []string{ref.Key, "previous"} {
		if value, ok := secret.Data[key]; (ok || key == ref.Key) && token.Check(string(value)) != nil {
			return stalled(v1alpha1.SecretInvalid,
				"Secret %q must hold at least %d characters under the key %q. Generate a value with: openssl rand -hex 32",
				ref.Name, token.MinSecret, key)
		}
	}
	s.inputs.ServiceSecret = token.Secret(secret.Data[ref.Key])
	return nil
}

// token keeps a token that is valid for the current secret, and otherwise issues a new one.
func (r *Reconciler) token(ctx context.Context, s *scope) error {
	ref := resources.TokenSecretRef(s.hub)
	existing, err := r.getSecret(ctx, s.hub.Namespace, ref.Name)
	if err != nil {
		return err
	}
	if existing != nil && metav1.IsControlledBy(existing, s.hub) && token.Valid(string(existing.Data[ref.Key]), s.inputs.ServiceSecret) {
		s.inputs.Token = existing.Data[ref.Key]
	} else {
		issued, err := token.New(s.inputs.ServiceSecret)
		if err != nil {
			return err
		}
		s.inputs.Token = []byte(issued)
	}
	err = r.ensure(ctx, s.hub, resources.Child{Kind: resources.SecretKind, Name: ref.Name, Config: resources.TokenSecret(s.inputs)})
	if err != nil {
		return err
	}
	if existing != nil && !bytes.Equal(existing.Data[ref.Key], s.inputs.Token) {
		r.Recorder.Eventf(s.hub, nil, corev1.EventTypeNormal, v1alpha1.TokenChanged, "Mint",
			"The service secret changed. Enter the new token from Secret %s in Looker.", ref.Name)
	}
	return nil
}
