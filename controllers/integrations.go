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
)

// integrations checks what the pods will read at their start, and sums it up so that they
// are rolled when it changes.
func (r *Reconciler) integrations(ctx context.Context, rd *round) (outcome, error) {
	if key := resources.ConflictingSetting(rd.hub); key != "" {
		return notDone(v1alpha1.SettingsConflict, "Two of spec.integrations give the setting %s different values. A hub has one environment: give it one value, or make two hubs.", key), nil
	}
	sum := sha256.New()
	if o, err := r.secretVariables(ctx, rd, sum); err != nil || o.reason != "" {
		return o, err
	}
	from := map[string]*corev1.Secret{}
	rd.inputs.SecretKeys = map[string][]string{}
	for _, name := range resources.IntegrationSecrets(rd.hub) {
		s, err := r.getSecret(ctx, rd.hub.Namespace, name)
		if err != nil {
			return outcome{}, err
		}
		if s == nil {
			return notDone(v1alpha1.SecretNotFound, "The Secret %q, which spec.integrations refers to, does not exist. Create it; running pods are left as they are until then.", name), nil
		}
		if o := rd.reserved(s); o.reason != "" {
			return o, nil
		}
		add(sum, name)
		for _, key := range slices.Sorted(maps.Keys(s.Data)) {
			if !resources.IsIntegrationSetting(key) {
				continue // it belongs to the hub itself, or is no name of a variable
			}
			// Whether the values differ must not matter: it would tell whoever may write one of the
			// Secrets when a guess at the other one's value is right.
			if other := from[key]; other != nil {
				return notDone(v1alpha1.SettingsConflict, "The Secrets %q and %q both set %s. The integrations of a hub share one environment: keep the setting in one Secret, or create two hubs.", other.Name, name, key), nil
			}
			from[key] = s
			rd.inputs.SecretKeys[name] = append(rd.inputs.SecretKeys[name], key)
			add(sum, key)
			add(sum, string(s.Data[key]))
		}
	}
	if ref := resources.CABundle(rd.hub); ref != nil {
		bundle, err := r.caBundle(ctx, rd.hub.Namespace, ref)
		if err != nil {
			return outcome{}, err
		}
		if bundle == "" {
			return notDone(v1alpha1.ConfigMapNotFound, "The ConfigMap %q with the key %q of spec.egress.caBundleRef does not exist, or it is empty. Create it; running pods are left as they are until then.", ref.Name, ref.Key), nil
		}
		add(sum, bundle)
	}
	rd.inputs.ConfigChecksum = hex.EncodeToString(sum.Sum(nil))
	return rd.offered(), nil
}

// reserved finds a variable in an integration's Secret that the hub would need and does not get
// from there. Without it the hub could not read its users' tokens, or would no longer encrypt
// them, so the pods are not rolled before the spec names it.
func (rd *round) reserved(s *corev1.Secret) outcome {
	for _, key := range slices.Sorted(maps.Keys(s.Data)) {
		var field string
		switch {
		case key == "CIPHER_MASTER" && rd.hub.Spec.CipherSecretRef == nil:
			field = "spec.cipherSecretRef"
		case strings.HasPrefix(key, "ENCRYPT_PAYLOAD") && string(s.Data[key]) == "true" && !rd.hub.Spec.EncryptUserState:
			field = "spec.encryptUserState"
		default:
			continue
		}
		return notDone(v1alpha1.SettingReserved, "The Secret %q sets %s, which is no longer read from an integration's Secret. Set %s instead, or remove the key; running pods are left as they are until then.", s.Name, key, field)
	}
	return outcome{}
}

var cipherKey = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)

// secretVariables checks that what the spec says to be in Secrets is there.
func (r *Reconciler) secretVariables(ctx context.Context, rd *round, sum hash.Hash) (outcome, error) {
	var proxies *resources.SecretVariable // that are not there
	for _, v := range resources.SecretVariables(rd.hub) {
		s, err := r.getSecret(ctx, rd.hub.Namespace, v.Ref.Name)
		if err != nil {
			return outcome{}, err
		}
		if s == nil {
			return notDone(v1alpha1.SecretNotFound, "The Secret %q of %s does not exist. Create it; running pods are left as they are until then.", v.Ref.Name, v.Field), nil
		}
		value := s.Data[v.Ref.Key]
		switch {
		case v.Name == "CIPHER_MASTER" && !cipherKey.Match(value):
			return notDone(v1alpha1.SecretInvalid, "The Secret %q does not hold 64 hexadecimal digits under the key %q, where the key for users' tokens belongs.", v.Ref.Name, v.Ref.Key), nil
		case len(value) == 0 && !v.Optional:
			return notDone(v1alpha1.SecretInvalid, "The Secret %q of %s has nothing under the key %q.", v.Ref.Name, v.Field, v.Ref.Key), nil
		case v.Name == "HTTPS_PROXY" && len(value) == 0:
			proxies = &v
		case v.Name == "HTTP_PROXY" && len(value) == 0 && proxies != nil:
			return notDone(v1alpha1.SecretInvalid, "The Secret %q of %s names no proxy: it needs the key HTTPS_PROXY, HTTP_PROXY or both.", v.Ref.Name, v.Field), nil
		}
		add(sum, string(value))
	}
	return outcome{}, nil
}

// add hashes a text with its length, so that no two lists of texts sum up the same.
func add(sum hash.Hash, text string) {
	_, _ = fmt.Fprintf(sum, "%d:%s", len(text), text) // a hash takes everything
}

func (r *Reconciler) caBundle(ctx context.Context, namespace string, ref *v1alpha1.ConfigMapKeyRef) (string, error) {
	m := &corev1.ConfigMap{}
	err := r.APIReader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, m)
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading ConfigMap %s: %w", ref.Name, err)
	}
	return m.Data[ref.Key], nil
}
