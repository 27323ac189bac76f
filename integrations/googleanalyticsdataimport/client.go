package googleanalyticsdataimport

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
)

// The URLs of the Measurement Protocol: https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference
const (
	collect = "https://www.google-analytics.com/mp/collect"
	debug   = "https://www.google-analytics.com/debug/mp/collect"
)

// A batch of rows needs at least one call, and at most one for each person and maxEvents.
const (
	batchRows   = 100
	concurrency = 8
	timeout     = time.Minute
)

// protocol sends events.
type protocol struct {
	http   *http.Client
	target target
	// reads is the retry for calls that change nothing.
	reads deliver.Retry
}

// send sends a batch. Its error has an entry for each row that was not sent. Google does not deduplicate
// events, so a call is retried only if it had no effect.
func (p *protocol) send(ctx context.Context, batch []measured) error {
	once := deliver.Once{Name: name, Timeout: timeout, MaybeDeliveredHint: "Its events may have been delivered."}
	failed := map[int]error{}
	var last error
	for from, c := range calls(batch) {
		err := once.Do(ctx, func(ctx context.Context) error { return p.post(ctx, collect, c, nil) })
		if err == nil {
			continue
		}
		last = err
		for n := range c.Events {
			failed[from+n] = err
		}
	}
	if len(failed) == len(batch) && len(batch) == batchRows {
		return deliver.Stop(last) // if a whole batch fails, so will the next
	}
	return deliver.Partial(failed)
}

const name = "Google Analytics"

// validate has Google check events without storing them. Google does not check the secret then:
// https://developers.google.com/analytics/devguides/collection/protocol/ga4/validating-events
func (p *protocol) validate(ctx context.Context, c call) error {
	c.Validation = "ENFORCE_RECOMMENDATIONS"
	var response struct {
		Messages []struct {
			Field string `json:"fieldPath"`
			Code  string `json:"validationCode"`
		} `json:"validationMessages"`
	}
	err := p.reads.Do(ctx, func(ctx context.Context) error {
		return p.post(outbound.WithDoubt(ctx, ""), debug, c, &response)
	})
	if err != nil {
		return action.Wrap(err, action.KindOf(err), "%s Nothing was sent.", action.MessageOf(err))
	}
	if len(response.Messages) > 0 {
		// The description can quote values.
		m := response.Messages[0]
		return action.Errorf(action.Invalid, "Google Analytics would drop these events (%s). Nothing was sent.", message.Line(m.Code+" "+m.Field))
	}
	return nil
}

// post sends events. The protocol requires the secret in the query.
func (p *protocol) post(ctx context.Context, address string, c call, out any) error {
	api := outbound.API{Name: name, Client: p.http, Timeout: timeout}
	query := url.Values{"measurement_id": {p.target.measurementID}, "api_secret": {p.target.secret.Reveal()}}
	return api.Call(ctx, http.MethodPost, outbound.WithQuery(address, query), c, out)
}
