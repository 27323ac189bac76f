package airtable_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/airtable"
	"integrationhub.dev/integrations/internal/rowstest"
)

// table is a table of Airtable that records are upserted into, as
// https://airtable.com/developers/web/api/update-multiple-records describes it.
type table struct {
	mu sync.Mutex
	// records are the values of the field "N" by the values of the key fields.
	records map[string][]string
	// faults are replies that come after a call has had its effect.
	faults []actiontest.Reply
	bodies []string
}

type upsertCall struct {
	Upsert struct {
		Fields []string `json:"fieldsToMergeOn"`
	} `json:"performUpsert"`
	Records []struct {
		ID     string         `json:"id"`
		Fields map[string]any `json:"fields"`
	} `json:"records"`
	Typecast bool `json:"typecast"`
}

func (a *table) upsert(r actiontest.Recorded) actiontest.Reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	var call upsertCall
	err := json.Unmarshal(r.Body, &call)
	fields := len(call.Upsert.Fields)
	if valid := r.Method == http.MethodPatch && err == nil && len(call.Records) <= 10 && fields >= 1 && fields <= 3; !valid {
		return actiontest.Reply{Status: 422, Body: `{"error":{"type":"INVALID_REQUEST_MISSING_FIELDS"}}`}
	}
	a.bodies = append(a.bodies, string(r.Body))
	keys := make([]string, len(call.Records))
	for i, record := range call.Records {
		for _, f := range call.Upsert.Fields {
			keys[i] += fmt.Sprint(record.Fields[f]) + "|"
		}
		if len(a.records[keys[i]]) > 1 { // "If multiple matches are found, the request will fail."
			return actiontest.Reply{Status: 422, Body: `{"error":{"type":"INVALID_RECORDS","message":"secret@example.com matches several records"}}`}
		}
	}
	response := map[string][]any{"records": {}, "createdRecords": {}, "updatedRecords": {}}
	before := maps.Clone(a.records) // two new records with one key do not match each other
	for i, record := range call.Records {
		id, value := "rec"+keys[i], fmt.Sprint(record.Fields["N"])
		what := "updatedRecords"
		if before[keys[i]] == nil {
			what = "createdRecords"
			a.records[keys[i]] = append(a.records[keys[i]], value)
		} else {
			a.records[keys[i]] = []string{value}
		}
		response[what] = append(response[what], id)
		response["records"] = append(response["records"], map[string]any{"id": id, "fields": record.Fields})
	}
	if len(a.faults) > 0 {
		reply := a.faults[0]
		a.faults = a.faults[1:]
		return reply
	}
	text, err := json.Marshal(response)
	if err != nil {
		panic(err)
	}
	return actiontest.Reply{Body: string(text)}
}

// people has the columns "Mail", "Last, first" and "N", and a row for each mail address.
func people(mails ...string) string {
	rows := make([]string, len(mails))
	for i, mail := range mails {
		rows[i] = fmt.Sprintf(`{"p.mail":{"value":%s},"p.name":{"value":"n%d"},"p.n":{"value":%d}}`, mail, i, i)
	}
	return `{"fields":{"dimensions":[{"name":"p.mail","label_short":"Mail"},{"name":"p.name","label_short":"Last, first"}],` +
		`"measures":[{"name":"p.n","label_short":"N"}]},"data":[` + strings.Join(rows, ",") + `]}`
}

func upsertForm(keys string) map[string]string {
	return map[string]string{"base": "app1", "table": "T", "operation": "upsert", "key_fields": keys}
}

func TestUpsert(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		keys    string
		mails   []string
		has     map[string][]string
		faults  []actiontest.Reply
		want    map[string][]string
		message string
	}{
		"new and known records": {
			keys: "Mail", mails: []string{`"a"`, `"b"`, `"c"`}, has: map[string][]string{"b|": {"old"}},
			want:    map[string][]string{"a|": {"0"}, "b|": {"1"}, "c|": {"2"}},
			message: "2 records added, 1 updated.",
		},
		"a name with a comma": {
			keys: "Last, first", mails: []string{`"a"`},
			want: map[string][]string{"n0|": {"0"}}, message: "1 records added, 0 updated.",
		},
		"two fields": {
			keys: " N ,Mail,N", mails: []string{`"a"`, `"a"`},
			want: map[string][]string{"0|a|": {"0"}, "1|a|": {"1"}}, message: "2 records added, 0 updated.",
		},
		"two rows of one record": { // the second one is another call, after the first one
			keys: "Mail", mails: []string{`"a"`, `"a"`},
			want: map[string][]string{"a|": {"1"}}, message: "1 records added, 1 updated.",
		},
		"no value": {
			keys: "Mail", mails: []string{`"a"`, `null`, `" "`},
			want: map[string][]string{"a|": {"0"}}, message: "1 of 3 records delivered, 2 rejected. A row has no value in the key field Mail.",
		},
		"several records match": {
			keys: "Mail", mails: []string{`"a"`, `"b"`, `"c"`}, has: map[string][]string{"b|": {"x", "y"}},
			want: map[string][]string{"a|": {"0"}, "b|": {"x", "y"}, "c|": {"2"}},
			message: "2 of 3 records delivered, 1 rejected. Airtable rejected a row (422). Check that the key fields are not computed, and " +
				"that no two records of the table have the same values in them.",
		},
		"a lost answer": {
			keys: "Mail", mails: []string{`"a"`, `"b"`}, faults: []actiontest.Reply{{Status: 502}},
			want: map[string][]string{"a|": {"0"}, "b|": {"1"}}, message: "0 records added, 2 updated.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := &table{records: map[string][]string{}, faults: tt.faults}
				maps.Copy(fake.records, tt.has)
				d := actiontest.NewSocketless().Handle(airtableAPI("a1", fake.upsert))
				i := actiontest.New(t, airtable.New, actiontest.Deps(t, d, env))
				req := request(nested)
				req.Form = upsertForm(tt.keys)
				res, err := i.Execute(t.Context(), actiontest.JSONDetail(t, req, people(tt.mails...)))
				got := action.MessageOf(err)
				if err == nil {
					got = res.Message
				}
				if got != tt.message {
					t.Errorf("message %q, want %q", got, tt.message)
				}
				if diff := cmp.Diff(tt.want, fake.records); diff != "" {
					t.Errorf("records (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestUpsertWire(t *testing.T) {
	t.Parallel()
	fake := &table{records: map[string][]string{}}
	d := actiontest.NewDestination(t).Handle(airtableAPI("a1", fake.upsert))
	req := request(nested)
	req.Form = upsertForm("Mail")
	if _, err := resolved(t, d).Execute(t.Context(), actiontest.JSONDetail(t, req, people(`"a"`))); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"performUpsert":{"fieldsToMergeOn":["Mail"]},"records":[{"fields":{"Last, first":"n0","Mail":"a","N":0}}],"typecast":true}`,
	}
	if diff := cmp.Diff(want, fake.bodies); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
}

func TestInvalidKeyFields(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ operation, keys, message string }{
		"none":            {"upsert", " ", "Enter the fields that identify records."},
		"commas only":     {"upsert", ",", "Enter one to 3 key fields, separated by commas."},
		"no such column":  {"upsert", "Mail,Phone", `The query has no column for the key field "Phone".`},
		"too many":        {"upsert", "a,b,c,d", "Enter one to 3 key fields, separated by commas."},
		"other operation": {"replace", "a", `"operation" must be create or upsert.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := request(nested)
			req.Form = upsertForm(tt.keys)
			req.Form["operation"] = tt.operation
			result := people(`"a"`)
			if name == "too many" {
				result = `{"fields":{"dimensions":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"}]},"data":[]}`
			}
			_, err := resolved(t, nil).Execute(t.Context(), actiontest.JSONDetail(t, req, result)) // a call would panic
			if action.MessageOf(err) != tt.message {
				t.Errorf("message %q, want %q", action.MessageOf(err), tt.message)
			}
		})
	}
}

// Without an upsert, key fields do not matter.
func TestKeyFieldsOfCreate(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(airtableAPI("a1", created))
	req := request(nested)
	req.Form["key_fields"] = "unknown"
	res, err := resolved(t, d).Execute(t.Context(), actiontest.JSONDetail(t, req, people(`"a"`, `"a"`)))
	if err != nil || res.Message != "2 records added." {
		t.Errorf("%+v, %v", res, err)
	}
	methods := make([]string, 0, 1)
	for _, r := range d.Requests() {
		methods = append(methods, r.Method)
	}
	if !slices.Equal(methods, []string{http.MethodPost}) {
		t.Errorf("calls %v, want one POST", methods)
	}
}

// head is the beginning of a result with one column.
const head = `{"fields":{"dimensions":[{"name":"o.id","label_short":"Id"}]}`

func numbered(i int) string { return fmt.Sprintf(`{"o.id":{"value":%d}}`, i) }

// sentRows returns the records of a call. With keys, a repeated record has no effect.
func sentRows(keys bool) func(*http.Request, []byte) ([]rowstest.Row, error) {
	return func(_ *http.Request, body []byte) ([]rowstest.Row, error) {
		var call struct {
			Records []struct {
				Fields struct {
					ID json.Number `json:"Id"`
				} `json:"fields"`
			} `json:"records"`
		}
		err := json.Unmarshal(body, &call)
		if len(call.Records) > 10 {
			return nil, fmt.Errorf("%d records in a call", len(call.Records))
		}
		all := make([]rowstest.Row, len(call.Records))
		for i, r := range call.Records {
			all[i].ID = r.Fields.ID.String()
			if keys {
				all[i].Key = all[i].ID
			}
		}
		return all, err
	}
}

// wholeAnswer rejects all records of a call because of one.
func wholeAnswer(rows []rowstest.Row, rejected []int) rowstest.Answer {
	if len(rejected) > 0 {
		return rowstest.Answer{Status: http.StatusUnprocessableEntity, Body: `{"error":{"type":"INVALID_VALUE_FOR_COLUMN"}}`}
	}
	return answered(len(rows))
}

// every reports whether a row is rejected: one of n.
func every(n int) func(id string) bool {
	return func(id string) bool {
		i, err := strconv.Atoi(id)
		return err == nil && i%n == 7
	}
}

func deliverTo(t *testing.T, d *rowstest.Destination, form map[string]string, n int) error {
	t.Helper()
	req := request(nested)
	req.Form = form
	_, err := actiontest.New(t, airtable.New, d.Deps(env)).Execute(t.Context(), rowstest.Query(t, req, head, n, numbered))
	return err
}

// Under injected faults, the message reports what Airtable confirmed, and no record is added twice.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const total = 100_000
		d := &rowstest.Destination{Whole: true, Refuses: every(10_000), Rows: sentRows(false), Answer: wholeAnswer}
		got := d.Check(t, total, deliverTo(t, d, map[string]string{"base": "app1", "table": "T"}, total))
		if n := d.Unconfirmed(); n == 0 || got.Failed < n+total/10_000 || got.Delivered < total/2 {
			t.Errorf("%+v of %d, %d arrived without an answer", got, total, n)
		}
		t.Logf("%+v, %d arrived without an answer; calls %v", got, d.Unconfirmed(), d.Calls())
	})
}

// An upsert can be repeated: under injected faults, only the rows that Airtable rejects fail.
func TestInjectedFaultsInUpserts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const total = 100_000
		d := &rowstest.Destination{Whole: true, Refuses: every(10_000), Rows: sentRows(true), Answer: wholeAnswer}
		form := map[string]string{"base": "app1", "table": "T", "operation": "upsert", "key_fields": "Id"}
		got := d.Check(t, total, deliverTo(t, d, form, total))
		if want := (rowstest.Account{Delivered: total - total/10_000, Failed: total / 10_000}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if n := d.Unconfirmed(); n != 0 {
			t.Errorf("%d rows arrived, but are not confirmed", n)
		}
	})
}

// Airtable rejects all calls for half a minute after its rate limit was exceeded, and does not say for how long:
// https://airtable.com/developers/web/api/rate-limits
func TestRateLimit(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"create", "upsert"} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin, calls := time.Now(), 0
				d := actiontest.NewSocketless().Handle(func(actiontest.Recorded) actiontest.Reply {
					if calls++; time.Since(begin) < 30*time.Second {
						return actiontest.Reply{Status: http.StatusTooManyRequests, Body: `{"errors":[{"error":"RATE_LIMIT_REACHED",` +
							`"message":"Rate limit exceeded. Please try again later"}]}`}
					}
					return actiontest.Reply{Body: answered(3).Body}
				})
				req := request(nested)
				req.Form = map[string]string{"base": "app1", "table": "T", "operation": operation, "key_fields": "Id"}
				_, err := actiontest.New(t, airtable.New, actiontest.Deps(t, d, env)).Execute(t.Context(), rowstest.Query(t, req, head, 3, numbered))
				if err != nil {
					t.Error(err)
				}
				if calls != 2 {
					t.Errorf("%d calls, want 2", calls)
				}
			})
		})
	}
}

// A workspace without calls left in the month is not a rate limit that ends soon. Airtable answers with the same status.
func TestMonthlyLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		d := actiontest.NewSocketless().Handle(func(actiontest.Recorded) actiontest.Reply {
			calls++
			return actiontest.Reply{Status: http.StatusTooManyRequests, Body: `{"errors":[{"error":"PUBLIC_API_BILLING_LIMIT_EXCEEDED"}]}`}
		})
		i := actiontest.New(t, airtable.New, actiontest.Deps(t, d, env))
		_, err := i.Execute(t.Context(), rowstest.Query(t, request(nested), head, 30, numbered))
		if got, want := action.MessageOf(err), "has used up the API calls that its plan allows in a month."; !strings.Contains(got, want) {
			t.Errorf("message %q, want %q in it", got, want)
		}
		if action.KindOf(err) != action.Forbidden || calls != 1 {
			t.Errorf("kind %v after %d calls, want %v after 1", action.KindOf(err), calls, action.Forbidden)
		}
	})
}

// The search for single rows ends after a hundred calls. The other batches with rejected rows fail as a whole.
func TestBisectBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const total = 3000
		d := &rowstest.Destination{Whole: true, Refuses: every(10), Rows: sentRows(false), Answer: wholeAnswer, NoFaults: true}
		got := d.Check(t, total, deliverTo(t, d, map[string]string{"base": "app1", "table": "T"}, total))
		if calls := d.Calls()["fine"]; calls != total/10+100 {
			t.Errorf("%d calls, want one for each batch and 100 more", calls)
		}
		if got.Delivered < 100 {
			t.Errorf("%+v", got)
		}
	})
}

// sink accepts all records, and measures the heap now and then.
type sink struct {
	calls, heap atomic.Uint64
}

// measureInterval is the number of calls between measurements, which collect garbage.
const measureInterval = 1000

// RoundTrip implements [http.RoundTripper].
func (s *sink) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if s.calls.Add(1)%measureInterval == 1 {
		s.heap.Store(max(s.heap.Load(), actiontest.LiveHeap()))
	}
	answer := answered(strings.Count(string(body), `{"fields":`))
	return &http.Response{
		StatusCode: answer.Status, Header: http.Header{}, Request: req, Body: io.NopCloser(strings.NewReader(answer.Body)),
	}, nil
}

// The memory does not depend on the number of records. Not parallel: it measures the heap.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			actiontest.Serial(t)
			const total, most = 1_000_000, 32 << 20
			messages := map[string]string{"create": "1000000 records added.", "upsert": "0 records added, 1000000 updated."}
			for name, form := range map[string]map[string]string{
				"create": {"base": "app1", "table": "T"},
				"upsert": {"base": "app1", "table": "T", "operation": "upsert", "key_fields": "Id"},
			} {
				t.Run(name, func(t *testing.T) { //nolint:paralleltest // measures the heap
					s := &sink{}
					synctest.Test(t, func(t *testing.T) { // waits for the rate limit take no time
						deps := action.Deps{Env: env, HTTP: &http.Client{Transport: s}}
						req := request(nested)
						req.Form = form
						res, err := actiontest.New(t, airtable.New, deps).Execute(t.Context(), way.Query(t, req, head, total, numbered))
						if err != nil || res.Message != messages[name] {
							t.Errorf("%+v, %v", res, err)
						}
					})
					if heap := s.heap.Load(); heap > most {
						t.Errorf("the heap grew to %d MiB, more than %d", heap>>20, most>>20)
					}
					t.Logf("%d records, heap at most %.1f MiB", total, float64(s.heap.Load())/(1<<20))
				})
			}
		})
	}
}
