package hubclient

import (
	"regexp"
	"slices"
)

// Report is what a running hub reports about itself.
type Report struct {
	Version      string `json:"version"`
	Integrations struct {
		On  []string          `json:"on"`
		Off map[string]string `json:"off"`
	} `json:"integrations"`
}

// maxIntegrations leaves room in status.integrations, which the CRD limits to 128 entries, for
// those that the spec names and the hub does not offer: 64 at most.
const maxIntegrations = 64

var (
	versionPattern = regexp.MustCompile(`^[0-9A-Za-z][-+._0-9A-Za-z]{0,63}$`)
	namePattern    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
)

// sanitized drops what cannot come from a hub, so that a pod cannot write arbitrary text into
// the status or have it refused.
func (r Report) sanitized() Report {
	if !versionPattern.MatchString(r.Version) {
		r.Version = ""
	}
	on := slices.DeleteFunc(r.Integrations.On, func(name string) bool { return !namePattern.MatchString(name) })
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
