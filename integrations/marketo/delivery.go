package marketo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

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
