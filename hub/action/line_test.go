package action_test

import (
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":                  {"", ""},
		"a sentence":               {"Team is required.", "Team is required."},
		"several lines and blanks": {" Team\r\n\tis  required.\n", "Team is required."},
		"control characters":       {"\x1b[31mred\x00", "[31mred"},
		"invalid UTF-8":            {"a\xffb", "ab"},
		"as long as can be":        {strings.Repeat("ä", 300), strings.Repeat("ä", 300)},
		"too long":                 {strings.Repeat("ä", 301), strings.Repeat("ä", 300) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := action.Line(tt.text); got != tt.want {
				t.Errorf("Line(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}
