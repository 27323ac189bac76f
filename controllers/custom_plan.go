package controllers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/controllers/resources"
)

// customVersion is a version of an HTTPIntegration, as the file that pods get.
type customVersion struct {
	text, digest string
	// lookerName is its name in Looker.
	lookerName string
	secrets    []httpintegration.SecretKeyRef
}

func newCustomVersion(name, text string, spec *httpintegration.Spec) *customVersion {
	v := &customVersion{text: text, digest: resources.CustomDigest(text), lookerName: httpintegration.LookerName(name, spec)}
	for _, s := range spec.Secrets {
		v.secrets = append(v.secrets, s.SecretKeyRef)
	}
	return v
}

// size is what the version needs in a ConfigMap.
func (v *customVersion) size(name string) int {
	return len(v.text) + len(resources.CustomFileName(name))
}

// customCandidate is an HTTPIntegration that a hub selects.
type customCandidate struct {
	name    string
	created time.Time
	// newest is nil if it is not valid, or not checked yet.
	newest  *customVersion
	checked bool
}

// customPlan is which version of each HTTPIntegration the pods get.
type customPlan struct {
	versions map[string]*customVersion
	entries  []customEntry

	// owners have the names in Looker.
	owners map[string]string
	// sizes are those of the ConfigMaps in bytes, and keys counts the uses of keys of Secrets.
	sizes [resources.CustomConfigMaps]int
	keys  map[httpintegration.SecretKeyRef]int
}

// newCustomPlan takes the newest version of each candidate, if it is valid and within the limits of a hub, and
// otherwise keeps the previous one. What runs already comes first, so that a new integration never takes
// the place or the name of one that runs.
func newCustomPlan(candidates []customCandidate, previous map[string]*customVersion) *customPlan {
	p := &customPlan{versions: map[string]*customVersion{}, owners: map[string]string{}, keys: map[httpintegration.SecretKeyRef]int{}}
	for _, c := range candidates {
		if v := previous[c.name]; v != nil {
			p.set(c.name, v)
		}
	}
	byAge := slices.Clone(candidates)
	slices.SortStableFunc(byAge, func(a, b customCandidate) int {
		if runs := p.versions[a.name] != nil; runs != (p.versions[b.name] != nil) {
			if runs {
				return -1
			}
			return 1
		}
		return cmp.Or(a.created.Compare(b.created), strings.Compare(a.name, b.name))
	})
	refused := map[string]string{}
	for _, c := range byAge {
		switch {
		case c.newest == nil && c.checked:
			refused[c.name] = "The latest version is not valid. See the conditions of the HTTPIntegration."
		case c.newest != nil:
			if reason := p.conflict(c.name, c.newest); reason != "" {
				refused[c.name] = reason
				continue
			}
			p.set(c.name, c.newest)
		}
	}
	for _, c := range candidates {
		p.entries = append(p.entries, customEntry{name: c.name, version: p.versions[c.name], refused: refused[c.name], checked: c.checked})
	}
	return p
}

// complete reports whether the pods get the newest version of everything.
func (p *customPlan) complete() bool {
	return !slices.ContainsFunc(p.entries, func(e customEntry) bool { return !e.checked || e.refused != "" })
}

// set replaces the version of an integration.
func (p *customPlan) set(name string, v *customVersion) {
	shard := resources.CustomShard(name)
	if old := p.versions[name]; old != nil {
		if p.owners[old.lookerName] == name {
			delete(p.owners, old.lookerName)
		}
		p.sizes[shard] -= old.size(name)
		for _, ref := range old.secrets {
			if p.keys[ref]--; p.keys[ref] == 0 {
				delete(p.keys, ref)
			}
		}
	}
	p.versions[name] = v
	p.owners[v.lookerName] = name
	p.sizes[shard] += v.size(name)
	for _, ref := range v.secrets {
		p.keys[ref]++
	}
}

// withdraw takes integrations from the pods that could read a key of a Secret which does not allow them, because the
// pods mount it for another integration. Without such a key, the last version stays and reports the missing Secret.
func (p *customPlan) withdraw(denied map[string][]httpintegration.SecretKeyRef, mounted map[string][]string) {
	for n := range p.entries {
		e := &p.entries[n]
		for _, ref := range denied[e.name] {
			if slices.Contains(mounted[ref.Name], ref.Key) {
				delete(p.versions, e.name)
				e.version, e.refused = nil, cmp.Or(e.refused, fmt.Sprintf("Secret %s does not allow the integration.", ref.Name))
			}
		}
	}
}

// conflict returns why a hub cannot offer a version, or "".
func (p *customPlan) conflict(name string, v *customVersion) string {
	old := p.versions[name]
	if owner := p.owners[v.lookerName]; owner != "" && owner != name {
		return fmt.Sprintf("HTTPIntegration %[2]s already has the name %[1]s in Looker. Set another spec.name.", v.lookerName, owner)
	}
	if old == nil && len(p.versions) >= resources.MaxCustomIntegrations {
		return fmt.Sprintf("The hub has %d HTTPIntegrations, which is the maximum. Delete one, or create another hub.",
			resources.MaxCustomIntegrations)
	}
	size := p.sizes[resources.CustomShard(name)] + v.size(name)
	if old != nil {
		size -= old.size(name)
	}
	if size > resources.MaxCustomBytes {
		return fmt.Sprintf("The ConfigMap with this and other integrations would have %d bytes; the maximum is %d. Use smaller icons, or create another hub.",
			size, resources.MaxCustomBytes)
	}
	keys := len(p.keys)
	for _, ref := range v.secrets {
		if p.keys[ref] == 0 {
			keys++
		}
	}
	if keys > resources.MaxCustomSecretKeys {
		return fmt.Sprintf("The integrations of the hub use %d keys of Secrets; the maximum is %d. Create another hub.", keys, resources.MaxCustomSecretKeys)
	}
	return ""
}
