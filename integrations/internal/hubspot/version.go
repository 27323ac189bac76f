package hubspot

import (
	"errors"
	"regexp"
	"strings"

	"integrationhub.dev/hub/outbound"
)

// apiVersion is a version of HubSpot's APIs: the month of its release or, until September 2027, v3
// (https://developers.hubspot.com/docs/api-reference/legacy/migration-guide).
type apiVersion string

const (
	// defaultVersion is the one of which HubSpot's descriptions were read. HubSpot supports a version for 18 months
	// (https://developers.hubspot.com/docs/developer-tooling/platform/versioning).
	defaultVersion apiVersion = "2026-09"
	legacyVersion  apiVersion = "v3"
)

var datedVersion = regexp.MustCompile(`^20\d\d-(?:03|09)$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (v *apiVersion) UnmarshalText(text []byte) error {
	*v = apiVersion(strings.TrimSpace(string(text)))
	if *v != "" && *v != legacyVersion && !datedVersion.MatchString(string(*v)) {
		return errors.New("must be a version such as " + string(defaultVersion) + ", or v3")
	}
	return nil
}

// path returns the path of a resource of one of the CRM's APIs.
func (v apiVersion) path(api string, segments ...string) string {
	if v == legacyVersion {
		return outbound.Path(append([]string{"crm", "v3", api}, segments...)...)
	}
	return outbound.Path(append([]string{"crm", api, string(v)}, segments...)...)
}
