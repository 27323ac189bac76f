package marketo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/reasons"
)

// retry is for calls that may be made twice: a lead that is updated again has the same values,
// and is on a list once.
var retry = deliver.Retry{Tries: 7, First: time.Second, Longest: 30 * time.Second}

// delivery is one delivery under way.
type delivery struct {
	input   input
	client  *client
	halver  *deliver.Halver
	reasons reasons.Reasons
	// triggers are by campaign.
	triggers map[string]*triggers
}

// send updates a batch of leads and does what else was asked for with those that were taken.
func (d *delivery) send(ctx context.Context, batch []*lead) error {
	refused, err := parts(deliver.Halve(ctx, d.halver, batch, d.update))
	if err != nil {
		return err
	}
	for _, target := range d.input.Targets {
		var ids []uint64
		for i, l := range batch {
			if refused[i] == nil {
				ids = append(ids, l.id)
			}
		}
		if len(ids) == 0 {
			break
		}
		why, err := d.change(ctx, target, ids)
		if isHopeless(err) {
			return deliver.Stop(d.afterUpdate(target, err))
		}
		for i, l := range batch {
			if reason := because(why[l.id], err); refused[i] == nil && reason != nil {
				refused[i] = d.afterUpdate(target, reason)
			}
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return refused
}

// parts tells what was said of single items from what holds for all.
func parts(err error) (deliver.RefusedError, error) {
	if refused, ok := errors.AsType[deliver.RefusedError](err); ok {
		return refused, nil
	}
	return deliver.RefusedError{}, err
}

// because is the reason that holds for a lead: its own or that for all.
func because(own, all error) error {
	if own != nil {
		return own
	}
	return all
}

// afterUpdate words an error that came when the leads had been updated.
func (d *delivery) afterUpdate(target string, err error) error {
	what := map[subaction]string{
		addCampaign: "campaign %s was not triggered for them", addList: "not added to list %s", removeList: "not removed from list %s",
	}[d.input.Action]
	return action.Wrap(err, action.KindOf(err), "Leads were updated, but "+what+": %s", target, action.MessageOf(err))
}

// result is what Marketo says of one lead.
type result struct {
	ID      uint64    `json:"id"`
	Status  string    `json:"status"`
	Reasons []problem `json:"reasons"`
}

// update creates or updates leads in one call, and notes their ids
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/leads).
func (d *delivery) update(ctx context.Context, batch []*lead) error {
	input := make([]json.RawMessage, len(batch))
	for i, l := range batch {
		input[i] = l.fields
	}
	body := map[string]any{"lookupField": d.input.Lookup, "input": input}
	var results []result
	err := retry.Do(ctx, func(ctx context.Context) error {
		results = nil
		err := d.client.call(ctx, http.MethodPost, "leads.json", body, &results)
		if err == nil && len(results) != len(batch) {
			return errIncomplete
		}
		return err
	})
	switch {
	case isHopeless(err):
		return deliver.Stop(err)
	case err != nil:
		return err
	}
	refused := deliver.RefusedError{}
	for i, r := range results {
		if r.ID == 0 || r.Status == "skipped" {
			refused[i] = d.reasons.Refused("Marketo says: "+r.reason()+".", fmt.Sprintf("row %d", batch[i].row))
			continue
		}
		batch[i].id = r.ID
	}
	if len(refused) == 0 {
		return nil
	}
	return refused
}

// errIncomplete is for an answer that leaves out leads: it says nothing about any.
var errIncomplete = action.Errorf(action.Unavailable, "Marketo answered, but not for every lead.")

// change does with leads what was asked for besides updating them, and returns why it could not
// be done: for single ones, or for all.
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
	err := retry.Do(ctx, func(ctx context.Context) error {
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
			why[r.ID] = d.reasons.Refused("Marketo says: "+r.reason()+".", fmt.Sprintf("lead %d", r.ID))
		}
	}
	return why, nil
}

// objects are ids as Marketo takes them in a body.
func objects(ids []uint64) []map[string]uint64 {
	all := make([]map[string]uint64, len(ids))
	for i, id := range ids {
		all[i] = map[string]uint64{"id": id}
	}
	return all
}
