package hubspot_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/hubspot"
	"integrationhub.dev/integrations/internal/rowstest"
)

const token = "pat-s3cret"

func params(size string) map[string]string {
	return map[string]string{"hubspot_access_token": token + "\n", "hubspot_batch_update_size": size}
}

// contacts returns a result with these IDs as JSON.
func contacts(ids ...string) string {
	var rows []string
	for i, id := range ids {
		rows = append(rows, fmt.Sprintf(`{"c.id":{"value":%s},"c.score":{"value":%d}}`, id, i))
	}
	return `{"fields":{"dimensions":[{"name":"c.id","tags":["x","hubspot_contact_id"]}],"measures":[{"name":"c.score"}]},"data":[` + strings.Join(rows, ",") + `]}`
}

func query(t *testing.T, size, result string) *action.Request {
	t.Helper()
	return actiontest.JSONDetail(t, actiontest.Query(params(size), nil), result)
}

// inputs returns the updates of a call.
func inputs(body []byte) []input {
	var call struct{ Inputs []input }
	if err := json.Unmarshal(body, &call); err != nil {
		return nil
	}
	return call.Inputs
}

type input struct {
	ID         string
	Properties map[string]any
}

// updated responds to a call that succeeds.
func updated(r actiontest.Recorded) actiontest.Reply {
	var results []string
	for _, in := range inputs(r.Body) {
		results = append(results, fmt.Sprintf(`{"id":%q,"properties":{"email":"a@example.com"}}`, in.ID))
	}
	return actiontest.Reply{Body: `{"status":"COMPLETE","results":[` + strings.Join(results, ",") + `]}`}
}

// definitions are those of the account's properties.
const definitions = `{"results":[{"name":"c_score","type":"number"},{"name":"born","type":"date"},{"name":"seen","type":"datetime"},` +
	`{"name":"own_id","type":"string","hasUniqueValue":true},{"name":"vip","type":"enumeration","fieldType":"booleancheckbox"},{"name":"domain","type":"string","hasUniqueValue":false}]}`

// answering answers the reading of properties, and leaves other calls to f.
func answering(f func(actiontest.Recorded) actiontest.Reply) func(actiontest.Recorded) actiontest.Reply {
	return func(r actiontest.Recorded) actiontest.Reply {
		if strings.Contains(r.Path, "/properties/") {
			return actiontest.Reply{Body: definitions}
		}
		return f(r)
	}
}

// defining answers the reading of properties, and leaves other calls to another transport.
type defining struct{ http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (d defining) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.Contains(req.URL.Path, "/properties/") {
		return d.RoundTripper.RoundTrip(req)
	}
	req = req.Clone(req.Context())
	req.Body = http.NoBody
	return (&rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusOK, Body: definitions}}).RoundTrip(req)
}

func over(transport http.RoundTripper) action.Deps {
	return action.Deps{HTTP: &http.Client{Transport: defining{transport}}}
}

func integration(t *testing.T, o hubspot.Object, deps action.Deps) action.Integration {
	t.Helper()
	return actiontest.New(t, func(deps action.Deps) (action.Integration, error) { return hubspot.New(o, deps) }, deps)
}

// batches are the calls that are not about properties.
func batches(d *actiontest.Destination) []actiontest.Recorded {
	return slices.DeleteFunc(d.Requests(), func(r actiontest.Recorded) bool { return strings.Contains(r.Path, "/properties/") })
}

func message(res *action.Response, err error) string {
	if err != nil {
		return action.MessageOf(err)
	}
	return res.Message
}

func TestWire(t *testing.T) {
	t.Parallel()
	const result = `{"fields":{"dimensions":[{"name":"c.old","tags":["hubspot_company_id"]},{"name":"c.id","tags":["hubspot_company_id"]},{"name":"c.secret"},{"name":"c.city"}],` +
		`"measures":[{"name":"c.total"}],"filters":[{"name":"c_city"}],"table_calculations":[{"name":"calc"}]},"data":[` +
		`{"c.old":{"value":1},"c.id":{"value":9007199254740993},"c.secret":{"value":"x"},"c.city":{"value":"Zürich <1>"},"c.total":{"value":12345678901234567890.10},"calc":{"value":null}},` +
		`{"c.id":{"value":" 17 "},"c.city":{"value":true},"c.total":null}]}`
	d := actiontest.NewDestination(t).Handle(answering(updated))
	req := query(t, "", result)
	req.Plan.HiddenFields = []string{"c.secret"}
	res, err := integration(t, hubspot.Companies, actiontest.Deps(t, d, nil)).Execute(t.Context(), req)
	if err != nil || res.Message != "2 companies updated." {
		t.Fatalf("%+v, %v", res, err)
	}
	requests := batches(d)
	if len(requests) != 1 {
		t.Fatalf("%d requests arrived, want 1", len(requests))
	}
	r := requests[0]
	const want = `{"inputs":[{"id":"9007199254740993","properties":{"c_city":"Zürich \u003c1\u003e","c_old":"1","c_total":"12345678901234567890.10","calc":""}},` +
		`{"id":"17","properties":{"c_city":"true","c_total":""}}]}`
	if diff := cmp.Diff(want, string(r.Body)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if got, want := r.Method, http.MethodPost; got != want {
		t.Errorf("method %q, want %q", got, want)
	}
	if got, want := r.Host, "api.hubapi.com"; got != want {
		t.Errorf("host %q, want %q", got, want)
	}
	if got, want := r.Path, "/crm/objects/2026-09/companies/batch/update"; got != want {
		t.Errorf("path %q, want %q", got, want)
	}
	if got, want := r.Header.Get("Authorization"), "Bearer "+token; got != want {
		t.Errorf("Authorization %q, want %q", got, want)
	}
	if got, want := r.Header.Get("Content-Type"), "application/json"; got != want {
		t.Errorf("Content-Type %q, want %q", got, want)
	}
	if got, want := r.Header.Get("Accept"), "application/json"; got != want {
		t.Errorf("Accept %q, want %q", got, want)
	}
}

func TestBatchSize(t *testing.T) {
	t.Parallel()
	ids := make([]string, 250)
	for i := range ids {
		ids[i] = fmt.Sprint(i + 1)
	}
	const noNumber = `"hubspot_batch_update_size" must be a whole number from 1 to 100.`
	for size, tt := range map[string]struct {
		calls   int
		message string
	}{
		"":     {25, "250 contacts updated."},
		" 100": {3, "250 contacts updated."},
		"200":  {3, "250 contacts updated."},
		"ten":  {0, noNumber},
		"0":    {0, noNumber},
		"-1":   {0, noNumber},
	} {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(answering(updated))
			got := message(integration(t, hubspot.Contacts, actiontest.Deps(t, d, nil)).Execute(t.Context(), query(t, size, contacts(ids...))))
			if got != tt.message || len(batches(d)) != tt.calls {
				t.Errorf("%d calls, want %d; message %q", len(batches(d)), tt.calls, got)
			}
		})
	}
}

// Rows of the same contact are in different batches: the last one counts.
func TestRowsOfOneLead(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(answering(updated))
	res, err := integration(t, hubspot.Contacts, actiontest.Deps(t, d, nil)).Execute(t.Context(), query(t, "10", contacts("1", "2", `"1"`, "3", "1")))
	if err != nil || res.Message != "5 contacts updated." {
		t.Fatalf("%+v, %v", res, err)
	}
	var scores []any
	for _, r := range batches(d) {
		for _, in := range inputs(r.Body) {
			if in.ID == "1" {
				scores = append(scores, in.Properties["c_score"])
			}
		}
	}
	if diff := cmp.Diff([]any{"0", "2", "4"}, scores); diff != "" || len(batches(d)) != 3 {
		t.Errorf("%d calls; contact 1 got (-want +got):\n%s", len(batches(d)), diff)
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	const head = `{"fields":{"dimensions":[{"name":"c.id","tags":["hubspot_contact_id"]}`
	noToken := params("")
	delete(noToken, "hubspot_access_token")
	for name, tt := range map[string]struct {
		params  map[string]string
		result  string
		message string
	}{
		"no token":      {noToken, contacts("1"), `"hubspot_access_token" is required.`},
		"no tag":        {params(""), `{"fields":{"dimensions":[{"name":"a","tags":["hubspot_company_id"]}]},"data":[]}`, "Dimension with the hubspot_contact_id tag is required"},
		"one property":  {params(""), head + `,{"name":"a.b_c"},{"name":"a_b.c"}]},"data":[]}`, "The fields a.b_c and a_b.c map to the same HubSpot property, a_b_c. Hide or rename one of them."},
		"no result":     {params(""), `{"no":"rows"}`, "The data is not a complete result in Looker's json_detail format."},
		"a query error": {params(""), `{"errors":[{"message":"Bad SQL."}]}`, "Looker's query failed: Bad SQL."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := actiontest.JSONDetail(t, actiontest.Query(tt.params, nil), tt.result)
			// A call would panic.
			if _, err := integration(t, hubspot.Contacts, action.Deps{}).Execute(t.Context(), req); action.MessageOf(err) != tt.message || action.KindOf(err) != action.Invalid {
				t.Errorf("error %v, want %q", err, tt.message)
			}
		})
	}
	if _, err := integration(t, hubspot.Contacts, action.Deps{}).Execute(t.Context(), actiontest.Query(params(""), nil)); action.KindOf(err) != action.Invalid {
		t.Errorf("without data: %v", err)
	}
}

func TestInvalidRows(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ rows, message string }{
		"no rows":   {contacts(), "0 contacts updated."},
		"no ID":     {contacts("null"), "A row has no contact ID."},
		"no number": {contacts(`"a@example.com"`), "A row's contact ID is not a valid HubSpot record ID (it must be numeric)."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(answering(updated))
			got := message(integration(t, hubspot.Contacts, actiontest.Deps(t, d, nil)).Execute(t.Context(), query(t, "", tt.rows)))
			if got != tt.message || len(batches(d)) != 0 {
				t.Errorf("%d calls, message %q, want %q", len(batches(d)), got, tt.message)
			}
		})
	}
}

// An error of one contact affects only that contact.
func TestAnsweredForEach(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rows    string
		answers []string
		message string
		calls   int
	}{
		"unknown ones": {
			contacts("1", "2", "3", "null"),
			[]string{`{"status":"COMPLETE","results":[{"id":"2"}],"numErrors":1,"errors":[{"status":"error","category":"OBJECT_NOT_FOUND",` +
				`"message":"Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.","context":{"ids":["1","3","99"]}}]}`},
			"1 of 4 contacts delivered, 3 rejected. A row has no contact ID. HubSpot has no contact with this ID (first: contact 1).",
			1,
		},
		"one that was merged into another": {contacts("1", "2"), []string{`{"results":[{"id":"1"},{"id":"77"}]}`}, "2 contacts updated.", 1},
		"a refusal without names": {
			contacts("1", "2"),
			[]string{`{"results":[{"id":"1"}],"errors":[{"category":"VALIDATION_ERROR","message":"a@example.com is bad","context":{"ids":"all"}}]}`},
			"1 of 2 contacts delivered, 1 rejected. HubSpot rejected the contact (VALIDATION_ERROR).",
			1,
		},
		"a lie": {
			contacts("1", "2"),
			[]string{`{"status":"COMPLETE","results":[]}`},
			"0 of 2 contacts delivered, 2 failed. HubSpot did not confirm every update.", 3,
		},
		"unavailable for one": {
			contacts("1", "2"),
			[]string{`{"results":[{"id":"1"}],"errors":[{"category":"INTERNAL_ERROR","context":{"ids":["2"]}}]}`, `{"results":[{"id":"2"}]}`},
			"2 contacts updated.", 2,
		},
		"too often for one": {
			contacts("1", "2"),
			[]string{`{"results":[{"id":"1"}],"errors":[{"category":"RATE_LIMITS"}]}`},
			"1 of 2 contacts delivered, 1 failed. HubSpot is rate limiting requests. Try again later.", 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: tt.answers}
				got := message(integration(t, hubspot.Contacts, over(s)).Execute(t.Context(), query(t, "", tt.rows)))
				if got != tt.message || s.calls != tt.calls {
					t.Errorf("%d calls, want %d; message %q, want %q", s.calls, tt.calls, got, tt.message)
				}
			})
		})
	}
}

// script has the responses in order. The last one is repeated. It needs no sockets.
type script struct {
	answers []string
	calls   int
}

// RoundTrip implements [http.RoundTripper].
func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	body := s.answers[min(s.calls, len(s.answers)-1)]
	s.calls++
	return (&rowstest.Sink{Answer: rowstest.Answer{Status: http.StatusMultiStatus, Body: body}}).RoundTrip(req)
}

// HubSpot rejects a batch because of one value. The other rows are sent without it.
func TestBadValueAmongGoodOnes(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(answering(func(r actiontest.Recorded) actiontest.Reply {
		for _, in := range inputs(r.Body) {
			if in.ID == "13" {
				return actiontest.Reply{Status: 400, Body: `{"status":"error","category":"VALIDATION_ERROR","message":"Property values were not valid: ` +
					`[{\"isValid\":false,\"message\":\"s3cret@ is invalid\",\"error\":\"INVALID_EMAIL\",\"name\":\"email\"},{\"error\":\"INVALID_EMAIL\",\"name\":\"email\"}]"}`}
			}
		}
		return updated(r)
	}))
	ids := make([]string, 30)
	for i := range ids {
		ids[i] = fmt.Sprint(i + 1)
	}
	_, err := integration(t, hubspot.Contacts, actiontest.Deps(t, d, nil)).Execute(t.Context(), query(t, "", contacts(ids...)))
	if got := action.MessageOf(err); got != "29 of 30 contacts delivered, 1 rejected. HubSpot rejected the value for email (INVALID_EMAIL) (first: contact 13)." {
		t.Errorf("message %q", got)
	}
	if strings.Contains(fmt.Sprint(err), "s3cret") {
		t.Errorf("the error tells too much: %v", err)
	}
	var taken []string
	for _, r := range batches(d) {
		if all := inputs(r.Body); !slices.ContainsFunc(all, func(in input) bool { return in.ID == "13" }) {
			for _, in := range all {
				taken = append(taken, in.ID)
			}
		}
	}
	slices.Sort(taken)
	if len(taken) != 29 || len(slices.Compact(taken)) != 29 {
		t.Errorf("taken: %q", taken)
	}
}

func TestHubSpotFails(t *testing.T) {
	t.Parallel()
	const unknown = `{"category":"VALIDATION_ERROR","message":"Property values were not valid: [{\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"c_score\"}]"}`
	const readOnly = `{"category":"VALIDATION_ERROR","message":"Property values were not valid: [{\"error\":\"READ_ONLY_VALUE\",\"name\":\"c_score<x>\"}]"}`
	for name, tt := range map[string]struct {
		answer  rowstest.Answer
		kind    action.Kind
		message string
		calls   int
	}{
		"a wrong token":             {rowstest.Answer{Status: 401, Body: `{"message":"` + token + `"}`}, action.Unauthenticated, "HubSpot rejected the access token. It must be a service key, or the access token of an existing private app.", 1},
		"a missing scope":           {rowstest.Answer{Status: 403, Body: `{"category":"MISSING_SCOPES"}`}, action.Forbidden, "The access token cannot update contacts: it needs the scope crm.objects.contacts.write.", 1},
		"nothing there":             {rowstest.Answer{Status: 404}, action.NotFound, "HubSpot returned 404 Not Found.", 1},
		"an unknown contact":        {rowstest.Answer{Status: 404, Body: `{"category":"OBJECT_NOT_FOUND"}`}, action.Invalid, "HubSpot has no contact with this ID (first: contact 7).", 1},
		"the day's limit":           {rowstest.Answer{Status: 429, Body: `{"policyName":"DAILY"}`}, action.RateLimited, "The HubSpot account's daily API limit is used up.", 1},
		"its rate":                  {rowstest.Answer{Status: 429, Body: `{"policyName":"TEN_SECONDLY_ROLLING"}`}, action.RateLimited, "HubSpot returned 429 Too Many Requests.", 7},
		"locked":                    {rowstest.Answer{Status: 423}, action.Unavailable, "The HubSpot account is locked (423). Try again later.", 7},
		"unavailable":               {rowstest.Answer{Status: 502, Body: "<html>"}, action.Unavailable, "HubSpot returned 502 Bad Gateway.", 7},
		"an unknown property":       {rowstest.Answer{Status: 400, Body: unknown}, action.Invalid, "HubSpot has no contact property named c_score. Hide the column, or give the LookML field the property's internal name.", 1},
		"a property to read":        {rowstest.Answer{Status: 400, Body: readOnly}, action.Invalid, "HubSpot's contact property c_score can only be read. Hide the column.", 1},
		"a value that is accepted":  {rowstest.Answer{Status: 409, Body: `{"category":"CONFLICT","message":"Existing ID: 5"}`}, action.Invalid, "Another HubSpot contact has the same value of a unique property (first: contact 7).", 1},
		"another reason":            {rowstest.Answer{Status: 400, Body: `{"category":"BAD_THING a@example.com"}`}, action.Invalid, "HubSpot rejected the contact (BAD_THING) (first: contact 7).", 1},
		"no reason":                 {rowstest.Answer{Status: 400}, action.Invalid, "HubSpot rejected the contact (first: contact 7).", 1},
		"an answer that is no JSON": {rowstest.Answer{Status: 200, Body: "<html>"}, action.Unavailable, "Unexpected response from HubSpot. HubSpot may already have accepted the request. Check before retrying.", 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sink := &rowstest.Sink{Answer: tt.answer}
				_, err := integration(t, hubspot.Contacts, over(sink)).Execute(t.Context(), query(t, "", contacts("7")))
				if got, want := action.MessageOf(err), tt.message; got != want {
					t.Errorf("error %q, want %q", got, want)
				}
				if got, want := action.KindOf(err), tt.kind; got != want {
					t.Errorf("kind %v, want %v", got, want)
				}
				if got, want := sink.Calls(), tt.calls; got != want {
					t.Errorf("%d calls, want %d", got, want)
				}
				if strings.Contains(fmt.Sprint(err), token) {
					t.Errorf("the error holds the token: %v", err)
				}
			})
		})
	}
}

// After a rejected token, no more calls are made.
func TestStops(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(answering(func(actiontest.Recorded) actiontest.Reply { return actiontest.Reply{Status: 401} }))
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = fmt.Sprint(i + 1)
	}
	_, err := integration(t, hubspot.Contacts, actiontest.Deps(t, d, nil)).Execute(t.Context(), query(t, "10", contacts(ids...)))
	if action.KindOf(err) != action.Unauthenticated || len(d.Requests()) > 8 {
		t.Errorf("%d calls, %v", len(d.Requests()), err)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := integration(t, hubspot.Contacts, action.Deps{HTTP: actiontest.Late()}).Execute(t.Context(), query(t, "", contacts("7")))
		took := time.Since(start)
		if got, want := action.MessageOf(err), "HubSpot did not respond in time."; got != want {
			t.Errorf("error %q, want %q", got, want)
		}
		if got, want := action.KindOf(err), action.Timeout; got != want {
			t.Errorf("kind %v, want %v", got, want)
		}
		if took > 12*time.Minute {
			t.Errorf("it took %v, want at most %v", took, 12*time.Minute)
		}
	})
}

func TestTruncatedSource(t *testing.T) {
	t.Parallel()
	whole := contacts("1", "2", "3")
	d := actiontest.NewDestination(t).Handle(answering(updated))
	req := actiontest.Download(t, actiontest.Query(params(""), nil), actiontest.BrokenDownload(whole[:len(whole)-10]))
	_, err := integration(t, hubspot.Contacts, actiontest.Deps(t, d, nil)).Execute(t.Context(), req)
	if got := action.MessageOf(err); got != "2 of 2 contacts delivered, 0 failed. The download from Looker ended before the data was complete." {
		t.Errorf("message %q", got)
	}
}

const head = `{"fields":{"dimensions":[{"name":"c.id","tags":["hubspot_contact_id"]},{"name":"city"}],"measures":[{"name":"score"}]}`

func row(i int) string {
	return fmt.Sprintf(`{"c.id":{"value":%d},"city":{"value":"Zürich","rendered":"Zürich"},"score":{"value":%d.5}}`, i+1, i%7)
}

// fake names unknown contacts, rejects a batch that has a contact twice, and accepts repeated updates.
func fake() *rowstest.Destination {
	return &rowstest.Destination{
		Rows: func(_ *http.Request, body []byte) ([]rowstest.Row, error) {
			all := inputs(body)
			if len(all) > 100 {
				return nil, errors.New("more than a hundred inputs")
			}
			var rows []rowstest.Row
			for _, in := range all {
				if slices.ContainsFunc(rows, func(r rowstest.Row) bool { return r.ID == in.ID }) {
					return nil, errors.New("a contact twice in a batch")
				}
				rows = append(rows, rowstest.Row{ID: in.ID, Key: fmt.Sprint(in.Properties)})
			}
			return rows, nil
		},
		Refuses: func(id string) bool { return strings.HasSuffix(id, "77") },
		Answer:  notFound,
		Limited: rowstest.Answer{Status: 429, Body: `{"errorType":"RATE_LIMIT","policyName":"TEN_SECONDLY_ROLLING"}`},
	}
}

func notFound(rows []rowstest.Row, rejected []int) rowstest.Answer {
	var results, ids []string
	for i, r := range rows {
		if slices.Contains(rejected, i) {
			ids = append(ids, `"`+r.ID+`"`)
		} else {
			results = append(results, `{"id":"`+r.ID+`"}`)
		}
	}
	if len(ids) == 0 {
		return rowstest.Answer{Status: 200, Body: `{"results":[` + strings.Join(results, ",") + `]}`}
	}
	return rowstest.Answer{Status: 207, Body: `{"results":[` + strings.Join(results, ",") + `],"numErrors":1,"errors":[{"category":"OBJECT_NOT_FOUND","context":{"ids":[` + strings.Join(ids, ",") + `]}}]}`}
}

const total = 100_000

// Each of 100,000 rows is counted correctly under injected faults.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]string{"ten at a time": "", "a hundred at a time": "100"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := fake()
				req := rowstest.Query(t, actiontest.Query(params(size), nil), head, total, row)
				_, err := integration(t, hubspot.Contacts, over(d)).Execute(t.Context(), req)
				if got := d.Check(t, total, err); got.Failed != total/100 {
					t.Errorf("%+v, want the %d unknown contacts to fail, and no other", got, total/100)
				}
				if n := d.Unconfirmed(); n != 0 {
					t.Errorf("%d rows arrived, but are not confirmed", n)
				}
			})
		})
	}
}

// Rejected batches are bisected under injected faults too.
func TestBadDayOfWholeBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := fake()
		d.Whole = true
		d.Refuses = func(id string) bool { return strings.HasSuffix(id, "7777") }
		d.Answer = func(rows []rowstest.Row, rejected []int) rowstest.Answer {
			if len(rejected) > 0 {
				return rowstest.Answer{Status: 400, Body: `{"category":"VALIDATION_ERROR"}`}
			}
			return notFound(rows, nil)
		}
		req := rowstest.Query(t, actiontest.Query(params("100"), nil), head, total, row)
		_, err := integration(t, hubspot.Contacts, over(d)).Execute(t.Context(), req)
		if got := d.Check(t, total, err); got.Failed != 10 {
			t.Errorf("%+v, want 10 rows to fail", got)
		}
	})
}

// If every row is rejected, the bisecting ends.
func TestEveryRowRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const rows = 20_000
		d := fake()
		d.NoFaults, d.Whole, d.Refuses = true, true, func(string) bool { return true }
		d.Answer = func([]rowstest.Row, []int) rowstest.Answer { return rowstest.Answer{Status: 400} }
		req := rowstest.Query(t, actiontest.Query(params("100"), nil), head, rows, row)
		_, err := integration(t, hubspot.Contacts, over(d)).Execute(t.Context(), req)
		if got := d.Check(t, rows, err); got.Failed != rows {
			t.Errorf("%+v", got)
		}
		if n := d.Calls()["fine"]; n > rows/100+2000 {
			t.Errorf("%d calls", n)
		}
	})
}

// The memory does not depend on the number of rows. Not parallel: it measures the heap.
func TestMemory(t *testing.T) { //nolint:paralleltest // measures the heap
	for _, way := range rowstest.Ways {
		t.Run(way.Name, func(t *testing.T) {
			const rows, most = 1_000_000, 32 << 20
			var results []string
			for range 100 {
				results = append(results, `{"id":"1"}`)
			}
			sink := &rowstest.Sink{Answer: rowstest.Answer{Status: 200, Body: `{"results":[` + strings.Join(results, ",") + `]}`}}
			synctest.Test(t, func(t *testing.T) { // waits for the rate limit take no time
				req := way.Query(t, actiontest.Query(params("100"), nil), head, rows, row)
				res, err := integration(t, hubspot.Contacts, over(sink)).Execute(t.Context(), req)
				if err != nil || res.Message != "1000000 contacts updated." {
					t.Errorf("%+v, %v", res, err)
				}
			})
			if heap := sink.Heap(t); heap > most {
				t.Errorf("the heap grew to %d MiB, more than %d", heap>>20, most>>20)
			}
			t.Logf("%d rows, heap at most %.1f MiB", rows, float64(sink.Heap(t))/(1<<20))
		})
	}
}
