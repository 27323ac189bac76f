package jiracreateissue

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/jirafield"
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
		text := fmt.Sprintf("%s shows no project in which an issue may be created. Check the user name, the password or token, and the "+
			"user's permissions.", name)
		if c.site.cloud {
			text += " " + tokensExpire
		}
		return nil, action.Errorf(action.Forbidden, "%s", text)
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
	field := typeField(types)
	more, err := c.screen(ctx, project, types, req.Form["issueType"], &field)
	if err != nil {
		return nil, err
	}
	fields := []action.Field{
		{
			Name: "project", Label: "Project", Type: action.Select, Required: true, Interactive: true,
			Default: projects[0].ID, Options: options(projects),
		},
		{Name: "summary", Label: "Summary", Type: action.String, Required: true},
		{Name: "description", Label: "Description", Type: action.Textarea, Required: true},
		field,
		{
			Name: "attachData", Label: "Attach Data", Description: "attach the data to the issue as a file",
			Type: action.Select, Default: "no",
			Options: []action.Option{{Name: "no", Label: "No"}, {Name: "yes", Label: "Yes"}},
		},
	}
	return &action.Form{Fields: append(fields, more...)}, nil
}

// screen returns the form's fields for the chosen issue type, or none if Jira is too old to list them. It makes the field of
// the type interactive, because another type has other fields.
func (c *client) screen(ctx context.Context, project id, types []named, chosen string, typeField *action.Field) ([]action.Field, error) {
	if len(types) == 0 {
		return nil, nil
	}
	if !slices.ContainsFunc(types, func(t named) bool { return t.ID == chosen }) {
		chosen = types[0].ID
	}
	var issueType id
	if err := issueType.UnmarshalText([]byte(chosen)); err != nil {
		return nil, action.Wrap(err, action.Unavailable, "Unexpected response from %s.", name)
	}
	all, err := c.fields(ctx, project, issueType)
	if action.KindOf(err) == action.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	typeField.Interactive = true
	list, unsupported := jirafield.Split(all)
	if len(unsupported) > 0 {
		typeField.Description = "Issues of the chosen type cannot be created: they require fields that the hub cannot set (" +
			strings.Join(unsupported, ", ") + ")."
	}
	var fields []action.Field
	for _, f := range list {
		fields = append(fields, f.Form())
	}
	return fields, nil
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
