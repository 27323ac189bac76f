// Package jiracreateissue creates an issue in Jira Cloud or Data Center, with a link to Looker and optionally
// with the data as an attachment.
package jiracreateissue

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/jirafield"
	"integrationhub.dev/integrations/internal/pasted"
	"integrationhub.dev/integrations/internal/webhook"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are the integration's settings in Looker.
type settings struct {
	Address  string        `param:"address,required"`
	Username string        `param:"username,required"`
	Password action.Secret `param:"password,required"`
}

// input is what the user enters.
type input struct {
	Project     id     `form:"project,required"`
	Summary     string `form:"summary,required"`
	Description string `form:"description"`
	IssueType   id     `form:"issueType,required"`
	Attach      bool   `form:"attachData"`
}

// Integration creates issues in Jira.
type Integration struct {
	http *http.Client
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) { return &Integration{deps.HTTP}, nil }

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "jira_create_issue", Label: "JIRA",
		Description: "Create a JIRA issue referencing data.",
		Params: []action.Param{
			{Name: "address", Label: "Address", Required: true, Description: "The address of your JIRA server ex. https://myjira.atlassian.net."},
			{Name: "username", Label: "Username", Required: true, Description: "The JIRA username assigned to create issues for Looker."},
			{Name: "password", Label: "Password", Required: true, Sensitive: true, Description: "The password for the JIRA user " +
				"assigned to Looker."},
		},
		Types:      []action.Type{action.TypeQuery},
		Download:   action.Push,
		MinVersion: action.V(5, 5, 0),
	}
}

// Execute implements [action.Integration]. It checks everything before it creates the issue, which cannot be
// undone: Jira has notified the watchers.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	c, err := i.client(req)
	if err != nil {
		return nil, err
	}
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	if req.Data.Empty() {
		return nil, action.Errorf(action.Invalid, "Couldn't get data from attachment")
	}
	more, err := c.moreFields(ctx, in, req.Form)
	if err != nil {
		return nil, err
	}
	var data *file
	if in.Attach {
		if data, err = c.fetch(ctx, req); err != nil {
			return nil, err
		}
		defer data.blob.Close()
	}
	made, err := c.create(ctx, issue{
		project: in.Project, issueType: in.IssueType, summary: strings.TrimSpace(in.Summary),
		description: in.Description, link: req.Plan.URL, more: more,
	})
	if err != nil {
		return nil, err
	}
	if data != nil {
		if err := c.attach(ctx, made, data); err != nil {
			return nil, action.Wrap(err, action.KindOf(err), "The issue %s was created, but the data was not attached to it. Do not "+
				"send it again. %s", made.Key, action.MessageOf(err))
		}
	}
	return &action.Response{Message: "Created " + made.Key + "."}, nil
}

// systemFields are the fields of Jira, beside custom fields, that the form can have in addition to those of [input].
var systemFields = []string{"priority", "labels", "assignee", "components", "fixVersions", "versions", "duedate", "environment", "security"}

var customField = regexp.MustCompile(`^customfield_[0-9]{1,19}$`)

func isField(name string) bool {
	return slices.Contains(systemFields, name) || len(name) < 40 && customField.MatchString(name)
}

// moreFields returns the values of the fields that the form lists for an issue type. Without any, Jira is not asked.
func (c *client) moreFields(ctx context.Context, in input, form map[string]string) (map[string]any, error) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if isField(name) && strings.TrimSpace(form[name]) != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	screen, err := c.fields(ctx, in.Project, in.IssueType)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	for _, name := range names {
		at := slices.IndexFunc(screen, func(f jirafield.Field) bool { return f.WireName() == name })
		if at < 0 {
			return nil, action.InvalidField(name, "Issues of this type no longer have the field %s. Remove its value.", name)
		}
		value, err := screen[at].Parse(ctx, userSearch{c, in.Project}, form[name])
		if _, failed := errors.AsType[*action.Error](err); failed || ctx.Err() != nil {
			return nil, err
		}
		if err != nil {
			return nil, action.InvalidField(name, "%s %s.", screen[at].Name, err.Error())
		}
		values[name] = value
	}
	return values, nil
}

// client returns a client with the settings of a request.
func (i *Integration) client(req *action.Request) (*client, error) {
	s, err := action.Decode[settings](req)
	if err != nil {
		return nil, err
	}
	site, err := parseSite(s.Address)
	if err != nil {
		return nil, err
	}
	return &client{
		http: i.http, site: site, username: s.Username, password: s.Password, form: slices.Collect(maps.Keys(req.Form)),
	}, nil
}

// site is one Jira server. Its base URL may have a path, such as "/jira".
type site struct {
	base  string
	cloud bool
}

// clouds are the domains of Jira Cloud's sites and of its API for scoped tokens
// (https://support.atlassian.com/organization-administration/docs/ip-addresses-and-domains-for-atlassian-cloud-products/).
var clouds = []string{"atlassian.net", "jira.com", "api.atlassian.com", "atlassian-us-gov-mod.net"}

// gateway is the host of the API for scoped tokens, and gatewayPath the path of a site there
// (https://developer.atlassian.com/cloud/jira/platform/basic-auth-for-rest-apis/).
const gateway = "api.atlassian.com"

var gatewayPath = regexp.MustCompile(`^/ex/jira/[0-9A-Za-z-]+`)

// page is the path of a page of Jira, behind the context path of a Data Center.
var page = regexp.MustCompile(`/(?:browse/|secure/|rest/|plugins/servlet/|login\.jsp).*$`)

// parseSite checks the URL that the administrator entered. It must be https, because every request
// carries the credentials.
//
// The URL may be that of a page: a site of Cloud has no path, and a Data Center only its context path, such as "/jira".
func parseSite(text string) (site, error) {
	text = pasted.URL(text)
	if bare, err := url.Parse("https://" + text); err == nil && !strings.Contains(text, "://") && webhook.Within(bare, clouds) {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme == "", u.Hostname() == "":
		return site{}, action.Errorf(action.Invalid, "Invalid URL")
	case u.Scheme != "https":
		return site{}, action.Errorf(action.Invalid, "The URL of the JIRA server must begin with https://.")
	case u.User != nil:
		return site{}, action.Errorf(action.Invalid, "The URL of the JIRA server must not contain a user name.")
	}
	cloud := webhook.Within(u, clouds)
	base := url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	switch {
	case webhook.Within(u, []string{gateway}):
		if base.Path = gatewayPath.FindString(u.Path); base.Path == "" {
			return site{}, action.Errorf(action.Invalid, "The URL of the JIRA server must be https://%s/ex/jira/ with the site's cloud ID, or the "+
				"site's own URL.", gateway)
		}
	case !cloud:
		base.Path = page.ReplaceAllString(u.Path, "")
	}
	return site{base: strings.TrimRight(base.String(), "/"), cloud: cloud}, nil
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
