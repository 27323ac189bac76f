package controllers

import (
	"time"

	"integrationhub.dev/api/httpintegration"
)

// Candidate is exported for tests.
type Candidate = customCandidate

// Name is exported for tests.
func (c Candidate) Name() string { return c.name }

// NewCandidate returns a valid candidate.
func NewCandidate(name, text string, spec *httpintegration.Spec, created time.Time) Candidate {
	return Candidate{name: name, created: created, checked: true, newest: newCustomVersion(name, text, spec)}
}

// Plan returns the text of each version that pods get, and why others are refused. previous are texts.
func Plan(candidates []Candidate, previous map[string]string) (versions, refused map[string]string) {
	before := map[string]*customVersion{}
	for name, text := range previous {
		before[name] = newCustomVersion(name, text, &httpintegration.Spec{})
	}
	versions, refused = map[string]string{}, map[string]string{}
	for _, e := range newCustomPlan(candidates, before).entries {
		if e.version != nil {
			versions[e.name] = e.version.text
		}
		if e.refused != "" {
			refused[e.name] = e.refused
		}
	}
	return versions, refused
}
