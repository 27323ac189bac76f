package digitaloceandroplet

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
)

// powerOff starts to power off one droplet (201)
// (https://docs.digitalocean.com/reference/api/digitalocean/#tag/Droplet-Actions).
func (i *Integration) powerOff(ctx context.Context, key action.Secret, id string) error {
	api := outbound.API{
		Name: "DigitalOcean", Base: "https://api.digitalocean.com/v2", Client: i.http, Timeout: time.Minute, Authorize: outbound.Bearer(key),
		Explain: func(err *action.Error, status *outbound.StatusError) error { return explain(err, status, id) },
	}
	return api.Call(ctx, http.MethodPost, outbound.Path("droplets", id, "actions"), map[string]string{"type": "power_off"}, &started{})
}

// started is DigitalOcean's response to a droplet action.
type started struct {
	Action struct {
		ID int64 `json:"id"`
	} `json:"action"`
}

// Validate implements what [outbound.API.Call] asks for.
func (s *started) Validate() error {
	if s.Action.ID == 0 {
		return errors.New("the response has no action")
	}
	return nil
}

// explain says which droplet an error is about, and adds DigitalOcean's reason.
func explain(err *action.Error, status *outbound.StatusError, id string) error {
	if err.Kind == action.Unauthenticated {
		return action.Wrap(err, err.Kind, "DigitalOcean rejected the API key.")
	}
	var response struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(status.Body, &response) != nil || response.Message == "" || err.Kind.Retryable() {
		return action.Wrap(err, err.Kind, "Droplet %s: %s", id, err.Message)
	}
	return action.Wrap(err, err.Kind, "Droplet %s: DigitalOcean answered %d: %s", id, status.Code, message.Line(response.Message))
}
