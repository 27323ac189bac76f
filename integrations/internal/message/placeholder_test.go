package message_test

import (
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/message"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func TestExpandTime(t *testing.T) {
	t.Parallel()
	const text = "{YYYY}/{MM}/{DD} {HH}{mm}{ss} {YYYYMMDD} {date} {title} {Date} {"
	if got, want := message.ExpandTime(text, now), "2026/03/04 050607 20260304 2026-03-04 {title} {Date} {"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		plan       action.Plan
		text, want string
	}{
		"all":                 {action.Plan{Title: "Orders", URL: "https://looker.example.com/x"}, "{title} {date}: {link}", "Orders 2026-03-04: https://looker.example.com/x"},
		"a plan without them": {action.Plan{}, "{title}: {link}.", "Looker: ."},
		"a link that is none": {action.Plan{URL: "javascript:alert(1)"}, "{link}", ""},
		"a title of lines":    {action.Plan{Title: "a\r\nBcc: b"}, "{title}", "a Bcc: b"},
		"filled in once":      {action.Plan{Title: "{date} {link}"}, "{title}", "{date} {link}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := message.Expand(tt.text, tt.plan, now); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
