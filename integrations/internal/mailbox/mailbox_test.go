package mailbox_test

import (
	"strings"
	"testing"

	"integrationhub.dev/integrations/internal/mailbox"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"plain":                          {"ann@example.com", "ann@example.com"},
		"every ASCII atext":              {"!#$%&'*+-/=?^_`{|}~aZ9@example.com", "!#$%&'*+-/=?^_`{|}~aZ9@example.com"},
		"dots":                           {"a.b.c@mail.example.com", "a.b.c@mail.example.com"},
		"quotes that are not needed":     {`"ann"@example.com`, "ann@example.com"},
		"internationalized local part":   {"jürgen@example.com", "jürgen@example.com"},
		"internationalized domain":       {"ann@bücher.example", "ann@xn--bcher-kva.example"},
		"host without a domain":          {"root@localhost", "root@localhost"},
		"SMTP parameter":                 {`"thief@evil.example> ORCPT=rfc822;a"@example.com`, ""},
		"two SMTP parameters":            {`"thief@evil.example> NOTIFY=NEVER ORCPT=rfc822;a"@example.com`, ""},
		"second address":                 {`"thief@evil.example"@example.com`, ""},
		"closing bracket":                {`"thief@evil.example>"@example.com`, ""},
		"source route":                   {`"@relay.example:thief"@example.com`, ""},
		"blank":                          {`"a b"@example.com`, ""},
		"backslash":                      {`"a\\b"@example.com`, ""},
		"quote":                          {`"a\"b"@example.com`, ""},
		"comma in quotes":                {`"a,b"@example.com`, ""},
		"empty atom":                     {`"a..b"@example.com`, ""},
		"empty local part":               {`""@example.com`, ""},
		"control character":              {"\"a\x01b\"@example.com", ""},
		"no-break space":                 {"\"a\u00a0b\"@example.com", ""},
		"fullwidth bracket":              {"a\uff1eb@example.com", ""},
		"bidirectional override":         {"\"a\u202eb\"@example.com", ""},
		"address literal":                {"ann@[127.0.0.1]", ""},
		"IPv6 literal":                   {"ann@[IPv6:::1]", ""},
		"underscore in the domain":       {"ann@a_b.example", ""},
		"parameter in the domain":        {"ann@example.com=x", ""},
		"label that begins with -":       {"ann@-a.example", ""},
		"label that is too long":         {"ann@" + strings.Repeat("a", 64) + ".example", ""},
		"domain that is too long":        {"ann@" + strings.Repeat("a.", 127) + "example", ""},
		"not in Unicode's IDNA":          {"ann@a\u2028b.example", ""},
		"a slash by compatibility form":  {"ann@example.com\uff0fx", ""},
		"angle bracket as compatibility": {"ann@example.com\uff1ex", ""},
		"no domain":                      {"ann", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := mailbox.Parse(tt.text)
			if (err == nil) != (tt.want != "") || got != nil && got.Address != tt.want {
				t.Errorf("Parse(%q) = %v, %v, want %q", tt.text, got, err, tt.want)
			}
		})
	}
}
