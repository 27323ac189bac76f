// Package hubspotcontacts updates properties of contacts in HubSpot from the rows of a query.
package hubspotcontacts

import (
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/hubspot"
)

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	return hubspot.New(hubspot.Contacts, deps)
}
