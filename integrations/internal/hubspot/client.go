package hubspot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/mirror"
	"integrationhub.dev/integrations/internal/rows"
)

// timeout limits one call.
const timeout = time.Minute

// client calls HubSpot for one delivery.
type client struct {
	http    *http.Client
	version apiVersion
	object  Object
	token   action.Secret
	// property identifies records; "" means that their IDs do.
	property string
	// segment gets the records; "" is none.
	segment segment
	// plan is nil unless the segment is mirrored.
	plan       *mirror.Plan
	limiter    *rate.Limiter
	rejections *rows.Rejections
}

// explainer explains an unsuccessful response.
type explainer func(*action.Error, *outbound.StatusError) error

// api returns the API whose unsuccessful responses are explained by explain.
func (c *client) api(explain explainer) outbound.API {
	return outbound.API{
		Name: name, Base: "https://api.hubapi.com", Client: c.http, Timeout: timeout,
		Authorize: func(req *http.Request) {
			outbound.Bearer(c.token)(req)
			req.Header.Set("Accept", "application/json")
		},
		Explain: explain,
	}
}

// call makes a call that can be repeated, outside of the batches.
func (c *client) call(ctx context.Context, method, path string, in, out any, explain explainer) error {
	return deliver.Call(ctx, c.limiter, retry, func(ctx context.Context) error {
		return c.api(explain).Call(ctx, method, path, in, out)
	})
}

// batchInput is a record in a batch.
type batchInput struct {
	ID         string            `json:"id"`
	IDProperty string            `json:"idProperty,omitempty"`
	Properties map[string]string `json:"properties"`
	// Trace is repeated in the response, which has record IDs instead of the property's values.
	Trace string `json:"objectWriteTraceId,omitempty"`
}

// response is HubSpot's response to a batch that it accepted completely (200) or partly (207).
type response struct {
	Results []struct {
		ID    string `json:"id"`
		Trace string `json:"objectWriteTraceId"`
	} `json:"results"`
	Errors []problem `json:"errors"`
}

// send updates a batch of records in one call or, if they are matched by a property, updates or creates them
// (https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide).
func (c *client) send(ctx context.Context, batch []update) error {
	call, inputs := "update", make([]batchInput, len(batch))
	for i, u := range batch {
		inputs[i] = batchInput{ID: u.ID, Properties: u.Properties}
		if c.property != "" {
			call, inputs[i].IDProperty, inputs[i].Trace = "upsert", c.property, strconv.Itoa(i)
		}
	}
	body, err := json.Marshal(map[string]any{"inputs": inputs})
	if err != nil {
		return action.Wrap(fmt.Errorf("encoding a batch: %w", err), action.Invalid, "A row has a value that is not valid JSON.")
	}
	api := c.api(func(err *action.Error, status *outbound.StatusError) error { return c.explainBatch(err, status, batch) })
	var res response
	path := c.version.path("objects", c.object.Type, "batch", call)
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
		if c.property != "" {
			index[traceKey(strconv.Itoa(i))] = i
		}
	}
	var unnamed error
	for _, p := range res.Errors {
		keys := p.keys()
		if len(keys) == 0 {
			unnamed = c.reasonFor(p, nil)
		}
		for _, key := range keys {
			if i, known := index[key]; known {
				failed[i] = c.reasonFor(p, &batch[i])
			}
		}
	}
	confirmed := c.confirm(batch, index, res)
	if unnamed == nil {
		if len(res.Results)+len(failed) >= len(batch) {
			return deliver.Partial(failed)
		}
		unnamed = action.Wrap(errOutcomeUnknown, action.Unavailable, "HubSpot did not confirm every update.")
	}
	for i := range batch {
		if !confirmed[i] && failed[i] == nil {
			failed[i] = unnamed
		}
	}
	return deliver.Partial(failed)
}

// confirm records the IDs of the records in a response, and reports which updates it names.
func (c *client) confirm(batch []update, index map[string]int, res response) map[int]bool {
	confirmed := map[int]bool{}
	for _, r := range res.Results {
		key := r.ID
		if c.property != "" {
			key = traceKey(r.Trace)
		}
		i, known := index[key]
		if known {
			confirmed[i], *batch[i].record = true, r.ID
		}
		if c.property != "" || !known { // the plan has the IDs of the rows
			c.plan.Add(r.ID)
		}
	}
	return confirmed
}

// traceKey tells a trace from an ID.
func traceKey(trace string) string { return "trace " + trace }
