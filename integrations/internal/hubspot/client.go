package hubspot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/rows"
)

// timeout limits one call.
const timeout = time.Minute

// client calls HubSpot for one delivery.
type client struct {
	http       *http.Client
	object     Object
	token      action.Secret
	rejections *rows.Rejections
}

// response is HubSpot's response to a batch that it accepted completely (200) or partly (207).
type response struct {
	Results []struct {
		ID string `json:"id"`
	} `json:"results"`
	Errors []problem `json:"errors"`
}

// update sends a batch in one call
// (https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch).
func (c *client) update(ctx context.Context, batch []update) error {
	body, err := json.Marshal(map[string]any{"inputs": batch})
	if err != nil {
		return action.Wrap(fmt.Errorf("encoding a batch: %w", err), action.Invalid, "A row has a value that is not valid JSON.")
	}
	api := outbound.API{
		Name: name, Base: "https://api.hubapi.com/crm/v3/objects", Client: c.http, Timeout: timeout,
		Authorize: func(req *http.Request) {
			outbound.Bearer(c.token)(req)
			req.Header.Set("Accept", "application/json")
		},
		Explain: func(err *action.Error, status *outbound.StatusError) error { return c.explain(err, status, batch) },
	}
	var res response
	path := outbound.Path(c.object.Type, "batch", "update")
	if err := api.Call(ctx, http.MethodPost, path, outbound.Bytes("application/json", body), &res); err != nil {
		return err
	}
	return c.outcome(batch, res)
}

// outcome returns an error for the updates that failed. The response has another ID for a record that
// was merged into another one. So the number of results counts, and their IDs matter only if some are
// missing.
func (c *client) outcome(batch []update, res response) error {
	failed := map[int]error{}
	index := map[string]int{}
	for i, u := range batch {
		index[u.ID] = i
	}
	var unnamed error
	for _, p := range res.Errors {
		ids := p.ids()
		if len(ids) == 0 {
			unnamed = c.reasonFor(p, "")
		}
		for _, id := range ids {
			if i, known := index[id]; known {
				failed[i] = c.reasonFor(p, id)
			}
		}
	}
	if unnamed == nil {
		if len(res.Results)+len(failed) >= len(batch) {
			return deliver.Partial(failed)
		}
		unnamed = action.Wrap(errOutcomeUnknown, action.Unavailable, "HubSpot did not confirm every update.")
	}
	for _, r := range res.Results {
		delete(index, r.ID)
	}
	for _, i := range index {
		if failed[i] == nil {
			failed[i] = unnamed
		}
	}
	return deliver.Partial(failed)
}
