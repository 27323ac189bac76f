package twilio

import (
	"regexp"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/pii"
)

var (
	// channel is an address in another messenger, such as whatsapp:+15005550006
	// (https://www.twilio.com/docs/messaging/channels).
	channel = regexp.MustCompile(`^[a-z]{3,20}:\S{1,100}$`)
	// national is a number without a country code, or with one but without a plus.
	national = regexp.MustCompile(`^[0-9](?:[ ().\-/]{0,2}[0-9]){5,14}$`)
)

// Number checks a recipient. A number with a plus must be valid and is converted to E.164
// (https://www.twilio.com/docs/glossary/what-e164). Twilio interprets a number without a plus, since
// it knows the account's country: a guess could reach a stranger abroad.
func Number(text string) (string, error) {
	text = strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(text, "+"):
		if number, ok := pii.Phone(text, ""); ok {
			return number, nil
		}
	case channel.MatchString(text), national.MatchString(strings.TrimPrefix(text, "(")):
		return text, nil
	}
	return "", action.Errorf(action.Invalid, "This is not a phone number. Write it with a plus and the country code, such as +1 "+
		"500 555 0006.")
}
