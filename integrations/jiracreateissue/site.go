package jiracreateissue

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/webhook"
)

// site is one Jira server. Its base URL may have a path, such as "/jira".
type site struct {
	base  string
	cloud bool
}

// clouds are the domains of Jira Cloud's sites and of its API for scoped tokens
// (https://support.atlassian.com/organization-administration/docs/ip-addresses-and-domains-for-atlassian-cloud-products/).
var clouds = []string{"atlassian.net", "jira.com", "api.atlassian.com", "atlassian-us-gov-mod.net"}

// parseSite checks the URL that the administrator entered. It must be https, because every request
// carries the credentials.
func parseSite(text string) (site, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil, u.Scheme == "", u.Hostname() == "":
		return site{}, action.Errorf(action.Invalid, "Invalid URL")
	case u.Scheme != "https":
		return site{}, action.Errorf(action.Invalid, "The URL of the JIRA server must begin with https://.")
	case u.User != nil:
		return site{}, action.Errorf(action.Invalid, "The URL of the JIRA server must not contain a user name.")
	}
	return site{base: strings.TrimRight((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String(), "/"), cloud: webhook.Within(u, clouds)}, nil
}

// path is the path of a resource in the REST API. Version 2 of the API would read the description
// as wiki markup, so version 3 is used where it exists.
func (s site) path(segments ...string) string {
	version := "2"
	if s.cloud {
		version = "3"
	}
	return outbound.Path(append([]string{"rest", "api", version}, segments...)...)
}

// id is Jira's ID of a project, an issue type or an issue. It becomes part of URLs.
type id string

var number = regexp.MustCompile(`^[0-9]{1,19}$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (i *id) UnmarshalText(text []byte) error {
	if !number.Match(text) {
		return errors.New("must be chosen from the list")
	}
	*i = id(text)
	return nil
}
