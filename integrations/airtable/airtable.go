// Package airtable adds the rows of a query's result to a table of Airtable.
package airtable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
	_ action.Authorizer  = (*Integration)(nil)
)

// Airtable's published limits: https://airtable.com/developers/web/api/rate-limits and
// https://airtable.com/developers/web/api/create-records.
const (
	recordsPerCall = 10
	callsPerSecond = 5
	concurrency    = 4
	// maxBatchBytes bounds the memory of a batch: Airtable publishes no limit in bytes.
	maxBatchBytes = 8 << 20
	// afterLimit is how long Airtable rejects all requests for a base that exceeded its rate limit.
	afterLimit = 30 * time.Second
	// maxBisectCalls bounds the search for rejected records.
	maxBisectCalls = 2_000
)

// retry is for calls that Airtable answered with 429: no other error of a request that was sent
// proves that it created no records.
var retry = deliver.Retry{MaxAttempts: 4, InitialBackoff: afterLimit / 6, MaxBackoff: afterLimit, When: rateLimited}

// settings are the hub's: the OAuth client that is registered at Airtable.
type settings struct {
	ClientID     string        `env:"AIRTABLE_CLIENT_ID,required,notEmpty"`
	ClientSecret action.Secret `env:"AIRTABLE_CLIENT_SECRET,required,notEmpty"`
}

// input is what the Looker user enters.
type input struct {
	Base  baseID    `form:"base,required"`
	Table tableName `form:"table,required"`
	// Typecast is off for schedules from before it was asked, as it is in Airtable's API.
	Typecast bool `form:"typecast"`
}

// Integration adds records to Airtable.
type Integration struct {
	settings settings
	http     *http.Client
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	return &Integration{s, deps.HTTP}, nil
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

// Form implements [action.FormBuilder]. A request checks the sign-in. Only an invalid grant asks
// for a new one; any other error is returned as it is.
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	s := i.open(req.State)
	err := s.listBases(ctx)
	if action.KindOf(err) == action.Unauthenticated {
		return &action.Form{Fields: []action.Field{{Name: "oauth", Label: "Login", Type: action.OAuthLink, OAuthURL: req.LoginURL}}}, nil
	}
	if err != nil {
		return nil, err
	}
	return &action.Form{
		Fields: []action.Field{
			{Name: "base", Label: "Airtable Base", Type: action.String, Required: true},
			{Name: "table", Label: "Airtable Table", Type: action.String, Required: true},
			{
				Name: "typecast", Label: "Convert values", Type: action.Select, Default: "no",
				Options: []action.Option{{Name: "yes", Label: "Yes"}, {Name: "no", Label: "No: reject other values"}},
				Description: "Airtable converts values to the type of their field, and adds missing options to select fields, and missing " +
					"records to the tables of linked ones.",
			},
		},
		State: s.newState(),
	}, nil
}

// Execute implements [action.Integration]. Refreshed tokens go back to Looker even if the delivery
// fails: the old ones are no longer valid.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, table, err := rows.OpenAttached[input](ctx, req)
	if err != nil {
		return nil, err
	}
	s := i.open(req.State)
	result := deliver.Batches(ctx, records(table), deliver.Options[record]{
		Size: recordsPerCall, MaxBytes: maxBatchBytes, Weight: record.weight, Concurrency: concurrency,
		Limiter: rate.NewLimiter(callsPerSecond, 1), Retry: retry,
		// Airtable rejects a whole call because of one record, and does not name it.
		BisectBudget: maxBisectCalls,
	}, func(ctx context.Context, batch []record) error {
		return s.create(ctx, in, batch)
	})
	res := &action.Response{State: s.newState()}
	if err := result.Err("records"); err != nil {
		return res, err
	}
	res.Message = fmt.Sprintf("%d records added.", result.Sent())
	return res, nil
}

func rateLimited(err error) bool { return action.KindOf(err) == action.RateLimited }

// record is a record in a request: its values by Airtable's field names.
type record struct {
	Fields map[string]json.RawMessage `json:"fields"`
}

// weight is the approximate size of the record in a request.
func (r record) weight() int {
	n := 0
	for name, value := range r.Fields {
		n += len(name) + len(value)
	}
	return n
}

// records converts rows to records.
func records(table *action.Table) iter.Seq2[record, error] {
	names := fieldNames(table.Columns)
	return rows.Convert(table, func(row action.Row) (record, error) {
		r := record{Fields: map[string]json.RawMessage{}}
		for i, name := range names {
			cell := row.Cell(i)
			if v := cell.Value(); v != nil {
				r.Fields[name] = json.RawMessage(v)
				continue
			}
			for _, p := range table.Pivots {
				if v := cell.Pivot(p.Key).Value(); v != nil {
					r.Fields[name+" "+p.Key] = json.RawMessage(v)
				}
			}
		}
		return r, nil
	})
}

// fieldNames returns the columns' short labels or, if two columns share one, a longer name.
func fieldNames(columns []action.Column) []string {
	count := map[string]int{}
	for _, c := range columns {
		count[c.Title()]++
		if c.Label != c.Title() {
			count[c.Label]++
		}
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		switch {
		case count[c.Title()] == 1:
			names[i] = c.Title()
		case c.Label != "" && count[c.Label] == 1:
			names[i] = c.Label
		default:
			names[i] = c.Name
		}
	}
	return names
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
