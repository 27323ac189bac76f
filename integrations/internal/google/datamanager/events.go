package datamanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"golang.org/x/time/rate"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/rows"
)

// Google allows 300 calls a minute for a project: https://developers.google.com/data-manager/api/devguides/limits
const (
	eventCallsPerSecond = 4
	eventConcurrency    = 2
	// maxEventsBytes keeps a call well below the 10 MiB of Google's APIs.
	maxEventsBytes = 4 << 20
	// maxBisectCalls bounds the calls that find events for which Google rejects whole calls without naming them.
	maxBisectCalls = 200
)

// Events sends events to one destination, whose user identifiers are hashes in [Hex].
type Events struct {
	Client *Client
	To     Destination
	// Policy decides which calls are made again: [deliver.Retry] if Google counts a repeated event once.
	Policy deliver.Policy
	// Outcome is that of [deliver.Options].
	Outcome func(index int, err error)

	mu       sync.Mutex
	requests []string
}

// Send sends events, each of which is the JSON of one:
// https://developers.google.com/data-manager/api/reference/rest/v1/events/ingest#Event
func (e *Events) Send(ctx context.Context, events iter.Seq2[[]byte, error]) *deliver.Result {
	to, err := json.Marshal([]Destination{e.To})
	if err != nil {
		panic(err) // a destination has only texts
	}
	before := fmt.Sprintf(`{"destinations":%s,"encoding":%q,"events":[`, to, Hex)
	limiter := rate.NewLimiter(eventCallsPerSecond, eventConcurrency)
	o := rows.JSONBatches(MaxEvents, maxEventsBytes-len(before))
	o.Concurrency, o.BisectBudget, o.Outcome = eventConcurrency, maxBisectCalls, e.Outcome
	return deliver.Batches(ctx, events, o, func(ctx context.Context, batch [][]byte) error {
		return SendValid(batch, func(valid [][]byte) error {
			// The policy is not that of the batches: a call without the invalid events is a new one.
			return deliver.Call(ctx, limiter, e.Policy, func(ctx context.Context) error {
				return e.post(ctx, rows.JSONBody(before, valid, "]}"))
			})
		})
	})
}

// Follow follows the calls that Google accepted, in a job, which logs the number of events that Google could
// not use. It processes them within hours. what names the events in the log. An error means that they are
// not followed.
func (e *Events) Follow(ctx context.Context, startJob action.StartJob, what string) error {
	e.mu.Lock()
	requests := slices.Clone(e.requests)
	e.mu.Unlock()
	if len(requests) == 0 {
		return nil
	}
	return startJob(ctx, func(context.Context) (action.Job, error) {
		name := fmt.Sprintf("%s, %d requests, the first is %s", what, len(requests), requests[0])
		return action.Job{Name: name, Follow: func(ctx context.Context) error { return e.report(ctx, requests, what) }}, nil
	})
}

// report logs what became of the events of calls. Its error makes the job fail, which raises an alert: nothing
// depends on the job, so neither the hub's stop nor a part of the events is one.
func (e *Events) report(ctx context.Context, requests []string, what string) error {
	log := e.Client.google.Log
	outcome, err := e.Client.Follow(ctx, requests)
	select {
	case <-ctx.Done():
		log.InfoContext(ctx, "requests are no longer followed", "events", what)
		return nil
	default:
	}
	if err != nil {
		return err
	}
	err = outcome.Err()
	if err != nil && outcome.Failures < outcome.Records {
		log.WarnContext(ctx, "destination could not process all events", "events", what, "error", err)
		return nil
	}
	return err
}

func (e *Events) post(ctx context.Context, body outbound.Body) error {
	accepted, err := e.Client.Post(ctx, "events:ingest", body)
	if err != nil {
		return stopUnlessItems(err)
	}
	if accepted.RequestID != "" {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.requests = append(e.requests, accepted.RequestID)
	}
	return nil
}

// stopUnlessItems ends the delivery for an error that every other call would have too.
func stopUnlessItems(err error) error {
	if _, ok := errors.AsType[*ItemsError](err); ok || action.KindOf(err).Retryable() {
		return err
	}
	status, ok := errors.AsType[*outbound.StatusError](err)
	if ok && action.KindOf(err) == action.Invalid && len(violations(status.Body)) == 0 {
		return err // it may be about some of the events
	}
	return deliver.Stop(err)
}
