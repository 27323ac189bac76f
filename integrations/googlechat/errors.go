package googlechat

import (
	"encoding/json"
	"fmt"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// explain adds Google Chat's reason for rejecting a message, and what to do about it.
func explain(err *action.Error, status *outbound.StatusError) error {
	var response struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal(status.Body, &response) // without a reason, the status has to do
	text := err.Message
	if reason := action.Line(response.Error.Message); reason != "" {
		text = fmt.Sprintf("Google Chat returned %d: %s", status.Code, reason)
	}
	switch err.Kind {
	case action.Unauthenticated, action.Forbidden, action.NotFound:
		text = strings.TrimSuffix(text, ".") + ". The webhook may have been deleted. Check the space's webhooks."
		return action.Wrap(err, err.Kind, "%s", text).WithField("url")
	case action.Invalid:
		return action.Wrap(err, err.Kind, "%s", text)
	default:
		return err
	}
}
