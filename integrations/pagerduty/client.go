package pagerduty

import (
	"context"
	"net/http"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/choice"
)

// region is the region of the account (https://support.pagerduty.com/main/docs/service-regions).
type region string

var endpoints = map[region]string{
	"":   "https://events.pagerduty.com/v2/enqueue",
	"us": "https://events.pagerduty.com/v2/enqueue",
	"eu": "https://events.eu.pagerduty.com/v2/enqueue",
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *region) UnmarshalText(text []byte) error {
	return choice.Parse(r, strings.ToLower(string(text)), "us", "eu")
}

// retry is safe, because events with the same deduplication key belong to one alert.
var retry = deliver.Retry{MaxAttempts: 5, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second}

// client sends requests to PagerDuty.
type client struct{ api outbound.API }

func newClient(c *http.Client) client {
	return client{outbound.API{Name: "PagerDuty", Client: c, Timeout: time.Minute, Explain: explain}}
}

// enqueued is PagerDuty's response to an event.
type enqueued struct {
	Status string `json:"status"`
}

// Validate implements what [outbound.API.Call] asks for.
func (e *enqueued) Validate() error {
	if e.Status != "success" {
		return action.Errorf(action.Unavailable, "PagerDuty did not confirm the event.")
	}
	return nil
}

func (c client) enqueue(ctx context.Context, r region, a *alert) error {
	ctx = outbound.AddSecrets(ctx, a.RoutingKey)
	return retry.Do(ctx, func(ctx context.Context) error {
		return c.api.Call(ctx, http.MethodPost, endpoints[r], a, &enqueued{})
	})
}
