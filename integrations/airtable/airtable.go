// Package airtable adds the rows of a query's result to a table of Airtable, or updates its records.
package airtable

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/rowlog"
	"integrationhub.dev/integrations/internal/rows"
	"integrationhub.dev/integrations/internal/signin"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
	_ action.Authorizer  = (*Integration)(nil)
)

// name is the destination's name in messages.
const name = "Airtable"

// Airtable's published limits: https://airtable.com/developers/web/api/rate-limits and
// https://airtable.com/developers/web/api/create-records.
const (
	recordsPerCall = 10
	callsPerSecond = 5
	concurrency    = 4
	// maxBatchBytes bounds the memory of a batch: Airtable publishes no limit in bytes.
	maxBatchBytes = 8 << 20
	// afterLimit is how long Airtable rejects all requests after its rate limit was exceeded, which the response does
	// not say.
	afterLimit = 30 * time.Second
	// maxBisectCalls bounds the search for rejected records: about eight calls find one in ten.
	maxBisectCalls = 100
)

var (
	// upsertRetry is for calls that find the records of the call before.
	upsertRetry = deliver.Retry{MaxAttempts: 6, InitialBackoff: afterLimit / 6, MaxBackoff: afterLimit}
	// formRetry is for forms, for which a user waits: not as long as a rate limit lasts.
	formRetry = deliver.Retry{MaxAttempts: 2, InitialBackoff: time.Second / 2, When: func(err error) bool {
		kind := action.KindOf(err)
		return kind.Retryable() && kind != action.RateLimited
	}}
)

// settings are the hub's: the OAuth client that is registered at Airtable.
type settings struct {
	ClientID     string        `env:"AIRTABLE_CLIENT_ID,required,notEmpty"`
	ClientSecret action.Secret `env:"AIRTABLE_CLIENT_SECRET,required,notEmpty"`
}

// Integration adds records to Airtable.
type Integration struct {
	http   *http.Client
	signIn *signin.Provider
	rowLog *rowlog.Log
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	rowLog, err := rowlog.New(deps, "airtable")
	if err != nil {
		return nil, err
	}
	return &Integration{http: deps.HTTP, signIn: provider(s, deps.HTTP), rowLog: rowLog}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return rows.Definition(action.Definition{
		Name: "airtable", Label: "Airtable", Description: "Add records to an Airtable table.",
		Formats:    []action.Format{action.JSONDetail},
		Download:   action.Push,
		MinVersion: action.V(5, 5, 0),
	})
}

// Execute implements [action.Integration]. Refreshed tokens go back to Looker even if the delivery
// fails: the old ones are no longer valid.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, table, err := rows.OpenAttached[input](ctx, req)
	if err != nil {
		return nil, err
	}
	names := fieldNames(table.Columns)
	keys, err := in.keyColumns(names)
	if err != nil {
		return nil, err
	}
	d := &delivery{session: i.open(req.State), input: in}
	o := deliver.Options[record]{
		Size: recordsPerCall, MaxBytes: maxBatchBytes, Weight: record.weight, Concurrency: concurrency,
		Limiter: rate.NewLimiter(callsPerSecond, 1),
		// Airtable rejects a whole call because of one record, and does not name it.
		BisectBudget: maxBisectCalls,
	}
	send := d.create
	if in.Operation == upsert {
		for _, k := range keys {
			d.keyFields = append(d.keyFields, names[k])
		}
		// Two calls with a new key at the same time would add two records.
		o.Key, o.Retry, send = func(r record) string { return r.key }, upsertRetry, d.upsert
	}
	kept, err := i.rowLog.Begin(ctx, req, table, keyOf(keys))
	if err != nil {
		return nil, err
	}
	o.Outcome = kept.Outcome
	result := deliver.Batches(ctx, records(kept.Table, names, keys), o, send)
	note := kept.Store(ctx, "records")
	res := &action.Response{State: d.session.newState()}
	if err := result.Err("records"); err != nil {
		return res, rowlog.WithNote(err, note)
	}
	res.Message = fmt.Sprintf("%d records added.", result.Sent())
	if in.Operation == upsert {
		added := int(d.added.Load())
		res.Message = fmt.Sprintf("%d records added, %d updated.", added, result.Sent()-added)
	}
	res.Message = strings.TrimSpace(res.Message + " " + note)
	return res, nil
}

// input is what the Looker user enters.
type input struct {
	Base  baseID    `form:"base,required"`
	Table tableName `form:"table,required"`
	// Typecast is on for schedules from before it was asked.
	Typecast  typecast  `form:"typecast"`
	Operation operation `form:"operation"`
	KeyFields string    `form:"key_fields"`
}

// Validate sets the defaults.
func (in *input) Validate() error {
	if in.Typecast == "" {
		in.Typecast = convert
	}
	if in.Operation == "" {
		in.Operation = create
	}
	if in.Operation == upsert && strings.TrimSpace(in.KeyFields) == "" {
		return action.InvalidField("key_fields", "Enter the fields that identify records.")
	}
	return nil
}

// typecast is whether Airtable converts values to the type of their field.
type typecast string

const (
	convert typecast = "yes"
	keep    typecast = "no"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *typecast) UnmarshalText(text []byte) error {
	return choice.Parse(c, string(text), convert, keep)
}

// operation is what becomes of the rows.
type operation string

const (
	// create adds a record for each row, which is what schedules without an operation do.
	create operation = "create"
	// upsert updates the records that have the row's values in the key fields, and adds the others.
	upsert operation = "upsert"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (o *operation) UnmarshalText(text []byte) error {
	return choice.Parse(o, string(text), create, upsert)
}

// maxKeyFields is Airtable's limit of fields to merge on:
// https://airtable.com/developers/web/api/update-multiple-records
const maxKeyFields = 3

// keyColumns returns the columns of the key fields. names are the field names of the columns. The text is one name, which
// may contain commas, or several that are separated by commas.
func (in input) keyColumns(names []string) ([]int, error) {
	if in.Operation != upsert {
		return nil, nil
	}
	text := strings.TrimSpace(in.KeyFields)
	if i := slices.Index(names, text); i >= 0 {
		return []int{i}, nil
	}
	var columns []int
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		i := slices.Index(names, name)
		switch {
		case name == "" || slices.Contains(columns, i):
			continue
		case i < 0:
			return nil, action.InvalidField("key_fields", "The query has no column for the key field %q.", name)
		}
		columns = append(columns, i)
	}
	if len(columns) == 0 || len(columns) > maxKeyFields {
		return nil, action.InvalidField("key_fields", "Enter one to %d key fields, separated by commas.", maxKeyFields)
	}
	return columns, nil
}

// baseID and tableName become part of the URL.
type (
	baseID    string
	tableName string
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (b *baseID) UnmarshalText(text []byte) error {
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return errors.New("must be a base ID from the base's URL, such as appXXXXXXXXXXXXXX")
		}
	}
	*b = baseID(text)
	return nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (n *tableName) UnmarshalText(text []byte) error {
	if t := string(text); t == "." || t == ".." {
		return errors.New("must be the name or ID of a table")
	}
	*n = tableName(text)
	return nil
}
