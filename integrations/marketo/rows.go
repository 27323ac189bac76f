package marketo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rows"
)

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
}

// changeAll does the additional action with updated leads.
func (d *delivery) changeAll(ctx context.Context, batch []*lead) error {
	failed := map[int]error{}
	for _, target := range d.input.Targets {
		var ids []uint64
		for i, l := range batch {
			if failed[i] == nil {
				ids = append(ids, l.id)
			}
		}
		if len(ids) == 0 {
			break
		}
		errs, err := d.change(ctx, target, ids)
		if deliver.Stopped(err) {
			return d.afterUpdate(target, err)
		}
		for i, l := range batch {
			if cause := cmp.Or(errs[l.id], err); failed[i] == nil && cause != nil {
				failed[i] = d.afterUpdate(target, cause)
			}
		}
	}
	return deliver.Partial(failed)
}

// afterUpdate explains an error after which the leads are already updated.
func (d *delivery) afterUpdate(target string, err error) error {
	what := map[subaction]string{
		addCampaign: "campaign %s was not triggered for them", addList: "not added to list %s", removeList: "not removed from list %s",
	}[d.input.Action]
	return action.Wrap(err, action.KindOf(err), "Leads were updated, but "+what+": %s", target, action.MessageOf(err))
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
	input := make([]json.RawMessage, len(batch))
	for i, l := range batch {
		input[i] = l.fields
	}
	body := map[string]any{"lookupField": d.input.Lookup, "input": input}
	var results []result
	if err := d.client.call(ctx, http.MethodPost, "leads.json", body, &results); err != nil {
		return err
	}
	if len(results) != len(batch) {
		return errIncomplete
	}
	failed := map[int]error{}
	for i, r := range results {
		if r.ID == 0 || r.Status == "skipped" {
			failed[i] = d.rejections.Rejected("Marketo says: "+r.reason()+".", fmt.Sprintf("row %d", batch[i].row))
			continue
		}
		batch[i].id = r.ID
	}
	return deliver.Partial(failed)
}

// errIncomplete is for a response without a result for each lead.
var errIncomplete = action.Errorf(action.Unavailable, "Marketo did not confirm every lead.")

// change does the additional action. It returns errors for single leads, or one for all.
func (d *delivery) change(ctx context.Context, target string, ids []uint64) (map[uint64]error, error) {
	switch d.input.Action {
	case addCampaign:
		return d.trigger(ctx, target, ids)
	case addList:
		return d.list(ctx, http.MethodPost, target, ids)
	default:
		return d.list(ctx, http.MethodDelete, target, ids)
	}
}

// list adds leads to a list or removes them
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/list-membership).
func (d *delivery) list(ctx context.Context, method, list string, ids []uint64) (map[uint64]error, error) {
	path := "lists/" + list + "/leads.json"
	var body any
	if method == http.MethodDelete {
		query := url.Values{}
		for _, id := range ids {
			query.Add("id", strconv.FormatUint(id, 10))
		}
		path += "?" + query.Encode()
	} else {
		body = map[string]any{"input": objects(ids)}
	}
	var results []result
	err := deliver.Call(ctx, d.limiter, retry, func(ctx context.Context) error {
		results = nil
		return d.client.call(ctx, method, path, body, &results)
	})
	if err != nil {
		return nil, err
	}
	why := map[uint64]error{}
	for _, id := range ids {
		why[id] = errIncomplete
	}
	for _, r := range results {
		switch {
		case r.Status != "skipped", r.has(notOnList): // then there is nothing to remove
			delete(why, r.ID)
		default:
			why[r.ID] = d.rejections.Rejected("Marketo says: "+r.reason()+".", fmt.Sprintf("lead %d", r.ID))
		}
	}
	return why, nil
}

// objects converts IDs for a request body.
func objects(ids []uint64) []map[string]uint64 {
	all := make([]map[string]uint64, len(ids))
	for i, id := range ids {
		all[i] = map[string]uint64{"id": id}
	}
	return all
}

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
	// id is Marketo's. It is set when the lead is updated.
	id uint64
}

// layout maps columns to Marketo's fields.
type layout struct {
	// fields are the field names by column. A column may set several.
	fields [][]string
	titles []string
	lookup int
	field  string
}

func newLayout(columns []action.Column, lookup string) (*layout, error) {
	l := &layout{fields: make([][]string, len(columns)), lookup: -1, field: lookup}
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
			if field == lookup {
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
func (l *layout) leads(table *action.Table) iter.Seq2[*lead, error] {
	n := 0
	return rows.Convert(table, func(row action.Row) (*lead, error) {
		n++
		return l.lead(n, row)
	})
}

func (l *layout) lead(n int, row action.Row) (*lead, error) {
	key := strings.ToLower(strings.TrimSpace(row.Cell(l.lookup).Text()))
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
			fields[name] = json.RawMessage(v)
		}
	}
	text, err := json.Marshal(fields)
	switch {
	case err != nil:
		return nil, deliver.Reject(action.Wrap(err, action.Invalid, "A row has a value that is not valid JSON."))
	case len(text) > bytesPerCall:
		return nil, deliver.Reject(action.Errorf(action.Invalid, "A row exceeds Marketo's limit of 1 MB."))
	}
	return &lead{row: n, key: key, fields: text}, nil
}

// trigger runs a campaign for leads
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/smart-campaigns).
// Each run may send a mail, so a lead gets only one, however many rows it has, and the call is not
// repeated if its outcome is unknown.
func (d *delivery) trigger(ctx context.Context, campaign string, ids []uint64) (map[uint64]error, error) {
	t := d.triggers[campaign]
	fresh, why := t.claim(ids)
	if len(fresh) == 0 {
		return why, nil
	}
	body := map[string]any{"input": map[string]any{"leads": objects(fresh)}}
	once := deliver.Once{Name: name, MaybeDeliveredHint: "It may already have been triggered."}
	err := d.client.signIn(ctx) // before a call that must not be repeated
	signedIn := err == nil
	if signedIn {
		err = deliver.Call(ctx, d.limiter, once, func(ctx context.Context) error {
			return d.client.call(ctx, http.MethodPost, "campaigns/"+campaign+"/trigger.json", body, nil)
		})
	}
	switch kind := action.KindOf(err); {
	case err == nil:
	case signedIn && (kind == action.Unavailable || kind == action.Timeout):
		t.markInDoubt(fresh)
	default:
		t.release(fresh)
	}
	for _, id := range fresh {
		if err != nil {
			why[id] = err
		}
	}
	if deliver.Stopped(err) {
		return why, err
	}
	return why, nil
}

// triggers records the leads for which a campaign was triggered, in about two bytes for each.
type triggers struct {
	mu sync.Mutex
	// claimed are the leads of calls that succeeded or are in flight; inDoubt those of calls with an
	// unknown outcome.
	claimed, inDoubt *roaring64.Bitmap
}

func newTriggers(campaigns []string) map[string]*triggers {
	all := map[string]*triggers{}
	for _, c := range campaigns {
		all[c] = &triggers{claimed: roaring64.New(), inDoubt: roaring64.New()}
	}
	return all
}

// errDoubt is for another row of a lead in doubt.
var errDoubt = action.Errorf(action.Unavailable, "It may have been triggered already, for another row of the same lead.")

// claim returns the leads for which the campaign must be triggered, and errors for those in doubt.
func (t *triggers) claim(ids []uint64) ([]uint64, map[uint64]error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var fresh []uint64
	why := map[uint64]error{}
	for _, id := range ids {
		switch {
		case t.inDoubt.Contains(id):
			why[id] = errDoubt
		case t.claimed.CheckedAdd(id):
			fresh = append(fresh, id)
		}
	}
	return fresh, why
}

// markInDoubt records leads for which the campaign may have been triggered.
func (t *triggers) markInDoubt(ids []uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		t.inDoubt.Add(id)
	}
}

// release undoes claim.
func (t *triggers) release(ids []uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		t.claimed.Remove(id)
	}
}
