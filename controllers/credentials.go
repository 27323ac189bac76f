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

// credentials sees to the service secret and mints Looker's token from it.
func (r *Reconciler) credentials(ctx context.Context, rd *round) (outcome, error) {
	hub := rd.hub
	ref := resources.ServiceSecretRef(hub)
	service, err := r.getSecret(ctx, hub.Namespace, ref.Name)
	if err != nil {
		return outcome{}, err
	}
	switch {
	case service == nil && hub.Spec.ServiceSecretRef != nil:
		return notDone(v1alpha1.SecretNotFound, "The Secret %q of spec.serviceSecretRef does not exist. Create it, or leave serviceSecretRef out to have one generated.", ref.Name), nil
	case service == nil:
		rd.inputs.ServiceSecret = []byte(rand.Text() + rand.Text())
		if err := r.ensure(ctx, hub, resources.Child{Kind: resources.SecretKind, Name: ref.Name, Config: resources.ServiceSecret(rd.inputs)}); err != nil {
			return outcome{}, err
		}
	case hub.Spec.ServiceSecretRef == nil && !metav1.IsControlledBy(service, hub):
		return outcome{}, &nameTakenError{"Secret", ref.Name}
	default:
		for _, key := range []string{ref.Key, "previous"} {
			if value, ok := service.Data[key]; (ok || key == ref.Key) && weak(value) {
				return notDone(v1alpha1.SecretInvalid, "The Secret %q must hold at least %d characters under the key %q, from which tokens for Looker are made. Create one with: openssl rand -hex 32", ref.Name, minServiceSecret, key), nil
			}
		}
		rd.inputs.ServiceSecret = token.Secret(service.Data[ref.Key])
	}
	if err := r.token(ctx, rd); err != nil {
		return outcome{}, err
	}
	at := resources.TokenSecretRef(hub)
	rd.status.TokenSecretRef = &at
	return done("Looker's token is in Secret " + at.Name + "."), nil
}

// minServiceSecret is the least length of a service secret: tokens can be tried against a shorter
// one until it is found.
const minServiceSecret = 16

// weak reports whether a service secret is too short or blank. Surrounding space does not count.
func weak(secret []byte) bool {
	return len(bytes.TrimSpace(token.Secret(secret))) < minServiceSecret
}

// token keeps a token that is valid for the current secret, and mints one otherwise.
func (r *Reconciler) token(ctx context.Context, rd *round) error {
	ref := resources.TokenSecretRef(rd.hub)
	existing, err := r.getSecret(ctx, rd.hub.Namespace, ref.Name)
	if err != nil {
		return err
	}
	if existing != nil && metav1.IsControlledBy(existing, rd.hub) && token.Valid(string(existing.Data[ref.Key]), rd.inputs.ServiceSecret) {
		rd.inputs.Token = existing.Data[ref.Key]
	} else {
		minted, err := token.New(rd.inputs.ServiceSecret)
		if err != nil {
			return err
		}
		rd.inputs.Token = []byte(minted)
	}
	if err := r.ensure(ctx, rd.hub, resources.Child{Kind: resources.SecretKind, Name: ref.Name, Config: resources.TokenSecret(rd.inputs)}); err != nil {
		return err
	}
	if existing != nil && !bytes.Equal(existing.Data[ref.Key], rd.inputs.Token) {
		r.Recorder.Eventf(rd.hub, nil, corev1.EventTypeNormal, v1alpha1.TokenChanged, "Mint",
			"The service secret changed, and so did Looker's token: enter the new one, of Secret %s, in Looker.", ref.Name)
	}
	return nil
}
