package jiracreateissue

import (
	"context"
	"slices"

	"integrationhub.dev/hub/action"
)

// Form implements [action.FormBuilder]. The issue types are those of the chosen project. Looker requests the form
// again if the user chooses another project.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	c, err := i.client(req)
	if err != nil {
		return nil, err
	}
	projects, err := c.projects(ctx)
	if err != nil {
		return nil, err
	}
	if len(projects) == 0 {
		// Jira treats a request with wrong credentials as an anonymous one.
		return nil, action.Errorf(action.Forbidden, "%s shows no project in which an issue may be created. Check the user name, the "+
			"password or token, and the user's permissions.", name)
	}
	chosen := req.Form["project"]
	if !slices.ContainsFunc(projects, func(p named) bool { return p.ID == chosen }) {
		chosen = projects[0].ID
	}
	var project id
	if err := project.UnmarshalText([]byte(chosen)); err != nil {
		return nil, action.Wrap(err, action.Unavailable, "Unexpected response from %s.", name)
	}
	types, err := c.issueTypes(ctx, project)
	if err != nil {
		return nil, err
	}
	return &action.Form{Fields: []action.Field{
		{
			Name: "project", Label: "Project", Type: action.Select, Required: true, Interactive: true,
			Default: projects[0].ID, Options: options(projects),
		},
		{Name: "summary", Label: "Summary", Type: action.String, Required: true},
		{Name: "description", Label: "Description", Type: action.Textarea, Required: true},
		typeField(types),
		{
			Name: "attachData", Label: "Attach Data", Description: "attach the data to the issue as a file",
			Type: action.Select, Default: "no",
			Options: []action.Option{{Name: "no", Label: "No"}, {Name: "yes", Label: "Yes"}},
		},
	}}, nil
}

func typeField(types []named) action.Field {
	field := action.Field{Name: "issueType", Label: "Issue Type", Type: action.Select, Required: true, Options: options(types)}
	if len(types) == 0 {
		// An error would replace the whole form, including the choice of another project.
		field.Description = "The project has no type of issue that can be created by itself."
		return field
	}
	field.Default = types[0].ID
	return field
}

func options(list []named) []action.Option {
	out := make([]action.Option, len(list))
	for n, item := range list {
		out[n] = action.Option{Name: item.ID, Label: item.Name}
	}
	return out
}
