package marketo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/mirror"
	"integrationhub.dev/integrations/internal/rows"
	"integrationhub.dev/integrations/internal/timestamp"
)

// tagPrefix is the prefix of LookML tags that name Marketo's fields, such as marketo:email.
const tagPrefix = "marketo:"

// lead is one row.
type lead struct {
	// row is its number in the result, from 1, which errors may contain.
	row int
	// key is the value of the lookup field. Marketo's comparison ignores case.
	key string
	// fields are a JSON object.
	fields json.RawMessage
	// id is Marketo's. It is set when the lead is updated, unless the row has it.
	id uint64
	// kept is whether the plan of a mirrored list has the lead.
	kept bool
}

// layout maps columns to Marketo's fields.
type layout struct {
	// fields are the field names by column. A column may set several.
	fields [][]string
	titles []string
	lookup int
	field  string
	times  times
}

func newLayout(columns []action.Column, in input, describe func() (map[string]string, error)) (*layout, error) {
	l := &layout{fields: make([][]string, len(columns)), lookup: -1, field: in.Lookup, times: times{describe: describe, zone: in.Zone}}
	from := map[string]string{}
	for i, c := range columns {
		l.titles = append(l.titles, c.Title())
		for _, tag := range c.Tags {
			field, ok := strings.CutPrefix(tag, tagPrefix)
			if !ok {
				continue
			}
			field, _, _ = strings.Cut(field, tagPrefix)
			if other, taken := from[field]; taken && other != c.Name {
				return nil, action.Errorf(action.Invalid, "The fields %s and %s are both tagged %s%s.", other, c.Name, tagPrefix, field)
			}
			from[field] = c.Name
			if field == l.field {
				l.lookup = i
			}
			if !slices.Contains(l.fields[i], field) {
				l.fields[i] = append(l.fields[i], field)
			}
		}
	}
	if l.lookup < 0 {
		return nil, action.InvalidField("lookupField", "Marketo Lookup Field for lead not present in query.")
	}
	return l, nil
}

// leads converts rows to leads.
func (d *delivery) leads(l *layout, table *action.Table) iter.Seq2[*lead, error] {
	n := 0
	return rows.Convert(table, func(row action.Row) (*lead, error) {
		n++
		lead, err := l.lead(n, row)
		if err == nil && lead.id != 0 {
			d.keep(lead) // also if the update fails
		}
		return lead, err
	})
}

// key is the value of the lookup field.
func (l *layout) key(row action.Row) string {
	return strings.ToLower(strings.TrimSpace(row.Cell(l.lookup).Text()))
}

func (l *layout) lead(n int, row action.Row) (*lead, error) {
	key := l.key(row)
	if key == "" {
		// Marketo would create a lead each time.
		return nil, deliver.Reject(action.Errorf(action.Invalid, "A row has no %s to look up its lead.", l.field))
	}
	fields := map[string]json.RawMessage{}
	for i, names := range l.fields {
		cell := row.Cell(i)
		if len(names) == 0 || cell.Missing() || cell.Raw().Kind() == 'n' {
			continue
		}
		v := cell.Value()
		if v == nil {
			return nil, deliver.Reject(action.Errorf(action.Invalid, "The column %s is pivoted: one field of a lead cannot hold "+
				"several values.", l.titles[i]))
		}
		for _, name := range names {
			value, err := l.times.value(name, v)
			if err != nil {
				return nil, err
			}
			fields[name] = json.RawMessage(value)
		}
	}
	var id uint64
	if l.field == idField {
		var err error
		if id, err = strconv.ParseUint(key, 10, 63); err != nil || id == 0 {
			return nil, deliver.Reject(action.Errorf(action.Invalid, "A row's id is not a Marketo lead ID, which is a number."))
		}
		key = strconv.FormatUint(id, 10)
		fields[idField] = json.RawMessage(key)
	}
	text, err := json.Marshal(fields)
	switch {
	case err != nil:
		return nil, deliver.Reject(action.Wrap(err, action.Invalid, "A row has a value that is not valid JSON."))
	case len(text) > bytesPerCall:
		return nil, deliver.Reject(action.Errorf(action.Invalid, "A row exceeds Marketo's limit of 1 MB."))
	}
	return &lead{row: n, key: key, fields: text, id: id}, nil
}

// retry is for calls that can be repeated: updates set the same values, and a lead is on a list
// only once.
var retry = deliver.Retry{MaxAttempts: 7, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second}

// delivery is one delivery in progress.
type delivery struct {
	input      input
	client     *client
	limiter    *rate.Limiter
	rejections rows.Rejections
	// triggers are by campaign.
	triggers map[string]*triggers
	// plan is nil unless the lists are mirrored, and known counts the rows whose leads it has.
	plan  *mirror.Plan
	known atomic.Int64
}

// idField is the field with Marketo's own ID of a lead.
const idField = "id"

// updateOnly is the action that creates no leads. Marketo requires it for the lookup field id:
// https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/leads
const updateOnly = "updateOnly"

// syncRequest is the request that creates or updates leads.
type syncRequest struct {
	Action    string            `json:"action,omitempty"`
	Input     []json.RawMessage `json:"input"`
	Lookup    string            `json:"lookupField"`
	Partition string            `json:"partitionName,omitempty"`
}

// result is Marketo's result for one lead.
type result struct {
	ID      uint64    `json:"id"`
	Status  string    `json:"status"`
	Reasons []problem `json:"reasons"`
}

// update creates or updates leads in one call, and sets their IDs
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/leads).
func (d *delivery) update(ctx context.Context, batch []*lead) error {
	body := syncRequest{Lookup: d.input.Lookup, Partition: d.input.Partition, Input: make([]json.RawMessage, len(batch))}
	if d.input.Lookup == idField {
		body.Action = updateOnly
	}
	for i, l := range batch {
		body.Input[i] = l.fields
	}
	var results []result
	if err := d.client.call(ctx, http.MethodPost, v1+"leads.json", body, &results); err != nil {
		return err
	}
	if len(results) != len(batch) {
		return errIncomplete
	}
	failed := map[int]error{}
	for i, r := range results {
		if r.ID == 0 || r.Status == skipped {
			failed[i] = d.rejections.Rejected("Marketo reported: "+r.reason()+".", fmt.Sprintf("row %d", batch[i].row))
			continue
		}
		batch[i].id = r.ID
		d.keep(batch[i])
	}
	return deliver.Partial(failed)
}

// errIncomplete is for a response without a result for each lead.
var errIncomplete = action.Errorf(action.Unavailable, "Marketo did not confirm every lead.")

// step is something that is done with updated leads. do returns errors for single leads, or one for all.
type step struct {
	// failed completes "Leads were updated, but …".
	failed string
	do     func(ctx context.Context, ids []uint64) (map[uint64]error, error)
}

// steps returns the steps in their order. A campaign may depend on the membership in a program, so it comes last.
func (d *delivery) steps() []step {
	var all []step
	if d.input.Program != "" {
		all = append(all, step{fmt.Sprintf("their status in program %s was not set", d.input.Program), d.setStatus})
	}
	for _, target := range d.input.Targets {
		list := func(method string) func(context.Context, []uint64) (map[uint64]error, error) {
			return func(ctx context.Context, ids []uint64) (map[uint64]error, error) {
				return d.list(ctx, method, target, ids)
			}
		}
		switch d.input.Action {
		case addCampaign:
			trigger := func(ctx context.Context, ids []uint64) (map[uint64]error, error) { return d.trigger(ctx, target, ids) }
			all = append(all, step{fmt.Sprintf("campaign %s was not triggered for them", target), trigger})
		case addList:
			all = append(all, step{"not added to list " + target, list(http.MethodPost)})
		case removeList:
			all = append(all, step{"not removed from list " + target, list(http.MethodDelete)})
		case legacy, noAction:
		}
	}
	return all
}

// afterUpdate takes the steps with leads that were updated.
func (d *delivery) afterUpdate(ctx context.Context, batch []*lead) error {
	failed := map[int]error{}
	for _, s := range d.steps() {
		var ids []uint64
		for i, l := range batch {
			if failed[i] == nil {
				ids = append(ids, l.id)
			}
		}
		if len(ids) == 0 {
			break
		}
		errs, err := s.do(ctx, ids)
		if deliver.Stopped(err) {
			return s.explain(err)
		}
		for i, l := range batch {
			if cause := cmp.Or(errs[l.id], err); failed[i] == nil && cause != nil {
				failed[i] = s.explain(cause)
			}
		}
	}
	return deliver.Partial(failed)
}

// explain explains an error after which the leads are already updated.
func (s step) explain(err error) error {
	return action.Wrap(err, action.KindOf(err), "Leads were updated, but %s: %s", s.failed, action.MessageOf(err))
}

// objects converts IDs for a request body.
func objects(key string, ids []uint64) []map[string]uint64 {
	all := make([]map[string]uint64, len(ids))
	for i, id := range ids {
		all[i] = map[string]uint64{key: id}
	}
	return all
}

// Marketo's types of dates and times, whose values are in W3C form
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/field-types).
const (
	dateType     = "date"
	datetimeType = "datetime"
)

// fieldTypes returns the data types of the instance's lead fields, by the fields' names
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/leads).
func (d *delivery) fieldTypes(ctx context.Context) (map[string]string, error) {
	var described []struct {
		Type string `json:"dataType"`
		REST struct {
			Name string `json:"name"`
		} `json:"rest"`
	}
	err := deliver.Call(ctx, d.limiter, retry, func(ctx context.Context) error {
		described = nil
		return d.client.call(ctx, http.MethodGet, v1+"leads/describe.json", nil, &described)
	})
	if err != nil {
		return nil, err
	}
	types := map[string]string{}
	for _, f := range described {
		if f.Type == dateType || f.Type == datetimeType {
			types[f.REST.Name] = f.Type
		}
	}
	return types, nil
}

// times writes the values of date and datetime fields. It must not be used concurrently.
type times struct {
	// describe returns the types of fields. It is called for the first value that may be a date.
	describe func() (map[string]string, error)
	types    map[string]string
	zone     action.TimeZone
}

// value returns what a field is set to. The error is about all rows.
func (t *times) value(field string, v jsontext.Value) (jsontext.Value, error) {
	if v.Kind() != '"' {
		return v, nil
	}
	text := strings.TrimSpace(action.Text(v))
	if !startsWithDate(text) {
		return v, nil
	}
	if t.types == nil {
		types, err := t.describe()
		if err != nil {
			return nil, err
		}
		t.types = types
	}
	at, err := timestamp.In(t.zone, text)
	if err != nil {
		return v, nil //nolint:nilerr // Marketo decides on other forms
	}
	switch t.types[field] {
	case dateType:
		text = at.Format(time.DateOnly)
	case datetimeType:
		text = at.Format("2006-01-02T15:04:05-07:00")
	default:
		return v, nil
	}
	return json.Marshal(text)
}

// startsWithDate reports whether a text begins like 2026-11-26.
func startsWithDate(text string) bool {
	if len(text) < len(time.DateOnly) {
		return false
	}
	_, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)])
	return err == nil
}
