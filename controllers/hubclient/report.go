package hubclient

import (
	"regexp"
	"slices"

	"integrationhub.dev/controllers/resources"
)

// Report is what a running hub reports about itself.
type Report struct {
	Version      string `json:"version"`
	Integrations struct {
		On  []string          `json:"on"`
		Off map[string]string `json:"off"`
	} `json:"integrations"`
	// Custom are the no-code integrations; nil if the hub's version knows none.
	Custom []Custom `json:"custom"`
	// Upstreams are the hubs behind it.
	Upstreams []Upstream `json:"upstreams"`
}

// Upstream is what a running hub reports about another one behind it.
type Upstream struct {
	Name         string    `json:"name"`
	Integrations []string  `json:"integrations"`
	Refused      []Refusal `json:"refused"`
	// Problem is why its list cannot be fetched, or empty.
	Problem string `json:"problem"`
}

// Refusal is why an integration of another hub is not offered. Its texts are untrusted.
type Refusal struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Custom is the file of a no-code integration.
type Custom struct {
	// Name is that in Looker; empty if no version of the file is offered.
	Name string `json:"name"`
	File string `json:"file"`
	// Digest is the SHA-256 of the version that runs; empty if none does.
	Digest string `json:"digest"`
	// Problem is what is wrong with the version with FailedDigest, or with the running version's secrets.
	Problem      string `json:"problem"`
	FailedDigest string `json:"failed_digest"`
}

// maxCustom bounds the list of no-code integrations.
const maxCustom = resources.MaxCustomIntegrations + 50

// maxIntegrations leaves room in status.integrations, which the CRD limits to 128 entries, for
// those that the spec names and the hub does not offer: 64 at most.
const maxIntegrations = 64

var (
	versionPattern = regexp.MustCompile(`^[0-9A-Za-z][-+._0-9A-Za-z]{0,63}$`)
	namePattern    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	filePattern    = regexp.MustCompile(`^[a-z0-9][-.a-z0-9]{0,204}$`)
	digestPattern  = regexp.MustCompile(`^([0-9a-f]{64})?$`)
)

// sanitized drops what cannot come from a hub, so that a pod cannot write arbitrary text into
// the status or have it refused.
func (r Report) sanitized() Report {
	if !versionPattern.MatchString(r.Version) {
		r.Version = ""
	}
	r.Custom = slices.DeleteFunc(r.Custom, func(c Custom) bool {
		return !filePattern.MatchString(c.File) || c.Name != "" && !namePattern.MatchString(c.Name) ||
			!digestPattern.MatchString(c.Digest) || !digestPattern.MatchString(c.FailedDigest)
	})
	r.Custom = r.Custom[:min(len(r.Custom), maxCustom)]
	on := slices.DeleteFunc(r.Integrations.On, func(name string) bool {
		isCustom := func(c Custom) bool { return c.Name == name }
		return !namePattern.MatchString(name) || slices.ContainsFunc(r.Custom, isCustom)
	})
	slices.Sort(on)
	on = slices.Compact(on)
	r.Integrations.On = on[:min(len(on), maxIntegrations)]
	off := map[string]string{}
	for name, reason := range r.Integrations.Off {
		if _, offered := slices.BinarySearch(r.Integrations.On, name); !offered && namePattern.MatchString(name) {
			off[name] = reason
		}
	}
	r.Integrations.Off = off
	return r
}
