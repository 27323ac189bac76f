package controllers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
	"integrationhub.dev/hub/env"
)

// integrations checks the settings that pods read at startup, and hashes them so that pods are
// rolled when they change.
func (r *Reconciler) integrations(ctx context.Context, s *scope) error {
	if key := resources.ConflictingSetting(s.hub); key != "" {
		return stalled(v1alpha1.SettingsConflict,
			"spec.integrations sets %s to two different values. All integrations of a hub share one environment. Use one value, or create two hubs.", key)
	}
	if err := r.pullSecrets(ctx, s.hub); err != nil {
		return err
	}
	sum := sha256.New()
	if err := r.secretVariables(ctx, s, sum); err != nil {
		return err
	}
	if err := r.integrationSecrets(ctx, s, sum); err != nil {
		return err
	}
	if ref := resources.CABundle(s.hub); ref != nil {
		bundle, err := r.caBundle(ctx, s.hub.Namespace, "spec.egress.caBundleRef", ref.Name, ref.Key)
		if err != nil {
			return err
		}
		addTo(sum, bundle)
	}
	if err := r.upstreams(ctx, s.hub, sum); err != nil {
		return err
	}
	s.inputs.ConfigChecksum = hex.EncodeToString(sum.Sum(nil))
	return nil
}

// pullSecrets checks the Secrets with which the image is pulled.
func (r *Reconciler) pullSecrets(ctx context.Context, hub *v1alpha1.IntegrationHub) error {
	for _, ref := range hub.Spec.ImagePullSecrets {
		secret, err := ReadSecret(ctx, r.APIReader, hub.Namespace, ref.Name)
		if err != nil {
			return err
		}
		if secret == nil {
			return stalled(v1alpha1.SecretNotFound,
				"Secret %q of spec.imagePullSecrets does not exist. Create it; running pods are left unchanged until then.", ref.Name)
		}
	}
	return nil
}

// integrationSecrets reads the Secrets that spec.integrations refers to.
func (r *Reconciler) integrationSecrets(ctx context.Context, s *scope, sum hash.Hash) error {
	setBy := map[string]string{}
	s.inputs.SecretKeys = map[string][]string{}
	for _, name := range resources.IntegrationSecrets(s.hub) {
		secret, err := ReadSecret(ctx, r.APIReader, s.hub.Namespace, name)
		if err != nil {
			return err
		}
		if secret == nil {
			return stalled(v1alpha1.SecretNotFound,
				"Secret %q of spec.integrations does not exist. Create it; running pods are left unchanged until then.", name)
		}
		if err := checkReserved(s.hub, secret); err != nil {
			return err
		}
		addTo(sum, name)
		for _, key := range slices.Sorted(maps.Keys(secret.Data)) {
			if !resources.IsIntegrationSetting(key) {
				continue // reserved for the hub, or not a valid variable name
			}
			// The values are not compared: the answer would confirm a guess at the other Secret's
			// value to anyone who may write one of the two.
			if other, ok := setBy[key]; ok {
				return stalled(v1alpha1.SettingsConflict,
					"Secrets %q and %q both set %s. All integrations of a hub share one environment. Keep the setting in one Secret, or create two hubs.", other, name, key)
			}
			setBy[key] = name
			s.inputs.SecretKeys[name] = append(s.inputs.SecretKeys[name], key)
			addTo(sum, key)
			addTo(sum, string(secret.Data[key]))
		}
	}
	return nil
}

// checkReserved finds a variable in an integration's Secret that the hub needs but does not read
// from there. Without it the hub could not read its users' tokens, or would stop encrypting them,
// so the pods are not rolled before the spec sets it.
func checkReserved(hub *v1alpha1.IntegrationHub, secret *corev1.Secret) error {
	for _, key := range slices.Sorted(maps.Keys(secret.Data)) {
		var field string
		switch {
		case key == env.CipherMaster && hub.Spec.CipherSecretRef == nil:
			field = "spec.cipherSecretRef"
		case strings.HasPrefix(key, env.EncryptPayload) && string(secret.Data[key]) == "true" && !hub.Spec.EncryptUserState:
			field = "spec.encryptUserState"
		default:
			continue
		}
		return stalled(v1alpha1.SettingReserved,
			"Secret %q sets %s, which is no longer read from an integration's Secret. "+
				"Set %s, or remove the key; running pods are left unchanged until then.", secret.Name, key, field)
	}
	return nil
}

var cipherKey = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)

// secretVariables checks the Secrets that become variables of the hub itself.
func (r *Reconciler) secretVariables(ctx context.Context, s *scope, sum hash.Hash) error {
	noHTTPSProxy := false
	for _, v := range resources.SecretVariables(s.hub) {
		secret, err := ReadSecret(ctx, r.APIReader, s.hub.Namespace, v.Ref.Name)
		if err != nil {
			return err
		}
		if secret == nil {
			return stalled(v1alpha1.SecretNotFound,
				"Secret %q of %s does not exist. Create it; running pods are left unchanged until then.", v.Ref.Name, v.Field)
		}
		value := secret.Data[v.Ref.Key]
		switch {
		case v.Name == env.CipherMaster && !cipherKey.Match(value):
			return stalled(v1alpha1.SecretInvalid,
				"Secret %q of %s must hold 64 hexadecimal digits under the key %q.", v.Ref.Name, v.Field, v.Ref.Key)
		case len(value) == 0 && !v.Optional:
			return stalled(v1alpha1.SecretInvalid, "Secret %q of %s has no value under the key %q.", v.Ref.Name, v.Field, v.Ref.Key)
		case v.Name == env.HTTPSProxy && len(value) == 0:
			noHTTPSProxy = true
		case v.Name == env.HTTPProxy && len(value) == 0 && noHTTPSProxy:
			return stalled(v1alpha1.SecretInvalid, "Secret %q of %s must have the key HTTPS_PROXY, HTTP_PROXY or both.", v.Ref.Name, v.Field)
		}
		addTo(sum, string(value))
	}
	return nil
}

// addTo hashes a text with its length, so that different lists of texts never have the same hash.
func addTo(sum hash.Hash, text string) {
	_, _ = fmt.Fprintf(sum, "%d:%s", len(text), text) // writing to a hash never fails
}

// caBundle reads the ConfigMap of a field.
func (r *Reconciler) caBundle(ctx context.Context, namespace, field, name, key string) (string, error) {
	m := &corev1.ConfigMap{}
	err := r.APIReader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, m)
	if err != nil && !apierrors.IsNotFound(err) {
		return "", fmt.Errorf("reading ConfigMap %s: %w", name, err)
	}
	if m.Data[key] == "" {
		return "", stalled(v1alpha1.ConfigMapNotFound,
			"ConfigMap %q of %s does not exist, or its key %q is empty. Create it; running pods are left unchanged until then.",
			name, field, key)
	}
	return m.Data[key], nil
}
