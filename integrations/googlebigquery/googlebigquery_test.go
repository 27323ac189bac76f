package googlebigquery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/googlebigquery"
)

type answers = map[string]string

func params() answers {
	return answers{"client_email": email, "private_key": pemKey(), "project_id": "project1"}
}

func form(more answers) answers {
	return with(answers{"dataset": "reports", "new_table": "orders"}, more)
}

func with(a, more answers) answers {
	a = maps.Clone(a)
	maps.Copy(a, more)
	return a
}

// orders is a result with columns of several types.
const orders = `{
	"fields": {
		"dimensions": [
			{"name": "orders.created_date", "label": "Orders Created Date", "type": "date_date"},
			{"name": "orders.created_time", "label": "Orders Created Time", "type": "date_time"},
			{"name": "orders.is_paid", "label": "Orders Is Paid", "type": "yesno"},
			{"name": "users.name", "label": "Users Name", "type": "string"}
		],
		"measures": [
			{"name": "orders.count", "label": "Orders Count", "type": "count", "is_numeric": true},
			{"name": "orders.total", "label": "Orders Total", "type": "sum", "is_numeric": true}
		],
		"table_calculations": [{"name": "share", "label": "Share", "type": "number", "is_numeric": true}]
	},
	"data": [
		{"orders.created_date": {"value": "2026-11-26"}, "orders.created_time": {"value": "2026-11-26 10:20:30"}, "orders.is_paid": {"value": "Yes"},
		 "users.name": {"value": "Zoë \"Z\"\n"}, "orders.count": {"value": 9007199254740993}, "orders.total": {"value": 12345678901234567890.123456789}, "share": {"value": 0.25}},
		{"orders.created_date": {"value": null}, "orders.created_time": {"value": null}, "orders.is_paid": {"value": "No"},
		 "users.name": {"value": ""}, "orders.count": {"value": 0}, "orders.total": {"value": null}, "share": {"value": 1e-9}}
	]
}`

func request(t *testing.T, form answers) *action.Request {
	t.Helper()
	return actiontest.JSONDetail(t, actiontest.Query(params(), form), orders)
}

// schema and rows are what orders becomes.
func schema() []string {
	return []string{
		"orders_created_date DATE", "orders_created_time TIMESTAMP", "orders_is_paid BOOL", "users_name STRING", "orders_count INT64",
		"orders_total NUMERIC", "share FLOAT64",
	}
}

func loadedRows() []string {
	return []string{
		`{"orders_created_date":"2026-11-26","orders_created_time":"2026-11-26 10:20:30","orders_is_paid":"true","users_name":"Zoë \"Z\"\n",` +
			`"orders_count":"9007199254740993","orders_total":"12345678901234567890.123456789","share":"0.25"}`,
		`{"orders_is_paid":"false","users_name":"","orders_count":"0","share":"1e-9"}`,
	}
}

// A result becomes a table, with types and without losing digits.
func TestLoad(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.pending = 3
	res, err := f.start(t, nil).Execute(t.Context(), request(t, form(nil)))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]*table{"project1.reports.orders": {Schema: schema(), Rows: loadedRows()}}
	if diff := cmp.Diff(want, f.tables); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	if got, want := res.Message, "Loaded 2 rows into project1.reports.orders."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

// Quotients and sums of floating-point numbers have more decimals than NUMERIC.
func TestDecimals(t *testing.T) {
	t.Parallel()
	const result = `{"fields": {"measures": [{"name": "o.rate", "type": "number", "is_numeric": true}, {"name": "o.sum", "type": "sum", "is_numeric": true}]},
		"data": [{"o.rate": {"value": 0.3333333333333333}, "o.sum": {"value": 1234.6000000000001}}]}`
	f := newFake()
	if _, err := f.start(t, nil).Execute(t.Context(), actiontest.JSONDetail(t, actiontest.Query(params(), form(nil)), result)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`{"o_rate":"0.333333333","o_sum":"1234.6"}`}, f.tables["project1.reports.orders"].Rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// What the job's configuration says.
func TestConfiguration(t *testing.T) {
	t.Parallel()
	old := func() *table { return &table{Schema: schema(), Rows: []string{`{"users_name":"old"}`}} }
	const existing = "project1.reports.orders"
	rows := loadedRows()
	for name, tt := range map[string]struct {
		form    answers
		tables  map[string]*table
		want    map[string]*table
		kind    action.Kind
		message string
	}{
		"append": {
			tables: map[string]*table{existing: old()},
			want:   map[string]*table{existing: {Schema: schema(), Rows: append(old().Rows, rows...)}},
		},
		"replace": {
			form: answers{"write": "truncate"}, tables: map[string]*table{existing: {Schema: []string{"other STRING"}, Rows: []string{"{}"}}},
			want: map[string]*table{existing: {Schema: schema(), Rows: rows}},
		},
		"only an empty one": {
			form: answers{"write": "empty"}, tables: map[string]*table{existing: {Schema: schema()}},
			want: map[string]*table{existing: {Schema: schema(), Rows: rows}},
		},
		"not an empty one": {
			form: answers{"write": "empty"}, tables: map[string]*table{existing: old()}, want: map[string]*table{existing: old()},
			kind: action.Invalid, message: "The table already has rows. Nothing was loaded. Load job: ",
		},
		"an existing table": {
			form: answers{"missing_table": "fail"},
			kind: action.NotFound, message: "The table does not exist.",
		},
		"the list's table": {
			form: answers{"new_table": "", "table": "orders"},
			want: map[string]*table{existing: {Schema: schema(), Rows: rows}},
		},
		"another project": {
			form: answers{"dataset": "project2.shared"},
			want: map[string]*table{"project2.shared.orders": {Schema: schema(), Rows: rows}},
		},
		"another project, as in the older dialect": {
			form: answers{"dataset": "project2:shared"},
			want: map[string]*table{"project2.shared.orders": {Schema: schema(), Rows: rows}},
		},
		"a new partitioned table": {
			form: answers{"partition": "2026112610"},
			want: map[string]*table{existing: {Schema: schema(), Rows: rows, Partition: "HOUR", Partitions: []string{"2026112610"}}},
		},
		"a partition of a table": {
			form: answers{"partition": "202611", "write": "truncate"}, tables: map[string]*table{existing: {Schema: schema(), Partition: "MONTH"}},
			want: map[string]*table{existing: {Schema: schema(), Rows: rows, Partition: "MONTH", Partitions: []string{"202611"}}},
		},
		"no dataset": {
			form: answers{"dataset": "missing"}, kind: action.NotFound, message: "The dataset does not exist.",
		},
		"existing types and modes": {
			tables: map[string]*table{existing: {Schema: []string{
				"ORDERS_CREATED_DATE STRING", "orders_created_time DATETIME", "orders_is_paid BOOLEAN", "users_name STRING REQUIRED",
				"orders_count FLOAT", "orders_total BIGNUMERIC", "share NUMERIC", "more STRING",
			}}},
			want: map[string]*table{existing: {
				Schema: []string{
					"ORDERS_CREATED_DATE STRING", "orders_created_time DATETIME", "orders_is_paid BOOLEAN", "users_name STRING REQUIRED",
					"orders_count FLOAT", "orders_total BIGNUMERIC", "share NUMERIC", "more STRING",
				},
				Rows: []string{
					strings.Replace(rows[0], "orders_created_date", "ORDERS_CREATED_DATE", 1),
					strings.Replace(rows[1], "1e-9", "0.000000001", 1),
				},
			}},
		},
		"a list": {
			tables: map[string]*table{existing: {Schema: []string{"users_name STRING REPEATED"}}}, want: map[string]*table{existing: {Schema: []string{"users_name STRING REPEATED"}}},
			kind: action.Invalid, message: "The table's column users_name is a list, which results of queries do not have.",
		},
		"a record": {
			tables: map[string]*table{existing: {Schema: []string{"users_name RECORD"}}}, want: map[string]*table{existing: {Schema: []string{"users_name RECORD"}}},
			kind: action.Invalid, message: "The table's column users_name has a type that results of queries do not have.",
		},
		"new columns": {
			form: answers{"new_columns": "add"}, tables: map[string]*table{existing: {Schema: append([]string{"more STRING REQUIRED"}, schema()[1:]...)}},
			want: map[string]*table{existing: {Schema: append(append([]string{"more STRING REQUIRED"}, schema()[1:]...), schema()[0]), Rows: rows}},
		},
		"new columns that are not wanted": {
			tables: map[string]*table{existing: {Schema: schema()[2:]}}, want: map[string]*table{existing: {Schema: schema()[2:]}},
			kind: action.Invalid, message: "The table does not have these columns of the result: orders_created_date, orders_created_time. Add them, or let the delivery add them.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			if tt.tables != nil {
				f.tables = tt.tables
			}
			_, err := f.start(t, nil).Execute(t.Context(), request(t, form(tt.form)))
			if tt.message == "" && err != nil {
				t.Fatal(err)
			}
			if tt.message != "" {
				if got := action.MessageOf(err); !strings.HasPrefix(got, tt.message) {
					t.Errorf("error %q, want %q", got, tt.message)
				}
				if got := action.KindOf(err); got != tt.kind {
					t.Errorf("kind %v, want %v", got, tt.kind)
				}
			}
			if diff := cmp.Diff(tt.want, f.tables, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("tables (-want +got):\n%s", diff)
			}
		})
	}
}

// The job itself, as BigQuery gets it.
func TestWire(t *testing.T) {
	t.Parallel()
	f := newFake()
	req := request(t, form(answers{"new_table": "orders_{YYYY}", "partition": "20261126", "time_zone": "Europe/Berlin", "missing_table": "create", "new_columns": "add"}))
	if _, err := f.start(t, nil).Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	job := f.sessions["1"].job
	delete(member(job, "configuration", "load").(map[string]any), "schema")
	delete(member(job, "jobReference").(map[string]any), "jobId")
	want := map[string]any{
		"jobReference": map[string]any{"projectId": "project1", "location": "europe-west3"},
		"configuration": map[string]any{"load": map[string]any{
			"destinationTable": map[string]any{
				"projectId": "project1", "datasetId": "reports", "tableId": "orders_" + time.Now().UTC().Format("2006") + "$20261126",
			},
			"sourceFormat": "NEWLINE_DELIMITED_JSON", "writeDisposition": "WRITE_APPEND", "createDisposition": "CREATE_IF_NEEDED",
			"timePartitioning": map[string]any{"type": "DAY"}, "timeZone": "Europe/Berlin",
		}},
	}
	if diff := cmp.Diff(want, job); diff != "" {
		t.Errorf("job (-want +got):\n%s", diff)
	}
}

// Results of every length arrive whole.
func TestLengths(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{0, 1, 5000, 30000} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			t.Parallel()
			f := newFake()
			req := actiontest.Download(t, actiontest.Query(params(), form(nil)), func(w http.ResponseWriter, _ *http.Request) { writeResult(w, rows, "x") })
			if _, err := f.start(t, nil).Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			var want []string
			for n := range rows {
				want = append(want, fmt.Sprintf(`{"a_id":"%d","a_name":"x"}`, n))
			}
			got := f.tables["project1.reports.orders"].Rows
			if !slices.Equal(got, want) {
				t.Errorf("%d rows, want %d", len(got), len(want))
			}
		})
	}
}

// writeResult writes a result with an ID and a name in each row.
func writeResult(w io.Writer, rows int, name string) {
	_, _ = io.WriteString(w, `{"fields":{"dimensions":[{"name":"a.id","type":"int"},{"name":"a.name","type":"string"}]},"data":[`)
	for n := range rows {
		comma := ","
		if n == 0 {
			comma = ""
		}
		_, _ = fmt.Fprintf(w, `%s{"a.id":{"value":%d},"a.name":{"value":%q}}`, comma, n, name)
	}
	_, _ = io.WriteString(w, "]}")
}

// A source that breaks off, and a value that does not fit, load nothing.
func TestNothingIsLoaded(t *testing.T) {
	t.Parallel()
	var long strings.Builder
	writeResult(&long, 20000, "x")
	invalid := func(kind, value string) string {
		return `{"fields":{"dimensions":[{"name":"a.b","label":"A B","type":"` + kind + `"}]},"data":[{"a.b":{"value":null}},{"a.b":{"value":"` + value + `"}}]}`
	}
	for name, tt := range map[string]struct {
		result  string
		whole   bool
		kind    action.Kind
		message string
	}{
		"breaks off at once":   {`{"fields":`, false, action.Unavailable, "The download from Looker ended before the data was complete."},
		"breaks off":           {orders[:len(orders)-40], false, action.Unavailable, "The download from Looker ended before the data was complete."},
		"breaks off later":     {long.String()[:long.Len()/2], false, action.Unavailable, "The download from Looker ended before the data was complete."},
		"ends too early":       {orders[:len(orders)-40], true, action.Invalid, "The data ended before the result was complete."},
		"no number":            {invalid("number", "secret"), true, action.Invalid, "Row 2: the value of A B is not a number."},
		"no whole number":      {invalid("count", "1.5"), true, action.Invalid, "Row 2: the value of A B is not a whole number of 64 bits."},
		"no date":              {invalid("date_date", "2026-11"), true, action.Invalid, "Row 2: the value of A B is not a date."},
		"no time":              {invalid("date_time", "secret"), true, action.Invalid, "Row 2: the value of A B is not a time."},
		"neither yes nor no":   {invalid("yesno", "secret"), true, action.Invalid, "Row 2: the value of A B is neither yes nor no."},
		"too large for digits": {invalid("sum", "1e29"), true, action.Invalid, "Row 2: the value of A B is too large a number."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			serve := actiontest.BrokenDownload(tt.result)
			if tt.whole {
				serve = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.result) }
			}
			_, err := f.start(t, nil).Execute(t.Context(), actiontest.Download(t, actiontest.Query(params(), form(nil)), serve))
			if got := action.MessageOf(err); got != tt.message {
				t.Errorf("error %q, want %q", got, tt.message)
			}
			if got := action.KindOf(err); got != tt.kind {
				t.Errorf("kind %v, want %v", got, tt.kind)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error contains a value: %v", err)
			}
			if len(f.jobs)+len(f.sessions) > 0 {
				t.Errorf("jobs %v, sessions %v", f.jobs, f.sessions)
			}
		})
	}
}

// A response that is lost does not load the rows twice.
func TestLostResponse(t *testing.T) {
	t.Parallel()
	reset := func(what string, nth ...int) func(string, int) *actiontest.Reply {
		return func(w string, n int) *actiontest.Reply {
			if w == what && slices.Contains(nth, n) {
				return &actiontest.Reply{Reset: true}
			}
			return nil
		}
	}
	for name, tt := range map[string]struct {
		after func(f *fake) func(string, int) *actiontest.Reply
	}{
		"of the beginning": {after: func(*fake) func(string, int) *actiontest.Reply { return reset("begin", 1) }},
		"of the end":       {after: func(*fake) func(string, int) *actiontest.Reply { return reset("piece", 1) }},
		"of the end, again and again": {
			after: func(*fake) func(string, int) *actiontest.Reply { return reset("piece", 1, 2, 3, 4, 5, 6, 7) },
		},
		"of the end, and the session is gone": {after: func(f *fake) func(string, int) *actiontest.Reply {
			return func(what string, n int) *actiontest.Reply {
				if what != "piece" || n > 1 {
					return nil
				}
				clear(f.sessions)
				return &actiontest.Reply{Reset: true}
			}
		}},
		"of the end, and the job exists": {after: func(f *fake) func(string, int) *actiontest.Reply {
			return func(what string, n int) *actiontest.Reply {
				if what != "piece" || n > 1 {
					return nil
				}
				for _, s := range f.sessions { // as if the bytes had to be sent again
					s.made, s.body = nil, nil
				}
				return &actiontest.Reply{Status: http.StatusServiceUnavailable}
			}
		}},
		"of a poll": {after: func(*fake) func(string, int) *actiontest.Reply { return reset("job", 2, 3, 4, 5) }},
		"a response that is not a job": {after: func(*fake) func(string, int) *actiontest.Reply {
			return func(what string, n int) *actiontest.Reply {
				if what != "piece" || n > 1 {
					return nil
				}
				return &actiontest.Reply{Body: "<html>"}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.pending = 1
			f.after = tt.after(f)
			if _, err := f.start(t, nil).Execute(t.Context(), request(t, form(nil))); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(loadedRows(), f.tables["project1.reports.orders"].Rows); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

// A delivery that Looker repeats is loaded once, unless the first one failed.
func TestRepeatedDelivery(t *testing.T) {
	t.Parallel()
	dated := strings.Replace(orders, "{", `{"ran_at": "2026-11-26T10:00:00Z",`, 1)
	send := func(t *testing.T, i action.Integration, result string, more answers) error {
		t.Helper()
		_, err := i.Execute(t.Context(), actiontest.JSONDetail(t, actiontest.Query(params(), form(more)), result))
		return err
	}
	for name, tt := range map[string]struct {
		first, second      string
		firstForm, second2 answers
		fail               bool
		rows, jobs         int
	}{
		"the same result": {first: dated, second: dated, rows: 2, jobs: 1},
		"a result of another time": {
			first: dated, second: strings.Replace(dated, "T10:", "T11:", 1), rows: 4, jobs: 2,
		},
		"a result of unknown time": {first: orders, second: orders, rows: 4, jobs: 2},
		"to the same table, renewed": {
			first: dated, second: dated, second2: answers{"write": "truncate"}, rows: 2, jobs: 2,
		},
		"after a failure": {first: dated, second: dated, fail: true, rows: 2, jobs: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			i := f.start(t, nil)
			if tt.fail {
				f.fail = `{"state":"DONE","errorResult":{"reason":"quotaExceeded"}}`
			}
			if err := send(t, i, tt.first, tt.firstForm); (err != nil) != tt.fail {
				t.Fatalf("first delivery: %v", err)
			}
			f.fail = ""
			if err := send(t, i, tt.second, tt.second2); err != nil {
				t.Fatalf("second delivery: %v", err)
			}
			if got := len(f.tables["project1.reports.orders"].Rows); got != tt.rows {
				t.Errorf("%d rows, want %d", got, tt.rows)
			}
			if got := len(f.jobs); got != tt.jobs {
				t.Errorf("%d jobs, want %d", got, tt.jobs)
			}
		})
	}
}

// A job's error is explained without the values that BigQuery quotes.
func TestJobFails(t *testing.T) {
	t.Parallel()
	const value = "Zoë's secret"
	for name, tt := range map[string]struct {
		reason, text string
		kind         action.Kind
		message      string
	}{
		"value":            {"invalid", "Error while reading data, error message: JSON parsing error in row starting at position 0: Could not convert value to integer. Field: orders_count; Value: " + value, action.Invalid, "BigQuery cannot convert a value of the column orders_count."},
		"date":             {"invalid", "Error while reading data, error message: JSON parsing error in row starting at position 12: Could not parse '" + value + "' as DATE for field orders_created_date (position 0)", action.Invalid, "BigQuery cannot convert a value of the column orders_created_date."},
		"type":             {"invalid", "Provided Schema does not match Table project1:reports.orders. Field users_name has changed type from INTEGER to STRING", action.Invalid, "The column users_name has the type INTEGER in the table, and STRING in the result."},
		"mode":             {"invalid", "Provided Schema does not match Table project1:reports.orders. Field users_name has changed mode from REQUIRED to NULLABLE", action.Invalid, "The column users_name is REQUIRED in the table, and NULLABLE in the result."},
		"new column":       {"invalid", "Provided Schema does not match Table project1:reports.orders. Cannot add fields (field: share)", action.Invalid, "The table lacks the column share."},
		"unknown field":    {"invalid", "Error while reading data, error message: JSON parsing error in row starting at position 0: No such field: share.", action.Invalid, "The table lacks the column share."},
		"required":         {"invalid", "Error while reading data, error message: JSON processing encountered too many errors, giving up. Missing required fields: Msg_0_CLOUD_QUERY_TABLE.users_name.", action.Invalid, "The table requires a value in the column users_name, and a row has none."},
		"a value as field": {"invalid", "Could not convert. Field: " + strings.ReplaceAll(value, " ", "") + "; Value: 1", action.Invalid, "BigQuery rejected the data (invalid)."},
		"only a value":     {"invalid", value, action.Invalid, "BigQuery rejected the data (invalid)."},
		"partition":        {"invalid", "Incompatible table partitioning specification. Expects partitioning specification none, but input partitioning specification is interval(type:day)", action.Invalid, "The table is not partitioned by time in this way."},
		"permission":       {"accessDenied", "Access Denied: Table project1:reports.orders: Permission bigquery.tables.updateData denied", action.Forbidden, "The account lacks a permission for the table. It needs the role BigQuery Data Editor on the dataset."},
		"gone":             {"notFound", "Not found: Dataset project1:reports", action.NotFound, "The dataset or the table does not exist."},
		"quota":            {"quotaExceeded", "Quota exceeded: Your table exceeded quota for imports or query appends per table.", action.RateLimited, "The project has used up one of its quotas for Google BigQuery. Try again later."},
		"backend":          {"backendError", value, action.Unavailable, "Google BigQuery is temporarily unavailable. Try again later."},
		"canceled":         {"stopped", "Job execution was cancelled: User requested cancellation", action.Unavailable, "The load job was canceled in BigQuery."},
		"billing":          {"billingNotEnabled", "Billing has not been enabled", action.Forbidden, "The project needs billing to be enabled for this."},
		"another reason":   {"odd <reason>", value, action.Invalid, "BigQuery rejected the data (oddreason)."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, err := json.Marshal(failed(tt.reason, tt.text))
			if err != nil {
				t.Fatal(err)
			}
			f := newFake()
			f.fail = string(status)
			_, err = f.start(t, nil).Execute(t.Context(), request(t, form(nil)))
			if err == nil {
				t.Fatal("no error")
			}
			if got, want := action.MessageOf(err), tt.message+" Nothing was loaded. Load job: project1:europe-west3.looker_"; !strings.HasPrefix(got, want) {
				t.Errorf("error %q, want %q", got, want)
			}
			if got := action.KindOf(err); got != tt.kind {
				t.Errorf("kind %v, want %v", got, tt.kind)
			}
			for _, quoted := range []string{value, strings.ReplaceAll(value, " ", "")} {
				if strings.Contains(err.Error(), quoted) || strings.Contains(fmt.Sprintf("%+v", err), quoted) {
					t.Errorf("the error quotes a value: %v", err)
				}
			}
		})
	}
}

// Requests that BigQuery refuses.
func TestRefused(t *testing.T) {
	t.Parallel()
	always := func(what string, reply actiontest.Reply) func(string, int) *actiontest.Reply {
		return func(w string, _ int) *actiontest.Reply {
			if w != what {
				return nil
			}
			return &reply
		}
	}
	denied := refusal(403, "accessDenied", "Access Denied: Project project1: User does not have bigquery.jobs.create permission in project project1.")
	for name, tt := range map[string]struct {
		before  func(string, int) *actiontest.Reply
		kind    action.Kind
		message string
	}{
		"may not run jobs": {always("begin", denied), action.Forbidden, "Google BigQuery returned 403: Access Denied: Project project1: User does not have bigquery.jobs.create permission in project project1."},
		"rate":             {always("begin", refusal(403, "rateLimitExceeded", "Exceeded rate limits")), action.RateLimited, "Google BigQuery is rate limiting requests. Try again later."},
		"quota":            {always("begin", refusal(403, "quotaExceeded", "Quota exceeded")), action.RateLimited, "The project has used up one of its quotas for Google BigQuery. Try again later."},
		"unavailable":      {always("begin", refusal(503, "backendError", "Error")), action.Unavailable, "Google BigQuery is temporarily unavailable. Try again later."},
		"no API":           {always("dataset", refusal(400, "invalid", "Bad")), action.Invalid, "Google BigQuery returned 400: Bad"},
		"session ends":     {always("piece", refusal(404, "notFound", "Gone")), action.Unavailable, "Google BigQuery closed the upload before it was complete. No file was written."},
		"credentials":      {always("token", actiontest.Reply{Status: 400, Body: "quotes " + email}), action.Unauthenticated, "Google does not accept this private key. Check it and the client email in the action's settings in Looker."},
		"no token service": {always("token", actiontest.Reply{Status: 404}), action.Unauthenticated, "Google does not accept this private key. Check it and the client email in the action's settings in Looker."},
		"expired access":   {always("dataset", refusal(401, "authError", "Invalid Credentials")), action.Unauthenticated, "Google BigQuery returned 401: Invalid Credentials"},
		"datasets may not be read": {func(what string, _ int) *actiontest.Reply {
			if what == "dataset" || what == "table" {
				return &denied
			}
			return nil
		}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.before = tt.before
			_, err := f.start(t, nil).Execute(t.Context(), request(t, form(nil)))
			if got := action.MessageOf(err); err != nil && got != tt.message {
				t.Errorf("error %q, want %q", got, tt.message)
			}
			if err == nil && tt.message != "" {
				t.Errorf("no error, want %q", tt.message)
			}
			if err != nil && action.KindOf(err) != tt.kind {
				t.Errorf("kind %v, want %v", action.KindOf(err), tt.kind)
			}
		})
	}
}

// Input that is refused before any request.
func TestInput(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		params, form answers
		message      string
	}{
		"no dataset":                 {nil, answers{"dataset": ""}, `"dataset" is required.`},
		"dataset with a path":        {nil, answers{"dataset": "a/b"}, `"dataset" must be the ID of a dataset: letters, digits and underscores, after the ID of its project and a dot if that is another one.`},
		"dataset of a wrong project": {nil, answers{"dataset": "P.reports"}, `"dataset" must be the ID of a project: 6 to 30 lowercase letters, digits and hyphens.`},
		"no table":                   {nil, answers{"new_table": " "}, "Choose a table, or enter the name of a new one."},
		"table with a path":          {nil, answers{"new_table": "a/b"}, "The table's name must consist of letters, digits, underscores, hyphens and spaces, and be at most 1,024 bytes long."},
		"table with a partition":     {nil, answers{"new_table": "a$20260101"}, "The table's name must consist of letters, digits, underscores, hyphens and spaces, and be at most 1,024 bytes long."},
		"partition":                  {nil, answers{"partition": "today"}, "The partition must be a date, such as {YYYYMMDD}: 4 to 10 digits for a year, month, day or hour."},
		"partition's length":         {nil, answers{"partition": "20261"}, "The partition must be a date, such as {YYYYMMDD}: 4 to 10 digits for a year, month, day or hour."},
		"time zone":                  {nil, answers{"time_zone": "Berlin; DROP"}, `"time_zone" must be the name of a time zone such as Europe/Berlin.`},
		"write":                      {nil, answers{"write": "merge"}, `"write" must be append, truncate or empty.`},
		"project":                    {answers{"project_id": "a/b"}, nil, `"project_id" must be the ID of a project: 6 to 30 lowercase letters, digits and hyphens.`},
		"no project":                 {answers{"project_id": ""}, nil, `"project_id" is required.`},
		"no key":                     {answers{"private_key": ""}, nil, "The private key cannot be used: it is not a PEM block. Copy it unchanged from the key file, with its first and last line, or the whole key file."},
		"no email":                   {answers{"client_email": ""}, nil, "The client email is missing. Enter it in the action's settings in Looker."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			req := request(t, form(tt.form))
			req.Params = with(params(), tt.params)
			_, err := f.start(t, nil).Execute(t.Context(), req)
			if got := action.MessageOf(err); got != tt.message {
				t.Errorf("error %q, want %q", got, tt.message)
			}
			if len(f.calls) > 0 {
				t.Errorf("calls %v", f.calls)
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 310)
	for name, tt := range map[string]struct{ fields, want []string }{
		"plain":             {[]string{"orders.id", "users.name"}, []string{"orders_id", "users_name"}},
		"other characters":  {[]string{"größe in %", "a-b", "日本"}, []string{"gr__e_in__", "a_b", "__"}},
		"digits first":      {[]string{"2026", ""}, []string{"_2026", "_"}},
		"collisions":        {[]string{"a.b", "a_b", "A.B", "a_b_2"}, []string{"a_b", "a_b_2", "A_B_3", "a_b_2_2"}},
		"reserved":          {[]string{"_PARTITIONTIME", "_table_suffix", "_FILE_NAME", "__root__x", "_row_timestamp", "_COLIDENTIFIER1", "_CHANGE_TYPE"}, []string{"c_PARTITIONTIME", "c_table_suffix", "c_FILE_NAME", "c__root__x", "c_row_timestamp", "c_COLIDENTIFIER1", "c_CHANGE_TYPE"}},
		"long":              {[]string{long}, []string{long[:300]}},
		"long collisions":   {[]string{long, long + "y"}, []string{long[:300], long[:298] + "_2"}},
		"reserved collides": {[]string{"c_table_", "_table_"}, []string{"c_table_", "c_table__2"}},
	} {
		if diff := cmp.Diff(tt.want, googlebigquery.Names(tt.fields...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	for want, types := range map[string][]string{
		"STRING":    {"string", "tier", "zipcode", "list", "location", "date_month", "date_month_name", "date_time_of_day", "date_raw", "date_quarter", "", "odd"},
		"INT64":     {"count", "count_distinct", "int"},
		"FLOAT64":   {"average", "median", "percentile", "percent_of_total", "distance"},
		"NUMERIC":   {"number", "sum", "sum_distinct", "running_total"},
		"BOOL":      {"yesno"},
		"DATE":      {"date", "date_date", "date_week"},
		"TIMESTAMP": {"date_time", "date_second", "date_minute", "date_minute15", "date_hour", "date_hour6", "date_millisecond", "date_microsecond"},
	} {
		for _, kind := range types {
			if got := googlebigquery.Type(action.Column{Type: kind}); got != want {
				t.Errorf("%q is %s, want %s", kind, got, want)
			}
		}
	}
	for want, column := range map[string]action.Column{
		"INT64":   {Type: "date_year", IsNumeric: true},
		"FLOAT64": {Type: "number", IsNumeric: true, Group: "table_calculations"},
		"NUMERIC": {Type: "max", IsNumeric: true, Group: "measures"},
	} {
		if got := googlebigquery.Type(column); got != want {
			t.Errorf("%+v is %s, want %s", column, got, want)
		}
	}
}

func TestConvert(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ kind, text, want, problem string }{
		{"INT64", "12", "12", ""},
		{"INT64", "12.000", "12", ""},
		{"INT64", "-9223372036854775808", "-9223372036854775808", ""},
		{"INT64", "9223372036854775808", "", "is not a whole number of 64 bits"},
		{"INT64", "1e3", "", "is not a whole number of 64 bits"},
		{"NUMERIC", "99999999999999999999999999999.999999999", "", "is too large a number"},
		{"NUMERIC", "9999999999999999999999999999.999999999", "9999999999999999999999999999.999999999", ""},
		{"NUMERIC", "-1.5E-3", "-0.0015", ""},
		{"NUMERIC", "0.1234567885", "0.123456789", ""},
		{"NUMERIC", "-0.0000000005", "-0.000000001", ""},
		{"NUMERIC", "-0.00000000049", "0", ""},
		{"NUMERIC", "-0.00000000001", "0", ""},
		{"NUMERIC", "1e-999999999", "0", ""},
		{"NUMERIC", "0e999999999", "0", ""},
		{"NUMERIC", "9.9999999999", "10", ""},
		{"NUMERIC", "+100.", "+100.", ""},
		{"NUMERIC", "1.50", "1.50", ""},
		{"NUMERIC", "1e999999999", "", "is too large a number"},
		{"NUMERIC", "NaN", "", "is not a number"},
		{"NUMERIC", "1,234", "", "is not a number"},
		{"BIGNUMERIC", "1e38", "1" + strings.Repeat("0", 38), ""},
		{"BIGNUMERIC", "0.3333333333333333", "0.3333333333333333", ""},
		{"BIGNUMERIC", "0." + strings.Repeat("6", 40), "0." + strings.Repeat("6", 37) + "7", ""},
		{"FLOAT64", "1e300", "1e300", ""},
		{"FLOAT64", "1e400", "", "is too large a number"},
		{"FLOAT64", "0x1p4", "", "is not a number"},
		{"BOOL", "YES", "true", ""},
		{"BOOL", "0", "false", ""},
		{"BOOL", "maybe", "", "is neither yes nor no"},
		{"DATE", "2026-11-26", "2026-11-26", ""},
		{"DATE", "2026-11-26 00:00:00", "2026-11-26", ""},
		{"DATE", "2026-11-26 10:00:00", "", "is not a date"},
		{"DATE", "2026-13-01", "", "is not a date"},
		{"TIMESTAMP", "2026-11-26 10", "2026-11-26 10:00:00", ""},
		{"TIMESTAMP", "2026-11-26 10:20", "2026-11-26 10:20:00", ""},
		{"TIMESTAMP", "2026-11-26 10:20:30.123456789", "2026-11-26 10:20:30.123456", ""},
		{"TIMESTAMP", "2026-11-26", "2026-11-26 00:00:00", ""},
		{"TIMESTAMP", "2026-11-26T10:20:30+02:00", "2026-11-26 08:20:30Z", ""},
		{"TIMESTAMP", "2026-11-26 10:20:30 UTC", "2026-11-26 10:20:30Z", ""},
		{"TIMESTAMP", "2026-11-26 10:20:30.5+01", "2026-11-26 09:20:30.5Z", ""},
		{"TIMESTAMP", "2026-11-26T10:20:30-0530", "2026-11-26 15:50:30Z", ""},
		{"TIMESTAMP", "2026-11-26 10:20:30 EST", "", "is not a time"},
		{"DATETIME", "2026-11-26T10:20:30+02:00", "2026-11-26 10:20:30", ""},
		{"TIME", "10:20", "10:20:00", ""},
		{"TIME", "10:20:30.5", "10:20:30.5", ""},
	} {
		got, err := googlebigquery.Convert(tt.kind, tt.text)
		problem := ""
		if err != nil {
			problem = err.Error()
		}
		if got != tt.want || problem != tt.problem {
			t.Errorf("%s %q: %q, %q; want %q, %q", tt.kind, tt.text, got, problem, tt.want, tt.problem)
		}
	}
}

// A pivoted column becomes one for each value of the pivot. Hidden columns and filters are not loaded.
func TestPivots(t *testing.T) {
	t.Parallel()
	const result = `{
		"fields": {"dimensions": [{"name": "a.day", "type": "date_date"}, {"name": "a.hidden", "type": "string"}],
			"measures": [{"name": "a.count", "type": "count", "is_numeric": true}], "filters": [{"name": "a.filter", "type": "string"}]},
		"pivots": [{"key": "new"}, {"key": "old & gone"}],
		"data": [{"a.day": {"value": "2026-11-26"}, "a.hidden": {"value": "x"}, "a.count": {"new": {"value": 1}, "old & gone": {"value": null}}}]
	}`
	f := newFake()
	req := actiontest.JSONDetail(t, actiontest.Query(params(), form(nil)), result)
	req.Plan.HiddenFields = []string{"a.hidden"}
	if _, err := f.start(t, nil).Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	want := &table{Schema: []string{"a_day DATE", "a_count_new INT64", "a_count_old___gone INT64"}, Rows: []string{`{"a_day":"2026-11-26","a_count_new":"1"}`}}
	if diff := cmp.Diff(want, f.tables["project1.reports.orders"]); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	option := func(n string) action.Option { return action.Option{Name: n, Label: n} }
	forbid := func(what ...string) func(string, int) *actiontest.Reply {
		return func(w string, _ int) *actiontest.Reply {
			if !slices.Contains(what, w) {
				return nil
			}
			r := refusal(403, "accessDenied", "Access Denied")
			return &r
		}
	}
	datasets := func(chosen string, names ...string) action.Field {
		f := action.Field{Name: "dataset", Label: "Dataset", Type: action.Select, Required: true, Interactive: true, Default: chosen}
		for _, n := range names {
			f.Options = append(f.Options, option(n))
		}
		return f
	}
	typedDataset := func(description string) action.Field {
		return action.Field{Name: "dataset", Label: "Dataset", Type: action.String, Required: true, Interactive: true, Description: description}
	}
	typedTable := func(description string) action.Field {
		return action.Field{Name: "table", Label: "Table", Type: action.String, Description: description}
	}
	const denied = "The name of the table. The account is not allowed to list the dataset's tables (bigquery.tables.list), so no list is available."
	for name, tt := range map[string]struct {
		env, chosen answers
		before      func(string, int) *actiontest.Reply
		want        []action.Field
	}{
		"nothing chosen": {want: []action.Field{datasets("", "archive", "reports", "zoo"), typedTable("The name of the table. Choose a dataset to get a list.")}},
		"a dataset": {chosen: answers{"dataset": "reports"}, want: []action.Field{
			datasets("reports", "archive", "reports", "zoo"),
			{
				Name: "table", Label: "Table", Type: action.Select, Description: "Leave it empty to enter another one below.",
				Options: []action.Option{option("a"), option("b"), option("c")},
			},
		}},
		"no tables":              {chosen: answers{"dataset": "zoo"}, want: []action.Field{datasets("zoo", "archive", "reports", "zoo"), typedTable("The name of the table. The dataset has none yet.")}},
		"tables may not be read": {chosen: answers{"dataset": "reports"}, before: forbid("tables"), want: []action.Field{datasets("reports", "archive", "reports", "zoo"), typedTable(denied)}},
		"nothing may be read": {before: forbid("datasets"), want: []action.Field{
			typedDataset("The ID of the dataset. The account is not allowed to list the project's datasets (bigquery.datasets.get), so no list is available."),
			typedTable("The name of the table. Choose a dataset to get a list."),
		}},
		"allowed datasets": {env: answers{"GOOGLE_BIGQUERY_ALLOWED_DATASETS": "project1.rep*,project2.shared,zoo"}, want: []action.Field{
			datasets("", "reports", "zoo"), typedTable("The name of the table. Choose a dataset to get a list."),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.locations["project1.zoo"] = "US"
			for _, n := range []string{"a", "b", "c"} {
				f.tables["project1.reports."+n] = &table{}
			}
			f.before = tt.before
			got, err := action.Resolve(f.start(t, tt.env)).Form.Form(t.Context(), actiontest.Query(params(), tt.chosen))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Fields[:2]); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			var names []string
			for _, field := range got.Fields[2:] {
				names = append(names, field.Name)
			}
			if diff := cmp.Diff([]string{"new_table", "write", "missing_table", "new_columns", "partition", "time_zone"}, names); diff != "" {
				t.Errorf("other fields (-want +got):\n%s", diff)
			}
		})
	}
}

// The administrator's list limits the deliveries.
func TestAllowedDatasets(t *testing.T) {
	t.Parallel()
	f := newFake()
	i := f.start(t, answers{"GOOGLE_BIGQUERY_ALLOWED_DATASETS": "reports, project2.archive"})
	_, err := i.Execute(t.Context(), request(t, form(answers{"dataset": "archive"})))
	if got, want := action.MessageOf(err), "The hub's administrator does not allow writing to archive. Allowed: reports."; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	if action.KindOf(err) != action.Forbidden {
		t.Errorf("kind %v", action.KindOf(err))
	}
	if len(f.calls) > 0 {
		t.Errorf("calls %v", f.calls)
	}
	if _, err := i.Execute(t.Context(), request(t, form(nil))); err != nil {
		t.Errorf("a dataset of the list: %v", err)
	}
	for _, list := range []string{"a-b", "reports,", "P.reports", "a/b", "project1.", ".reports"} {
		if _, err := googlebigquery.New(actiontest.Deps(t, nil, answers{"GOOGLE_BIGQUERY_ALLOWED_DATASETS": list})); err == nil {
			t.Errorf("%q is accepted", list)
		}
	}
}

// The ways to sign in, each of which loads.
func TestCredentials(t *testing.T) {
	t.Parallel()
	keyFile := fmt.Sprintf(`{"type":"service_account","client_email":%q,"private_key":%q}`, email, pemKey())
	file := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(file, []byte(keyFile), 0o600); err != nil {
		t.Fatal(err)
	}
	keyless := answers{"project_id": "project1"}
	for name, tt := range map[string]struct {
		env, params answers
		message     string
	}{
		"key":                {nil, params(), ""},
		"key file":           {nil, with(keyless, answers{"private_key": keyFile}), ""},
		"the hub's file":     {answers{"GOOGLE_BIGQUERY_CREDENTIALS_FILE": file}, keyless, ""},
		"the pod":            {answers{"GOOGLE_BIGQUERY_POD_IDENTITY": "true"}, keyless, ""},
		"a key and the pod":  {answers{"GOOGLE_BIGQUERY_POD_IDENTITY": "true"}, params(), ""},
		"no file of the hub": {answers{"GOOGLE_BIGQUERY_CREDENTIALS_FILE": "/nothing"}, keyless, "Google does not accept the hub's own credentials. The hub's administrator must check GOOGLE_BIGQUERY_CREDENTIALS_FILE."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			req := request(t, form(nil))
			req.Params = tt.params
			_, err := f.start(t, tt.env).Execute(t.Context(), req)
			if got := action.MessageOf(err); err != nil && got != tt.message {
				t.Errorf("error %q, want %q", got, tt.message)
			}
			if tt.message == "" && len(f.jobs) != 1 {
				t.Errorf("%d jobs, error %v", len(f.jobs), err)
			}
		})
	}
	if _, err := googlebigquery.New(actiontest.Deps(t, nil, answers{"GOOGLE_BIGQUERY_POD_IDENTITY": "true", "GOOGLE_BIGQUERY_CREDENTIALS_FILE": file})); err == nil {
		t.Error("two identities are accepted")
	}
	required := map[string]bool{}
	for _, p := range actiontest.New(t, googlebigquery.New, actiontest.Deps(t, nil, answers{"GOOGLE_BIGQUERY_POD_IDENTITY": "true"})).Definition().Params {
		required[p.Name] = p.Required
	}
	if diff := cmp.Diff(map[string]bool{"client_email": false, "private_key": false, "project_id": true}, required); diff != "" {
		t.Errorf("required params (-want +got):\n%s", diff)
	}
}

// A job that does not end in time is named.
func TestSlowJob(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.pending = 1 << 30
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	f.before = func(what string, n int) *actiontest.Reply {
		if what == "job" && n == 5 {
			cancel(action.Errorf(action.Timeout, "The delivery took too long."))
		}
		return nil
	}
	_, err := f.start(t, nil).Execute(ctx, request(t, form(nil)))
	if got := action.MessageOf(err); !strings.HasPrefix(got, "BigQuery has the data, but its load job project1:europe-west3.looker_") {
		t.Errorf("error %q", got)
	}
	if action.KindOf(err) != action.Timeout {
		t.Errorf("kind %v", action.KindOf(err))
	}
}

// A delivery that is given up leaves no upload, and no job.
func TestCanceled(t *testing.T) {
	t.Parallel()
	f := newFake()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.before = func(what string, _ int) *actiontest.Reply {
		if what == "piece" {
			cancel()
		}
		return nil
	}
	req := actiontest.Download(t, actiontest.Query(params(), form(nil)), func(w http.ResponseWriter, _ *http.Request) { writeResult(w, 40000, "x") })
	_, err := f.start(t, nil).Execute(ctx, req)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if len(f.jobs)+len(f.sessions) > 0 {
		t.Errorf("jobs %v, %d sessions", f.jobs, len(f.sessions))
	}
}

// sink takes every upload, and keeps nothing but the largest heap that it saw.
type sink struct {
	mu   sync.Mutex
	size int64
	heap uint64
}

func (s *sink) RoundTrip(r *http.Request) (*http.Response, error) {
	body, header, status := `{"access_token":"access","token_type":"Bearer","expires_in":3599}`, http.Header{}, http.StatusOK
	switch {
	case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/jobs/"):
		body, status = "{}", http.StatusNotFound
	case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/tables/"):
		body, status = "{}", http.StatusNotFound
	case r.Method == http.MethodGet:
		body = `{"location":"US"}`
	case strings.HasPrefix(r.URL.Path, "/upload/") && r.Method == http.MethodPost:
		header.Set("Location", "https://bigquery.googleapis.com/session")
	case r.Method == http.MethodPut:
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		s.size, s.heap = s.size+n, max(s.heap, actiontest.LiveHeap())
		s.mu.Unlock()
		body = `{"jobReference":{"projectId":"project1","jobId":"x"},"status":{"state":"DONE"}}`
		if strings.HasSuffix(r.Header.Get("Content-Range"), "/*") {
			status = http.StatusPermanentRedirect
			header.Set("Range", fmt.Sprintf("bytes=0-%d", s.size-1))
		}
	}
	if r.Body != nil {
		_ = r.Body.Close()
	}
	header.Set("Content-Type", "application/json")
	return &http.Response{StatusCode: status, Header: header, Request: r, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// Memory stays flat, whatever the size. Not parallel: other tests' memory would count.
func TestMemory(t *testing.T) {
	actiontest.Serial(t)
	const rows = 1 << 17
	s := &sink{}
	deps := actiontest.Deps(t, nil, nil)
	deps.HTTP = &http.Client{Transport: s}
	i := actiontest.New(t, googlebigquery.New, deps)
	req := actiontest.Download(t, actiontest.Query(params(), form(nil)), func(w http.ResponseWriter, _ *http.Request) {
		writeResult(w, rows, strings.Repeat("x", 1<<10))
	})
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if s.size < rows<<10 {
		t.Errorf("%d bytes arrived, want %d at least", s.size, rows<<10)
	}
	if s.heap > 64<<20 {
		t.Errorf("%d MiB were in use", s.heap>>20)
	}
}
