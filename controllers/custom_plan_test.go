package controllers_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/controllers"
	"integrationhub.dev/controllers/resources"
)

// candidates are integrations whose files have a size in bytes, from the oldest to the youngest.
func candidates(n, size int) []controllers.Candidate {
	all := make([]controllers.Candidate, 0, n)
	for i := range n {
		all = append(all, controllers.NewCandidate(fmt.Sprintf("i-%03d", i), strings.Repeat("x", size), &httpintegration.Spec{},
			time.Date(2026, 11, 27, 0, 0, i, 0, time.UTC)))
	}
	return all
}

// 200 integrations of the usual size fit, with icons. Others than those are refused by name.
func TestMaximumNumber(t *testing.T) {
	t.Parallel()
	for _, size := range []int{2 << 10, 24 << 10} {
		versions, refused := controllers.Plan(candidates(resources.MaxCustomIntegrations, size), nil)
		if len(versions) != resources.MaxCustomIntegrations || len(refused) > 0 {
			t.Errorf("%d integrations of %d bytes get versions; refused: %v", len(versions), size, refused)
		}
	}
	versions, refused := controllers.Plan(candidates(resources.MaxCustomIntegrations+2, 100), nil)
	if len(versions) != resources.MaxCustomIntegrations || len(refused) != 2 || !strings.Contains(refused["i-201"], "the maximum") {
		t.Errorf("%d of 202 get versions; refused: %v", len(versions), refused)
	}
	// One that runs stays, though it is the youngest.
	versions, refused = controllers.Plan(candidates(resources.MaxCustomIntegrations+1, 100), map[string]string{"i-200": "previous"})
	if versions["i-200"] == "" || versions["i-200"] == "previous" || refused["i-199"] == "" {
		t.Errorf("i-200 has %q; refused: %v", versions["i-200"], refused)
	}
}

// No ConfigMap is larger than Kubernetes allows. What does not fit is refused by name, or keeps its version.
func TestSizeOfConfigMaps(t *testing.T) {
	t.Parallel()
	const size = 200 << 10
	all := candidates(100, size)
	versions, refused := controllers.Plan(all, nil)
	sizes := map[int]int{}
	for name, text := range versions {
		sizes[resources.CustomShard(name)] += len(text) + len(resources.CustomFileName(name))
	}
	for shard, n := range sizes {
		if n > resources.MaxCustomBytes || n < resources.MaxCustomBytes-size-100 {
			t.Errorf("ConfigMap %d has %d bytes, want it filled up to %d", shard, n, resources.MaxCustomBytes)
		}
	}
	if len(versions)+len(refused) != len(all) || len(refused) == 0 {
		t.Errorf("%d get versions, %d are refused", len(versions), len(refused))
	}
	for name, reason := range refused {
		if !strings.Contains(reason, "bytes") {
			t.Errorf("%s is refused with %q", name, reason)
		}
	}
	// An integration that grows keeps its previous version rather than push another one out.
	previous := maps.Clone(versions)
	var grown string
	for i := range all {
		if name := all[i].Name(); previous[name] != "" {
			grown = name
			all[i] = controllers.NewCandidate(name, strings.Repeat("y", 2*size), &httpintegration.Spec{}, time.Time{})
			break
		}
	}
	versions, refused = controllers.Plan(all, previous)
	if versions[grown] != previous[grown] || refused[grown] == "" || len(versions) != len(previous) {
		t.Errorf("%s grew: %d have versions, want %d; it is refused with %q", grown, len(versions), len(previous), refused[grown])
	}
}

// The number of keys of Secrets is limited, because each makes the pods larger.
func TestNumberOfSecretKeys(t *testing.T) {
	t.Parallel()
	var all []controllers.Candidate
	for i := range 40 {
		spec := &httpintegration.Spec{}
		for k := range 16 {
			ref := httpintegration.SecretKeyRef{Name: fmt.Sprintf("secret-%d", i), Key: fmt.Sprintf("key-%d", k)}
			spec.Secrets = append(spec.Secrets, httpintegration.Secret{SecretKeyRef: ref})
		}
		all = append(all, controllers.NewCandidate(fmt.Sprintf("i-%02d", i), "{}", spec, time.Time{}))
	}
	versions, refused := controllers.Plan(all, nil)
	if want := resources.MaxCustomSecretKeys / 16; len(versions) != want || !strings.Contains(refused["i-39"], "keys of Secrets") {
		t.Errorf("%d get versions, want %d; i-39: %q", len(versions), want, refused["i-39"])
	}
}
