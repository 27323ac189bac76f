package googlebigquery

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/jobs"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/google/resumable"
	"integrationhub.dev/integrations/internal/google/serviceaccount"
	"integrationhub.dev/integrations/internal/objectstore"
)

// Google's library is not used. For a few requests, cloud.google.com/go/bigquery would link gRPC and Apache Arrow.

// Google asks for exponential backoff: https://cloud.google.com/bigquery/sla
var (
	writeRetry = deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: 32 * time.Second}
	// readRetry is for forms, since the user is waiting.
	readRetry = deliver.Retry{MaxAttempts: 3, InitialBackoff: 500 * time.Millisecond, MaxBackoff: 4 * time.Second}
)

const (
	readTimeout  = 30 * time.Second
	pollInterval = 2 * time.Second
)

// stages allow BigQuery's limit of 5 TB for a file of JSON with 16 MiB of memory: one part is sent while the next one is
// filled. https://cloud.google.com/bigquery/quotas#load_jobs
var stages = []objectstore.Stage{{Size: 8 << 20, Parts: 5 << 17, Buffers: 2}}

// client is one account's access during one request.
type client struct {
	*Integration
	// project runs the jobs.
	project string
	tokens  oauth2.TokenSource
	// refused is the message if Google rejects the credentials.
	refused string
}

// withAPI calls f with an API that has an access token; it is a [resumable.Caller].
func (c *client) withAPI(ctx context.Context, f func(context.Context, outbound.API) error) error {
	token, err := c.tokens.Token()
	if err != nil {
		return serviceaccount.Explain(ctx, err, c.refused)
	}
	return f(ctx, outbound.API{
		Name: name, Base: string(c.settings.Endpoint), Client: c.deps.HTTP, Timeout: readTimeout,
		Authorize: token.SetAuthHeader, Explain: explain,
	})
}

// get makes a request that changes nothing.
func (c *client) get(ctx context.Context, path string, out any) error {
	return c.reads.Do(ctx, func(ctx context.Context) error {
		return c.withAPI(ctx, func(ctx context.Context, api outbound.API) error {
			return api.Call(ctx, http.MethodGet, path, nil, out)
		})
	})
}

// hasStatus reports whether an error is a response of BigQuery with this status. One of Google's token service has
// another kind.
func hasStatus(err error, code int) bool {
	s, ok := errors.AsType[*outbound.StatusError](err)
	return ok && s.Code == code && action.KindOf(err) == action.KindOfStatus(code)
}

// maxPages limits a list. Looker's forms cannot show more names anyway.
const maxPages = 20

// pages reads all pages of a list, which next fills into page and consumes.
func (c *client) pages(ctx context.Context, path string, next func(page []byte) (token string, err error)) error {
	query := url.Values{"maxResults": {"1000"}}
	for range maxPages {
		var page []byte
		err := c.get(ctx, outbound.WithQuery(path, query), &page)
		if hasStatus(err, http.StatusForbidden) {
			return choice.ErrDenied
		}
		if err != nil {
			return err
		}
		token, err := next(page)
		if err != nil {
			return action.Wrap(err, action.Unavailable, "Unexpected response from %s.", name)
		}
		if token == "" {
			return nil
		}
		query.Set("pageToken", token)
	}
	return nil
}

// datasets returns the IDs of the project's datasets
// (https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets/list).
func (c *client) datasets(ctx context.Context) ([]string, error) {
	var names []string
	err := c.pages(ctx, outbound.Path("bigquery", "v2", "projects", c.project, "datasets"), func(page []byte) (string, error) {
		var list struct {
			Datasets []struct {
				Reference struct {
					ID string `json:"datasetId"`
				} `json:"datasetReference"`
			} `json:"datasets"`
			Next string `json:"nextPageToken"`
		}
		err := json.Unmarshal(page, &list)
		for _, d := range list.Datasets {
			names = append(names, d.Reference.ID)
		}
		return list.Next, err
	})
	if err != nil {
		return nil, fmt.Errorf("listing datasets: %w", err)
	}
	return names, nil
}

// tables returns the names of a dataset's tables, without its views
// (https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/list).
func (c *client) tables(ctx context.Context, d dataset) ([]string, error) {
	var names []string
	path := outbound.Path("bigquery", "v2", "projects", d.project, "datasets", d.id, "tables")
	err := c.pages(ctx, path, func(page []byte) (string, error) {
		var list struct {
			Tables []struct {
				Type      string         `json:"type"`
				Reference tableReference `json:"tableReference"`
			} `json:"tables"`
			Next string `json:"nextPageToken"`
		}
		err := json.Unmarshal(page, &list)
		for _, t := range list.Tables {
			if t.Type == "TABLE" {
				names = append(names, t.Reference.Table)
			}
		}
		return list.Next, err
	})
	if hasStatus(err, http.StatusNotFound) {
		return nil, nil // of another project, or deleted: Execute says so
	}
	if err != nil {
		return nil, fmt.Errorf("listing tables: %w", err)
	}
	return names, nil
}

// location returns the dataset's location, or "" if the account may not read it. BigQuery finds no job in another
// location than US and EU without it: https://cloud.google.com/bigquery/docs/locations#specify_locations
func (c *client) location(ctx context.Context, t tableReference) (string, error) {
	var d struct {
		Location string `json:"location"`
	}
	dataset := outbound.Path("bigquery", "v2", "projects", t.Project, "datasets", t.Dataset)
	path := outbound.WithQuery(dataset, url.Values{"datasetView": {"METADATA"}})
	err := c.get(ctx, path, &d)
	switch {
	case hasStatus(err, http.StatusNotFound):
		return "", action.Wrap(err, action.NotFound, "The dataset does not exist.").WithField("dataset")
	case hasStatus(err, http.StatusForbidden):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("reading the dataset: %w", err)
	}
	return d.Location, nil
}

// table returns a table's schema, or nil if there is no table. It is unknown if the account may not read it.
func (c *client) table(ctx context.Context, t tableReference) (*tableSchema, error) {
	var found struct {
		Schema tableSchema `json:"schema"`
	}
	path := outbound.Path("bigquery", "v2", "projects", t.Project, "datasets", t.Dataset, "tables", t.Table)
	err := c.get(ctx, path, &found)
	switch {
	case hasStatus(err, http.StatusNotFound):
		return nil, nil
	case hasStatus(err, http.StatusForbidden):
		return &tableSchema{unknown: true}, nil
	case err != nil:
		return nil, fmt.Errorf("reading the table: %w", err)
	}
	return &found.Schema, nil
}

// The resources of the API: https://cloud.google.com/bigquery/docs/reference/rest/v2/Job
type (
	tableReference struct {
		Project string `json:"projectId"`
		Dataset string `json:"datasetId"`
		Table   string `json:"tableId"`
	}
	jobReference struct {
		Project  string `json:"projectId"`
		ID       string `json:"jobId"`
		Location string `json:"location,omitempty"`
	}
	job struct {
		Reference     jobReference     `json:"jobReference"`
		Configuration jobConfiguration `json:"configuration"`
		Status        *jobStatus       `json:"status,omitempty"`
		Statistics    *jobStatistics   `json:"statistics,omitempty"`
	}
	jobConfiguration struct {
		Load loadConfiguration `json:"load"`
	}
	loadConfiguration struct {
		Table             tableReference    `json:"destinationTable"`
		Format            string            `json:"sourceFormat"`
		Schema            *tableSchema      `json:"schema,omitempty"`
		SchemaUpdates     []string          `json:"schemaUpdateOptions,omitempty"`
		WriteDisposition  string            `json:"writeDisposition"`
		CreateDisposition string            `json:"createDisposition"`
		Partitioning      *timePartitioning `json:"timePartitioning,omitempty"`
		TimeZone          string            `json:"timeZone,omitempty"`
	}
	timePartitioning struct {
		Type string `json:"type"`
	}
	jobStatus struct {
		State  string       `json:"state"`
		Error  *errorProto  `json:"errorResult"`
		Errors []errorProto `json:"errors"`
	}
	errorProto struct {
		Reason  string `json:"reason"`
		Message string `json:"message"`
	}
	jobStatistics struct {
		Load struct {
			Rows string `json:"outputRows"`
		} `json:"load"`
	}
)

// isDone reports whether a job has ended, with or without success.
func (j *job) isDone() bool { return j.Status != nil && j.Status.State == "DONE" }

// String is the job's ID as BigQuery shows it.
func (r jobReference) String() string {
	if r.Location == "" {
		return r.Project + ":" + r.ID
	}
	return r.Project + ":" + r.Location + "." + r.ID
}

// findJob returns a job, or nil if there is none.
func (c *client) findJob(ctx context.Context, r jobReference) (*job, error) {
	path := outbound.Path("bigquery", "v2", "projects", r.Project, "jobs", r.ID)
	if r.Location != "" {
		path = outbound.WithQuery(path, url.Values{"location": {r.Location}})
	}
	j := &job{}
	err := c.get(ctx, path, j)
	if hasStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the load job: %w", err)
	}
	return j, nil
}

// deliver loads the rows, and waits until BigQuery has them.
func (c *client) deliver(ctx context.Context, req *action.Request, t target, ref tableReference) (*action.Response, error) {
	location, err := c.location(ctx, ref)
	if err != nil {
		return nil, err
	}
	existing, err := c.table(ctx, ref)
	if err != nil {
		return nil, err
	}
	if existing == nil && t.Missing == failWithout {
		e := action.InvalidField("table", "The table does not exist.")
		e.Kind = action.NotFound
		return nil, e
	}
	table, err := req.Data.Table(ctx)
	if err != nil {
		return nil, err
	}
	columns, err := columnsOf(table, req.Plan.HiddenFields)
	if err != nil {
		return nil, err
	}
	load, err := configure(t, ref, existing, columns)
	if err != nil {
		return nil, err
	}
	u := &upload{client: c, job: job{
		Reference:     jobReference{c.project, jobID(req, table.RanAt, t, ref), location},
		Configuration: jobConfiguration{load},
	}}
	done, err := u.run(ctx, ndjson{req.Data, table, columns})
	if err != nil {
		return nil, err
	}
	if err := explainJob(done, columns); err != nil {
		return nil, err
	}
	return &action.Response{Message: loaded(done, ref)}, nil
}

// loaded is the message about a job that succeeded.
func loaded(j *job, ref tableReference) string {
	table := ref.Project + "." + ref.Dataset + "." + ref.Table
	if j.Statistics == nil || j.Statistics.Load.Rows == "" {
		return "Loaded into " + table + "."
	}
	return fmt.Sprintf("Loaded %s rows into %s.", j.Statistics.Load.Rows, table)
}

// dispositions are what happens to existing rows.
var dispositions = map[write]string{
	"": "WRITE_APPEND", writeAppend: "WRITE_APPEND", writeTruncate: "WRITE_TRUNCATE", writeEmpty: "WRITE_EMPTY",
}

// fieldAddition lets a job add columns to a table.
const fieldAddition = "ALLOW_FIELD_ADDITION"

// configure returns the configuration of a load job.
func configure(t target, ref tableReference, existing *tableSchema, columns []*column) (loadConfiguration, error) {
	load := loadConfiguration{
		Table: ref, Format: "NEWLINE_DELIMITED_JSON", WriteDisposition: dispositions[t.Write], CreateDisposition: "CREATE_IF_NEEDED",
		TimeZone: string(t.TimeZone),
	}
	if t.Missing == failWithout {
		load.CreateDisposition = "CREATE_NEVER"
	}
	if t.Partition != "" {
		load.Table.Table += "$" + t.Partition
		if existing == nil { // an existing table keeps its own
			load.Partitioning = &timePartitioning{partitionType(t.Partition)}
		}
	}
	// The whole table is replaced with its schema, one partition is not.
	if existing == nil || t.Write == writeTruncate && t.Partition == "" {
		load.Schema = newSchema(columns)
		return load, nil
	}
	mayAdd := t.Columns == addColumns && t.Write != writeEmpty // BigQuery adds none then
	if existing.unknown {
		load.Schema = newSchema(columns)
		if mayAdd {
			load.SchemaUpdates = []string{fieldAddition}
		}
		return load, nil
	}
	schema, err := existing.extend(columns, mayAdd)
	if err == nil && schema != nil {
		load.Schema, load.SchemaUpdates = schema, []string{fieldAddition}
	}
	return load, err
}

// jobID returns the ID of a load job. It is the same if Looker repeats a delivery, so that BigQuery refuses to load the
// rows twice. It depends on the webhook ID and the time of the query. If either is unknown, each delivery is a new one:
// duplicates are better than lost rows. https://cloud.google.com/bigquery/docs/running-jobs#generate-jobid
func jobID(req *action.Request, ranAt time.Time, t target, ref tableReference) string {
	const prefix = "looker_"
	if req.WebhookID == "" || ranAt.IsZero() {
		return prefix + newID()
	}
	// Not the configuration, which depends on whether the table exists.
	key, err := json.Marshal([]any{
		req.InstanceID, req.WebhookID, req.Plan.ID, req.Plan.QueryID, ranAt.UTC(), ref, t.Write, t.Missing, t.Columns, t.Partition, t.TimeZone,
	})
	if err != nil {
		return prefix + newID()
	}
	sum := sha256.Sum256(key)
	return prefix + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20]))
}

// maxJobs is how many jobs of one delivery can fail before their ID is given up.
const maxJobs = 10

// upload is the upload of a load job's data, with which the job starts. It implements [objectstore.Object].
type upload struct {
	client  *client
	job     job
	session *resumable.Upload
	// rest is the last part, if its size is allowed only at the end of an upload.
	rest []byte
	// made is the job as BigQuery returned it.
	made *job
}

var _ objectstore.Object = (*upload)(nil)

// run loads the data, unless an earlier delivery did, and waits for the end of the job.
func (u *upload) run(ctx context.Context, data action.Data) (*job, error) {
	id := u.job.Reference.ID
	for n := range maxJobs {
		if n > 0 { // the ID of a failed job cannot be used again
			u.job.Reference.ID = fmt.Sprintf("%s_%d", id, n+1)
		}
		earlier, err := u.client.findJob(ctx, u.job.Reference)
		if err != nil {
			return nil, err
		}
		if earlier == nil {
			break
		}
		if earlier, err = u.client.wait(ctx, earlier); err != nil || earlier.Status.Error == nil {
			return earlier, err
		}
	}
	u.session = &resumable.Upload{Service: name, Call: u.client.withAPI, Retry: u.client.writes, Log: u.client.deps.Log}
	if err := u.client.plan.Write(ctx, data, u); err != nil {
		return nil, err
	}
	return u.client.wait(ctx, u.made)
}

// Put implements [objectstore.Object].
func (u *upload) Put(ctx context.Context, body []byte) error {
	if err := u.Begin(ctx); err != nil {
		return err
	}
	err := u.finish(ctx, body)
	if err != nil {
		u.Abort(ctx)
	}
	return err
}

// Begin implements [objectstore.Object]:
// https://cloud.google.com/bigquery/docs/reference/api-uploads#resumable
func (u *upload) Begin(ctx context.Context) error {
	path := outbound.Path("upload", "bigquery", "v2", "projects", u.client.project, "jobs")
	err := u.session.Begin(ctx, outbound.WithQuery(path, url.Values{"uploadType": {"resumable"}}), u.job, "application/octet-stream")
	if err != nil {
		return fmt.Errorf("beginning the upload: %w", err)
	}
	return nil
}

// Part implements [objectstore.Object]. A part whose size is not a multiple of [resumable.Quantum] is
// the last one. It is kept for Complete.
func (u *upload) Part(ctx context.Context, _ int, body []byte) error {
	if len(body)%resumable.Quantum != 0 {
		u.rest = body
		return nil
	}
	return u.session.Send(ctx, body, false)
}

// Complete implements [objectstore.Object].
func (u *upload) Complete(ctx context.Context, _ int) error { return u.finish(ctx, u.rest) }

// Abort implements [objectstore.Object].
func (u *upload) Abort(ctx context.Context) { u.session.Abort(ctx) }

// finish sends the rest, with which the job starts. If the response is lost, or BigQuery refuses the ID because the job
// exists (409), the job itself says whether it started.
func (u *upload) finish(ctx context.Context, rest []byte) error {
	sent := u.session.Send(ctx, rest, true)
	if sent == nil {
		u.made = &job{}
		if err := json.Unmarshal(u.session.Made(), u.made); err != nil || u.made.Reference.ID == "" {
			sent = action.Wrap(errors.Join(errors.New("the response has no job"), err), action.Unavailable, "Unexpected response from %s.", name)
		}
	}
	if sent == nil || ctx.Err() != nil {
		return sent
	}
	found, err := u.client.findJob(ctx, u.job.Reference)
	if err != nil || found == nil {
		return sent
	}
	u.made = found
	return nil
}

// wait returns a job when it has ended.
func (c *client) wait(ctx context.Context, j *job) (*job, error) {
	if j.isDone() {
		return j, nil
	}
	done, err := jobs.Poll(ctx, c.pollInterval, func(ctx context.Context) (*job, error) {
		seen, err := c.findJob(ctx, j.Reference)
		switch {
		case err != nil:
			return nil, err
		case seen == nil:
			return nil, action.Errorf(action.NotFound, "BigQuery does not find the load job %s.", j.Reference)
		case seen.isDone():
			return seen, nil
		}
		return nil, nil
	})
	if err != nil {
		kind := action.KindOf(err)
		if ctx.Err() != nil {
			kind = action.Timeout
		}
		return nil, action.Wrap(fmt.Errorf("waiting for the load job: %w", err), kind,
			"BigQuery has the data, but its load job %s was not done in "+
				"time. Check the job before retrying.", j.Reference)
	}
	return done, nil
}
