package pagerduty

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/deliver"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/plaintext"
)

const (
	name    = "PagerDuty"
	timeout = time.Minute
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
	*r = region(strings.ToLower(string(text)))
	if endpoints[*r] == "" {
		return errors.New("must be us or eu")
	}
	return nil
}

// again is safe: the deduplication key makes one alert of events that arrive twice.
var again = deliver.Retry{Tries: 5, First: time.Second, Longest: 30 * time.Second}

func (i *Integration) enqueue(ctx context.Context, r region, a *alert) error {
	body, err := a.encode()
	if err != nil {
		return err
	}
	return again.Do(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, timeout, action.Errorf(action.Timeout, "%s did not answer in time.", name))
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoints[r], bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("preparing an event: %w", err)
		}
		req.Header.Set("Content-Type", "application/json")
		var answer struct {
			Status string `json:"status"`
		}
		if err := outbound.JSON(i.http, req, name, &answer); err != nil {
			return explain(err, a.RoutingKey)
		}
		if answer.Status != "success" {
			return action.Errorf(action.Unavailable, "PagerDuty answered, but did not confirm that it took the event.")
		}
		return nil
	})
}

// explain adds what PagerDuty says of a refused event.
func explain(err error, key string) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok || status.Code != http.StatusBadRequest {
		return err
	}
	var answer struct {
		Errors []string `json:"errors"`
	}
	if json.Unmarshal(status.Body, &answer) != nil || len(answer.Errors) == 0 {
		return err
	}
	reason := strings.ReplaceAll(plaintext.Line(strings.Join(answer.Errors, " ")), key, "…")
	return action.Wrap(err, action.Invalid, "PagerDuty answered 400: %s", reason)
}
