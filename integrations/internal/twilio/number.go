package twilio

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/pasted"
	"integrationhub.dev/integrations/internal/pii"
)

var (
	// channel is an address in another messenger, such as whatsapp:+15005550006
	// (https://www.twilio.com/docs/messaging/channels).
	channel = regexp.MustCompile(`^[a-z]{3,20}:\S{1,100}$`)
	// national is a number without a country code, or with one but without a plus.
	national = regexp.MustCompile(`^[0-9](?:[ ().\-/]{0,2}[0-9]){5,14}$`)
)

// WhatsApp is the prefix of addresses in WhatsApp.
const WhatsApp = "whatsapp:"

// Number checks a recipient. A number with a plus must be valid and is converted to E.164
// (https://www.twilio.com/docs/glossary/what-e164). Twilio interprets a number without a plus, since
// it knows the account's country: a guess could reach a stranger abroad.
func Number(text string) (string, error) {
	text = plain(text)
	prefix := ""
	if rest, ok := cutPrefixFold(text, "tel:"); ok {
		text = strings.TrimSpace(rest)
	} else if rest, ok := cutPrefixFold(text, WhatsApp); ok {
		prefix, text = WhatsApp, strings.TrimSpace(rest)
	}
	// 00 is the international prefix of most countries, and no country's numbers begin so.
	if rest, ok := strings.CutPrefix(text, "00"); ok {
		if number, ok := pii.Phone("+"+rest, ""); ok {
			return prefix + number, nil
		}
	}
	switch {
	case strings.HasPrefix(text, "+"):
		if number, ok := pii.Phone(text, ""); ok {
			return prefix + number, nil
		}
	case prefix != "":
		if address := prefix + text; channel.MatchString(address) {
			return address, nil
		}
	case channel.MatchString(text), national.MatchString(strings.TrimPrefix(text, "(")):
		return text, nil
	}
	return "", action.Errorf(action.Invalid, "This is not a phone number. Enter it with a plus sign and the country code, such as +1 "+
		"500 555 0006.")
}

func cutPrefixFold(text, prefix string) (string, bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

// plain returns a text with ASCII digits, dashes and spaces. Full-width forms come from East Asian keyboards, and other
// dashes and spaces from word processors.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '\u0660' && r <= '\u0669': // Arabic digits
			return '0' + r - '\u0660'
		case r >= '\u06f0' && r <= '\u06f9': // Persian digits
			return '0' + r - '\u06f0'
		case unicode.Is(unicode.Pd, r) || r == '\u2212': // the minus sign
			return '-'
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, norm.NFKC.String(pasted.Text(text)))
}
