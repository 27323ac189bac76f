// Package hubspotcompanies updates properties of companies in HubSpot from the rows of a query.
package hubspotcompanies

import (
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/hubspot"
)

// New makes the integration.
func New(deps action.Deps) (action.Integration, error) {
	return hubspot.New(hubspot.Companies, deps)
}
