// Package segmentevent adds the rows of a query to Segment's users as traits.
package segmentevent

import (
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/segment"
)

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	return segment.New(deps, segment.Identify, segment.Listing{
		Name: "segment_event", Label: "Segment Identify", MinVersion: action.V(4, 20, 0),
		Description: "Add traits via identify to your Segment users.",
	})
}
