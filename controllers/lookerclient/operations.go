package lookerclient

import (
	"context"
	"net/http"

	"integrationhub.dev/hub/looker/api"
)

// Hubs lists the hubs that are registered in Looker.
func (c *Client) Hubs(ctx context.Context) ([]api.IntegrationHub, error) {
	var hubs []api.IntegrationHub
	err := c.call(ctx, "listing the hubs", &hubs, func(ctx context.Context, editors ...api.RequestEditorFn) (*http.Response, error) {
		return c.api.AllIntegrationHubs(ctx, nil, editors...)
	})
	return hubs, err
}

// CreateHub registers a hub. Looker limits the rate of this call.
func (c *Client) CreateHub(ctx context.Context, url, token string) (api.IntegrationHub, error) {
	var hub api.IntegrationHub
	err := c.call(ctx, "creating the hub", &hub, func(ctx context.Context, editors ...api.RequestEditorFn) (*http.Response, error) {
		return c.api.CreateIntegrationHub(ctx, nil, api.IntegrationHub{URL: &url, AuthorizationToken: &token}, editors...)
	})
	if err == nil && valueOf(hub.ID) == "" {
		err = &Error{Kind: Unexpected, Operation: "creating the hub", Status: http.StatusOK, Message: "the response has no ID"}
	}
	return hub, err
}

// UpdateHub changes the URL and the token of a hub; nil leaves a value unchanged. Looker limits the rate
// of this call.
func (c *Client) UpdateHub(ctx context.Context, id string, url, token *string) (api.IntegrationHub, error) {
	var hub api.IntegrationHub
	err := c.call(ctx, "updating the hub", &hub, func(ctx context.Context, editors ...api.RequestEditorFn) (*http.Response, error) {
		return c.api.UpdateIntegrationHub(ctx, id, nil, api.IntegrationHub{URL: url, AuthorizationToken: token}, editors...)
	})
	return hub, err
}

// DeleteHub deletes a hub.
func (c *Client) DeleteHub(ctx context.Context, id string) error {
	return c.call(ctx, "deleting the hub", nil, func(ctx context.Context, editors ...api.RequestEditorFn) (*http.Response, error) {
		return c.api.DeleteIntegrationHub(ctx, id, editors...)
	})
}

// AcceptLegalAgreement accepts the legal agreement of a hub.
func (c *Client) AcceptLegalAgreement(ctx context.Context, id string) (api.IntegrationHub, error) {
	var hub api.IntegrationHub
	err := c.call(ctx, "accepting the legal agreement", &hub, func(ctx context.Context, editors ...api.RequestEditorFn) (*http.Response, error) {
		return c.api.AcceptIntegrationHubLegalAgreement(ctx, id, editors...)
	})
	return hub, err
}

// Health makes Looker connect to a hub, and returns its verdict.
func (c *Client) Health(ctx context.Context, id string) (api.IntegrationHubHealthResult, error) {
	var health api.IntegrationHubHealthResult
	err := c.call(ctx, "checking the hub's health", &health, func(ctx context.Context, editors ...api.RequestEditorFn) (*http.Response, error) {
		return c.api.GetIntegrationHubHealth(ctx, id, nil, editors...)
	})
	return health, err
}

// Integrations lists the integrations of a hub.
func (c *Client) Integrations(ctx context.Context, hubID string) ([]api.Integration, error) {
	var all []api.Integration
	err := c.call(ctx, "listing the integrations", &all, func(ctx context.Context, editors ...api.RequestEditorFn) (*http.Response, error) {
		return c.api.AllIntegrations(ctx, &api.AllIntegrationsParams{IntegrationHubID: &hubID}, editors...)
	})
	return all, err
}

// UpdateIntegration changes an integration. Looker limits the rate of this call.
func (c *Client) UpdateIntegration(ctx context.Context, id string, change api.Integration) (api.Integration, error) {
	var integration api.Integration
	err := c.call(ctx, "updating the integration", &integration, func(ctx context.Context, editors ...api.RequestEditorFn) (*http.Response, error) {
		return c.api.UpdateIntegration(ctx, id, nil, change, editors...)
	})
	return integration, err
}

// TestIntegration makes Looker test an integration, and returns its verdict.
func (c *Client) TestIntegration(ctx context.Context, id string) (api.IntegrationTestResult, error) {
	var result api.IntegrationTestResult
	err := c.call(ctx, "testing the integration", &result, func(ctx context.Context, editors ...api.RequestEditorFn) (*http.Response, error) {
		return c.api.TestIntegration(ctx, id, editors...)
	})
	return result, err
}
