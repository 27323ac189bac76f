package pasted_test

import (
	"testing"

	"integrationhub.dev/integrations/internal/pasted"
)

const address = "https://hooks.example.com/a?b=c&d=e"

func TestURL(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"as it is":              address,
		"white space":           " \t" + address + "\r\n",
		"a no-break space":      "\u00a0" + address + "\u3000",
		"a zero-width space":    "\u200b" + address,
		"one within":            "https://hooks.exam\u200bple.com/a?b=c&d=e",
		"a byte order mark":     "\ufeff" + address,
		"a soft hyphen":         "https://hooks.exam\u00adple.com/a?b=c&d=e",
		"a direction mark":      "\u202a" + address + "\u202c",
		"quotes":                `"` + address + `"`,
		"single quotes":         "'" + address + "'",
		"typographic quotes":    "“" + address + "”",
		"a code span":           "`" + address + "`",
		"angle brackets":        "<" + address + ">",
		"quotes and brackets":   ` "<` + address + `>" `,
		"Markdown":              "[the webhook](" + address + ")",
		"Markdown with a title": "[the webhook](<" + address + `> "title")`,
		"its own label":         "[" + address + "](" + address + ")",
		"a link of Slack":       "<" + address + "|the webhook>",
		"a wrapped line":        "https://hooks.example.com/\r\na?b=c&d=e",
		"the source of a page":  "https://hooks.example.com/a?b=c&amp;d=e",
	} {
		if got := pasted.URL(text); got != address {
			t.Errorf("%s: %q, want %q", name, got, address)
		}
	}
	for name, text := range map[string]string{
		"a blank within":         "https://hooks.example.com/a b",
		"parentheses in a path":  "https://hooks.example.com/a(b)",
		"a quote at one end":     `"https://hooks.example.com/`,
		"a bar without a scheme": "a|b",
		"quotes around nothing":  `""`,
		"nothing":                "",
	} {
		if got := pasted.URL(text); got != text {
			t.Errorf("%s: %q became %q", name, text, got)
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"as it is":         "xoxb-1-a",
		"white space":      " xoxb-1-a\n",
		"a wrapped line":   "xoxb-1\r\n-a",
		"quotes":           `"xoxb-1-a"`,
		"a scheme":         "Bearer xoxb-1-a",
		"lower case":       "bearer  xoxb-1-a",
		"a header":         "Authorization: Bearer xoxb-1-a",
		"a quoted header":  `"Authorization: Bearer xoxb-1-a"`,
		"a quoted token":   `Bearer "xoxb-1-a"`,
		"no-break space":   "Bearer\u00a0xoxb-1-a",
		"zero-width space": "\u200bxoxb-1-a\u200b",
	} {
		if got := pasted.Token(text); got != "xoxb-1-a" {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, text := range []string{"bearerless", "tokens", ""} {
		if got := pasted.Token(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}
