package twilio

import (
	"encoding/json"
	"fmt"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// reasons explain the codes of Twilio's errors that need more than Twilio's own words, with the form's field that must change
// (https://www.twilio.com/docs/api/errors).
var reasons = map[int]struct{ field, message string }{
	21610: {"", "The recipient has unsubscribed from the sender's messages."},
	21655: {"content_sid", "The content template does not exist in this account. Copy its SID from the Content Template Builder."},
	21656: {"content_variables", "The content variables do not fit the template."},
	21910: {"", "Sender and recipient must be in the same channel: a message to whatsapp:+… needs a sender such as " +
		"whatsapp:+15005550006."},
	63007: {"", "The sender is not a sender of this channel in the account. A WhatsApp sender is written as whatsapp:+15005550006."},
	63016: {"content_sid", "WhatsApp accepts free text only within 24 hours after the recipient's last message. Enter the SID of an " +
		"approved template as Content SID."},
}

// authenticate is the code for rejected credentials.
const authenticate = 20003

// explain adds Twilio's reason for rejecting a message.
func (a Account) explain(err *action.Error, status *outbound.StatusError) error {
	var response struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(status.Body, &response) != nil || response.Message == "" {
		return err
	}
	if response.Code == authenticate {
		return action.Wrap(err, err.Kind, "Twilio rejected the credentials (error %d). Use the account's SID and auth token, or an API key "+
			"(SK…:secret) as the auth token. They must belong to the region %s.", response.Code, a.Region)
	}
	return refused(err, response.Code, response.Message)
}

// refused explains a code. Twilio's own message can quote the number, whose digits are masked.
func refused(err *action.Error, code int, text string) *action.Error {
	if reason, ok := reasons[code]; ok {
		explained := action.Wrap(err, err.Kind, "%s (error %d).", strings.TrimSuffix(reason.message, "."), code)
		if reason.field != "" {
			return explained.WithField(reason.field)
		}
		return explained
	}
	said := err.Message
	if text = mask(action.Line(text)); text != "" {
		said = fmt.Sprintf("Twilio reported: %s", text)
	}
	return action.Wrap(err, err.Kind, "%s (error %d)", said, code)
}

// mask hides all but the last two digits of every run of five or more digits.
func mask(text string) string {
	out := []byte(text)
	for i := 0; i < len(out); {
		j := i
		for j < len(out) && out[j] >= '0' && out[j] <= '9' {
			j++
		}
		if j-i >= 5 {
			for k := i; k < j-2; k++ {
				out[k] = '*'
			}
		}
		i = max(j, i+1)
	}
	return string(out)
}
