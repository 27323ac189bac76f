package googlebigquery

import (
	"context"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
)

// Form implements [action.FormBuilder]. It has a list of datasets, and a list of tables once a dataset is chosen.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	a, err := action.Decode[account](req)
	if err != nil {
		return nil, err
	}
	c, err := i.client(ctx, a)
	if err != nil {
		return nil, err
	}
	names, err := c.datasets(ctx)
	field, err := i.settings.AllowedDatasets.Within(c.project).Field(choice.List{
		Name: "dataset", Label: "Dataset", Empty: "The ID of the dataset. The project has no datasets.",
		Denied: "The ID of the dataset. The account is not allowed to list the project's datasets (bigquery.datasets.get), so no list is available.",
	}, names, err)
	if err != nil {
		return nil, err
	}
	field.Interactive = true
	chosen := req.Form["dataset"]
	if field.Type == action.Select {
		field.Default = chosen // the first one may be the wrong one, and its tables too
	}
	table, err := c.tableField(ctx, chosen)
	if err != nil {
		return nil, err
	}
	return &action.Form{Fields: append([]action.Field{field, table}, otherFields()...)}, nil
}

// tableField is the field for an existing table.
func (c *client) tableField(ctx context.Context, chosen string) (action.Field, error) {
	list := choice.List{
		Name: "table", Label: "Table", Description: "Leave it empty to enter another one below.",
		Empty:  "The name of the table. Choose a dataset to get a list.",
		Denied: "The name of the table. The account is not allowed to list the dataset's tables (bigquery.tables.list), so no list is available.",
	}
	var d dataset
	if d.UnmarshalText([]byte(strings.TrimSpace(chosen))) != nil {
		field, err := list.Field(nil, nil)
		field.Required = false
		return field, err
	}
	list.Empty = "The name of the table. The dataset has none yet."
	if d.project == "" {
		d.project = c.project
	}
	names, err := c.tables(ctx, d)
	field, err := list.Field(names, err)
	field.Required, field.Default = false, ""
	return field, err
}

// otherFields are those that depend on nothing.
func otherFields() []action.Field {
	return []action.Field{
		{
			Name: "new_table", Label: "New or Other Table", Type: action.String,
			Description: "Used instead of the table above. {YYYYMMDD} and other placeholders are replaced by the time of the delivery (UTC).",
		},
		{
			Name: "write", Label: "Existing Rows", Type: action.Select, Default: string(writeAppend),
			Options: []action.Option{
				{Name: string(writeAppend), Label: "Keep, and append"},
				{Name: string(writeTruncate), Label: "Replace"},
				{Name: string(writeEmpty), Label: "Fail if there are any"},
			},
		},
		{
			Name: "missing_table", Label: "Missing Table", Type: action.Select, Default: string(createTable),
			Options: []action.Option{
				{Name: string(createTable), Label: "Create"},
				{Name: string(failWithout), Label: "Fail"},
			},
		},
		{
			Name: "new_columns", Label: "New Columns", Type: action.Select, Default: string(failOnColumns),
			Description: "What to do when the table lacks a column of the result.",
			Options: []action.Option{
				{Name: string(failOnColumns), Label: "Fail"},
				{Name: string(addColumns), Label: "Add to the table"},
			},
		},
		{
			Name: "partition", Label: "Partition", Type: action.String,
			Description: "For a table that is partitioned by time: the one partition to write to, such as {YYYYMMDD}.",
		},
		{
			Name: "time_zone", Label: "Time Zone", Type: action.String,
			Description: "The time zone of the times in the result, such as Europe/Berlin. The default is UTC.",
		},
	}
}
