package hubspot_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

var idAndCity = []string{"id:hubspot_contact_id", "city"}

// HubSpot ignores null. A property is cleared by an empty text.
func TestNulls(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		form map[string]string
		want map[string]string
	}{
		"by default": {nil, map[string]string{"email": "c1@example.com", "own_id": "own-1", "born": "1970-01-01"}},
		"clear": {
			map[string]string{"null_values": "clear"},
			map[string]string{"email": "c1@example.com", "own_id": "own-1", "born": "1970-01-01"},
		},
		"keep": {
			map[string]string{"null_values": "keep"},
			map[string]string{"email": "c1@example.com", "own_id": "own-1", "born": "1970-01-01", "city": "Bern"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount("1")
			if got, want := a.deliverTo(t, tt.form, idAndCity, `1,null`), "1 contacts updated."; got != want {
				t.Errorf("message %q, want %q", got, want)
			}
			if diff := cmp.Diff(tt.want, a.contacts["1"]); diff != "" {
				t.Errorf("properties (-want +got):\n%s", diff)
			}
		})
	}
}

// Dates are written as the property's type has them.
func TestDates(t *testing.T) {
	t.Parallel()
	columns := []string{"id:hubspot_contact_id", "born", "seen", "city"}
	for value, want := range map[string]struct{ born, seen string }{
		`"2026-11-23"`:                 {"2026-11-23", "2026-11-23T00:00:00Z"},
		`"2026-11-23 22:15:07"`:        {"2026-11-23", "2026-11-23T22:15:07Z"},
		`"2026-11-23 22:15:07.123456"`: {"2026-11-23", "2026-11-23T22:15:07.123Z"},
		`"2026-11-23 22:15"`:           {"2026-11-23", "2026-11-23T22:15:00Z"},
		`"2026-11-23T22:15:07Z"`:       {"2026-11-23", "2026-11-23T22:15:07Z"},
		`"2026-11-23T22:15:07-08:00"`:  {"2026-11-24", "2026-11-24T06:15:07Z"},
		`"2026-11-23 22:15:07 UTC"`:    {"2026-11-23", "2026-11-23T22:15:07Z"},
		`"2026-11-23 22:15:07 +0100"`:  {"2026-11-23", "2026-11-23T21:15:07Z"},
		`"2026-11-23T22:15:07+0100"`:   {"2026-11-23", "2026-11-23T21:15:07Z"},
		`"2026-11-23 22:15:07.5+00"`:   {"2026-11-23", "2026-11-23T22:15:07.5Z"},
		`"2026-11-23T22:15"`:           {"2026-11-23", "2026-11-23T22:15:00Z"},
		`"2026-11-23T22:15-03:00"`:     {"2026-11-24", "2026-11-24T01:15:00Z"},
		`1795472107000`:                {"2026-11-23", "2026-11-23T22:15:07Z"},
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			a := newAccount("1")
			if got := a.deliverTo(t, nil, columns, "1,"+value+","+value+","+value); got != "1 contacts updated." {
				t.Fatalf("message %q", got)
			}
			got := a.contacts["1"]
			if got["born"] != want.born || got["seen"] != want.seen {
				t.Errorf("date %q, want %q; datetime %q, want %q", got["born"], want.born, got["seen"], want.seen)
			}
			if text := value; got["city"] != trim(text) {
				t.Errorf("a property of another type is %q, want %q", got["city"], trim(text))
			}
		})
	}
}

func trim(text string) string {
	if text[0] == '"' {
		return text[1 : len(text)-1]
	}
	return text
}

// Looker's yesno has other texts than HubSpot's checkboxes.
func TestYesNo(t *testing.T) {
	t.Parallel()
	a := newAccount("1", "2")
	if got := a.deliverTo(t, nil, []string{"id:hubspot_contact_id", "vip", "city"}, `1,"Yes","Yes"`, `2,"No","No"`); got != "2 contacts updated." {
		t.Fatalf("message %q", got)
	}
	want := []string{"true", "Yes", "false", "No"}
	got := []string{a.contacts["1"]["vip"], a.contacts["1"]["city"], a.contacts["2"]["vip"], a.contacts["2"]["city"]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// What is no date stays as it is, so that HubSpot says what is wrong with it.
func TestNoDate(t *testing.T) {
	t.Parallel()
	a := newAccount("1", "2")
	got := a.deliverTo(t, nil, []string{"id:hubspot_contact_id", "born"}, `1,"2026-11-23 08:00:00"`, `2,"soon"`)
	if want := "1 of 2 contacts delivered, 1 rejected. HubSpot rejected the value for born (INVALID_VALUE) (first: contact 2)."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if a.contacts["1"]["born"] != "2026-11-23" || a.contacts["2"]["born"] != "1970-01-01" {
		t.Errorf("contacts %v", a.contacts)
	}
}

// A pivoted column does not keep the others from being sent.
func TestPivotedColumns(t *testing.T) {
	t.Parallel()
	columns := []string{"id:hubspot_contact_id", "city", "n", "m"}
	one, two := `1,"Basel",{"a":{"value":1}},2`, `2,"Genf",{"a":{"value":1}},{"a":{"value":null}}`
	for name, tt := range map[string]struct {
		form  map[string]string
		rows  []string
		want  string
		isErr bool
	}{
		"one": {
			nil, []string{one}, "1 contacts updated. The pivoted column N was not sent: one property cannot hold several values.", true,
		},
		"two": {
			nil,
			[]string{one, two},
			"2 contacts updated. The pivoted columns N, M were not sent: one property cannot hold several values.", true,
		},
		"ignored": {
			map[string]string{"pivoted_columns": "ignore"},
			[]string{one},
			"1 contacts updated. The pivoted column N was not sent: one property cannot hold several values.", false,
		},
		"another error": {
			nil,
			[]string{one, `3,"Chur",{"a":{"value":1}},1`},
			"1 of 2 contacts delivered, 1 rejected. HubSpot has no contact with this ID (first: contact 3). " +
				"The pivoted column N was not sent: one property cannot hold several values.", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount("1", "2")
			res, err := a.execute(t, tt.form, columns, tt.rows...)
			if got := message(res, err); got != tt.want || (err != nil) != tt.isErr {
				t.Errorf("error %v, message %q, want %q", err, got, tt.want)
			}
			if got := a.contacts["1"]["city"]; got != "Basel" {
				t.Errorf("city %q, want Basel", got)
			}
			if got, found := a.contacts["1"]["n"]; found {
				t.Errorf("the pivoted column was sent: %q", got)
			}
		})
	}
}
