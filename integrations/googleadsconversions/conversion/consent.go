package conversion

import (
	"strings"

	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/google/datamanager"
)

// Consent is the consent of a person. The empty one is that of [Options].
type Consent string

// The consents.
const (
	Unspecified Consent = "UNSPECIFIED"
	Granted     Consent = "GRANTED"
	Denied      Consent = "DENIED"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *Consent) UnmarshalText(text []byte) error {
	return choice.Parse(c, string(text), Unspecified, Granted, Denied)
}

// wire is the value in a request, or "" if none is sent:
// https://developers.google.com/data-manager/api/reference/rest/v1/Consent
func (c Consent) wire() string {
	switch c {
	case Granted:
		return string(datamanager.ConsentGranted)
	case Denied:
		return string(datamanager.ConsentDenied)
	default:
		return ""
	}
}

// parseConsent parses a row's consent: Google's words, or a yesno dimension. The empty text stands for that of
// [Options].
func parseConsent(text string) (c Consent, ok bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "":
		return "", true
	case "unspecified", "consent_status_unspecified":
		return Unspecified, true
	case "granted", "consent_granted", "yes", "true":
		return Granted, true
	case "denied", "consent_denied", "no", "false":
		return Denied, true
	}
	return "", false
}
