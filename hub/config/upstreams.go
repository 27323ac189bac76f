package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"integrationhub.dev/hub/env"
)

// Upstream is another Action Hub whose integrations this hub offers too.
type Upstream = env.Upstream

// Upstreams are the upstreams in order of precedence: of two integrations with one name, the first is
// offered.
type Upstreams []Upstream

// The limits of upstreams, which the CRD has too.
const (
	maxUpstreams            = 16
	maxUpstreamIntegrations = 200
)

var (
	upstreamName   = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$`)
	upstreamPrefix = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
)

// UnmarshalText implements [encoding.TextUnmarshaler]. It reads a JSON array.
func (u *Upstreams) UnmarshalText(text []byte) error {
	if len(bytes.TrimSpace(text)) == 0 {
		*u = nil
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var all []Upstream
	if err := d.Decode(&all); err != nil {
		return errors.New("must be a JSON array of objects with name, url, tokenFile, caFile, integrations and prefix")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("must be one JSON array")
	}
	if len(all) > maxUpstreams {
		return fmt.Errorf("must have at most %d upstreams", maxUpstreams)
	}
	var names []string
	for i := range all {
		if err := checkUpstream(&all[i]); err != nil {
			return fmt.Errorf("is not valid at %d: %w", i, err)
		}
		if slices.Contains(names, all[i].Name) {
			return fmt.Errorf("has two upstreams named %s", all[i].Name)
		}
		names = append(names, all[i].Name)
	}
	*u = all
	return nil
}

// checkUpstream checks an upstream, and removes a slash from the end of its URL.
func checkUpstream(u *Upstream) error {
	address, err := url.Parse(u.URL)
	switch {
	case !upstreamName.MatchString(u.Name):
		return errors.New("name must have at most 32 lowercase letters, digits and hyphens, and begin with a letter")
	case err != nil || address.Scheme != "https" || address.Hostname() == "":
		return errors.New("url must be a URL such as https://hub.example.com")
	case address.User != nil || address.RawQuery != "" || address.Fragment != "":
		return errors.New("url must not have a user, a query or a fragment")
	case u.TokenFile == "":
		return errors.New("tokenFile is not set")
	case u.Prefix != "" && !upstreamPrefix.MatchString(u.Prefix):
		return errors.New("prefix must have at most 32 lowercase letters, digits and underscores, and begin with a letter")
	case len(u.Integrations) > maxUpstreamIntegrations:
		return fmt.Errorf("integrations must have at most %d names", maxUpstreamIntegrations)
	}
	u.URL = strings.TrimRight(u.URL, "/")
	return nil
}
