package marketo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/rowstest"
	"integrationhub.dev/integrations/marketo"
)

const total = 100_000

// person returns a row whose lead gets the ID i+1.
func person(i int) string {
	return fmt.Sprintf(`{"u.email":{"value":"p%d@example.com"},"u.city":{"value":"Zürich"},"u.score":{"value":%d.5}}`, i+1, i%7)
}

// head is the beginning of a result.
var head = strings.TrimSuffix(columns, ",")

// numberOf returns the ID of a lead with an email address.
func numberOf(email string) string {
	return strings.TrimSuffix(strings.TrimPrefix(email, "p"), "@example.com")
}

var tooOften = rowstest.Answer{Status: http.StatusOK, Body: `{"success":false,"errors":[{"code":"606","message":"Max rate limit '100' exceeded with in '20' secs"}]}`}

// synced returns Marketo's response to leads of which it skips some.
func synced(rows []rowstest.Row, rejected []int) rowstest.Answer {
	results := make([]string, len(rows))
	for i, r := range rows {
		results[i] = `{"id":` + r.ID + `,"status":"updated"}`
		if slices.Contains(rejected, i) {
			results[i] = `{"status":"skipped","reasons":[{"code":"1007","message":"Multiple lead match lookup criteria"}]}`
		}
	}
	return rowstest.Answer{Status: http.StatusOK, Body: `{"success":true,"result":[` + strings.Join(results, ",") + `]}`}
}

// leadRows returns the rows of a call that updates leads. Marketo deduplicates them.
func leadRows(_ *http.Request, body []byte) ([]rowstest.Row, error) {
	all := emails(body)
	if len(all) > 300 || len(body) > 1_000_000 {
		return nil, errors.New("a call that is too large")
	}
	rows := make([]rowstest.Row, len(all))
	for i, e := range all {
		rows[i] = rowstest.Row{ID: numberOf(e), Key: e}
	}
	return rows, nil
}

// triggerRows returns the rows of a call that triggers a campaign, which runs each time.
func triggerRows(_ *http.Request, body []byte) ([]rowstest.Row, error) {
	all := ids(actiontest.Recorded{Method: http.MethodPost, Body: body})
	if len(all) > 100 {
		return nil, errors.New("more than a hundred leads")
	}
	rows := make([]rowstest.Row, len(all))
	for i, id := range all {
		rows[i] = rowstest.Row{ID: id}
	}
	return rows, nil
}

// routed grants sign-ins, and sends other calls to a handler by the beginning of their path.
type routed map[string]http.RoundTripper

// RoundTrip implements [http.RoundTripper].
func (r routed) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		req.Body = http.NoBody
	}
	for path, next := range r {
		if strings.HasPrefix(req.URL.Path, rest+path) {
			return next.RoundTrip(req)
		}
	}
	return (&rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: `{"access_token":"t0ken"}`}}).RoundTrip(req)
}

// deliverTo delivers n people.
func deliverTo(t *testing.T, instance routed, form map[string]string, n int) (*action.Response, error) {
	t.Helper()
	return executeOn(t, instance, rowstest.Query(t, actiontest.Query(params(), form), head, n, person))
}

func executeOn(t *testing.T, instance routed, req *action.Request) (*action.Response, error) {
	t.Helper()
	return actiontest.New(t, marketo.New, action.Deps{HTTP: &http.Client{Transport: instance}}).Execute(t.Context(), req)
}

// Each of 100,000 leads is counted correctly under injected faults.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &rowstest.Destination{
			Rows: leadRows, Refuses: func(id string) bool { return strings.HasSuffix(id, "77") }, Answer: synced, Limited: tooOften,
		}
		_, err := deliverTo(t, routed{"leads.json": d}, answers("none", ""), total)
		if got := d.Check(t, total, err); got.Failed != total/100 {
			t.Errorf("%+v, want the %d skipped leads to fail, and no other", got, total/100)
		}
		if n := d.Unconfirmed(); n != 0 {
			t.Errorf("%d rows arrived, but are not confirmed", n)
		}
	})
}

// Under injected faults, a campaign is triggered at most once for each lead. Leads in doubt count as failed.
func TestInjectedFaultsInCampaigns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leads := &rowstest.Destination{Rows: leadRows, Answer: synced, NoFaults: true}
		campaign := &rowstest.Destination{
			Rows: triggerRows, Limited: tooOften,
			Answer: func([]rowstest.Row, []int) rowstest.Answer {
				return rowstest.Answer{Status: http.StatusOK, Body: `{"success":true,"result":[{"id":5}]}`}
			},
		}
		_, err := deliverTo(t, routed{"leads.json": leads, "campaigns/5/": campaign}, answers("addCampaign", "5"), total)
		got := campaign.Check(t, total, err)
		if n := campaign.Unconfirmed(); n == 0 || n > got.Failed {
			t.Errorf("%+v, %d leads triggered, but unconfirmed", got, n)
		}
		if leads.Check(t, total, nil); leads.Unconfirmed() != 0 {
			t.Errorf("%d leads unconfirmed", leads.Unconfirmed())
		}
		if !strings.Contains(action.MessageOf(err), "It may already have been triggered.") {
			t.Errorf("message %q", action.MessageOf(err))
		}
	})
}

// echo accepts all leads and stores none.
type echo struct{}

// RoundTrip implements [http.RoundTripper].
func (echo) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	type result struct {
		ID int `json:"id"`
	}
	var results []result
	for _, e := range emails(body) {
		n, err := strconv.Atoi(numberOf(e))
		if err != nil {
			return nil, err
		}
		results = append(results, result{n})
	}
	text, err := json.Marshal(map[string]any{"success": true, "result": results})
	if err != nil {
		return nil, err
	}
	req.Body = http.NoBody
	return (&rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: string(text)}}).RoundTrip(req)
}

// Marketo asks for at most 50 calls in 20 seconds.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls []time.Time
		d := actiontest.NewSocketless().Handle(func(r actiontest.Recorded) actiontest.Reply {
			if r.Path != "/identity/oauth/token" {
				calls = append(calls, time.Now())
			}
			return mkto(nil)(r)
		})
		i := actiontest.New(t, marketo.New, actiontest.Deps(t, d, nil))
		const rows = 300 * 60
		req := rowstest.Query(t, actiontest.Query(params(), answers("addList", "8,9")), head, rows, func(i int) string {
			return fmt.Sprintf(`{"u.email":{"value":"a%d@example.com"}}`, i)
		})
		if _, err := i.Execute(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if len(calls) != rows/300*3 {
			t.Fatalf("%d calls, want %d", len(calls), rows/300*3)
		}
		most := 0
		for first := range calls {
			n := 0
			for _, at := range calls[first:] {
				if at.Sub(calls[first]) < 20*time.Second {
					n++
				}
			}
			most = max(most, n)
		}
		if most > 50 || most < 40 {
			t.Errorf("at most %d calls in 20 seconds, want nearly 50", most)
		}
	})
}

// measured passes on requests, and measures the heap now and then.
type measured struct {
	http.RoundTripper

	calls, heap atomic.Uint64
}

// measureInterval is the number of calls between measurements, which collect garbage.
const measureInterval = 500

// RoundTrip implements [http.RoundTripper].
func (m *measured) RoundTrip(req *http.Request) (*http.Response, error) {
	if m.calls.Add(1)%measureInterval == 1 {
		m.heap.Store(max(m.heap.Load(), actiontest.LiveHeap()))
	}
	return m.RoundTripper.RoundTrip(req)
}

// endless is a list with the leads from 1 to its number. It accepts all changes.
type endless int

// RoundTrip implements [http.RoundTripper].
func (e endless) RoundTrip(req *http.Request) (*http.Response, error) {
	var first int
	if token := req.URL.Query().Get("nextPageToken"); token != "" {
		if _, err := fmt.Sscan(token, &first); err != nil {
			return nil, err
		}
	}
	var results []string
	reply := `{"success":true,"result":[%s]`
	switch req.Method {
	case http.MethodGet:
		for n := first + 1; n <= min(first+300, int(e)); n++ {
			results = append(results, fmt.Sprintf(`{"id":%d}`, n))
		}
		if first+300 < int(e) {
			reply += fmt.Sprintf(`,"nextPageToken":"%d"`, first+300)
		}
	default:
		recorded := actiontest.Recorded{Method: req.Method, Query: req.URL.Query()}
		if req.Method == http.MethodPost {
			body, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			recorded.Body, req.Body = body, http.NoBody
		}
		for _, id := range ids(recorded) {
			results = append(results, `{"id":`+id+`,"status":"added"}`)
		}
	}
	body := fmt.Sprintf(reply, strings.Join(results, ",")) + "}"
	return (&rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: body}}).RoundTrip(req)
}

// The memory grows only by what must be remembered of each lead: a few bytes for campaigns and mirrored lists. Not
// parallel: it measures the heap.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			actiontest.Serial(t)
			const rows, most = 1_000_000, 32 << 20
			triggers := &rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: `{"success":true,"result":[{"id":5}]}`}}
			for name, tt := range map[string]struct {
				form    map[string]string
				message string
			}{
				"campaign": {answers("addCampaign", "5"), "1000000 leads updated."},
				"mirror":   {mirrored(answers("addList", "9")), "1000000 leads updated, 100000 removed from list 9."},
			} {
				t.Run(name, func(t *testing.T) { //nolint:paralleltest // measures the heap
					leads, lists := &measured{RoundTripper: echo{}}, &measured{RoundTripper: endless(rows + 100_000)}
					synctest.Test(t, func(t *testing.T) { // waits for the rate limit take no time
						instance := routed{"leads.json": leads, "campaigns/5/": triggers, "lists/9/": lists}
						res, err := executeOn(t, instance, way.Query(t, actiontest.Query(params(), tt.form), head, rows, person))
						if err != nil || res.Message != tt.message {
							t.Errorf("%+v, %v", res, err)
						}
					})
					heap := max(leads.heap.Load(), lists.heap.Load())
					if heap > most {
						t.Errorf("the heap grew to %d MiB, more than %d", heap>>20, most>>20)
					}
					t.Logf("%d rows, heap at most %.1f MiB", rows, float64(heap)/(1<<20))
				})
			}
		})
	}
}

// byID is a result whose leads are looked up by their ID.
func byID(ids string) string {
	return `{"fields":{"dimensions":[{"name":"u.id","tags":["marketo:id"]},{"name":"u.city","tags":["marketo:city"]}]},"data":[` + ids + `]}`
}

// Marketo accepts IDs only with the action updateOnly.
func TestLookupByID(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(mkto(nil))
	form := map[string]string{"lookupField": " id", "subaction": "addList", "campaignId": "9"}
	rows := byID(`{"u.id":{"value":12},"u.city":{"value":"Bern"}},{"u.id":{"value":"0034"},"u.city":{"value":null}}`)
	if got := execute(t, d, query(t, form, rows)); got != "2 leads updated." {
		t.Errorf("message %q", got)
	}
	var got []string
	for _, r := range d.Requests()[1:] {
		got = append(got, string(r.Body))
	}
	want := []string{
		`{"action":"updateOnly","input":[{"city":"Bern","id":12},{"city":null,"id":34}],"lookupField":"id"}`,
		`{"input":[{"id":12},{"id":34}]}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
}

func TestLookupByInvalidID(t *testing.T) {
	t.Parallel()
	form := map[string]string{"lookupField": "id", "subaction": "none"}
	for name, row := range map[string]string{
		"text": `{"u.id":{"value":"a"}}`, "a fraction": `{"u.id":{"value":1.5}}`,
		"zero": `{"u.id":{"value":0}}`, "negative": `{"u.id":{"value":-1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := execute(t, nil, query(t, form, byID(row))) // a call would panic
			if got != "A row's id is not a Marketo lead ID, which is a number." {
				t.Errorf("message %q", got)
			}
		})
	}
}

// A partition is for new leads. With an ID, none is created.
func TestPartition(t *testing.T) {
	t.Parallel()
	form := answers("none", "")
	form["partition"] = " EMEA "
	d := actiontest.NewDestination(t).Handle(mkto(nil))
	if got := execute(t, d, query(t, form, people("a"))); got != "1 leads updated." {
		t.Errorf("message %q", got)
	}
	const want = `{"input":[{"email":"a@example.com","score":0}],"lookupField":"email","partitionName":"EMEA"}`
	if got := string(d.Requests()[1].Body); got != want {
		t.Errorf("body %s, want %s", got, want)
	}
	form["lookupField"] = "id"
	const message = "A lead partition applies only to new leads. With the lookup field id, leads are only updated."
	if got := execute(t, nil, query(t, form, byID(""))); got != message {
		t.Errorf("message %q, want %q", got, message)
	}
}

// described is the instance's description of its lead fields, in the form of
// https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/leads.
const described = `{"id":1,"displayName":"Email","dataType":"email","length":255,"rest":{"name":"email","readOnly":false}},` +
	`{"id":2,"displayName":"Renewal","dataType":"datetime","rest":{"name":"renewal","readOnly":false},` +
	`"soap":{"name":"Renewal","readOnly":false}},` +
	`{"id":3,"displayName":"Birth","dataType":"date","rest":{"name":"birth","readOnly":false}},` +
	`{"id":4,"displayName":"Note","dataType":"string","length":255,"rest":{"name":"note","readOnly":false}},` +
	`{"id":5,"displayName":"Only SOAP","dataType":"datetime","soap":{"name":"Old","readOnly":true}}`

// dated has rows in which one value, in JSON, sets the three fields renewal, birth and note.
func dated(values ...string) string {
	rows := make([]string, len(values))
	for i, v := range values {
		rows[i] = fmt.Sprintf(`{"u.email":{"value":"p%d@example.com"},"u.at":{"value":%s}}`, i, v)
	}
	return `{"fields":{"dimensions":[{"name":"u.email","tags":["marketo:email"]},` +
		`{"name":"u.at","tags":["marketo:renewal","marketo:birth","marketo:note"]}]},"data":[` + strings.Join(rows, ",") + `]}`
}

// sentFields returns the fields of the leads in the only call that updates leads.
func sentFields(t *testing.T, d *actiontest.Destination) []map[string]any {
	t.Helper()
	var call struct {
		Input []map[string]any `json:"input"`
	}
	for _, r := range d.Requests() {
		if r.Path != rest+"leads.json" {
			continue
		}
		if err := json.Unmarshal(r.Body, &call); err != nil {
			t.Fatal(err)
		}
	}
	return call.Input
}

// descriptions counts the requests for the description.
func descriptions(d *actiontest.Destination) int {
	n := 0
	for _, r := range d.Requests() {
		if r.Path == rest+"leads/describe.json" {
			n++
		}
	}
	return n
}

// Dates and times are sent in W3C form, as the type of their field needs it. Other fields get the value as it is.
func TestTimes(t *testing.T) {
	t.Parallel()
	describe := map[string]func(actiontest.Recorded) actiontest.Reply{"leads/describe.json": always(success(described))}
	for name, tt := range map[string]struct{ zone, value, datetime, date string }{
		"a time of Looker":      {value: "2026-11-26 13:04:05", datetime: "2026-11-26T13:04:05+00:00", date: "2026-11-26"},
		"in a time zone":        {zone: "US/Eastern", value: "2026-11-26 13:04:05", datetime: "2026-11-26T13:04:05-05:00", date: "2026-11-26"},
		"in summer":             {zone: "US/Eastern", value: "2026-07-26 13:04:05", datetime: "2026-07-26T13:04:05-04:00", date: "2026-07-26"},
		"a date":                {value: "2026-11-26", datetime: "2026-11-26T00:00:00+00:00", date: "2026-11-26"},
		"a fraction":            {value: "2026-11-26 13:04:05.678", datetime: "2026-11-26T13:04:05+00:00", date: "2026-11-26"},
		"a minute":              {value: "2026-11-26 13:04", datetime: "2026-11-26T13:04:00+00:00", date: "2026-11-26"},
		"an hour":               {value: "2026-11-26 13", datetime: "2026-11-26T13:00:00+00:00", date: "2026-11-26"},
		"RFC 3339":              {zone: "Asia/Tokyo", value: "2026-11-26T13:04:05Z", datetime: "2026-11-26T13:04:05+00:00", date: "2026-11-26"},
		"with an offset":        {value: "2026-11-26 13:04:05 -0800", datetime: "2026-11-26T13:04:05-08:00", date: "2026-11-26"},
		"ISO 8601":              {zone: "Asia/Tokyo", value: "2026-11-26T13:04:05-0800", datetime: "2026-11-26T13:04:05-08:00", date: "2026-11-26"},
		"of PostgreSQL":         {zone: "Asia/Tokyo", value: "2026-11-26 13:04:05.678+00", datetime: "2026-11-26T13:04:05+00:00", date: "2026-11-26"},
		"a minute, and offset":  {value: "2026-11-26T13:04+01:00", datetime: "2026-11-26T13:04:00+01:00", date: "2026-11-26"},
		"with UTC":              {zone: "Asia/Tokyo", value: "2026-11-26 13:04:05 UTC", datetime: "2026-11-26T13:04:05+00:00", date: "2026-11-26"},
		"a date with more text": {value: "2026-11-26 to 2026-11-28", datetime: "2026-11-26 to 2026-11-28", date: "2026-11-26 to 2026-11-28"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(mkto(describe))
			form := answers("none", "")
			form["time_zone"] = tt.zone
			value := `"` + tt.value + `"`
			if got := execute(t, d, query(t, form, dated(value, value))); got != "2 leads updated." {
				t.Errorf("message %q", got)
			}
			lead := func(email string) map[string]any {
				return map[string]any{"email": email, "renewal": tt.datetime, "birth": tt.date, "note": tt.value}
			}
			if diff := cmp.Diff([]map[string]any{lead("p0@example.com"), lead("p1@example.com")}, sentFields(t, d)); diff != "" {
				t.Errorf("leads (-want +got):\n%s", diff)
			}
			if n := descriptions(d); n != 1 {
				t.Errorf("%d descriptions, want one", n)
			}
		})
	}
}

// Without a value that may be a date, the fields are not described.
func TestNoTimes(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(mkto(nil))
	result := dated(`20261126`, `null`, `"26.11.2026"`, `"2026-13-45"`, `true`)
	if got := execute(t, d, query(t, answers("none", ""), result)); got != "5 leads updated." {
		t.Errorf("message %q", got)
	}
	if n := descriptions(d); n != 0 {
		t.Errorf("%d descriptions, want none", n)
	}
	if got := sentFields(t, d)[3]["renewal"]; got != "2026-13-45" {
		t.Errorf("value %v", got)
	}
}

// Without a description, dates would be wrong: the delivery ends.
func TestTimesWithoutDescription(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(mkto(map[string]func(actiontest.Recorded) actiontest.Reply{
		"leads/describe.json": always(failure("603", "Access denied")),
	}))
	got := execute(t, d, query(t, answers("none", ""), dated(`"2026-11-26"`, `"2026-11-27"`)))
	if got != "Marketo denied access. The API user's role lacks a permission (603)." || len(sentFields(t, d)) > 0 {
		t.Errorf("message %q, leads %v", got, sentFields(t, d))
	}
	form := answers("none", "")
	form["time_zone"] = "Bern"
	const want = `"time_zone" must be the name of a time zone in the IANA database, such as Europe/Berlin or America/New_York.`
	if got := execute(t, nil, query(t, form, people("a"))); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}
