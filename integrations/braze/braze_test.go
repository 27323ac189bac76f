package braze_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/braze"
	"integrationhub.dev/integrations/internal/rowstest"
)

func params() map[string]string {
	return map[string]string{"braze_api_key": "k3y", "braze_api_endpoint": "https://rest.iad-01.braze.com"}
}

func form() map[string]string {
	return map[string]string{"braze_key": "external_id", "braze_segment": "VIPs"}
}

const success = `{"attributes_processed":1,"message":"success"}`

func accepted() actiontest.Reply { return actiontest.Reply{Status: http.StatusCreated, Body: success} }

// result has dimensions, each with its tags, and rows of one value for each.
func result(rows string, fields ...string) string {
	columns := make([]string, len(fields))
	for i, f := range fields {
		name, tags, _ := strings.Cut(f, " ")
		text, err := json.Marshal(map[string]any{"name": name, "tags": strings.Fields(tags)})
		if err != nil {
			panic(err)
		}
		columns[i] = string(text)
	}
	return `{"fields":{"dimensions":[` + strings.Join(columns, ",") + `]},"data":[` + rows + `]}`
}

func query(t *testing.T, text string) *action.Request {
	t.Helper()
	return actiontest.JSONDetail(t, actiontest.Query(params(), form()), text)
}

func TestForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, braze.New, actiontest.Deps(t, nil, nil))
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range got.Fields {
		names = append(names, f.Name+"="+f.Default)
	}
	want := []string{
		"braze_key=external_id", "braze_segment=LOOKER_EXPORT", "braze_label_action=add", "braze_alias_label=", "braze_record=attributes",
		"braze_event_name=", "braze_currency=", "time_zone=",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

// The complete request.
func TestWire(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		form   map[string]string
		fields []string
		rows   string
		want   string
	}{
		"attributes": {
			form(),
			[]string{"u.id braze_id", "u.city x braze[city]", "u.age BRAZE[Age]", "u.other", "u.two braze[a] braze[b]"},
			`{"u.id":{"value":"u1"},"u.city":{"value":"Ulm"},"u.age":{"value":12345678901234567890},"u.other":{"value":1},"u.two":{"value":true}},
			{"u.id":{"value":2},"u.city":{"value":null},"u.age":{"value":1.50}}`,
			`{"attributes":[{"_update_existing_only":true,"external_id":"u1","city":"Ulm","Age":12345678901234567890,"a":true,"b":true,"looker_export":{"add":["VIPs"]}},` +
				`{"_update_existing_only":true,"external_id":"2","city":null,"Age":1.50,"looker_export":{"add":["VIPs"]}}]}`,
		},
		"by Braze's own id, and the label's default": {
			map[string]string{"braze_key": "braze_id"},
			[]string{"u.id braze_id braze[braze_id]"},
			`{"u.id":{"value":"b"}}`,
			`{"attributes":[{"_update_existing_only":true,"braze_id":"b","looker_export":{"add":["LOOKER_EXPORT"]}}]}`,
		},
		"the last of several": {
			form(),
			[]string{"u.a braze_id braze[x]", "u.b braze_id braze[y]", "u.c braze[x]"},
			`{"u.a":{"value":"a"},"u.b":{"value":"b"},"u.c":{"value":"c"}}`,
			`{"attributes":[{"_update_existing_only":true,"external_id":"b","y":"b","x":"c","looker_export":{"add":["VIPs"]}}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, braze.New, actiontest.Deps(t, d, nil))
			req := query(t, result(tt.rows, tt.fields...))
			req.Form = tt.form
			if _, err := i.Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			r := d.Requests()[0]
			if diff := cmp.Diff(tt.want, string(r.Body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if got, want := r.Method, http.MethodPost; got != want {
				t.Errorf("method %q, want %q", got, want)
			}
			if got, want := r.Host, "rest.iad-01.braze.com"; got != want {
				t.Errorf("host %q, want %q", got, want)
			}
			if got, want := r.Path, "/users/track"; got != want {
				t.Errorf("path %q, want %q", got, want)
			}
			if got, want := r.Header.Get("Authorization"), "Bearer k3y"; got != want {
				t.Errorf("Authorization %q, want %q", got, want)
			}
			if got, want := r.Header.Get("Content-Type"), "application/json"; got != want {
				t.Errorf("Content-Type %q, want %q", got, want)
			}
		})
	}
}

// The API key is sent only to Braze's hosts.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	one := result(`{"u.id":{"value":"u"}}`, "u.id braze_id")
	for endpoint, host := range map[string]string{
		"https://rest.iad-01.braze.com":            "rest.iad-01.braze.com",
		" http://REST.fra-01.braze.eu/ ":           "rest.fra-01.braze.eu",
		"rest.iad-01.braze.com":                    "",
		"ftp://rest.iad-01.braze.com":              "",
		"https://braze.com":                        "",
		"https://.braze.com":                       "",
		"https://rest.braze.com.example.com":       "",
		"https://evilbraze.com":                    "",
		"https://127.0.0.1:1/?x=.braze.com":        "",
		"https://127.0.0.1:1/x.braze.com":          "",
		"https://127.0.0.1#.braze.com":             "",
		"https://a@rest.iad-01.braze.com":          "",
		"https://127.0.0.1\\.braze.com":            "",
		"https://rest.iad-01.braze.com:8443":       "",
		"https://rest.iad-01.braze.com/users":      "",
		"https://rest.iad-01.braze.com?":           "",
		"https://example.com/@rest.braze.com":      "",
		"https://example.com%2f.braze.com":         "",
		"https://[::1].braze.com":                  "",
		"https://example.com:80:rest.eu.braze.com": "",
	} {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, braze.New, actiontest.Deps(t, d, nil))
			req := query(t, one)
			req.Params["braze_api_endpoint"] = endpoint
			_, err := i.Execute(t.Context(), req)
			if host == "" {
				if action.KindOf(err) != action.Invalid || len(d.Requests()) != 0 {
					t.Errorf("%d calls, error %v", len(d.Requests()), err)
				}
				return
			}
			if err != nil || d.Requests()[0].Host != host {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	one := result(`{"u.id":{"value":"u"}}`, "u.id braze_id")
	for name, tt := range map[string]struct {
		change  func(*action.Request)
		result  string
		message string
	}{
		"no key":        {func(r *action.Request) { delete(r.Params, "braze_api_key") }, one, `"braze_api_key" is required.`},
		"no endpoint":   {func(r *action.Request) { delete(r.Params, "braze_api_endpoint") }, one, `"braze_api_endpoint" is required.`},
		"no unique key": {func(r *action.Request) { delete(r.Form, "braze_key") }, one, "Missing primary Braze key."},
		"invalid key": {
			func(r *action.Request) { r.Form["braze_key"] = "name" }, one,
			`"braze_key" must be external_id, braze_id, email, phone or user_alias.`,
		},
		"no tag":           {func(*action.Request) {}, result(`{}`, "u.id"), "Primary Braze key not found. The query needs a field tagged braze_id."},
		"no result":        {func(*action.Request) {}, `1`, "The data is not a complete result in Looker's json_detail format."},
		"the id as a name": {func(*action.Request) {}, result(``, "u.id braze_id", "u.x braze[external_id]"), "The field u.x is tagged braze[external_id], but this name is reserved."},
		"a reserved name":  {func(*action.Request) {}, result(``, "u.id braze_id braze[looker_export]"), "The field u.id is tagged braze[looker_export], but this name is reserved."},
		"a pivot": {
			func(*action.Request) {},
			`{"fields":{"dimensions":[{"name":"u.id","tags":["braze_id"]}],"measures":[{"name":"n","label_short":"N","tags":["braze[n]"]}]},"pivots":[{"key":"a"}],"data":[]}`,
			"The field N is pivoted, but an attribute has one value. Remove the pivot, or the tag braze[n].",
		},
		"rows without an id": {func(*action.Request) {}, result(`{"u.id":{"value":""}}`, "u.id braze_id"), "A row has no value in the field tagged braze_id."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, braze.New, actiontest.Deps(t, d, nil))
			req := query(t, tt.result)
			tt.change(req)
			if _, err := i.Execute(t.Context(), req); err == nil || action.MessageOf(err) != tt.message {
				t.Errorf("error %v, want %q", err, tt.message)
			}
			if len(d.Requests()) != 0 {
				t.Error("Braze was called")
			}
		})
	}
	i := actiontest.New(t, braze.New, actiontest.Deps(t, nil, nil))
	if _, err := i.Execute(t.Context(), actiontest.Query(params(), form())); action.KindOf(err) != action.Invalid {
		t.Errorf("without data: %v", err)
	}
	if _, err := braze.New(actiontest.Deps(t, nil, map[string]string{"BRAZE_MAX_EXPORT": "many"})); err == nil {
		t.Error("a setting that is no number")
	}
}

func TestBrazeFails(t *testing.T) {
	t.Parallel()
	const rejected = "Braze rejected a row: 'external_id' is too long"
	const rejectedKey = "Braze rejected the API key. It may lack the permission users.track, belong to another endpoint, or not allow the " +
		"hub's " +
		"IP address."
	for name, tt := range map[string]struct {
		answer  rowstest.Answer
		kind    action.Kind
		message string
		calls   int
	}{
		"a wrong key":      {rowstest.Answer{Status: 401, Body: `{"message":"k3y"}`}, action.Unauthenticated, rejectedKey, 1},
		"no permission":    {rowstest.Answer{Status: 403}, action.Forbidden, rejectedKey, 1},
		"no such endpoint": {rowstest.Answer{Status: 404}, action.NotFound, "The endpoint is not a Braze REST API.", 1},
		"a bad call":       {rowstest.Answer{Status: 400, Body: `{"message":"k3y"}`}, action.Invalid, "Braze rejected a row (400).", 1},
		"a bad user":       {rowstest.Answer{Status: 201, Body: `{"message":"success","errors":[{"type":"'external_id' is too long","input_array":"attributes","index":0}]}`}, action.Invalid, rejected, 1},
		"a fault of none":  {rowstest.Answer{Status: 201, Body: `{"message":"success","errors":["'external_id' is too long"]}`}, action.Invalid, rejected, 1},
		"a fault elsewhere": {
			rowstest.Answer{Status: 201, Body: `{"message":"success","errors":[{"type":"'external_id' is too long","input_array":"attributes","index":9}]}`},
			action.Invalid,
			rejected,
			1,
		},
		"a fault of the whole call": {
			rowstest.Answer{Status: 201, Body: `{"message":"no","errors":[{"type":"'external_id' is too long","input_array":"attributes","index":7}]}`},
			action.Invalid,
			rejected,
			1,
		},
		"a fault that we cannot read": {rowstest.Answer{Status: 201, Body: `{"message":"success","errors":[17]}`}, action.Invalid, "Braze rejected a row without a reason.", 1},
		"no confirmation":             {rowstest.Answer{Status: 201, Body: `{}`}, action.Unavailable, "Braze did not confirm the rows.", 6},
		"somebody else":               {rowstest.Answer{Status: 200, Body: `<html>`}, action.Unavailable, "Unexpected response from Braze. Braze may already have accepted the request. Check before retrying.", 6},
		"unavailable":                 {rowstest.Answer{Status: 500}, action.Unavailable, "Braze returned 500 Internal Server Error.", 6},
		"limited for long":            {rowstest.Answer{Status: 429, Header: map[string]string{"X-RateLimit-Reset": "4102444800"}}, action.RateLimited, "Braze returned 429 Too Many Requests.", 1},
		"too large":                   {rowstest.Answer{Status: 413}, action.TooLarge, "Braze returned 413 Request Entity Too Large.", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sink := &rowstest.Sink{Answer: tt.answer}
				deps := actiontest.Deps(t, nil, nil)
				deps.HTTP = &http.Client{Transport: sink}
				_, err := actiontest.New(t, braze.New, deps).Execute(t.Context(), query(t, result(`{"u.id":{"value":"u"}}`, "u.id braze_id")))
				if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message {
					t.Errorf("error %v (%v)", err, action.KindOf(err))
				}
				if strings.Contains(fmt.Sprint(err), "k3y") {
					t.Errorf("the error tells too much: %v", err)
				}
				if sink.Calls() != tt.calls {
					t.Errorf("%d calls, want %d", sink.Calls(), tt.calls)
				}
			})
		})
	}
}

// Only the message "success" confirms rows. A call with another message that names one user is bisected.
func TestNoSuccess(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		if strings.Contains(string(r.Body), `"bad"`) {
			return actiontest.Reply{Status: http.StatusCreated, Body: `{"message":"no","errors":[{"type":"'external_id' is odd","input_array":"attributes","index":0}]}`}
		}
		return accepted()
	})
	i := actiontest.New(t, braze.New, actiontest.Deps(t, d, nil))
	_, err := i.Execute(t.Context(), query(t, result(`{"u.id":{"value":"a"}},{"u.id":{"value":"b"}},{"u.id":{"value":"bad"}}`, "u.id braze_id")))
	if got := action.MessageOf(err); got != "2 of 3 rows delivered, 1 rejected. Braze rejected a row: 'external_id' is odd" {
		t.Errorf("message %q", got)
	}
	arrived := 0
	for _, r := range d.Requests() {
		if !strings.Contains(string(r.Body), `"bad"`) {
			arrived += strings.Count(string(r.Body), "external_id")
		}
	}
	if arrived != 2 {
		t.Errorf("%d users arrived", arrived)
	}
}

// During maintenance, Braze accepts calls and processes them later: sending events again would store them twice.
// https://www.braze.com/docs/api/errors/
func TestQueued(t *testing.T) {
	t.Parallel()
	for _, record := range []string{"attributes", "events"} {
		t.Run(record, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sink := &rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusAccepted, Body: `{"message":"queued"}`}}
				deps := actiontest.Deps(t, nil, nil)
				deps.HTTP = &http.Client{Transport: sink}
				req := query(t, result(`{"u.id":{"value":"u"}}`, "u.id braze_id"))
				req.Form = answers(map[string]string{"braze_record": record, "braze_event_name": "e"})
				res, err := actiontest.New(t, braze.New, deps).Execute(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := res.Message, "1 rows sent to Braze."; got != want {
					t.Errorf("message %q, want %q", got, want)
				}
				if got, want := sink.Calls(), 1; got != want {
					t.Errorf("%d calls, want %d", got, want)
				}
			})
		})
	}
}

// Braze sends the end of a rate limit in Unix time. Under synctest it is the year 2000.
func TestRateLimitReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		d := &rowstest.Destination{
			Rows: func(*http.Request, []byte) ([]rowstest.Row, error) { return []rowstest.Row{{ID: "u"}}, nil },
			Answer: func([]rowstest.Row, []int) rowstest.Answer {
				if time.Since(begin) < time.Minute {
					reset := strconv.FormatInt(begin.Add(time.Minute).Unix(), 10)
					return rowstest.Answer{Status: 429, Header: map[string]string{"X-RateLimit-Reset": reset}}
				}
				return rowstest.Answer{Status: http.StatusCreated, Body: success}
			},
			NoFaults: true,
		}
		i := actiontest.New(t, braze.New, d.Deps(nil))
		if _, err := i.Execute(t.Context(), query(t, result(`{"u.id":{"value":"u"}}`, "u.id braze_id"))); err != nil {
			t.Fatal(err)
		}
		if n := d.Calls()["fine"]; n != 2 {
			t.Errorf("%d calls, want 2", n)
		}
	})
}

// The rate limit permits 16 of the 60 calls before the delivery's deadline.
func TestRateLimitNearDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deps := actiontest.Deps(t, nil, nil)
		deps.HTTP = &http.Client{Transport: &rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusCreated, Body: success}}}
		req := rowstest.Query(t, actiontest.Query(params(), form()), peopleHead, 3000, person)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := actiontest.New(t, braze.New, deps).Execute(ctx, req)
		if kind := action.KindOf(err); kind != action.Timeout {
			t.Errorf("kind %v, want %v", kind, action.Timeout)
		}
		const want = "At the destination's rate limit, the delivery would exceed its timeout."
		if got := action.MessageOf(err); !strings.HasPrefix(got, "800 of ") || !strings.HasSuffix(got, want) {
			t.Errorf("message %q, want 800 rows delivered, and %q", got, want)
		}
	})
}

// Rows beyond the maximum are counted as failed.
func TestMaxExport(t *testing.T) {
	t.Parallel()
	rows := strings.TrimSuffix(strings.Repeat(`{"u.id":{"value":"u"}},`, 100), ",")
	for limit, want := range map[string]string{
		"30": "30 of 100 rows delivered, 70 rejected. At most 30 rows are sent to Braze. The hub's administrator can change " +
			"BRAZE_MAX_EXPORT.",
		"100": "100 rows sent to Braze.",
		"0":   "100 rows sent to Braze.",
	} {
		d := actiontest.NewDestination(t).Reply(accepted())
		i := actiontest.New(t, braze.New, actiontest.Deps(t, d, map[string]string{"BRAZE_MAX_EXPORT": limit}))
		res, err := i.Execute(t.Context(), query(t, result(rows, "u.id braze_id")))
		got := action.MessageOf(err)
		if err == nil {
			got = res.Message
		}
		if got != want {
			t.Errorf("at most %s: %q, want %q", limit, got, want)
		}
	}
}

func TestNoRows(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	res, err := actiontest.New(t, braze.New, actiontest.Deps(t, d, nil)).Execute(t.Context(), query(t, result("", "u.id braze_id")))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, "0 rows sent to Braze."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if got, want := len(d.Requests()), 0; got != want {
		t.Errorf("%d calls, want %d", got, want)
	}
}

func TestTruncatedSource(t *testing.T) {
	t.Parallel()
	whole := result(`{"u.id":{"value":1}},{"u.id":{"value":2}},{"u.id":{"value":3}}`, "u.id braze_id")
	d := actiontest.NewDestination(t).Reply(accepted())
	i := actiontest.New(t, braze.New, actiontest.Deps(t, d, nil))
	req := actiontest.Download(t, actiontest.Query(params(), form()), actiontest.BrokenDownload(whole[:len(whole)-10]))
	_, err := i.Execute(t.Context(), req)
	if got := action.MessageOf(err); got != "2 of 2 rows delivered, 0 failed. The download from Looker ended before the data was complete." {
		t.Errorf("message %q", got)
	}
}

const peopleHead = `{"fields":{"dimensions":[{"name":"u.id","tags":["braze_id"]},{"name":"u.city","tags":["braze[city]"]}]}`

func person(i int) string {
	return fmt.Sprintf(`{"u.id":{"value":%d},"u.city":{"value":"Zürich"}}`, i)
}

// fake names the users that it rejects, or none if it rejects a whole call. It deduplicates users.
func fake() *rowstest.Destination {
	return &rowstest.Destination{
		Rows: func(_ *http.Request, body []byte) ([]rowstest.Row, error) {
			var call struct {
				Attributes []struct {
					ID string `json:"external_id"`
				} `json:"attributes"`
			}
			if err := json.Unmarshal(body, &call); err != nil {
				return nil, err
			}
			if len(call.Attributes) > 50 {
				return nil, errors.New("too many users in a call")
			}
			rows := make([]rowstest.Row, len(call.Attributes))
			for i, a := range call.Attributes {
				rows[i] = rowstest.Row{ID: a.ID, Key: a.ID}
			}
			return rows, nil
		},
		Refuses: func(id string) bool { return strings.HasSuffix(id, "777") },
		Answer: func(_ []rowstest.Row, rejected []int) rowstest.Answer {
			faults := []map[string]any{}
			for _, i := range rejected {
				faults = append(faults, map[string]any{"type": "'city' is not valid", "input_array": "attributes", "index": i})
			}
			body, err := json.Marshal(map[string]any{"message": "success", "errors": faults})
			if err != nil {
				panic(err)
			}
			return rowstest.Answer{Status: http.StatusCreated, Body: string(body)}
		},
	}
}

// Each of 100,000 rows is counted correctly under injected faults.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	whole := fake()
	whole.Whole = true
	whole.Answer = func(_ []rowstest.Row, rejected []int) rowstest.Answer {
		if len(rejected) > 0 {
			return rowstest.Answer{Status: http.StatusBadRequest, Body: `{"message":"no"}`}
		}
		return rowstest.Answer{Status: http.StatusCreated, Body: success}
	}
	for name, d := range map[string]*rowstest.Destination{"'city' is not valid": fake(), "(400)": whole} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const total = 100_000
				i := actiontest.New(t, braze.New, d.Deps(nil))
				_, err := i.Execute(t.Context(), rowstest.Query(t, actiontest.Query(params(), form()), peopleHead, total, person))
				if got := d.Check(t, total, err); got.Failed != total/1000 {
					t.Errorf("%+v, want the %d rejected rows to fail, and no other", got, total/1000)
				}
				if n := d.Unconfirmed(); n != 0 {
					t.Errorf("%d rows arrived, but are not confirmed", n)
				}
				if got := action.MessageOf(err); !strings.Contains(got, "99900 of 100000 rows delivered, 100 rejected.") || !strings.Contains(got, name) {
					t.Errorf("message %q", got)
				}
			})
		})
	}
}

// The memory does not depend on the number of rows. Not parallel: it measures the heap.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const total, most = 1_000_000, 32 << 20
				sink := &rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusCreated, Body: success}}
				deps := actiontest.Deps(t, nil, map[string]string{"BRAZE_MAX_EXPORT": "0"})
				deps.HTTP = &http.Client{Transport: sink}
				i := actiontest.New(t, braze.New, deps)
				res, err := i.Execute(t.Context(), way.Query(t, actiontest.Query(params(), form()), peopleHead, total, person))
				if err != nil || res.Message != strconv.Itoa(total)+" rows sent to Braze." {
					t.Fatalf("%+v, %v", res, err)
				}
				if heap := sink.Heap(t); heap > most {
					t.Errorf("the heap grew to %d MiB, more than %d", heap>>20, most>>20)
				}
				t.Logf("%d rows, heap at most %.1f MiB", total, float64(sink.Heap(t))/(1<<20))
			})
		})
	}
}
