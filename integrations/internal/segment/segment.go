// Package segment sends each row of a query to Segment as a message, by the HTTP tracking API:
// https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/.
package segment

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
)

// name is what people call the destination.
const name = "Segment"

// The LookML tags of columns that identify people and groups.
const (
	tagEmail     = "email"
	tagUser      = "user_id"
	tagAnonymous = "segment_anonymous_id"
	tagGroup     = "segment_group_id"
)

// Kind is a kind of message (https://segment.com/docs/connections/spec/).
type Kind struct {
	// Type is its name in the API. Traits is the member that holds the row's values.
	Type, Traits string
	// Grouped messages assign a known person to a group, so they get no generated anonymous ID.
	Grouped bool
}

// The kinds of message that are sent.
var (
	Identify = Kind{Type: "identify", Traits: "traits"}
	Group    = Kind{Type: "group", Traits: "traits", Grouped: true}
	Track    = Kind{Type: "track", Traits: "properties"}
)

// Definition is what the integrations have in common.
func Definition() action.Definition {
	return action.Definition{
		Params: []action.Param{{
			Name: "segment_write_key", Label: "Segment Write Key", Description: "A write key for Segment.", Required: true, Sensitive: true,
		}},
		RequiredFields: []action.RequiredField{{AnyTag: []string{tagEmail, tagUser, tagAnonymous}}},
		Types:          []action.Type{action.TypeQuery},
		FormatsFor:     action.RowFormats,
		Formattings:    []action.Formatting{action.Unformatted},
		VisFormattings: []action.VisFormatting{action.NoApply},
		Download:       action.URL,
		MinVersion:     action.V(5, 5, 0),
	}
}

// RequiredTags are the tags that a query must have for grouped messages.
func RequiredTags() action.RequiredField {
	return action.RequiredField{Tag: tagGroup, AnyTag: []string{tagEmail, tagUser, tagAnonymous}}
}

// settings are the hub's.
type settings struct {
	Region region `env:"SEGMENT_REGION" envDefault:"us"`
}

// region is the workspace's region (https://segment.com/docs/guides/regional-segment/). The wrong
// region answers 200 and drops the data.
type region string

var endpoints = map[region]string{
	"us": "https://api.segment.io/v1/batch",
	"eu": "https://events.eu1.segmentapis.com/v1/batch",
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *region) UnmarshalText(text []byte) error {
	*r = region(strings.ToLower(string(text)))
	if endpoints[*r] == "" {
		return errors.New("SEGMENT_REGION must be us or eu")
	}
	return nil
}

// Sender sends messages to Segment.
type Sender struct {
	http     *http.Client
	endpoint string
}

// New returns a sender for the region in the hub's settings.
func New(deps action.Deps) (*Sender, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	return &Sender{deps.HTTP, endpoints[s.Region]}, nil
}

// input is the integration's settings in Looker.
type input struct {
	WriteKey action.Secret `param:"segment_write_key,required"`
}

// Segment accepts 500 KB and 2,500 messages a request, each below 32 KB. Beyond its rate limit of
// 1,000 messages a second it queues messages without losing any, so the hub needs no limiter
// (https://segment.com/docs/connections/rate-limits/).
const (
	maxMessages    = 500
	maxMessage     = 32 << 10
	maxCall        = 500_000
	concurrency    = 4
	maxBisectCalls = 2_000
)

// retry is safe: Segment deduplicates messages by their messageId.
var retry = deliver.Retry{MaxAttempts: 6, InitialBackoff: time.Second, MaxBackoff: time.Minute}

// Deliver sends each row as a message. event is the name of the tracked event, empty for other
// kinds.
func (s *Sender) Deliver(ctx context.Context, req *action.Request, kind Kind, event string) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	table, err := req.Data.Table(ctx)
	if err != nil {
		return nil, err
	}
	roles, err := kind.roles(table)
	if err != nil {
		return nil, err
	}
	b := newBuilder(kind, event, table, roles, req)
	result := deliver.Batches(ctx, b.messages(table), deliver.Options[[]byte]{
		Size: maxMessages, MaxBytes: maxCall - envelope, Weight: func(m []byte) int { return len(m) + 1 },
		Concurrency: concurrency, Retry: retry, BisectBudget: maxBisectCalls,
	}, func(ctx context.Context, batch [][]byte) error {
		return s.send(ctx, in.WriteKey, batch)
	})
	if err := result.Err("rows"); err != nil {
		return nil, err
	}
	return &action.Response{Message: fmt.Sprintf("%d rows sent to Segment.", result.Sent())}, nil
}
