// Package segmentgroup sends the rows of a query to Segment as traits and members of groups.
package segmentgroup

import (
	"context"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/segment"
)

var _ action.Integration = (*Integration)(nil)

// Integration groups users at Segment.
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
	d.Name, d.Label = "segment_group", "Segment Group"
	d.Description = "Add traits and / or users to your Segment groups."
	d.RequiredFields = []action.RequiredField{segment.RequiredTags()}
	return d
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	return i.segment.Deliver(ctx, req, segment.Group, "")
}
