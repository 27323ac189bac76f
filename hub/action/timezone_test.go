package action_test

import (
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub/action"
)

type zoned struct {
	Zone action.TimeZone `form:"time_zone"`
}

func TestTimeZone(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, time.November, 26, 12, 0, 0, 0, time.UTC)
	const invalid = `"time_zone" must be the name of a time zone in the IANA database, such as Europe/Berlin or America/New_York.`
	for text, tt := range map[string]struct{ want, error string }{
		"":                   {"2026-11-26T12:00:00Z", ""},
		"  ":                 {"2026-11-26T12:00:00Z", ""},
		"UTC":                {"2026-11-26T12:00:00Z", ""},
		"Europe/Berlin":      {"2026-11-26T13:00:00+01:00", ""},
		" America/New_York ": {"2026-11-26T07:00:00-05:00", ""},
		"America/New York":   {"2026-11-26T07:00:00-05:00", ""},
		"Asia/Kathmandu":     {"2026-11-26T17:45:00+05:45", ""},
		"Local":              {"", invalid},
		"Europe/Nowhere":     {"", invalid},
		"+01:00":             {"", invalid},
		"../etc/passwd":      {"", invalid},
		"/etc/localtime":     {"", invalid},
	} {
		req := request("Orders", "csv")
		req.Form = map[string]string{"time_zone": text}
		in, err := action.Decode[zoned](req)
		if tt.error != "" {
			if action.KindOf(err) != action.Invalid || action.MessageOf(err) != tt.error {
				t.Errorf("%q: error %v, want %q", text, err, tt.error)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got := in.Zone.In(noon).Format(time.RFC3339); got != tt.want {
			t.Errorf("%q: %s, want %s", text, got, tt.want)
		}
	}
}

// Placeholders are replaced in every file name. In a bubble of synctest it is midnight UTC, 1 January 2000.
func TestCompleteFilename(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		form map[string]string
		want string
	}{
		"no name":               {nil, "Orders {date}.csv"}, // the title is no file name
		"a name":                {map[string]string{"filename": " orders "}, "orders.csv"},
		"a date":                {map[string]string{"filename": "orders {date}"}, "orders 2000-01-01.csv"},
		"a date and a type":     {map[string]string{"filename": "orders-{YYYYMMDD}T{HH}{mm}{ss}.csv"}, "orders-20000101T000000.csv"},
		"year and month":        {map[string]string{"filename": "{YYYY}-{MM}-{DD}"}, "2000-01-01.csv"},
		"other braces":          {map[string]string{"filename": "{id} {yyyy}"}, "{id} {yyyy}.csv"},
		"a zone":                {map[string]string{"filename": "{date} {HH}", "time_zone": "America/New_York"}, "1999-12-31 19.csv"},
		"a zone that is no one": {map[string]string{"filename": "{date} {HH}", "time_zone": "Nowhere"}, "2000-01-01 00.csv"},
	} {
		synctest.Test(t, func(t *testing.T) {
			req := request("Orders {date}", "csv")
			req.Form = tt.form
			if got := req.CompleteFilename(); got != tt.want {
				t.Errorf("%s: %q, want %q", name, got, tt.want)
			}
		})
	}
}
