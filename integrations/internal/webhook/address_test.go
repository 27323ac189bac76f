package webhook_test

import (
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/webhook"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	const want = "https://hooks.example.com/a?b=c"
	for name, text := range map[string]string{
		"as it is":       want,
		"white space":    "\u00a0" + want + "\n",
		"invisible":      "\u200b" + want,
		"quotes":         `"` + want + `"`,
		"angle brackets": "<" + want + ">",
		"Markdown":       "[hook](" + want + ")",
		"a fragment":     want + "#top",
		"uppercase":      "HTTPS://Hooks.Example.COM/a?b=c",
		"a wrapped line": "https://hooks.example.com/a?\r\nb=c",
	} {
		u, err := webhook.Address("url", text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := u.String(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name, tt := range map[string]struct{ text, message string }{
		"nothing":        {" \u200b", "Missing url."},
		"no scheme":      {"hooks.example.com/a", "The url must begin with https://."},
		"a word":         {"hook", "The url must begin with https://."},
		"clear text":     {"http://hooks.example.com/", "The url must begin with https://."},
		"no host":        {"https://", "The url is not valid."},
		"a blank host":   {"https://hooks example.com/", "The url is not valid."},
		"another scheme": {"ftp://hooks.example.com/", "The url must begin with https://."},
		"a user name":    {"https://me@hooks.example.com/", "The url must not contain a user name."},
	} {
		_, err := webhook.Address("url", tt.text)
		if got := action.MessageOf(err); got != tt.message {
			t.Errorf("%s: message %q, want %q", name, got, tt.message)
		}
	}
}
