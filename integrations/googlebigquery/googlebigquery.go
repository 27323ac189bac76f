// Package googlebigquery loads query results into tables of Google BigQuery.
package googlebigquery

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/message"
	"integrationhub.dev/integrations/internal/objectstore"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// name is the destination's name in messages.
const name = "Google BigQuery"

// settings are the hub's environment variables.
type settings struct {
	// Endpoint is the API's URL: another one for a private endpoint or an emulator.
	Endpoint endpoint `env:"GOOGLE_BIGQUERY_ENDPOINT" envDefault:"https://bigquery.googleapis.com"`
	// AllowedDatasets are the datasets that users may load into. Empty allows all.
	AllowedDatasets allowed `env:"GOOGLE_BIGQUERY_ALLOWED_DATASETS"`
	// CredentialsFile is a file of application default credentials. With it, the private key is
	// optional.
	CredentialsFile string `env:"GOOGLE_BIGQUERY_CREDENTIALS_FILE"`
	// PodIdentity makes the private key optional. Without one, the hub uses its pod's identity.
	PodIdentity bool `env:"GOOGLE_BIGQUERY_POD_IDENTITY"`
}

func (s settings) validate() error {
	if s.PodIdentity && s.CredentialsFile != "" {
		return errors.New("GOOGLE_BIGQUERY_CREDENTIALS_FILE and GOOGLE_BIGQUERY_POD_IDENTITY must not both be set")
	}
	return nil
}

// keyless reports whether the private key is optional.
func (s settings) keyless() bool { return s.PodIdentity || s.CredentialsFile != "" }

// account is what the Looker administrator enters.
type account struct {
	Email   string        `param:"client_email"`
	Key     action.Secret `param:"private_key"`
	Project projectID     `param:"project_id,required"`
}

// write says what happens to the rows that a table has.
type write string

// The values of the form field. An empty one means appending.
const (
	writeAppend   write = "append"
	writeTruncate write = "truncate"
	writeEmpty    write = "empty"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (w *write) UnmarshalText(text []byte) error {
	return choice.Parse(w, string(text), writeAppend, writeTruncate, writeEmpty)
}

// missingTable says what happens if there is no table.
type missingTable string

// The values of the form field. An empty one means creating it.
const (
	createTable missingTable = "create"
	failWithout missingTable = "fail"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *missingTable) UnmarshalText(text []byte) error {
	return choice.Parse(m, string(text), createTable, failWithout)
}

// newColumns says what happens to columns that the table does not have.
type newColumns string

// The values of the form field. An empty one means failing.
const (
	failOnColumns newColumns = "fail"
	addColumns    newColumns = "add"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *newColumns) UnmarshalText(text []byte) error {
	return choice.Parse(c, string(text), failOnColumns, addColumns)
}

// target is what the Looker user enters.
type target struct {
	Dataset   dataset      `form:"dataset,required"`
	Table     string       `form:"table"`
	NewTable  string       `form:"new_table"`
	Write     write        `form:"write"`
	Missing   missingTable `form:"missing_table"`
	Columns   newColumns   `form:"new_columns"`
	Partition string       `form:"partition"`
	TimeZone  timeZone     `form:"time_zone"`
}

// Validate checks the table and the partition, with the time of the delivery in them.
func (t *target) Validate() error {
	now := time.Now().UTC()
	table, field := strings.TrimSpace(t.NewTable), "new_table"
	if table == "" {
		table, field = strings.TrimSpace(t.Table), "table"
	}
	if table == "" {
		return action.InvalidField("table", "Choose a table, or enter the name of a new one.")
	}
	t.Table = message.ExpandTime(table, now)
	if !validTable(t.Table) {
		return action.InvalidField(field, "The table's name must consist of letters, digits, underscores, hyphens and spaces, and be at "+
			"most 1,024 bytes long.")
	}
	t.Partition = message.ExpandTime(strings.TrimSpace(t.Partition), now)
	if t.Partition != "" && partitionType(t.Partition) == "" {
		return action.InvalidField("partition", "The partition must be a date, such as {YYYYMMDD}: 4 to 10 digits for a year, month, "+
			"day or hour.")
	}
	return nil
}

// reference returns the table. Its project is the account's unless the dataset names one.
func (t *target) reference(project projectID) tableReference {
	return tableReference{Project: cmp.Or(t.Dataset.project, string(project)), Dataset: t.Dataset.id, Table: t.Table}
}

// Integration loads rows into BigQuery.
type Integration struct {
	settings settings
	deps     action.Deps
	plan     objectstore.Plan
	// reads and writes are the retries of requests, all of which may be repeated.
	reads, writes deliver.Retry
	// pollInterval is the time between two polls of a job.
	pollInterval time.Duration
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	return &Integration{
		settings: s, deps: deps, reads: readRetry, writes: writeRetry, pollInterval: pollInterval,
		plan: objectstore.Plan{Destination: name, Stages: stages, Ordered: true},
	}, nil
}

// Definition implements [action.Integration]. If the hub has its own credentials, the key is optional.
func (i *Integration) Definition() action.Definition {
	key := !i.settings.keyless()
	return rows.Definition(action.Definition{
		Name: "google_bigquery", Label: "Google BigQuery", Description: "Load the rows of a query into a BigQuery table.",
		Params: []action.Param{
			{
				Name: "client_email", Label: "Client Email",
				Description: "The service account's email address. It is not needed if the private key is a whole key file.",
			},
			{
				Name: "private_key", Label: "Private Key", Required: key, Sensitive: true,
				Description: "The service account's private key, or its whole key file (JSON) from " +
					"https://console.cloud.google.com/iam-admin/serviceaccounts",
			},
			{
				Name: "project_id", Label: "Project ID", Required: true,
				Description: "The project that runs and pays for the load jobs, and that has the datasets unless they name another one.",
			},
		},
		Formats:    []action.Format{action.JSONDetail},
		Download:   action.URL,
		MinVersion: action.V(5, 5, 0),
	})
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	a, err := action.Decode[account](req)
	if err != nil {
		return nil, err
	}
	t, err := action.Decode[target](req)
	if err != nil {
		return nil, err
	}
	table := t.reference(a.Project)
	if err := i.settings.AllowedDatasets.Within(table.Project).Check(table.Dataset, "dataset"); err != nil {
		return nil, err
	}
	if err := rows.RequireAttached(req); err != nil {
		return nil, err
	}
	c, err := i.client(ctx, a)
	if err != nil {
		return nil, err
	}
	return c.deliver(ctx, req, t, table)
}

// projectID is part of a URL path. Older projects have a domain in front.
type projectID string

// https://cloud.google.com/resource-manager/docs/creating-managing-projects
var validProject = regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *projectID) UnmarshalText(text []byte) error {
	if !validProject.Match(text) {
		return errors.New("must be the ID of a project: 6 to 30 lowercase letters, digits and hyphens")
	}
	*p = projectID(text)
	return nil
}

// dataset is the ID of a dataset, with its project if that is not the account's.
type dataset struct{ project, id string }

// https://cloud.google.com/bigquery/docs/datasets#dataset-naming
var validDataset = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *dataset) UnmarshalText(text []byte) error {
	project, id := "", string(text)
	if n := strings.LastIndexAny(id, ".:"); n >= 0 {
		var p projectID
		if err := p.UnmarshalText([]byte(id[:n])); err != nil {
			return err
		}
		project, id = string(p), id[n+1:]
	}
	if len(id) > maxID || !validDataset.MatchString(id) {
		return errors.New("must be the ID of a dataset: letters, digits and underscores, after the ID of its project and a dot if that is " +
			"another one")
	}
	*d = dataset{project, id}
	return nil
}

// maxID is the maximum length of the ID of a dataset or table.
const maxID = 1024

// allowedInTable are the characters of a table's name. A decorator ($) is added by the partition.
// https://cloud.google.com/bigquery/docs/tables#table_naming
var allowedInTable = regexp.MustCompile(`^[\p{L}\p{M}\p{N}\p{Pc}\p{Pd}\p{Zs}]+$`)

func validTable(table string) bool {
	return len(table) <= maxID && allowedInTable.MatchString(table)
}

var digits = regexp.MustCompile(`^[0-9]+$`)

// partitionType returns the type of time partitioning for a decorator, or "".
// https://cloud.google.com/bigquery/docs/managing-partitioned-table-data#partition_decorators
func partitionType(decorator string) string {
	if !digits.MatchString(decorator) {
		return ""
	}
	return map[int]string{len("2006"): "YEAR", len("200601"): "MONTH", len("20060102"): "DAY", len("2006010215"): "HOUR"}[len(decorator)]
}

// timeZone is the name of one in the IANA database.
type timeZone string

var validZone = regexp.MustCompile(`^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$`)

// UnmarshalText implements [encoding.TextUnmarshaler]. BigQuery knows which ones there are.
func (z *timeZone) UnmarshalText(text []byte) error {
	if !validZone.Match(text) {
		return errors.New("must be the name of a time zone such as Europe/Berlin")
	}
	*z = timeZone(text)
	return nil
}

// allowed is a list of datasets, such as "reports" or "project.reports".
type allowed struct{ objectstore.Allowed }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *allowed) UnmarshalText(text []byte) (err error) {
	// The last dot of an entry separates the project, as in BigQuery, where the list has a slash.
	entries := strings.Split(string(text), ",")
	for n, entry := range entries {
		if dot := strings.LastIndexByte(entry, '.'); dot >= 0 {
			entries[n] = entry[:dot] + "/" + entry[dot+1:]
		}
	}
	a.Allowed, err = objectstore.ParseAllowed(strings.Join(entries, ","), func(entry string) error {
		project, id, found := strings.Cut(entry, "/")
		if !found {
			id = entry
		} else if project != "aaa" { // not only a *
			if err := new(projectID).UnmarshalText([]byte(project)); err != nil {
				return err
			}
		}
		return new(dataset).UnmarshalText([]byte(id))
	})
	return err
}

// endpoint is the URL of the API.
type endpoint string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (e *endpoint) UnmarshalText(text []byte) error {
	parsed, err := objectstore.ParseEndpoint(string(text), "", "https://bigquery.googleapis.com")
	*e = endpoint(parsed)
	return err
}
