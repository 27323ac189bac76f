// Package jiracreateissue creates an issue in Jira, Cloud or Data Center, that leads back to
// Looker and carries the data when the user wants that.
package jiracreateissue

import (
	"context"
	"net/http"
	"strings"

	"integrationhub.dev/hub/action"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are what a Looker administrator enters.
type settings struct {
	Address  string        `param:"address,required"`
	Username string        `param:"username,required"`
	Password action.Secret `param:"password,required"`
}

// input is what the user answers.
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

// Execute implements [action.Integration]. Everything that can be found wrong is looked for
// before the issue is created, for it cannot be taken back: its watchers have been told.
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
	var data *file
	if in.Attach {
		if data, err = c.fetch(ctx, req); err != nil {
			return nil, err
		}
		defer data.blob.Close()
	}
	made, err := c.create(ctx, issue{
		project: in.Project, issueType: in.IssueType, summary: strings.TrimSpace(in.Summary),
		description: in.Description, link: req.Plan.URL,
	})
	if err != nil {
		return nil, err
	}
	if data != nil {
		if err := c.attach(ctx, made, data); err != nil {
			return nil, action.Wrap(err, action.KindOf(err), "The issue %s was created, but the data was not attached to it: do not "+
				"send it again. %s", made.Key, action.MessageOf(err))
		}
	}
	return &action.Response{Message: "Created " + made.Key + "."}, nil
}

// client is one with the settings of a request.
func (i *Integration) client(req *action.Request) (*client, error) {
	s, err := action.Decode[settings](req)
	if err != nil {
		return nil, err
	}
	site, err := parseSite(s.Address)
	if err != nil {
		return nil, err
	}
	return &client{http: i.http, site: site, username: s.Username, password: s.Password}, nil
}
