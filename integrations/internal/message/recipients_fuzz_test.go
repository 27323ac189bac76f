package message_test

import (
	"strings"
	"testing"
	"unicode"

	"integrationhub.dev/integrations/internal/message"
)

// Whatever is accepted stays within the angle brackets of "RCPT TO:<…>", and within the
// allowed domain.
func FuzzRecipients(f *testing.F) {
	for _, seed := range []string{
		"ann@example.com", "Ann <ann@example.com>; bo@EXAMPLE.com,", `"thief@evil.example> ORCPT=rfc822;a"@example.com`,
		`"thief@evil.example"@example.com`, "team: ann@example.com, bo@example.com;", "jürgen@example.com", "ann@bücher.example",
		"ann@example.com\r\nBcc: eve@example.com", "=?utf-8?q?a=3E?= <a@example.com>", "a(>)@example.com", "ann@[127.0.0.1]", "\"a\\>b\"@example.com",
		"Doe, Jane <jane@example.com>; \u200beve@evil.example", "ann@evil.example<mailto:ann@example.com>", "a@example.com\tb@example.com\u2028'c@example.com'",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, domains := range [][]string{nil, {"example.com"}} {
			list, err := message.Recipients("to", text, domains)
			if err != nil {
				continue
			}
			for _, to := range list {
				local, domain, ok := strings.Cut(to.Address, "@")
				if !ok || local == "" {
					t.Errorf("%q, without a local part, is accepted from %q", to.Address, text)
				}
				if domain == "" || strings.Contains(domain, "@") {
					t.Errorf("%q, without a domain, is accepted from %q", to.Address, text)
				}
				if strings.ContainsAny(to.Address, "<>()[]\\,;:\" \x7f") {
					t.Errorf("%q, with a special character, is accepted from %q", to.Address, text)
				}
				if strings.ContainsFunc(to.Address, invisible) {
					t.Errorf("%q, with an invisible character, is accepted from %q", to.Address, text)
				}
				if domains != nil && !strings.EqualFold(domain, "example.com") {
					t.Errorf("%q is accepted from %q, for %q only", to.Address, text, domains)
				}
			}
		}
	})
}

// invisible reports whether a character has no shape of its own.
func invisible(r rune) bool {
	return r <= ' ' || unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)
}
