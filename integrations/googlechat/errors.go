package googlechat

import (
	"encoding/json"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
)

// explain adds Google Chat's reason for rejecting a message, or what to do about it.
func explain(err *action.Error, status *outbound.StatusError) error {
	switch err.Kind {
	case action.Unauthenticated, action.Forbidden, action.NotFound:
		return action.Wrap(err, err.Kind, "%s The webhook may have been deleted. Check the space's webhooks.", err.Message).WithField("url")
	case action.Invalid:
	default:
		return err
	}
	var response struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(status.Body, &response) != nil || response.Error.Message == "" {
		return err
	}
	return action.Wrap(err, err.Kind, "Google Chat answered %d: %s", status.Code, message.Line(response.Error.Message))
}
