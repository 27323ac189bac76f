package pagerduty

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/message"
)

// region is where the account lives (https://support.pagerduty.com/main/docs/service-regions).
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

// retry is safe: PagerDuty makes one alert of events that have the same deduplication key.
var retry = deliver.Retry{MaxAttempts: 5, InitialBackoff: time.Second, MaxBackoff: 30 * time.Second}

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

func (i *Integration) enqueue(ctx context.Context, r region, a *alert) error {
	ctx = outbound.AddSecrets(ctx, a.RoutingKey)
	return retry.Do(ctx, func(ctx context.Context) error {
		return i.api.Call(ctx, http.MethodPost, endpoints[r], a, &enqueued{})
	})
}

// explain adds PagerDuty's reasons for rejecting an event.
func explain(err *action.Error, status *outbound.StatusError) error {
	var response struct {
		Errors []string `json:"errors"`
	}
	if status.Code != http.StatusBadRequest || json.Unmarshal(status.Body, &response) != nil || len(response.Errors) == 0 {
		return err
	}
	return action.Wrap(err, action.Invalid, "PagerDuty answered 400: %s", message.Line(strings.Join(response.Errors, " ")))
}
