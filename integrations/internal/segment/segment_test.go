package segment_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/rowstest"
	"integrationhub.dev/integrations/internal/segment"
)

var params = map[string]string{"segment_write_key": "wr1te"}

func integration(t *testing.T, kind segment.Kind, deps action.Deps) *segment.Integration {
	t.Helper()
	i, err := segment.New(deps, kind, segment.Listing{})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func query(t *testing.T, result string) *action.Request {
	t.Helper()
	return actiontest.JSONDetail(t, actiontest.Query(params, nil), result)
}

// field is a column with tags.
func field(name string, tags ...string) string {
	text, err := json.Marshal(map[string]any{"name": name, "tags": tags})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// result returns a result in json_detail of dimensions and rows, which are objects of values.
func result(fields []string, rows ...string) string {
	return `{"fields":{"dimensions":[` + strings.Join(fields, ",") + `]},"ran_at":"2017-07-28T02:25:19+00:00","data":[` + strings.Join(rows, ",") + `]}`
}

func accepted() actiontest.Reply { return actiontest.Reply{Body: `{"success":true}`} }

// messages returns the messages that arrived, without IDs and constant members.
func messages(t *testing.T, d *actiontest.Destination) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, r := range d.Requests() {
		var body struct{ Batch []map[string]any }
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		for _, m := range body.Batch {
			delete(m, "messageId")
			delete(m, "context")
			delete(m, "timestamp")
			all = append(all, m)
		}
	}
	return all
}

type object = map[string]any

func TestMessages(t *testing.T) {
	t.Parallel()
	const made = "made up"
	email, user, anonymous, group := field("u.email", "email"), field("u.id", "x", "user_id"), field("u.anon", "segment_anonymous_id"), field("g.id", "segment_group_id")
	for name, tt := range map[string]struct {
		kind   segment.Kind
		event  string
		result string
		hidden []string
		want   []map[string]any
	}{
		"a user id": {
			segment.Identify, "", result([]string{user}, `{"u.id":{"value":"funvalue"}}`), nil,
			[]object{{"type": "identify", "userId": "funvalue", "traits": object{}}},
		},
		"a user id that is a number": {
			segment.Identify, "", result([]string{user}, `{"u.id":{"value":12345678901234567890}}`), nil,
			[]object{{"type": "identify", "userId": "12345678901234567890", "traits": object{}}},
		},
		"an email address": {
			segment.Identify, "", result([]string{email}, `{"u.email":{"value":"e@example.com"}}`), nil,
			[]object{{"type": "identify", "anonymousId": made, "traits": object{"email": "e@example.com"}}},
		},
		"all ids and a trait, the anonymous one first": {
			segment.Identify, "", result([]string{anonymous, email, user, field("t")}, `{"u.anon":{"value":"a"},"u.email":{"value":"e"},"u.id":{"value":"u"},"t":{"value":"fun"}}`), nil,
			[]object{{"type": "identify", "userId": "u", "anonymousId": "a", "traits": object{"email": "e", "t": "fun"}}},
		},
		"an anonymous id alone": {
			segment.Identify, "", result([]string{anonymous}, `{"u.anon":{"value":"a"}}`), nil,
			[]object{{"type": "identify", "userId": "a", "anonymousId": "a", "traits": object{}}},
		},
		"no user in the row": {
			segment.Identify, "", result([]string{user}, `{"u.id":{"value":null}}`, `{"u.id":{"value":""}}`), nil,
			[]object{{"type": "identify", "anonymousId": made, "traits": object{}}, {"type": "identify", "anonymousId": made, "traits": object{}}},
		},
		"hidden columns": {
			segment.Identify, "", result([]string{email, field("h"), field("n")}, `{"u.email":{"value":"e"},"h":{"value":1},"n":{"value":2}}`),
			[]string{"h", "u.email"},
			[]object{{"type": "identify", "anonymousId": made, "traits": object{"email": "e", "n": 2.0}}},
		},
		"values that are nearly nothing": {
			segment.Identify, "",
			result([]string{user, field("zero"), field("null"), field("empty"), field("false"), field("none")},
				`{"u.id":{"value":"u"},"zero":{"value":0},"null":{"value":null},"empty":{"value":""},"false":{"value":false}}`), nil,
			[]object{{"type": "identify", "userId": "u", "traits": object{"zero": 0.0, "null": nil, "empty": "", "false": false}}},
		},
		"columns with a tag that another has already": {
			segment.Identify, "", result([]string{user, group, field("u.other", "user_id"), email, field("email")},
				`{"u.id":{"value":"u"},"g.id":{"value":"g"},"u.other":{"value":"o"},"u.email":{"value":"e"},"email":{"value":"not this"}}`), nil,
			[]object{{"type": "identify", "userId": "u", "groupId": "g", "traits": object{"u.other": "o", "email": "e"}}},
		},
		"a pivot": {
			segment.Identify, "",
			`{"fields":{"dimensions":[` + user + `],"measures":[{"name":"n"}],"table_calculations":[{"name":"c"}]},"pivots":[{"key":"f"},{"key":"z"}],
				"data":[{"u.id":{"value":"u"},"n":{"f":{"value":1},"z":{"value":3}},"c":{"z":{"value":null}}}]}`, nil,
			[]object{{"type": "identify", "userId": "u", "traits": object{"n": []any{object{"f": 1.0}, object{"z": 3.0}}, "c": []any{object{"z": nil}}}}},
		},
		"text that is no UTF-8, and quotes": {
			segment.Identify, "", result([]string{user, field("t")}, `{"u.id":{"value":"\"\\u\n"},"t":{"value":"a\ud800b"}}`), nil,
			[]object{{"type": "identify", "userId": "\"\\u\n", "traits": object{"t": "a\ufffdb"}}},
		},
		"a group": {
			segment.Group, "", result([]string{user, group, email, field("t")}, `{"u.id":{"value":"u"},"g.id":{"value":7},"u.email":{"value":"e"},"t":{"value":1}}`), nil,
			[]object{{"type": "group", "userId": "u", "groupId": "7", "traits": object{"email": "e", "t": 1.0}}},
		},
		"an event": {
			segment.Track, "Ordered", result([]string{user, email, field("t")}, `{"u.id":{"value":"u"},"u.email":{"value":"e"},"t":{"value":1}}`), nil,
			[]object{{"type": "track", "event": "Ordered", "userId": "u", "properties": object{"email": "e", "t": 1.0}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			req := query(t, tt.result)
			req.Plan.HiddenFields = tt.hidden
			res, err := integration(t, tt.kind, actiontest.Deps(t, d, nil)).Deliver(t.Context(), req, tt.event)
			if err != nil || res.Message != fmt.Sprintf("%d rows sent to Segment.", len(tt.want)) {
				t.Fatalf("%+v, %v", res, err)
			}
			got := messages(t, d)
			for i, m := range got {
				if id, _ := m["anonymousId"].(string); i < len(tt.want) && tt.want[i]["anonymousId"] == made && len(id) == 36 {
					m["anonymousId"] = made
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

// The complete request. Under synctest it is the year 2000.
func TestWire(t *testing.T) {
	t.Parallel()
	for region, host := range map[string]string{"": "api.segment.io", "us": "api.segment.io", "EU": "events.eu1.segmentapis.com"} {
		synctest.Test(t, func(t *testing.T) {
			var got *http.Request
			var body string
			d := &rowstest.Destination{
				Rows: func(req *http.Request, b []byte) ([]rowstest.Row, error) {
					got, body = req, string(b)
					return []rowstest.Row{{ID: "u"}}, nil
				},
				Answer: func([]rowstest.Row, []int) rowstest.Answer {
					return rowstest.Answer{Status: http.StatusOK, Body: `{"success":true}`}
				},
				NoFaults: true,
			}
			env := map[string]string{}
			if region != "" {
				env["SEGMENT_REGION"] = region
			}
			req := query(t, result([]string{field("u.id", "user_id"), field("t")}, `{"u.id":{"value":"u"},"t":{"value":1.50}}`))
			if _, err := integration(t, segment.Identify, d.Deps(env)).Deliver(t.Context(), req, ""); err != nil {
				t.Fatal(err)
			}
			const want = `{"batch":[{"type":"identify","messageId":"looker-ID","timestamp":"2017-07-28T02:25:19.000Z","userId":"u","traits":{"t":1.50},` +
				`"context":{"app":{"name":"looker/actions","version":"V"}}}],"sentAt":"2000-01-01T00:00:00.000Z"}`
			if diff := cmp.Diff(want, masked(body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if got.Method != http.MethodPost {
				t.Errorf("method %v, want %v", got.Method, http.MethodPost)
			}
			if got.URL.String() != "https://"+host+"/v1/batch" {
				t.Errorf("URL %q, want %q", got.URL.String(), "https://"+host+"/v1/batch")
			}
			if got.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("wr1te:")) {
				t.Errorf("Authorization %q, want %q", got.Header.Get("Authorization"), "Basic "+base64.StdEncoding.EncodeToString([]byte("wr1te:")))
			}
			if got.Header.Get("Content-Type") != "application/json" {
				t.Errorf("Content-Type %q, want %q", got.Header.Get("Content-Type"), "application/json")
			}
		})
	}
}

// masked removes what depends on the build.
func masked(body string) string {
	for mask, before := range map[string]string{`"ID"`: `"messageId":"looker-`, `"V"`: `"version":"`} {
		i := strings.Index(body, before) + len(before)
		end := i + strings.IndexByte(body[i:], '"')
		body = body[:i] + strings.Trim(mask, `"`) + body[end:]
	}
	return body
}

func TestRegion(t *testing.T) {
	t.Parallel()
	if _, err := segment.New(actiontest.Deps(t, nil, map[string]string{"SEGMENT_REGION": "mars"}), segment.Identify, segment.Listing{}); err == nil || !strings.Contains(err.Error(), "but must be us or eu") {
		t.Errorf("error %v", err)
	}
}

// A repeated delivery has the same message IDs, any other one different IDs.
func TestMessageIDs(t *testing.T) {
	t.Parallel()
	one := result([]string{field("u.email", "email")}, `{"u.email":{"value":"e"}}`, `{"u.email":{"value":"e"}}`)
	type ids struct {
		MessageID   string `json:"messageId"`
		AnonymousID string `json:"anonymousId"`
	}
	send := func(change func(*action.Request), kind segment.Kind, event, text string) []ids {
		d := actiontest.NewDestination(t).Reply(accepted())
		req := query(t, text)
		change(req)
		if _, err := integration(t, kind, actiontest.Deps(t, d, nil)).Deliver(t.Context(), req, event); err != nil {
			t.Fatal(err)
		}
		var body struct{ Batch []ids }
		if err := json.Unmarshal(d.Requests()[0].Body, &body); err != nil {
			t.Fatal(err)
		}
		return body.Batch
	}
	same := func(*action.Request) {}
	first := send(same, segment.Track, "A", one)
	if first[0] == first[1] {
		t.Errorf("two rows have the IDs %+v", first[0])
	}
	if first[0].MessageID == first[1].MessageID {
		t.Errorf("two rows have the message ID %q", first[0].MessageID)
	}
	if first[0].AnonymousID != first[1].AnonymousID {
		t.Errorf("two rows with the same email address have the anonymous IDs %q and %q", first[0].AnonymousID, first[1].AnonymousID)
	}
	if diff := cmp.Diff(first, send(same, segment.Track, "A", one)); diff != "" {
		t.Errorf("the same delivery again (-first +again):\n%s", diff)
	}
	for name, other := range map[string][]ids{
		"another webhook":     send(func(r *action.Request) { r.WebhookID = "wh-2" }, segment.Track, "A", one),
		"no webhook":          send(func(r *action.Request) { r.WebhookID = "" }, segment.Track, "A", one),
		"another event":       send(same, segment.Track, "B", one),
		"another kind":        send(same, segment.Identify, "", one),
		"another run":         send(same, segment.Track, "A", strings.Replace(one, "2017", "2018", 1)),
		"an unknown run":      send(same, segment.Track, "A", strings.Replace(one, "ran_at", "ran", 1)),
		"another row instead": send(same, segment.Track, "A", strings.ReplaceAll(one, `"e"`, `"f"`)),
	} {
		if other[0].MessageID == first[0].MessageID {
			t.Errorf("%s has the message ID of the first delivery", name)
		}
		if same, want := other[0].AnonymousID == first[0].AnonymousID, name != "another row instead"; same != want {
			t.Errorf("%s has the anonymous ID of the first delivery: %v, want %v", name, same, want)
		}
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	user, group, email := field("u.id", "user_id"), field("g.id", "segment_group_id"), field("u.email", "email")
	const unidentified = "Query requires a field tagged email or user_id or segment_anonymous_id."
	for name, tt := range map[string]struct {
		kind    segment.Kind
		result  string
		message string
	}{
		"no tagged field":         {segment.Identify, result([]string{field("u.id")}, `{"u.id":{"value":1}}`), unidentified},
		"a group alone":           {segment.Identify, result([]string{group}, `{"g.id":{"value":1}}`), unidentified},
		"no user to group":        {segment.Group, result([]string{group}, `{"g.id":{"value":1}}`), unidentified},
		"no group":                {segment.Group, result([]string{user}, `{"u.id":{"value":1}}`), "Query requires a field tagged segment_group_id."},
		"grouped by email":        {segment.Group, result([]string{group, email}, `{"g.id":{"value":1}}`), "Query requires a field tagged user_id or segment_anonymous_id: an email address alone is not enough for a group."},
		"no result":               {segment.Identify, `1`, "The data is not a complete result in Looker's json_detail format."},
		"no fields":               {segment.Identify, `{"data":[{"a":{"value":1}}]}`, "The data is not a complete result in Looker's json_detail format."},
		"rows without a user":     {segment.Group, result([]string{user, group}, `{"g.id":{"value":1}}`), "A row has neither a user ID nor an anonymous ID."},
		"rows without a group":    {segment.Group, result([]string{user, group}, `{"u.id":{"value":1}}`), "A row has no group ID."},
		"rows that are too large": {segment.Identify, result([]string{user, field("t")}, `{"u.id":{"value":1},"t":{"value":"`+strings.Repeat("x", 33_000)+`"}}`), "A row exceeds Segment's limit of 32 KB."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			_, err := integration(t, tt.kind, actiontest.Deps(t, d, nil)).Deliver(t.Context(), query(t, tt.result), "")
			if err == nil || action.MessageOf(err) != tt.message {
				t.Errorf("error %v, want %q", err, tt.message)
			}
			if len(d.Requests()) != 0 {
				t.Error("Segment was called")
			}
		})
	}
	t.Run("no write key", func(t *testing.T) {
		t.Parallel()
		req := query(t, result([]string{user}))
		req.Params = nil
		if _, err := integration(t, segment.Identify, actiontest.Deps(t, nil, nil)).Deliver(t.Context(), req, ""); action.KindOf(err) != action.Invalid {
			t.Errorf("error %v", err)
		}
	})
	t.Run("no data", func(t *testing.T) {
		t.Parallel()
		_, err := integration(t, segment.Identify, actiontest.Deps(t, nil, nil)).Deliver(t.Context(), actiontest.Query(params, nil), "")
		if action.KindOf(err) != action.Invalid {
			t.Errorf("error %v", err)
		}
	})
}

// A row that cannot be sent does not affect the others.
func TestBadRowsAmongGoodOnes(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(accepted())
	text := result([]string{field("u.id", "user_id"), field("g.id", "segment_group_id")},
		`{"u.id":{"value":1},"g.id":{"value":1}}`, `{"u.id":{"value":2}}`, `{"g.id":{"value":1}}`, `{}`, `{"u.id":{"value":5},"g.id":{"value":2}}`)
	_, err := integration(t, segment.Group, actiontest.Deps(t, d, nil)).Deliver(t.Context(), query(t, text), "")
	if got := action.MessageOf(err); got != "2 of 5 rows delivered, 3 rejected. A row has no group ID. A row has neither a user ID nor an anonymous ID." {
		t.Errorf("message %q", got)
	}
	got := messages(t, d)
	if len(got) != 2 {
		t.Errorf("%d messages, want %d", len(got), 2)
	}
	if got[0]["userId"] != "1" {
		t.Errorf("user ID %q, want %q", got[0]["userId"], "1")
	}
	if got[1]["userId"] != "5" {
		t.Errorf("user ID %q, want %q", got[1]["userId"], "5")
	}
}

func TestNoRows(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	res, err := integration(t, segment.Identify, actiontest.Deps(t, d, nil)).Deliver(t.Context(), query(t, result([]string{field("u.id", "user_id")})), "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, "0 rows sent to Segment."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if got, want := len(d.Requests()), 0; got != want {
		t.Errorf("%d calls, want %d", got, want)
	}
}

func TestTruncatedSource(t *testing.T) {
	t.Parallel()
	whole := result([]string{field("u.id", "user_id")}, `{"u.id":{"value":1}}`, `{"u.id":{"value":2}}`, `{"u.id":{"value":3}}`)
	cut := whole[:len(whole)-15]
	d := actiontest.NewDestination(t).Reply(accepted())
	i := integration(t, segment.Identify, actiontest.Deps(t, d, nil))
	_, err := i.Deliver(t.Context(), query(t, cut), "")
	if got := action.MessageOf(err); got != "2 of 2 rows delivered, 0 failed. The data ended before the result was complete." {
		t.Errorf("inline: %q", got)
	}
	_, err = i.Deliver(t.Context(), actiontest.Download(t, actiontest.Query(params, nil), actiontest.BrokenDownload(cut)), "")
	if got := action.MessageOf(err); got != "2 of 2 rows delivered, 0 failed. The download from Looker ended before the data was complete." {
		t.Errorf("download: %q", got)
	}
}

func TestSegmentFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer  rowstest.Answer
		kind    action.Kind
		message string
		calls   int
	}{
		"a wrong key":          {rowstest.Answer{Status: 401, Body: `{"message":"wr1te is wrong"}`}, action.Unauthenticated, "Segment rejected the write key.", 1},
		"a key without rights": {rowstest.Answer{Status: 403}, action.Forbidden, "Segment rejected the write key.", 1},
		"gone":                 {rowstest.Answer{Status: 404}, action.NotFound, "Segment returned 404 Not Found.", 1},
		"rejected":             {rowstest.Answer{Status: 400, Body: `{"message":"wr1te"}`}, action.Invalid, "Segment rejected a row as an invalid message (400).", 1},
		"unavailable":          {rowstest.Answer{Status: 500}, action.Unavailable, "Segment returned 500 Internal Server Error.", 6},
		"limited for long":     {rowstest.Answer{Status: 429, Header: map[string]string{"Retry-After": "86400"}}, action.RateLimited, "Segment returned 429 Too Many Requests.", 1},
		"a lie":                {rowstest.Answer{Status: 200, Body: `{"success":false}`}, action.Unavailable, "Segment did not confirm the rows.", 6},
		"somebody else":        {rowstest.Answer{Status: 200, Body: `<html>`}, action.Unavailable, "Unexpected response from Segment. Segment may already have accepted the request. Check before retrying.", 6},
		"a redirect":           {rowstest.Answer{Status: 302}, action.Invalid, "Segment rejected a row as an invalid message (302).", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sink := &rowstest.Sink{Answer: tt.answer}
				deps := actiontest.Deps(t, nil, nil)
				deps.HTTP = &http.Client{Transport: sink}
				_, err := integration(t, segment.Identify, deps).Deliver(t.Context(), query(t, result([]string{field("u.id", "user_id")}, `{"u.id":{"value":"u"}}`)), "")
				if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message {
					t.Errorf("error %v (%v)", err, action.KindOf(err))
				}
				if strings.Contains(fmt.Sprint(err), "wr1te") {
					t.Errorf("the error tells too much: %v", err)
				}
				if sink.Calls() != tt.calls {
					t.Errorf("%d calls, want %d", sink.Calls(), tt.calls)
				}
			})
		})
	}
}

// people returns a result of n users. The destination rejects one in a thousand.
const peopleHead = `{"fields":{"dimensions":[{"name":"u.id","tags":["user_id"]},{"name":"u.city"}],"measures":[{"name":"o.count"}]},"ran_at":"2026-11-23T12:00:00Z"`

func person(i int) string {
	return fmt.Sprintf(`{"u.id":{"value":%d},"u.city":{"value":"Zürich","rendered":"Zürich"},"o.count":{"value":%d.5}}`, i, i%7)
}

// fake rejects a batch because of one message, and deduplicates messages.
func fake() *rowstest.Destination {
	return &rowstest.Destination{
		Rows: func(_ *http.Request, body []byte) ([]rowstest.Row, error) {
			var call struct {
				Batch []struct {
					MessageID string `json:"messageId"`
					UserID    string `json:"userId"`
				}
			}
			if err := json.Unmarshal(body, &call); err != nil {
				return nil, err
			}
			if len(body) > 500_000 || len(call.Batch) > 2500 {
				return nil, errors.New("a call that is too large")
			}
			rows := make([]rowstest.Row, len(call.Batch))
			for i, m := range call.Batch {
				rows[i] = rowstest.Row{ID: m.UserID, Key: m.MessageID}
			}
			return rows, nil
		},
		Refuses: func(id string) bool { return strings.HasSuffix(id, "777") },
		Whole:   true,
		Answer: func(_ []rowstest.Row, rejected []int) rowstest.Answer {
			if len(rejected) > 0 {
				return rowstest.Answer{Status: http.StatusBadRequest, Body: `{"success":false}`}
			}
			return rowstest.Answer{Status: http.StatusOK, Body: `{"success":true}`}
		},
	}
}

// Each of 100,000 rows is counted correctly under injected faults.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const total = 100_000
		d := fake()
		req := rowstest.Query(t, actiontest.Query(params, nil), peopleHead, total, person)
		_, err := integration(t, segment.Identify, d.Deps(nil)).Deliver(t.Context(), req, "")
		if got := d.Check(t, total, err); got.Failed != total/1000 {
			t.Errorf("%+v, want the %d rejected rows to fail, and no other", got, total/1000)
		}
		if n := d.Unconfirmed(); n != 0 {
			t.Errorf("%d rows arrived, but are not confirmed", n)
		}
		if got := action.MessageOf(err); got != "99900 of 100000 rows delivered, 100 rejected. Segment rejected a row as an invalid message (400)." {
			t.Errorf("message %q", got)
		}
	})
}

// If every row is rejected, the bisecting ends.
func TestEveryRowRefused(t *testing.T) {
	t.Parallel()
	const total = 20_000
	d := fake()
	d.NoFaults, d.Refuses = true, func(string) bool { return true }
	req := rowstest.Query(t, actiontest.Query(params, nil), peopleHead, total, person)
	_, err := integration(t, segment.Identify, d.Deps(nil)).Deliver(t.Context(), req, "")
	if got := d.Check(t, total, err); got.Failed != total {
		t.Errorf("%+v", got)
	}
	if n := d.Calls()["fine"]; n > total/500+2000 {
		t.Errorf("%d calls", n)
	}
}

// The memory does not depend on the number of rows. Not parallel: it measures the heap.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			const total, most = 1_000_000, 32 << 20
			sink := &rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: `{"success":true}`}}
			deps := actiontest.Deps(t, nil, nil)
			deps.HTTP = &http.Client{Transport: sink}
			req := way.Query(t, actiontest.Query(params, nil), peopleHead, total, person)
			res, err := integration(t, segment.Identify, deps).Deliver(t.Context(), req, "")
			if err != nil || res.Message != strconv.Itoa(total)+" rows sent to Segment." {
				t.Fatalf("%+v, %v", res, err)
			}
			if heap := sink.Heap(t); heap > most {
				t.Errorf("the heap grew to %d MiB, more than %d", heap>>20, most>>20)
			}
			t.Logf("%d rows, heap at most %.1f MiB", total, float64(sink.Heap(t))/(1<<20))
		})
	}
}
