// Package hubspotcontacts updates properties of contacts in HubSpot from the rows of a query.
package hubspotcontacts

import (
	"context"
	"net/http"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/hubspot"
)

var _ action.Integration = (*Integration)(nil)

// Integration updates contacts.
type Integration struct {
	http *http.Client
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) { return &Integration{deps.HTTP}, nil }

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	d := hubspot.Contacts.Definition()
	d.Name, d.Label = "hubspot_contacts", "Hubspot Contacts"
	d.Description = "Update properties on your Hubspot contacts."
	return d
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	return hubspot.Contacts.Update(ctx, i.http, req)
}
