package digitaloceandroplet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
)

const (
	name     = "DigitalOcean"
	endpoint = "https://api.digitalocean.com/v2/droplets/"
	timeout  = time.Minute
)

// powerOff orders one droplet to be powered off, which DigitalOcean then does (201)
// (https://docs.digitalocean.com/reference/api/digitalocean/#tag/Droplet-Actions).
func (i *Integration) powerOff(ctx context.Context, key action.Secret, id string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, action.Errorf(action.Timeout, "%s did not answer in time.", name))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+id+"/actions", strings.NewReader(`{"type":"power_off"}`))
	if err != nil {
		return fmt.Errorf("preparing an order: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(key.Reveal()))
	var ordered struct {
		Action struct {
			ID int64 `json:"id"`
		} `json:"action"`
	}
	if err := outbound.JSON(i.http, req, name, &ordered); err != nil {
		return explain(err, id)
	}
	if ordered.Action.ID == 0 {
		return outbound.Unexpected(req, errNoAction, name)
	}
	return nil
}

// errNoAction says that an answer names no action of the droplet.
var errNoAction = errors.New("the answer has no action")

// explain says which droplet an error is about, and what DigitalOcean says of it.
func explain(err error, id string) error {
	status, ok := errors.AsType[*outbound.StatusError](err)
	if !ok {
		return err
	}
	kind := action.KindOf(err)
	if kind == action.Unauthenticated {
		return action.Wrap(err, kind, "DigitalOcean rejected the API key.")
	}
	var answer struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(status.Body, &answer) != nil || answer.Message == "" || kind.Retryable() {
		return action.Wrap(err, kind, "Droplet %s: %s", id, action.MessageOf(err))
	}
	return action.Wrap(err, kind, "Droplet %s: DigitalOcean answered %d: %s", id, status.Code, message.Line(answer.Message))
}
