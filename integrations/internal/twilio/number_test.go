package twilio_test

import (
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/twilio"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		" +1 (500) 555-0006 ":            "+15005550006",
		"+49 (0)30 123456":               "+4930123456",
		"+1.500.555.0006":                "+15005550006",
		"+1\u2011500\u2011555\u20110006": "+15005550006", // hyphens that do not break
		"+1\u00a0500\u00a0555\u00a00006": "+15005550006",
		"\u202a+15005550006\u202c":       "+15005550006", // direction marks of a contact list
		"'+15005550006'":                 "+15005550006",
		"＋４９（０）３０　１２３４５６":                "+4930123456",
		"+٤٩ ٣٠ ١٢٣٤٥٦":                  "+4930123456",
		"0049 (0)30 123456":              "+4930123456",
		"tel:+1-500-555-0006":            "+15005550006",
		"WhatsApp:+1 (500) 555-0006":     "whatsapp:+15005550006",
		"whatsapp: 0049 30 123456":       "whatsapp:+4930123456",
		"messenger:12345":                "messenger:12345",
		"15005550002":                    "15005550002",
		"(500) 555-0002":                 "(500) 555-0002",
		"030/123 456-78":                 "030/123 456-78",
		"whatsapp:+15005550006":          "whatsapp:+15005550006",
		"+1500555000":                    "", // a digit short
		"whatsapp:+1500555000":           "",
		"whatsapp:":                      "",
		"００":                             "",
		"+150055500061":                  "", // one too many
		"+999 12345678":                  "", // an unassigned country code
		"+":                              "",
		"12345":                          "",
		"":                               "",
		"ann":                            "",
		"500-CALL-NOW":                   "",
		"15005550002,15005550003":        "",
		"15005550002&From=1":             "",
		"javascript: 1":                  "",
		strings.Repeat("1", 16):          "",
		"1" + strings.Repeat(" ", 40):    "",
	} {
		got, err := twilio.Number(text)
		if got != want {
			t.Errorf("%q is %q (%v), want %q", text, got, err, want)
		}
		if bad := want == ""; bad != (action.KindOf(err) == action.Invalid) {
			t.Errorf("%q: error %v", text, err)
		}
		if digits := strings.TrimSpace(text); err != nil && len(digits) > 5 && strings.Contains(err.Error(), digits) {
			t.Errorf("the error tells the number: %v", err)
		}
	}
}
