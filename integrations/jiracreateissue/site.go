package jiracreateissue

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/webhook"
)

// site is one Jira. Its address may have a path, such as "/jira".
type site struct {
	base  *url.URL
	cloud bool
}

// clouds are the domains of Jira Cloud: its sites', and that of its API for tokens with scopes
// (https://support.atlassian.com/organization-administration/docs/ip-addresses-and-domains-for-atlassian-cloud-products/).
var clouds = []string{"atlassian.net", "jira.com", "api.atlassian.com", "atlassian-us-gov-mod.net"}

// parseSite checks what the administrator entered. Only https is allowed: the credentials go
// with every call.
func parseSite(text string) (site, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil, u.Scheme == "", u.Hostname() == "":
		return site{}, action.Errorf(action.Invalid, "Invalid URL")
	case u.Scheme != "https":
		return site{}, action.Errorf(action.Invalid, "The address of the JIRA server must begin with https://.")
	case u.User != nil:
		return site{}, action.Errorf(action.Invalid, "The address of the JIRA server must not contain a user name.")
	}
	return site{base: &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}, cloud: webhook.Within(u, clouds)}, nil
}

// endpoint is the address of a part of the REST API: version 3 where there is one, because
// version 2 would read the description as markup.
func (s site) endpoint(path ...string) *url.URL {
	version := "2"
	if s.cloud {
		version = "3"
	}
	return s.base.JoinPath(append([]string{"rest", "api", version}, path...)...)
}

// id is Jira's id of a project, a type of issue or an issue. It goes into addresses.
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
