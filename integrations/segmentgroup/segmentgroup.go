// Package segmentgroup sends the rows of a query to Segment as traits and members of groups.
package segmentgroup

import (
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/segment"
)

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	return segment.New(deps, segment.Group, segment.Listing{
		Name: "segment_group", Label: "Segment Group", MinVersion: action.V(5, 5, 0),
		Description: "Add traits and / or users to your Segment groups.",
	})
}
