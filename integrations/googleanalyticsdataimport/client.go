package googleanalyticsdataimport

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/google"
	"integrationhub.dev/integrations/internal/google/datamanager"
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
	http          *http.Client
	measurementID string
	secret        action.Secret
	// reads is the retry for calls that change nothing.
	reads deliver.Retry
}

// deliver implements client. Google validates the first events before any are stored.
func (p *protocol) deliver(ctx context.Context, r *result) (rows int, delivered *deliver.Result, err error) {
	first, rows, err := r.check()
	if err == nil && first != nil {
		err = p.validate(ctx, *first)
	}
	if err != nil {
		return 0, nil, err
	}
	all := events(r, measure)
	o := deliver.Options[measured]{Size: batchRows, Concurrency: concurrency, Outcome: r.kept.Outcome}
	return rows, deliver.Batches(ctx, all, o, p.send), nil
}

// note implements client.
func (*protocol) note() string {
	return "Google does not confirm that it stored them: check the property's reports, or Realtime for the last 30 minutes."
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
		return action.Errorf(action.Invalid, "Google Analytics would drop these events (%s). Nothing was sent.", action.Line(m.Code+" "+m.Field))
	}
	return nil
}

// post sends events. The protocol requires the secret in the query.
func (p *protocol) post(ctx context.Context, address string, c call, out any) error {
	api := outbound.API{Name: name, Client: p.http, Timeout: timeout}
	query := url.Values{"measurement_id": {p.measurementID}, "api_secret": {p.secret.Reveal()}}
	return api.Call(ctx, http.MethodPost, outbound.WithQuery(address, query), c, out)
}

// The limits of a call: https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events#limitations
const (
	maxEvents = 25
	// maxBody is in bytes. Values of 100 characters can exceed it with fewer events than maxEvents.
	maxBody = 130_000
)

// measured is an event of the Measurement Protocol.
type measured struct {
	// who is the person of the event. Events of one person share a call.
	who who
	// text is the event as JSON.
	text json.RawMessage
}

// who is the part of a call that its events share.
type who struct {
	Client string `json:"client_id"`
	User   string `json:"user_id,omitempty"`
	// Properties is a JSON object as text, so that people can be compared.
	Properties string `json:"-"`
}

// call is the body of a call.
type call struct {
	who
	Properties json.RawMessage   `json:"user_properties,omitempty"`
	Validation string            `json:"validation_behavior,omitempty"`
	Events     []json.RawMessage `json:"events"`
}

// measure converts an event.
func measure(e event) (measured, error) {
	type params struct {
		Name   string         `json:"name"`
		Micros int64          `json:"timestamp_micros,omitempty"`
		Params map[string]any `json:"params"`
	}
	p := params{Name: e.name, Params: e.params}
	if !e.time.IsZero() {
		p.Micros = e.time.UnixMicro()
	}
	text, err := json.Marshal(p)
	m := measured{who{Client: e.client, User: e.user}, text}
	if len(e.properties) > 0 && err == nil {
		values := map[string]any{}
		for name, value := range e.properties {
			values[name] = map[string]any{"value": value}
		}
		var properties []byte
		properties, err = json.Marshal(values) // in the order of their names
		m.who.Properties = string(properties)
	}
	if err != nil {
		return m, action.Wrap(err, action.Internal, "A row cannot be sent as an event.")
	}
	return m, nil
}

func newCall(w who) call {
	c := call{who: w}
	if w.Properties != "" {
		c.Properties = json.RawMessage(w.Properties)
	}
	return c
}

// overhead is more than the bytes of a call besides the values, which JSON can make six times as long.
const overhead = 200

// size is more than the bytes of a call without events.
func (w who) size() int { return overhead + 6*(len(w.Client)+len(w.User)) + len(w.Properties) }

// calls splits a batch into calls: consecutive events of one person. It yields the index of the first event of each.
func calls(batch []measured) iter.Seq2[int, call] {
	return func(yield func(int, call) bool) {
		for from := 0; from < len(batch); {
			c := firstCall(batch[from:])
			if !yield(from, c) {
				return
			}
			from += len(c.Events)
		}
	}
}

// firstCall returns the call with the first events of a batch, which is not empty.
func firstCall(batch []measured) call {
	c := newCall(batch[0].who)
	size := c.size()
	for _, m := range batch {
		size += len(m.text) + len(",")
		if len(c.Events) > 0 && (len(c.Events) == maxEvents || size >= maxBody || m.who != c.who) {
			break
		}
		c.Events = append(c.Events, m.text)
	}
	return c
}

// check counts the rows. It returns the first call, which is nil if no row is valid.
func (r *result) check() (first *call, rows int, err error) {
	var (
		events   []measured
		complete bool
		failed   error
	)
	rows, err = r.count(func(e event) {
		if complete {
			return
		}
		var m measured
		m, failed = measure(e)
		complete = failed != nil || len(events) > 0 && m.who != events[0].who
		if !complete {
			events = append(events, m)
			complete = len(events) == maxEvents
		}
	})
	if len(events) > 0 {
		c := firstCall(events)
		first = &c
	}
	return first, rows, errors.Join(err, failed)
}

// manager sends events by the Data Manager API.
type manager struct {
	*Integration
	events *datamanager.Events
	// encoder is only used while rows are read.
	encoder *datamanager.AnalyticsEncoder
}

// newManager makes a manager for a data stream. Google does not deduplicate events, so a call is retried only if
// it had no effect:
// https://developers.google.com/data-manager/api/devguides/events/analytics/recommended-custom-events/send-events
func (i *Integration) newManager(c *google.Client, stream streamID, measurementID string) *manager {
	property := datamanager.Account{Type: datamanager.AnalyticsProperty, ID: stream.property}
	return &manager{i, &datamanager.Events{
		Client: datamanager.New(c),
		To:     datamanager.Destination{Login: &property, Operating: property, ID: measurementID},
		Policy: deliver.Once{Name: datamanager.Name, MaybeDeliveredHint: "Its events may have been delivered."},
	}, datamanager.NewAnalyticsEncoder()}
}

// deliver implements client.
func (m *manager) deliver(ctx context.Context, r *result) (rows int, delivered *deliver.Result, err error) {
	if rows, err = r.count(func(event) {}); err != nil || rows == 0 {
		return rows, nil, err
	}
	all := events(r, func(e event) ([]byte, error) {
		if e.time.IsZero() {
			e.time = r.now // the API requires a time
		}
		return m.encoder.Encode(datamanager.AnalyticsEvent{
			Name: e.name, ClientID: e.client, UserID: e.user, Time: e.time, Params: e.params, Properties: e.properties,
		})
	})
	m.events.Outcome = r.kept.Outcome
	delivered = m.events.Send(ctx, all)
	if err := m.events.Follow(ctx, m.startJob, "Google Analytics events for "+m.events.To.ID); err != nil {
		m.Log.WarnContext(ctx, "requests are not followed", "error", err)
	}
	return rows, delivered, nil
}

// note implements client.
func (*manager) note() string {
	return "Google processes them within hours: check the property's reports."
}
