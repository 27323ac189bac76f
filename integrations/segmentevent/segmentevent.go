// Package segmentevent adds the rows of a query to Segment's users as traits.
package segmentevent

import (
	"context"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/segment"
)

var _ action.Integration = (*Integration)(nil)

// Integration identifies users at Segment.
type Integration struct {
	segment *segment.Sender
}

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	s, err := segment.New(deps)
	if err != nil {
		return nil, err
	}
	return &Integration{s}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	d := segment.Definition()
	d.Name, d.Label = "segment_event", "Segment Identify"
	d.Description = "Add traits via identify to your Segment users."
	d.MinVersion = action.V(4, 20, 0)
	return d
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	return i.segment.Deliver(ctx, req, segment.Identify, "")
}
