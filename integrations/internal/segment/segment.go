// Package segment sends each row of a query to Segment as a message, by the HTTP tracking API:
// https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/.
package segment

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/integrations/internal/rowlog"
	"integrationhub.dev/integrations/internal/rows"
)

// name is the destination's name in messages.
const name = "Segment"

// The LookML tags of columns. The first four identify people and groups.
const (
	tagEmail     = "email"
	tagUser      = "user_id"
	tagAnonymous = "segment_anonymous_id"
	tagGroup     = "segment_group_id"
	// tagTime is the tag of the column with the time of a message.
	tagTime = "segment_timestamp"
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

// Listing is an integration's name and texts in Looker, and the first version of Looker that has it.
type Listing struct {
	Name, Label, Description string
	MinVersion               action.Version
}

// Definition implements [action.Integration].
func (i *Integration) Definition() action.Definition {
	required := action.RequiredField{AnyTag: []string{tagEmail, tagUser, tagAnonymous}}
	if i.kind.Grouped {
		required.Tag = tagGroup
	}
	return rows.Definition(action.Definition{
		Name: i.listing.Name, Label: i.listing.Label, Description: i.listing.Description,
		Params: []action.Param{{
			Name: "segment_write_key", Label: "Segment Write Key", Description: "A write key for Segment.", Required: true, Sensitive: true,
		}},
		RequiredFields: []action.RequiredField{required},
		FormatsFor:     action.RowFormats,
		Download:       action.URL,
		MinVersion:     i.listing.MinVersion,
	})
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
		return errors.New("must be us or eu")
	}
	return nil
}

// Integration sends one kind of message to Segment.
type Integration struct {
	kind     Kind
	listing  Listing
	http     *http.Client
	endpoint string
	rowLog   *rowlog.Log
}

var _ action.Integration = (*Integration)(nil)

// New makes the integration for a kind of message, and for the region in the hub's settings.
func New(deps action.Deps, kind Kind, listing Listing) (*Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	rowLog, err := rowlog.New(deps, listing.Name)
	if err != nil {
		return nil, err
	}
	return &Integration{kind, listing, deps.HTTP, endpoints[s.Region], rowLog}, nil
}

// Fields are the last ones of a form.
func (i *Integration) Fields() []action.Field { return i.rowLog.Fields() }

// input is the integration's settings in Looker.
type input struct {
	WriteKey action.Secret `param:"segment_write_key,required"`
	// Zone is the time zone of times without an offset. Only events have a form that asks for it.
	Zone action.TimeZone `form:"time_zone"`
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

// Execute implements [action.Integration] for messages that have no event.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	return i.Deliver(ctx, req, "")
}

// Deliver sends each row as a message. event is the name of the tracked event.
func (i *Integration) Deliver(ctx context.Context, req *action.Request, event string) (*action.Response, error) {
	in, table, err := rows.Open[input](ctx, req)
	if err != nil {
		return nil, err
	}
	roles, err := i.kind.roles(table)
	if err != nil {
		return nil, err
	}
	b := newBuilder(i.kind, event, in.Zone, table, roles, req)
	batches := rows.JSONBatches(maxMessages, maxCall)
	batches.Concurrency, batches.Retry, batches.BisectBudget = concurrency, retry, maxBisectCalls
	delivery, err := i.rowLog.Begin(ctx, req, table, nil)
	if err != nil {
		return nil, err
	}
	batches.Outcome = delivery.Outcome
	result := deliver.Batches(ctx, b.messages(delivery.Table), batches, func(ctx context.Context, batch [][]byte) error {
		return i.send(ctx, in.WriteKey, batch)
	})
	return delivery.Response(ctx, result, "rows", "%d rows sent to Segment.")
}
