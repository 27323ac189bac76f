package discord

import (
	"encoding/json"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// refusals are the codes of rejections that name what to change: the field of the form, and what to say
// (https://docs.discord.com/developers/topics/opcodes-and-status-codes#json).
var refusals = map[int]struct{ field, message string }{
	10003: {"thread", "The thread does not exist in the webhook's channel. It may have been deleted."},
	10015: {"url", "The webhook does not exist. It may have been deleted: check the channel's settings."},
	50027: {"url", "The webhook URL is not complete, or it was replaced. Copy it again from the channel's settings."},
	40005: {"", "The file is too large for this Discord server. The limit is 10 MB without boosts."},
	40067: {"thread_name", "The channel requires a tag for each new post, which a webhook cannot choose. Enter the ID of an existing post " +
		"as Thread ID, or change the channel's settings."},
	160005: {"thread", "The thread is locked. Choose another one, or unlock it."},
	160006: {"thread_name", "The server has reached its limit of active threads. Archive some, or enter the ID of an existing post as " +
		"Thread ID."},
	220001: {"thread_name", "The webhook belongs to a forum or media channel. Enter a title under Post Title to create a post, or the " +
		"ID of an existing post as Thread ID."},
	220002: {"thread_name", "A message goes either to an existing thread or to a new post. Remove the thread ID or the post title."},
	220003: {"thread_name", "Only forum and media channels have posts, and this webhook belongs to another kind of channel. Leave Post " +
		"Title empty."},
	220004: {"url", "This kind of webhook cannot post in a forum or media channel. Create a webhook in the channel's settings."},
	240000: {"text", "Discord blocked the message because of a link that it considers harmful."},
}

const tooLarge = 40005

// explain adds Discord's reason for rejecting a message, or what to do about it.
func explain(err *action.Error, status *outbound.StatusError) error {
	var response struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(status.Body, &response) // without a reason, the status has to do
	if err.Kind.Retryable() {
		return err
	}
	if err.Kind == action.TooLarge {
		response.Code = tooLarge
	}
	kind := err.Kind
	if response.Code == tooLarge {
		kind = action.TooLarge
	}
	if refused, ok := refusals[response.Code]; ok {
		explained := action.Wrap(err, kind, "%s", refused.message)
		if refused.field == "" {
			return explained
		}
		return explained.WithField(refused.field)
	}
	switch kind {
	case action.Unauthenticated, action.Forbidden, action.NotFound:
		const hint = "The webhook or the thread may have been deleted. Check the channel's settings."
		return action.Wrap(err, kind, "%s %s", err.Message, hint).WithField("url")
	case action.Invalid:
		if response.Message != "" {
			return action.Wrap(err, kind, "Discord returned %d: %s", status.Code, action.Line(response.Message))
		}
	default:
	}
	return err
}
