package customerio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/customerio"
	"integrationhub.dev/integrations/internal/rowbucket/rowbuckettest"
	"integrationhub.dev/integrations/internal/rowstest"
)

// head is a result without its rows. Its columns are an ID and two attributes.
const head = `{"fields":{"dimensions":[{"name":"u.id","tags":["customer_io_id"]},{"name":"u.city"}],"measures":[{"name":"u.orders"}]}`

type values = map[string]string

func request(form values) *action.Request {
	return actiontest.Query(values{"site_id": "s1te ", "api_key": "k3y\n"}, form)
}

func query(t *testing.T, form values, rows ...string) *action.Request {
	t.Helper()
	return actiontest.JSONDetail(t, request(form), head+`,"data":[`+strings.Join(rows, ",")+`]}`)
}

func row(id string) string { return `{"u.id":{"value":"` + id + `"}}` }

func TestForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, customerio.New, actiontest.Deps(t, nil, nil))
	got, err := action.Resolve(i).Form.Form(t.Context(), request(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Form{Fields: []action.Field{
		{Name: "action", Label: "Send rows as", Type: action.Select, Default: "identify", Required: true, Options: []action.Option{
			{Name: "identify", Label: "People, who are added or updated"}, {Name: "event", Label: "Events of people"},
		}},
		{Name: "event_name", Label: "Event name", Description: "Required for events. It can start a campaign.", Type: action.String},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

// call is a request as the destination receives it.
type call struct{ Method, URL, Authorization, ContentType, Body string }

func TestCall(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Body: `{}`})
	i := actiontest.New(t, customerio.New, actiontest.Deps(t, d, nil))
	response, err := i.Execute(t.Context(), query(t, nil,
		`{"u.id":{"value":1},"u.city":{"value":"Ulm"},"u.orders":{"value":12345678901234567890}}`,
		`{"u.id":{"value":"b"},"u.city":{"value":null}}`,
	))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := response.Message, "2 rows sent to Customer.io."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	want := []call{{
		Method: http.MethodPost, URL: "track.customer.io/api/v2/batch", Authorization: "Basic czF0ZTprM3k=", ContentType: "application/json",
		Body: `{"batch":[{"type":"person","identifiers":{"id":"1"},"action":"identify","attributes":{"city":"Ulm","orders":12345678901234567890}},` +
			`{"type":"person","identifiers":{"id":"b"},"action":"identify","attributes":{"city":null}}]}`,
	}}
	var got []call
	for _, r := range d.Requests() {
		got = append(got, call{r.Method, r.Host + r.Path, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(r.Body)})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// ulid is the form of an event's ID (https://github.com/ulid/spec).
var ulid = regexp.MustCompile(`"id":"([0-7][0-9A-HJKMNP-TV-Z]{25})"`)

// An event has an ID of its own, which stays the same when the call is repeated.
func TestEvents(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: 429, Header: values{"Retry-After": "1"}}, actiontest.Reply{Body: `{}`})
	i := actiontest.New(t, customerio.New, actiontest.Deps(t, d, nil))
	req := query(t, values{"action": "event", "event_name": " report_row "}, `{"u.id":{"value":1},"u.city":{"value":"Ulm"}}`, row("1"))
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	requests := d.Requests()
	if len(requests) != 2 {
		t.Fatalf("%d calls, want 2", len(requests))
	}
	if diff := cmp.Diff(string(requests[0].Body), string(requests[1].Body)); diff != "" {
		t.Errorf("the repeated call differs (-first +second):\n%s", diff)
	}
	const want = `{"batch":[{"type":"person","identifiers":{"id":"1"},"action":"event","name":"report_row","id":"ULID","attributes":{"city":"Ulm"}},` +
		`{"type":"person","identifiers":{"id":"1"},"action":"event","name":"report_row","id":"ULID","attributes":{}}]}`
	if diff := cmp.Diff(want, ulid.ReplaceAllString(string(requests[0].Body), `"id":"ULID"`)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	ids := ulid.FindAllStringSubmatch(string(requests[0].Body), -1)
	if ids[0][1] == ids[1][1] {
		t.Errorf("two events have the ID %s", ids[0][1])
	}
}

func TestRegion(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{"": "track.customer.io", "us": "track.customer.io", "EU": "track-eu.customer.io"} {
		d := actiontest.NewDestination(t).Reply(actiontest.Reply{Body: `{}`})
		i := actiontest.New(t, customerio.New, actiontest.Deps(t, d, nil))
		req := query(t, nil, row("1"))
		req.Params["region"] = region
		if _, err := i.Execute(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if got := d.Requests()[0].Host; got != want {
			t.Errorf("region %q: host %q, want %q", region, got, want)
		}
	}
}

// The columns' tags and names decide who is meant, and what attributes are called.
func TestColumns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fields, row string
		hidden      []string
		want        string
	}{
		"a user ID, and an email address": {
			`{"name":"u.mail","tags":["email"]},{"name":"u.id","tags":["user_id"]}`, `{"u.mail":{"value":"a@example.com"},"u.id":{"value":7}}`, nil,
			`{"type":"person","identifiers":{"id":"7"},"action":"identify","attributes":{"email":"a@example.com"}}`,
		},
		"an email address": {
			`{"name":"u.mail","tags":["email"]}`, `{"u.mail":{"value":" a@example.com "}}`, nil,
			`{"type":"person","identifiers":{"email":"a@example.com"},"action":"identify","attributes":{}}`,
		},
		"the own tag first": {
			`{"name":"u.a","tags":["user_id"]},{"name":"u.b","tags":["customer_io_id"]}`, `{"u.a":{"value":"a"},"u.b":{"value":"b"}}`, nil,
			`{"type":"person","identifiers":{"id":"b"},"action":"identify","attributes":{"a":"a"}}`,
		},
		"names": {
			`{"name":"u.id","tags":["customer_io_id"]},{"name":"u.name"},{"name":"o.name"},{"name":"o.n","tags":["customer_io[orders]"]},{"name":"calc"}`,
			`{"u.id":{"value":1},"u.name":{"value":"u"},"o.name":{"value":"o"},"o.n":{"value":2},"calc":{"value":true}}`, nil,
			`{"type":"person","identifiers":{"id":"1"},"action":"identify","attributes":{"u_name":"u","o_name":"o","orders":2,"calc":true}}`,
		},
		"hidden columns": {
			`{"name":"u.id","tags":["customer_io_id"]},{"name":"u.a"},{"name":"u.b"}`, `{"u.id":{"value":1},"u.a":{"value":1},"u.b":{"value":2}}`,
			[]string{"u.a"},
			`{"type":"person","identifiers":{"id":"1"},"action":"identify","attributes":{"b":2}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(actiontest.Reply{Body: `{}`})
			i := actiontest.New(t, customerio.New, actiontest.Deps(t, d, nil))
			req := actiontest.JSONDetail(t, request(nil), `{"fields":{"dimensions":[`+tt.fields+`]},"data":[`+tt.row+`]}`)
			req.Plan.HiddenFields = tt.hidden
			if _, err := i.Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(`{"batch":[`+tt.want+`]}`, string(d.Requests()[0].Body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	const rejected = "Customer.io rejected the site ID and the API key. Check them and the region in the action's settings."
	for name, tt := range map[string]struct {
		form, params values
		result       string // json_detail; one row if empty
		reply        actiontest.Reply
		kind         action.Kind
		want         string
		calls        int
	}{
		"no key":         {params: values{"api_key": ""}, kind: action.Invalid, want: `"api_key" is required.`},
		"no site":        {params: values{"site_id": ""}, kind: action.Invalid, want: `"site_id" is required.`},
		"another region": {params: values{"region": "mars"}, kind: action.Invalid, want: `"region" must be us or eu.`},
		"another action": {form: values{"action": "delete"}, kind: action.Invalid, want: `"action" must be identify or event.`},
		"no event":       {form: values{"action": "event", "event_name": " "}, kind: action.Invalid, want: "Enter the name of the event."},
		"a long event":   {form: values{"action": "event", "event_name": strings.Repeat("ä", 51)}, kind: action.Invalid, want: "The name of the event has 102 bytes. Customer.io allows 100."},
		"no tagged field": {
			result: `{"fields":{"dimensions":[{"name":"u.id"}]},"data":[]}`,
			kind:   action.Invalid, want: "The query needs a field tagged customer_io_id, user_id or email.",
		},
		"a pivot": {
			result: `{"fields":{"dimensions":[{"name":"u.id","tags":["email"]}],"measures":[{"name":"n"}]},"pivots":[{"key":"a"}],"data":[]}`,
			kind:   action.Invalid, want: "The query is pivoted, but an attribute of Customer.io has one value. Remove the pivot.",
		},
		"row without an ID": {
			result: head + `,"data":[{"u.city":{"value":"Ulm"}}]}`,
			kind:   action.Invalid, want: "A row has no value in the field tagged customer_io_id.",
		},
		"a large row": {
			result: head + `,"data":[{"u.id":{"value":1},"u.city":{"value":"` + strings.Repeat("x", 32_000) + `"}}]}`,
			kind:   action.TooLarge, want: "A row exceeds Customer.io's limit of 32 KB.",
		},
		"rejected key": {reply: actiontest.Reply{Status: 401, Body: `{"meta":{"error":"Unauthorized request"}}`}, kind: action.Unauthenticated, want: rejected, calls: 1},
		"forbidden":    {reply: actiontest.Reply{Status: 403}, kind: action.Forbidden, want: rejected, calls: 1},
		"a redirect": {
			reply: actiontest.Reply{Status: 307, Header: values{"Location": "https://track-eu.customer.io/api/v2/batch"}},
			kind:  action.Invalid, want: "Customer.io redirected the call. Check the region in the action's settings.", calls: 1,
		},
		"rejected record": {
			reply: actiontest.Reply{Status: 207, Body: `{"errors":[{"batch_index":0,"reason":"invalid","field":"identifiers.id","message":"must not be blank"}]}`},
			kind:  action.Invalid, want: "Customer.io rejected a row: identifiers.id: must not be blank", calls: 1,
		},
		"a reason alone": {
			reply: actiontest.Reply{Status: 207, Body: `{"errors":[{"batch_index":0,"reason":"invalid attribute"}]}`},
			kind:  action.Invalid, want: "Customer.io rejected a row: invalid attribute", calls: 1,
		},
		"no reason": {
			reply: actiontest.Reply{Status: 207, Body: `{"errors":[{"batch_index":0}]}`}, kind: action.Invalid, want: "Customer.io rejected a row without a reason.", calls: 1,
		},
		"another record": {
			reply: actiontest.Reply{Status: 207, Body: `{"errors":[{"batch_index":7,"reason":"invalid"}]}`}, kind: action.Invalid, want: "Customer.io rejected a row: invalid", calls: 1,
		},
		"no record": {
			reply: actiontest.Reply{Body: `{"errors":[{"reason":"invalid"}]}`}, kind: action.Invalid, want: "Customer.io rejected a row: invalid", calls: 1,
		},
		"a rejected batch": {
			reply: actiontest.Reply{Status: 400, Body: `{"errors":[{"reason":"parse_error","message":"invalid action"}]}`},
			kind:  action.Invalid, want: "Customer.io returned 400: invalid action", calls: 1,
		},
		"as in the first version": {
			reply: actiontest.Reply{Status: 400, Body: `{"meta":{"error":"name cannot be blank"}}`},
			kind:  action.Invalid, want: "Customer.io returned 400: name cannot be blank", calls: 1,
		},
		"a web page":  {reply: actiontest.Reply{Status: 400, Body: `<html>`}, kind: action.Invalid, want: "Customer.io returned 400 Bad Request.", calls: 1},
		"unavailable": {reply: actiontest.Reply{Status: 503}, kind: action.Unavailable, want: "Customer.io returned 503 Service Unavailable.", calls: 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := actiontest.NewSocketless().Reply(tt.reply)
				i := actiontest.New(t, customerio.New, actiontest.Deps(t, d, nil))
				req := query(t, tt.form, row("1"))
				if tt.result != "" {
					req = actiontest.JSONDetail(t, request(tt.form), tt.result)
				}
				maps.Copy(req.Params, tt.params)
				_, err := i.Execute(t.Context(), req)
				if got := action.KindOf(err); got != tt.kind {
					t.Errorf("kind %v, want %v", got, tt.kind)
				}
				if got := action.MessageOf(err); got != tt.want {
					t.Errorf("message %q, want %q", got, tt.want)
				}
				if got := len(d.Requests()); got != tt.calls {
					t.Errorf("%d calls, want %d", got, tt.calls)
				}
				if err != nil && strings.Contains(err.Error(), "k3y") {
					t.Errorf("the error contains the key: %v", err)
				}
			})
		})
	}
}

// records parses a call as the destination does: https://docs.customer.io/api/track/#operation/batch.
func records(_ *http.Request, body []byte) ([]rowstest.Row, error) {
	if len(body) >= 500_000 {
		return nil, errors.New("the call is not smaller than 500 KB")
	}
	var call struct {
		Batch []json.RawMessage `json:"batch"`
	}
	if err := json.Unmarshal(body, &call); err != nil {
		return nil, err
	}
	all := make([]rowstest.Row, len(call.Batch))
	for i, item := range call.Batch {
		var person struct {
			Type, Action string
			Identifiers  map[string]string
		}
		if err := json.Unmarshal(item, &person); err != nil {
			return nil, err
		}
		if len(item) > 32_000 {
			return nil, errors.New("an item is larger than 32 KB")
		}
		if person.Type != "person" || person.Action != "identify" {
			return nil, fmt.Errorf("the item %s is not known", item)
		}
		all[i] = rowstest.Row{ID: person.Identifiers["id"], Key: person.Identifiers["id"]}
	}
	return all, nil
}

// Each of 100,000 rows is counted correctly under injected faults.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	rejects := func(id string) bool { return strings.HasSuffix(id, "777") }
	byRecord := func(_ []rowstest.Row, rejected []int) rowstest.Answer {
		if len(rejected) == 0 {
			return rowstest.Answer{Status: http.StatusOK, Body: `{}`}
		}
		faults := []map[string]any{}
		for _, i := range rejected {
			faults = append(faults, map[string]any{"batch_index": i, "reason": "invalid", "field": "identifiers.id", "message": "is not valid"})
		}
		body, _ := json.Marshal(map[string]any{"errors": faults})
		return rowstest.Answer{Status: http.StatusMultiStatus, Body: string(body)}
	}
	wholeCall := func(rows []rowstest.Row, rejected []int) rowstest.Answer {
		if len(rejected) > 0 {
			return rowstest.Answer{Status: http.StatusBadRequest, Body: `{"errors":[{"reason":"invalid","message":"An ID is not valid."}]}`}
		}
		return byRecord(rows, nil)
	}
	for name, d := range map[string]*rowstest.Destination{
		"an error for each record":        {Rows: records, Refuses: rejects, Answer: byRecord},
		"one record rejects a whole call": {Rows: records, Refuses: rejects, Answer: wholeCall, Whole: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const total = 100_000
				i := actiontest.New(t, customerio.New, d.Deps(nil))
				_, err := i.Execute(t.Context(), rowstest.Query(t, request(nil), head, total, func(i int) string { return row(fmt.Sprint("id-", i)) }))
				if got := d.Check(t, total, err); got.Failed != total/1000 {
					t.Errorf("%d rows failed, want %d: %v", got.Failed, total/1000, err)
				}
				if n := d.Unconfirmed(); n != 0 {
					t.Errorf("%d rows arrived, but are not confirmed", n)
				}
				if got, want := action.MessageOf(err), "99900 of 100000 rows delivered, 100 rejected. "; !strings.HasPrefix(got, want) {
					t.Errorf("message %q, want prefix %q", got, want)
				}
			})
		})
	}
}

// The memory does not depend on the number of rows.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			const total, most = 1_000_000, 32 << 20
			sink := &rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: `{}`}}
			synctest.Test(t, func(t *testing.T) { // waits for the rate limit take no time
				i := actiontest.New(t, customerio.New, action.Deps{HTTP: &http.Client{Transport: sink}})
				res, err := i.Execute(t.Context(), way.Query(t, request(nil), head, total, func(i int) string { return row(fmt.Sprint("id-", i)) }))
				if err != nil || res.Message != "1000000 rows sent to Customer.io." {
					t.Errorf("%+v, %v", res, err)
				}
			})
			if heap := sink.Heap(t); heap > most {
				t.Errorf("the heap grew to %d MiB, more than %d", heap>>20, most>>20)
			}
			t.Logf("%d rows, heap at most %.1f MiB", total, float64(sink.Heap(t))/(1<<20))
		})
	}
}

// With a bucket, a schedule can send only rows that changed, and rejected rows are kept.
func TestBucket(t *testing.T) {
	t.Parallel()
	bucket := new(rowbuckettest.S3)
	var got []string
	d := actiontest.NewDestination(t).Handle(bucket.Beside(func(r actiontest.Recorded) actiontest.Reply {
		for _, id := range regexp.MustCompile(`"identifiers":\{"id":"([^"]+)"`).FindAllStringSubmatch(string(r.Body), -1) {
			got = append(got, id[1])
		}
		return actiontest.Reply{Body: `{}`}
	}))
	i := actiontest.New(t, customerio.New, actiontest.Deps(t, d, rowbuckettest.Env()))
	for n, step := range []struct {
		rows    []string
		sent    []string
		message string
	}{
		{[]string{row("a"), row("b"), row("")}, []string{"a", "b"}, "2 of 3 rows delivered, 1 rejected. A row has no value in the field tagged customer_io_id. " +
			"The rows that were not delivered are stored in s3://rows/hub/rejected/customer_io/"},
		{[]string{row("A"), row("b"), row("c")}, []string{"A", "c"}, "2 rows sent to Customer.io. 1 unchanged rows were not sent again."},
	} {
		got = nil
		req := query(t, values{"only_changes": "yes"}, step.rows...)
		req.Plan.ID = "9"
		res, err := i.Execute(t.Context(), req)
		message := action.MessageOf(err)
		if err == nil {
			message = res.Message
		}
		if !strings.HasPrefix(message, step.message) {
			t.Errorf("delivery %d: message %q, want %q", n, message, step.message)
		}
		if diff := cmp.Diff(step.sent, got); diff != "" {
			t.Errorf("delivery %d (-want +got):\n%s", n, diff)
		}
	}
}

// Large rows make smaller calls.
func TestCallSize(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const total = 100
		d := &rowstest.Destination{
			Rows: records, NoFaults: true,
			Answer: func([]rowstest.Row, []int) rowstest.Answer { return rowstest.Answer{Status: http.StatusOK, Body: `{}`} },
		}
		i := actiontest.New(t, customerio.New, d.Deps(nil))
		city := strings.Repeat("x", 31_000)
		req := rowstest.Query(t, request(nil), head, total, func(i int) string {
			return fmt.Sprintf(`{"u.id":{"value":%d},"u.city":{"value":%q}}`, i, city)
		})
		if _, err := i.Execute(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if got, want := d.Calls()["fine"], 7; got != want {
			t.Errorf("%d calls, want %d", got, want)
		}
	})
}
