package airtable

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/rowlog"
	"integrationhub.dev/integrations/internal/rows"
)

// record is a record in a request: its values by Airtable's field names.
type record struct {
	Fields map[string]json.RawMessage `json:"fields"`
	// key is equal for records with the same values in the key fields.
	key string
}

// weight is the approximate size of the record in a request.
func (r record) weight() int {
	n := 0
	for name, value := range r.Fields {
		n += len(name) + len(value)
	}
	return n
}

// records converts rows to records. names are the field names of the columns, and keys the columns of the key fields.
func records(table *action.Table, names []string, keys []int) iter.Seq2[record, error] {
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
		for _, i := range keys {
			if keyValue(row, i) == "" {
				// It would match any record without a value.
				return r, deliver.Reject(action.Errorf(action.Invalid, "A row has no value in the key field %s.", names[i]))
			}
			r.key += keyValue(row, i) + "\x00"
		}
		return r, nil
	})
}

// keyValue is the value of a key field. Its case does not matter.
func keyValue(row action.Row, column int) string {
	return strings.ToLower(strings.TrimSpace(row.Cell(column).Text()))
}

// keyOf returns the key of a row's record. Without key fields, each row is a record of its own.
func keyOf(keys []int) rowlog.Key {
	if len(keys) == 0 {
		return nil
	}
	return func(row action.Row) string {
		values := make([]string, len(keys))
		for n, i := range keys {
			values[n] = keyValue(row, i)
		}
		return strings.Join(values, "\x00")
	}
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

// delivery is one delivery in progress.
type delivery struct {
	session *session
	input   input
	// keyFields are the names of the fields by which records are recognized.
	keyFields []string
	// added counts the records that an upsert added.
	added atomic.Int64
}

// recordsRequest is the request for new or changed records. Typecast makes Airtable convert strings, which it does not
// do by default: https://airtable.com/developers/web/api/create-records
type recordsRequest struct {
	Upsert   *performUpsert `json:"performUpsert,omitempty"`
	Records  []record       `json:"records"`
	Typecast bool           `json:"typecast,omitempty"`
}

// performUpsert makes Airtable find records by their fields instead of their IDs:
// https://airtable.com/developers/web/api/update-multiple-records
type performUpsert struct {
	FieldsToMergeOn []string `json:"fieldsToMergeOn"`
}

type recordsResponse struct {
	Records []jsontext.Value `json:"records"`
	Created []string         `json:"createdRecords"`
}

// create adds at most ten records. Airtable adds all of them or none.
func (d *delivery) create(ctx context.Context, batch []record) error {
	var response recordsResponse
	err := d.session.call(ctx, func(ctx context.Context, api outbound.API) error {
		once := deliver.Once{Name: name, MaybeDeliveredHint: inDoubt}
		return once.Do(ctx, func(ctx context.Context) error {
			return api.Call(ctx, http.MethodPost, d.path(), d.request(batch), &response)
		})
	})
	if err == nil && len(response.Records) != len(batch) {
		return action.Wrap(errCount, action.Unavailable, "Unexpected response from Airtable. %s", inDoubt)
	}
	return stopIfFinal(err)
}

// upsert adds or updates at most ten records. It can be repeated.
func (d *delivery) upsert(ctx context.Context, batch []record) error {
	var response recordsResponse
	err := d.session.call(ctx, func(ctx context.Context, api outbound.API) error {
		api.Explain = explainUpsert
		return api.Call(outbound.WithDoubt(ctx, ""), http.MethodPatch, d.path(), d.request(batch), &response)
	})
	if err == nil && len(response.Records) != len(batch) {
		return action.Wrap(errCount, action.Unavailable, "Unexpected response from Airtable.")
	}
	if err == nil {
		d.added.Add(int64(len(response.Created)))
	}
	return stopIfFinal(err)
}

func (d *delivery) path() string { return outbound.Path(string(d.input.Base), string(d.input.Table)) }

func (d *delivery) request(batch []record) recordsRequest {
	in := recordsRequest{Records: batch, Typecast: d.input.Typecast == convert}
	if len(d.keyFields) > 0 {
		in.Upsert = &performUpsert{d.keyFields}
	}
	return in
}

// stopIfFinal ends the delivery with an error that every other batch would have too.
func stopIfFinal(err error) error {
	switch action.KindOf(err) {
	case action.Unauthenticated, action.Forbidden, action.NotFound:
		return deliver.Stop(err)
	default:
		return err
	}
}

// errCount is for a response without a record for each one that was sent.
var errCount = errors.New("the response has a different number of records")

// inDoubt is the hint for errors after which the records may have been added.
const inDoubt = "Records may already have been added. Check before retrying."
