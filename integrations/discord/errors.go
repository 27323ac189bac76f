package discord

import (
	"encoding/json"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/integrations/internal/message"
)

// tooLarge is Discord's code for a file that exceeds the server's limit
// (https://docs.discord.com/developers/topics/opcodes-and-status-codes#json).
const tooLarge = 40005

// explain adds Discord's reason for rejecting a message, or what to do about it.
func explain(err *action.Error, status *outbound.StatusError) error {
	var response struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(status.Body, &response) // without a reason, the status has to do
	switch {
	case err.Kind == action.TooLarge || response.Code == tooLarge:
		return action.Wrap(err, action.TooLarge, "The file is too large for this Discord server. The limit is 10 MB without boosts.")
	case err.Kind == action.Unauthenticated, err.Kind == action.Forbidden, err.Kind == action.NotFound:
		const hint = "The webhook or the thread may have been deleted. Check the channel's settings."
		return action.Wrap(err, err.Kind, "%s %s", err.Message, hint).WithField("url")
	case err.Kind == action.Invalid && response.Message != "":
		return action.Wrap(err, err.Kind, "Discord answered %d: %s", status.Code, message.Line(response.Message))
	}
	return err
}
