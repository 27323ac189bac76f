package airtable

import (
	"context"
	"slices"

	"integrationhub.dev/hub/action"
)

// Form implements [action.FormBuilder]. Listing the bases checks the sign-in. Only an invalid grant asks
// for a new one; any other error is returned as it is, unless the user only is not allowed to list them.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	s := i.open(req.State)
	bases, err := s.bases(ctx)
	switch action.KindOf(err) {
	case action.Unauthenticated:
		return &action.Form{Fields: []action.Field{{Name: "oauth", Label: "Login", Type: action.OAuthLink, OAuthURL: req.LoginURL}}}, nil
	case action.Forbidden:
	default:
		if err != nil {
			return nil, err
		}
	}
	fields := append([]action.Field{baseField(bases, req.Form["base"]), s.tableField(ctx, req.Form)}, optionFields()...)
	fields = append(fields, i.rowLog.Fields()...)
	return &action.Form{Fields: fields, State: s.newState()}, nil
}

// baseField offers the bases. Without a list, the user enters the ID.
func baseField(bases []action.Option, chosen string) action.Field {
	field := action.Field{Name: "base", Label: "Airtable Base", Type: action.String, Required: true, Interactive: true}
	if len(bases) == 0 {
		field.Description = "The base ID from the base's URL, such as appXXXXXXXXXXXXXX."
		return field
	}
	if chosen != "" && !slices.ContainsFunc(bases, func(o action.Option) bool { return o.Name == chosen }) {
		bases = append(bases, action.Option{Name: chosen, Label: chosen}) // a schedule must not lose its base
	}
	field.Type, field.Options = action.Select, bases
	return field
}

// tableField offers the tables of the chosen base. Without a list, the user enters the name or ID.
func (s *session) tableField(ctx context.Context, answers map[string]string) action.Field {
	field := action.Field{Name: "table", Label: "Airtable Table", Type: action.String, Required: true}
	var base baseID
	if answers["base"] == "" || base.UnmarshalText([]byte(answers["base"])) != nil {
		return field
	}
	tables, err := s.tables(ctx, base)
	if err != nil || len(tables) == 0 {
		field.Description = "The name or ID of the table."
		return field
	}
	for i, t := range tables {
		if t.Label == answers["table"] {
			tables[i].Name = t.Label // schedules from before tables were listed have names
		}
	}
	field.Type, field.Options = action.Select, tables
	return field
}

// optionFields are the fields that do not depend on the base.
func optionFields() []action.Field {
	return []action.Field{
		{
			Name: "typecast", Label: "Convert values", Type: action.Select, Default: string(convert),
			Options: []action.Option{{Name: string(convert), Label: "Yes"}, {Name: string(keep), Label: "No: reject other values"}},
			Description: "Airtable converts values to the type of their field, and adds missing options to select fields, and missing " +
				"records to the tables of linked ones.",
		},
		{
			Name: "operation", Label: "Operation", Type: action.Select, Default: string(create),
			Options: []action.Option{
				{Name: string(create), Label: "Add a record for each row"},
				{Name: string(upsert), Label: "Update the records with the same key, and add the others"},
			},
			Description: "Whether to update records that already exist in the table.",
		},
		{
			Name: "key_fields", Label: "Key Fields", Type: action.String,
			Description: "The fields that identify existing records: one to three, separated by commas. The query must have " +
				"a column for each. Airtable accepts text, number, date and select fields.",
		},
	}
}
