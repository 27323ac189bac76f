package message_test

import (
	"testing"

	"integrationhub.dev/integrations/internal/message"
)

func TestLink(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"an address":           {" https://looker.example.com/looks/1?a=b&c=d#e ", "https://looker.example.com/looks/1?a=b&c=d#e"},
		"what would end it":    {"https://a.example/x)y?f=<@here>|`z` \"", "https://a.example/x%29y?f=%3C@here%3E%7C%60z%60%20%22"},
		"not of the web":       {"javascript:alert(1)", ""},
		"without a host":       {"https:///looks/1", ""},
		"not an address":       {"https://a.example/\x00", ""},
		"nothing":              {"", ""},
		"relative to its page": {"/looks/1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := message.Link(tt.text); got != tt.want {
				t.Errorf("Link(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}
