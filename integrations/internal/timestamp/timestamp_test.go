package timestamp_test

import (
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/timestamp"
)

func TestIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ zone, text, want string }{
		{"", "2026-11-23T14:05:06Z", "2026-11-23T14:05:06Z"},
		{"", "2026-11-23T14:05:06.123456+01:00", "2026-11-23T13:05:06.123456Z"},
		{"Europe/Berlin", "2026-11-23T14:05:06-05:00", "2026-11-23T19:05:06Z"},
		{"", "2026-11-23 14:05:06 +0000", "2026-11-23T14:05:06Z"},
		{"Europe/Berlin", "2026-11-23T14:05:06+0100", "2026-11-23T13:05:06Z"},
		{"Europe/Berlin", "2026-11-23T14:05:06-05", "2026-11-23T19:05:06Z"},
		{"Europe/Berlin", "2026-11-23 14:05:06.25+00", "2026-11-23T14:05:06.25Z"},
		{"Europe/Berlin", "2026-11-23 14:05:06 +05:30", "2026-11-23T08:35:06Z"},
		{"Europe/Berlin", "2026-11-23T14:05Z", "2026-11-23T14:05:00Z"},
		{"Europe/Berlin", "2026-11-23 14:05-03:00", "2026-11-23T17:05:00Z"},
		{"Europe/Berlin", "2026-11-23 14:05:06Z", "2026-11-23T14:05:06Z"},
		{"Europe/Berlin", "2026-11-23 14:05:06 GMT", "2026-11-23T14:05:06Z"},
		{"", "2026-11-23T14:05:06+25:00", ""},
		{"Europe/Berlin", "2026-11-23 14:05:06 UTC", "2026-11-23T14:05:06Z"},
		{"", " 2026-11-23 14:05:06.5 ", "2026-11-23T14:05:06.5Z"},
		{"Europe/Berlin", "2026-11-23 14:05:06", "2026-11-23T13:05:06Z"},
		{"Europe/Berlin", "2026-07-23T14:05:06", "2026-07-23T12:05:06Z"},
		{"", "2026-11-23 14:05", "2026-11-23T14:05:00Z"},
		{"", "2026-11-23T14:05", "2026-11-23T14:05:00Z"},
		{"", "2026-11-23 14", "2026-11-23T14:00:00Z"},
		{"America/New_York", "2026-11-23", "2026-11-23T05:00:00Z"},
		{"", "2026-11", "2026-11-01T00:00:00Z"},
		{"", "", ""},
		{"", "2026", ""},
		{"", "1795442706", ""},
		{"", "2026-11-23 14:05:06 PST", ""},
		{"", "2026-02-30", ""},
		{"", "23.11.2026", ""},
		{"", "yesterday", ""},
	} {
		var zone action.TimeZone
		if tt.zone != "" {
			if err := zone.UnmarshalText([]byte(tt.zone)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := timestamp.In(zone, tt.text)
		if tt.want == "" {
			if err == nil {
				t.Errorf("%q is %v, want an error", tt.text, got)
			}
			continue
		}
		if err != nil || got.UTC().Format(time.RFC3339Nano) != tt.want {
			t.Errorf("%q in %q: %v, %v, want %s", tt.text, tt.zone, got, err, tt.want)
		}
	}
}
