package segment_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/rowstest"
	"integrationhub.dev/integrations/internal/segment"
)

// sent is the part of a message that the tests of roles compare.
type sent struct {
	AnonymousID string `json:"anonymousId"`
	GroupID     string `json:"groupId"`
	Timestamp   string `json:"timestamp"`
	Traits      object `json:"traits"`
	Properties  object `json:"properties"`
	Context     struct {
		GroupID string `json:"groupId"`
	} `json:"context"`
}

func deliver(t *testing.T, kind segment.Kind, form map[string]string, text string) ([]sent, error) {
	t.Helper()
	d := actiontest.NewDestination(t).Reply(accepted())
	req := actiontest.JSONDetail(t, actiontest.Query(params, form), text)
	_, err := integration(t, kind, actiontest.Deps(t, d, nil)).Deliver(t.Context(), req, "Ordered")
	var all []sent
	for _, r := range d.Requests() {
		var body struct{ Batch []sent }
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		all = append(all, body.Batch...)
	}
	return all, err
}

// The group ID is in the context, where Segment's destinations look for it, and is not a trait. Group
// messages have it only at the top: https://segment.com/docs/connections/spec/common/#context
func TestGroupID(t *testing.T) {
	t.Parallel()
	text := result([]string{field("u.id", "user_id"), field("g.id", "segment_group_id"), field("n")},
		`{"u.id":{"value":"u"},"g.id":{"value":7},"n":{"value":1}}`)
	for name, tt := range map[string]struct {
		kind       segment.Kind
		context    string
		traits     object
		properties object
	}{
		"identify": {segment.Identify, "7", object{"n": 1.0}, nil},
		"track":    {segment.Track, "7", nil, object{"n": 1.0}},
		"group":    {segment.Group, "", object{"n": 1.0}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := deliver(t, tt.kind, nil, text)
			if err != nil || len(got) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			if got, want := got[0].Context.GroupID, tt.context; got != want {
				t.Errorf("context.groupId %q, want %q", got, want)
			}
			if got, want := got[0].GroupID, "7"; got != want {
				t.Errorf("groupId %q, want %q", got, want)
			}
			if diff := cmp.Diff(tt.traits, got[0].Traits); diff != "" {
				t.Errorf("traits (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.properties, got[0].Properties); diff != "" {
				t.Errorf("properties (-want +got):\n%s", diff)
			}
		})
	}
}

// A row without a group has no group ID.
func TestNoGroupID(t *testing.T) {
	t.Parallel()
	text := result([]string{field("u.id", "user_id"), field("g.id", "segment_group_id")}, `{"u.id":{"value":"u"},"g.id":{"value":null}}`)
	got, err := deliver(t, segment.Track, nil, text)
	if err != nil || len(got) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if got[0].GroupID != "" || got[0].Context.GroupID != "" {
		t.Errorf("%+v has a group ID", got[0])
	}
}

// A person that only an email address identifies has the same anonymous ID in each message.
func TestAnonymousIDOfEmail(t *testing.T) {
	t.Parallel()
	text := result([]string{field("u.id", "user_id"), field("u.email", "email"), field("n")},
		`{"u.email":{"value":"Ann@Example.com "},"n":{"value":1}}`, `{"u.email":{"value":"ann@example.com"},"n":{"value":2}}`,
		`{"u.email":{"value":"bob@example.com"}}`, `{"u.email":{"value":null}}`, `{"u.email":{"value":""}}`,
		`{"u.id":{"value":"u"},"u.email":{"value":"ann@example.com"}}`)
	got, err := deliver(t, segment.Identify, nil, text)
	if err != nil || len(got) != 6 {
		t.Fatalf("%+v, %v", got, err)
	}
	// Fixed, because another ID would split the profiles that Segment has.
	const ann, bob = "d3326026-9ddc-823e-b418-fe41cd05028a", "bbb6c16f-2c11-8ab0-ae40-a211a1b95a75"
	if got[0].AnonymousID != ann || got[1].AnonymousID != ann {
		t.Errorf("anonymous IDs %q and %q, want %q", got[0].AnonymousID, got[1].AnonymousID, ann)
	}
	if got, want := got[2].AnonymousID, bob; got != want {
		t.Errorf("anonymous ID %q, want %q", got, want)
	}
	if got[3].AnonymousID == "" || got[3].AnonymousID == got[4].AnonymousID {
		t.Errorf("two rows without an address have the anonymous IDs %q and %q", got[3].AnonymousID, got[4].AnonymousID)
	}
	if got, want := got[5].AnonymousID, ""; got != want {
		t.Errorf("a user has the anonymous ID %q", got)
	}
	again, err := deliver(t, segment.Track, nil, text)
	if err != nil || again[0].AnonymousID != ann {
		t.Errorf("another delivery has the anonymous ID %q, want %q: %v", again[0].AnonymousID, ann, err)
	}
}

// Under synctest it is the year 2000.
func TestTimestamp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		zone, value, want string
	}{
		"an offset":         {"", `"2026-11-23T14:05:06.5+01:00"`, "2026-11-23T13:05:06.500Z"},
		"Looker's time":     {"", `"2026-11-23 14:05:06"`, "2026-11-23T14:05:06.000Z"},
		"a date":            {"", `"2026-11-23"`, "2026-11-23T00:00:00.000Z"},
		"the form's zone":   {"Europe/Berlin", `"2026-07-23 14:05:06"`, "2026-07-23T12:05:06.000Z"},
		"no value":          {"", `null`, "2017-07-28T02:25:19.000Z"},
		"an empty value":    {"", `""`, "2017-07-28T02:25:19.000Z"},
		"not a time":        {"", `"yesterday"`, ""},
		"a number":          {"", `1795442706`, ""},
		"a day of no month": {"", `"2026-02-30"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := result([]string{field("u.id", "user_id"), field("o.at", "segment_timestamp")},
				`{"u.id":{"value":"u"},"o.at":{"value":`+tt.value+`}}`)
			got, err := deliver(t, segment.Track, map[string]string{"time_zone": tt.zone}, text)
			if tt.want == "" {
				const want = "A row's value in the field tagged segment_timestamp is not a time, such as 2026-11-23 14:05:00."
				if action.MessageOf(err) != want || len(got) != 0 {
					t.Errorf("%+v, error %v, want %q", got, err, want)
				}
				return
			}
			if err != nil || len(got) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			if got := got[0].Timestamp; got != tt.want {
				t.Errorf("timestamp %q, want %q", got, tt.want)
			}
			if diff := cmp.Diff(object{}, got[0].Properties); diff != "" {
				t.Errorf("properties (-want +got):\n%s", diff)
			}
		})
	}
}

// Without the time of the query, a message without a time has that of the delivery.
func TestTimestampOfDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := make(chan string, 1)
		d := actiontest.NewSocketless().Handle(func(r actiontest.Recorded) actiontest.Reply {
			var body struct{ Batch []sent }
			if json.Unmarshal(r.Body, &body) == nil && len(body.Batch) == 1 {
				got <- body.Batch[0].Timestamp
			}
			return accepted()
		})
		req := query(t, `{"fields":{"dimensions":[`+field("u.id", "user_id")+`]},"data":[{"u.id":{"value":"u"}}]}`)
		if _, err := integration(t, segment.Identify, actiontest.Deps(t, d, nil)).Deliver(t.Context(), req, ""); err != nil {
			t.Fatal(err)
		}
		if at, want := <-got, "2000-01-01T00:00:00.000Z"; at != want {
			t.Errorf("timestamp %q, want %q", at, want)
		}
	})
}

const ordersHead = `{"fields":{"dimensions":[{"name":"u.email","tags":["email"]},{"name":"g.id","tags":["segment_group_id"]},` +
	`{"name":"o.at","tags":["segment_timestamp"]}]},"ran_at":"2026-11-23T12:00:00Z"`

// order is a row of a person whose user ID is unknown. Each thousandth has a time that is not one.
func order(i int) string {
	at := "2026-11-23 14:05:06"
	if i%1000 == 0 {
		at = "soon"
	}
	return fmt.Sprintf(`{"u.email":{"value":"u%d@example.com"},"g.id":{"value":%d},"o.at":{"value":%q}}`, i, i%7, at)
}

// Each of 100,000 events of people without a user ID is counted correctly under injected faults. Each has the anonymous ID of its
// address, its group and its time.
func TestInjectedFaultsOfEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const total = 100_000
		d := fake()
		d.Rows = func(_ *http.Request, body []byte) ([]rowstest.Row, error) {
			var call struct {
				Batch []struct {
					sent
					MessageID string `json:"messageId"`
				}
			}
			if err := json.Unmarshal(body, &call); err != nil {
				return nil, err
			}
			rows := make([]rowstest.Row, len(call.Batch))
			for i, m := range call.Batch {
				if m.AnonymousID == "" || m.Context.GroupID == "" || m.Timestamp != "2026-11-23T14:05:06.000Z" {
					return nil, fmt.Errorf("message %+v", m)
				}
				email, _ := m.Properties["email"].(string)
				rows[i] = rowstest.Row{ID: email, Key: m.MessageID}
			}
			return rows, nil
		}
		d.Refuses = func(id string) bool { return strings.HasSuffix(id, "777@example.com") }
		req := rowstest.Query(t, actiontest.Query(params, nil), ordersHead, total, order)
		_, err := integration(t, segment.Track, d.Deps(nil)).Deliver(t.Context(), req, "Ordered")
		if got := d.Check(t, total, err); got.Failed != 2*total/1000 {
			t.Errorf("%+v, want the %d rejected rows to fail, and no other", got, 2*total/1000)
		}
		if n := d.Unconfirmed(); n != 0 {
			t.Errorf("%d rows arrived, but are not confirmed", n)
		}
	})
}
