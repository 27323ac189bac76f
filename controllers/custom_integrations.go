package controllers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// customFacts is what is known about a hub's no-code integrations, in the order of their names.
type customFacts struct{ entries []customEntry }

// customEntry is an HTTPIntegration that the hub selects.
type customEntry struct {
	name string
	// version is what the pods get; nil if nothing.
	version *customVersion
	// refused is why the newest version is another one; empty while it is checked.
	refused string
	// checked is set once the newest version was checked.
	checked bool
}

// customIntegrations gives the HTTPIntegrations that the hub selects to its pods, which load them without a
// rollout. One whose newest version cannot be offered keeps the version in the ConfigMap, which so
// survives every restart.
func (r *Reconciler) customIntegrations(ctx context.Context, s *scope) error {
	if !resources.OffersCustom(s.hub) {
		if found, err := r.mayExist(ctx, s.hub, resources.ConfigMapKind); err != nil || !found {
			return err
		}
		return r.ensure(ctx, s.hub, resources.CustomChildren(s.inputs, nil)...)
	}
	if _, err := metav1.LabelSelectorAsSelector(s.hub.Spec.CustomIntegrations.Selector); err != nil {
		return stalled(v1alpha1.SelectorInvalid, "spec.customIntegrations.selector is not valid: %s. Correct it.", sanitize(err.Error()))
	}
	candidates, err := r.customCandidates(ctx, s.hub)
	if err != nil {
		return err
	}
	plan := newCustomPlan(candidates, nil)
	if !plan.complete() {
		previous, err := r.customVersions(ctx, s.hub)
		if err != nil {
			return err
		}
		plan = newCustomPlan(candidates, previous)
	}
	keys, denied, err := r.customSecretKeys(ctx, s.hub, plan.versions)
	if err != nil {
		return err
	}
	if keys, err = r.withMountedKeys(ctx, s, plan.versions, keys); err != nil {
		return err
	}
	plan.withdraw(denied, keys)
	s.custom = &customFacts{entries: plan.entries}
	s.inputs.CustomSecretKeys = keys
	// The change of a set of Secrets is that of an author, whose rollout does not wait for others.
	s.inputs.ConfigChecksum = checksumWith(s.inputs.ConfigChecksum, keys)
	files := map[string]string{}
	for name, v := range plan.versions {
		files[name] = v.text
	}
	return r.ensure(ctx, s.hub, resources.CustomChildren(s.inputs, files)...)
}

func checksumWith(config string, keys map[string][]string) string {
	if len(keys) == 0 {
		return config
	}
	sum := sha256.New()
	addTo(sum, config)
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		addTo(sum, name)
		for _, key := range keys[name] {
			addTo(sum, key)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// customCandidates returns the HTTPIntegrations that a hub selects.
func (r *Reconciler) customCandidates(ctx context.Context, hub *v1alpha1.IntegrationHub) ([]customCandidate, error) {
	all := &v1alpha1.HTTPIntegrationList{}
	if err := r.List(ctx, all, client.InNamespace(hub.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing HTTPIntegrations: %w", err)
	}
	var candidates []customCandidate
	for i := range all.Items {
		integration := &all.Items[i]
		if !integration.DeletionTimestamp.IsZero() || !resources.SelectsCustom(hub, integration) {
			continue
		}
		c := customCandidate{name: integration.Name, created: integration.CreationTimestamp.Time}
		check := checkOf(integration)
		c.checked = check.generation == integration.Generation
		if c.checked && check.valid == metav1.ConditionTrue {
			text, err := resources.CustomFile(integration)
			if err != nil {
				return nil, err
			}
			c.newest = newCustomVersion(integration.Name, text, &integration.Spec)
		}
		candidates = append(candidates, c)
	}
	slices.SortFunc(candidates, func(a, b customCandidate) int { return strings.Compare(a.name, b.name) })
	return candidates, nil
}

// customVersions returns the versions that the hub's pods have, by the name of the HTTPIntegration.
func (r *Reconciler) customVersions(ctx context.Context, hub *v1alpha1.IntegrationHub) (map[string]*customVersion, error) {
	all := &corev1.ConfigMapList{}
	if err := r.APIReader.List(ctx, all, client.InNamespace(hub.Namespace), client.MatchingLabels(resources.OwnLabels(hub))); err != nil {
		return nil, fmt.Errorf("reading the ConfigMaps of the integrations: %w", err)
	}
	versions := map[string]*customVersion{}
	for i := range all.Items {
		m := &all.Items[i]
		if !resources.IsCustomConfigMap(hub, m.Name) || !belongsTo(m, hub) {
			continue
		}
		for file, text := range m.Data {
			name := strings.TrimSuffix(file, resources.CustomFileName(""))
			spec, err := resources.ReadCustomFile(text)
			if err == nil && resources.CustomFileName(name) == file {
				versions[name] = newCustomVersion(name, text, spec)
			}
		}
	}
	return versions, nil
}

// customSecretKeys returns the keys that the pods mount: those that a version names, and of Secrets only that
// allow the integration. A Secret that no longer does is unmounted. denied are the keys that versions name without
// being allowed to.
func (r *Reconciler) customSecretKeys(ctx context.Context, hub *v1alpha1.IntegrationHub, versions map[string]*customVersion) (
	keys map[string][]string, denied map[string][]httpintegration.SecretKeyRef, err error,
) {
	keys, denied = map[string][]string{}, map[string][]httpintegration.SecretKeyRef{}
	secrets := map[string]*metav1.PartialObjectMetadata{}
	for name, v := range versions {
		for _, ref := range v.secrets {
			secret := secrets[ref.Name]
			if secret == nil {
				secret = metadataOf(resources.SecretKind)
				err := r.Get(ctx, client.ObjectKey{Namespace: hub.Namespace, Name: ref.Name}, secret)
				if err != nil && !apierrors.IsNotFound(err) { // one that does not exist allows nothing
					return nil, nil, fmt.Errorf("reading the metadata of Secret %s: %w", ref.Name, err)
				}
				secrets[ref.Name] = secret
			}
			if resources.AllowsIntegration(secret, name) {
				keys[ref.Name] = append(keys[ref.Name], ref.Key)
			} else {
				denied[name] = append(denied[name], ref)
			}
		}
	}
	for name, list := range keys {
		slices.Sort(list)
		keys[name] = slices.Compact(list)
	}
	return keys, denied, nil
}
