// Package hubspotcompanies updates properties of companies in HubSpot from the rows of a query.
package hubspotcompanies

import (
	"context"
	"net/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/hubspot"
)

var _ action.Integration = (*Integration)(nil)

// Integration updates companies.
type Integration struct {
	http *http.Client
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) { return &Integration{deps.HTTP}, nil }

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	d := hubspot.Companies.Definition()
	d.Name, d.Label = "hubspot_companies", "Hubspot Companies"
	d.Description = "Update properties on your Hubspot companies."
	return d
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	return hubspot.Companies.Update(ctx, i.http, req)
}
