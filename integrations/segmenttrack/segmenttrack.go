// Package segmenttrack tracks an event at Segment for each row of a query.
package segmenttrack

import (
	"context"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/segment"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// input is what the Looker user enters.
type input struct {
	Event string `form:"event,required"`
}

// Integration tracks events at Segment.
type Integration struct {
	*segment.Integration
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	i, err := segment.New(deps, segment.Track, segment.Listing{
		Name: "segment_track", Label: "Segment Track", MinVersion: action.V(5, 5, 0),
		Description: "Add traits via track to your Segment users.",
	})
	if err != nil {
		return nil, err
	}
	return &Integration{i}, nil
}

// Form implements [action.FormBuilder].
func (i *Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: append([]action.Field{
		{Name: "event", Label: "Event", Description: "The name of the event you’re tracking.", Type: action.String, Required: true},
		{
			Name: "time_zone", Label: "Time Zone", Type: action.String,
			Description: "The time zone of times in the field tagged segment_timestamp, such as Europe/Berlin. UTC if empty.",
		},
	}, i.Fields()...)}, nil
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	return i.Deliver(ctx, req, in.Event)
}
