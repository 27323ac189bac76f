package facebookcustomaudiences_test

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	fb "integrationhub.dev/integrations/facebookcustomaudiences"
	"integrationhub.dev/integrations/internal/pii"
	"integrationhub.dev/integrations/internal/rowbucket/rowbuckettest"
)

var env = map[string]string{"FACEBOOK_CLIENT_ID": "client", "FACEBOOK_CLIENT_SECRET": "app-secret"}

func newIntegration(t *testing.T, d *actiontest.Destination) action.Resolved {
	t.Helper()
	i := actiontest.New(t, fb.New, actiontest.Deps(t, d, env))
	fb.Fast(i)
	return action.Resolve(i)
}

// request updates audience 77 unless answers say otherwise.
func request(answers map[string]string) *action.Request {
	form := map[string]string{
		"choose_ad_account": "11", "choose_create_update_replace": "update_audience", "choose_custom_audience": "77", "should_hash": "do_hashing",
		"create_audience_name": "Buyers", "create_audience_description": "who bought",
	}
	maps.Copy(form, answers)
	req := actiontest.Query(nil, form)
	req.State, req.LoginURL = kept, "https://hub/login"
	return req
}

// emails returns a result with an email address in each row.
func emails(addresses ...string) string {
	rows := make([]string, len(addresses))
	for i, a := range addresses {
		rows[i] = `{"u.email":{"value":"` + a + `"}}`
	}
	return `{"fields":{"dimensions":[{"name":"u.email"}]},"data":[` + strings.Join(rows, ",") + `]}`
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := fb.New(actiontest.Deps(t, nil, nil))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok || !cmp.Equal(missing.Keys, []string{"FACEBOOK_CLIENT_ID", "FACEBOOK_CLIENT_SECRET"}) {
		t.Errorf("error %v", err)
	}
	_, err = fb.New(actiontest.Deps(t, nil, map[string]string{"FACEBOOK_CLIENT_ID": "a", "FACEBOOK_CLIENT_SECRET": "b", "FACEBOOK_API_VERSION": "25/../x"}))
	if err == nil {
		t.Fatal("no error for an invalid version")
	}
	if errors.As(err, &missing) {
		t.Errorf("error %v, want one about an invalid setting", err)
	}
	if want := "must look like v27.0"; !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want text with %q", err, want)
	}
}

// The complete request, with every kind of column.
func TestWire(t *testing.T) {
	t.Parallel()
	result, err := os.ReadFile("testdata/everything.json")
	if err != nil {
		t.Fatal(err)
	}
	d := actiontest.NewDestination(t).Handle(takesAll)
	res, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(nil), string(result)))
	if err != nil {
		t.Fatal(err)
	}
	const schema = "EXTERN_ID, EMAIL, PHONE, DOBY, DOBM, DOBD, LN, FN, FI, CT, ST, ZIP, COUNTRY, MADID"
	if want := "3 rows sent to the audience, by " + schema + ". Unusable values were left out: 1 of COUNTRY, 1 of birth_date, 1 of PHONE."; res.Message != want || res.State != nil {
		t.Errorf("%+v", res)
	}
	requests := d.Requests()
	if len(requests) != 1 {
		t.Fatalf("%d requests", len(requests))
	}
	r := requests[0]
	if got, want := r.Method, http.MethodPost; got != want {
		t.Errorf("method %q, want %q", got, want)
	}
	if got, want := r.Host, "graph.facebook.com"; got != want {
		t.Errorf("host %q, want %q", got, want)
	}
	if got, want := r.Path, users; got != want {
		t.Errorf("path %q, want %q", got, want)
	}
	if got, want := r.Header.Get("Authorization"), "Bearer "+token; got != want {
		t.Errorf("Authorization %q, want %q", got, want)
	}
	if got, want := r.Header.Get("Content-Type"), "application/json"; got != want {
		t.Errorf("Content-Type %q, want %q", got, want)
	}
	if got, want := r.Query.Encode(), "appsecret_proof=b5c6052b39698aca884646999d81c1751e9a4540b1425811f75b4fcc09abe195"; got != want {
		t.Errorf("query %q, want %q", got, want)
	}
	got, err := parse(r)
	if err != nil {
		t.Fatal(err)
	}
	hash := pii.Hash
	want := [][]string{
		{
			"A-1", hash("ann.lee@example.com"), hash("16505551212"), hash("1997"), hash("02"), hash("16"), hash("olee"), hash("ann"), hash("a"),
			hash("newyork"), hash("ny"), hash("10001"), hash("us"), "aece52e7-03ee-455a-b3c4-e57283966239",
		},
		{"", hash("bob@example.com"), hash("442079460958"), "", "", "", hash("müller"), "", "", hash("london"), hash("england"), hash("sw1a1aa"), hash("gb"), ""},
		{"", hash("c@example.com"), "", "", "", "", "", "", "", "", "", "", "", ""},
	}
	if diff := cmp.Diff(want, got.Payload.Data); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if keys := strings.Join(got.Payload.Schema, ", "); keys != schema {
		t.Errorf("schema %q, want %q", keys, schema)
	}
	if got.Session != nil {
		t.Errorf("session %+v, want none", got.Session)
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ fields, want string }{
		"tags go before names":        {`[{"name":"u.email"},{"name":"u.mail2","tags":["EMAIL"]}]`, `{"schema":["EMAIL"],"data":[["` + pii.Hash("2@example.com") + `"]]}`},
		"an initial is no first name": {`[{"name":"u.last_name"},{"name":"u.first_initial"}]`, `["LN","FI"]`},
		"what looks like others":      {`[{"name":"u.email"},{"name":"u.last_updated"},{"name":"o.state_of_order"},{"name":"u.created_year"},{"name":"u.capacity"}]`, `["EMAIL"]`},
		"what is about e-mail":        {`[{"name":"u.email_opt_in"},{"name":"u.phone_country"},{"name":"u.work_email_address"},{"name":"u.phone_number"}]`, `{"schema":["EMAIL","PHONE","COUNTRY"],"data":[["` + pii.Hash("w@example.com") + `","` + pii.Hash("16505551213") + `","` + pii.Hash("us") + `"]]}`},
		"nothing better":              {`[{"name":"u.primary_email_of_user"}]`, `{"schema":["EMAIL"],"data":[["` + pii.Hash("p@example.com") + `"]]}`},
		"a view of a telling name":    {`[{"name":"email.id"},{"name":"u.phone"}]`, `["PHONE"]`},
		"a calculation":               {`[{"name":"external_id"}]`, `["EXTERN_ID"]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(takesAll)
			row := `{"u.email":{"value":"1@example.com"},"u.mail2":{"value":"2@example.com"},"u.last_name":{"value":"L"},"u.first_initial":{"value":"F"},` +
				`"u.phone":{"value":"+16505551212"},"external_id":{"value":7},"email.id":{"value":"x"},` +
				`"u.email_opt_in":{"value":"yes"},"u.phone_country":{"value":"US"},"u.work_email_address":{"value":"w@example.com"},"u.phone_number":{"value":"+16505551213"},` +
				`"u.primary_email_of_user":{"value":"p@example.com"}}`
			_, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(nil), `{"fields":{"dimensions":`+tt.fields+`},"data":[`+row+`]}`))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(d.Requests()[0].Body); !strings.Contains(got, tt.want) {
				t.Errorf("sent %s", got)
			}
		})
	}
}

// Each row is sent or counted as failed with its reason.
func TestRowCounts(t *testing.T) {
	t.Parallel()
	fields := `{"fields":{"dimensions":[{"name":"u.email"},{"name":"u.phone"}],"measures":[{"name":"u.madid"}]},"data":[`
	for name, tt := range map[string]struct {
		answers map[string]string
		rows    string
		sent    int // rows that arrive
		message string
	}{
		"all": {nil, `{"u.email":{"value":"a@example.com"}},{"u.phone":{"value":16505551212}}`, 2, "2 rows sent to the audience, by EMAIL, PHONE, MADID."},
		"one of nothing": {
			nil, `{"u.email":{"value":"a@example.com"}},{"u.email":{"value":null}},{}`, 1,
			"1 of 3 rows delivered, 2 rejected. A row has no value that identifies a person.",
		},
		"one of nothing usable": {
			nil, `{"u.email":{"value":"a@example.com"}},{"u.email":{"value":"none"},"u.phone":{"value":"12"}}`, 1,
			"1 of 2 rows delivered, 1 rejected. A row has no usable value that identifies a person (unusable: EMAIL, PHONE).",
		},
		"a value left out": {
			nil, `{"u.email":{"value":"a@example.com"},"u.phone":{"value":"0650"}}`, 1,
			"1 rows sent to the audience, by EMAIL, PHONE, MADID. Unusable values were left out: 1 of PHONE.",
		},
		"the form's country":    {map[string]string{"phone_country": "germany"}, `{"u.phone":{"value":"030 901820"}}`, 1, "1 rows sent to the audience, by EMAIL, PHONE, MADID."},
		"hashes":                {map[string]string{"should_hash": "do_no_hashing"}, `{"u.email":{"value":"` + pii.Hash("a") + `"}},{"u.madid":{"value":"ABC-1"}}`, 2, "2 rows sent to the audience, by EMAIL, PHONE, MADID."},
		"hashes that are none":  {map[string]string{"should_hash": "do_no_hashing"}, `{"u.email":{"value":"a@example.com"}}`, 0, "A row has no usable value that identifies a person (unusable: EMAIL)."},
		"no rows":               {nil, ``, 0, "The result has no rows. Nothing was sent to Facebook."},
		"no rows for a new one": {map[string]string{"choose_create_update_replace": "create_audience"}, ``, 0, "The result has no rows. Nothing was sent to Facebook."},
		"a pivot":               {nil, `{"u.email":{"value":"a@example.com"},"u.madid":{"x":{"value":"1"}}}`, 1, "1 rows sent to the audience, by EMAIL, PHONE, MADID."},
		"truncated result":      {nil, `{"u.email":{"value":"a@example.com"}},{"u.em`, 1, "1 of 1 rows delivered, 0 failed. The data ended before the result was complete."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := fields + tt.rows + `]}`
			if strings.HasSuffix(tt.rows, "em") {
				result = fields + tt.rows
			}
			d := actiontest.NewDestination(t).Handle(takesAll)
			res, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(tt.answers), result))
			message := action.MessageOf(err)
			if err == nil {
				message = res.Message
			}
			if message != tt.message {
				t.Errorf("message %q", message)
			}
			arrived := 0
			for _, r := range d.Requests() {
				b, err := parse(r)
				if err != nil {
					t.Error(err)
				}
				arrived += len(b.Payload.Data)
			}
			if arrived != tt.sent {
				t.Errorf("%d rows arrived, want %d", arrived, tt.sent)
			}
		})
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		result  string
		answer  func(actiontest.Recorded) actiontest.Reply
		calls   []string
		message string
	}{
		"created, then filled": {emails("a@example.com"), takesAll, []string{"POST act_11/customaudiences", "POST 77/users"}, ""},
		"rejected": {
			emails("a@example.com"), func(actiontest.Recorded) actiontest.Reply { return failure(200, 1870034) },
			[]string{"POST act_11/customaudiences"},
			"The ad account has not accepted Meta's Custom Audience terms: https://www.facebook.com/customaudiences/app/tos/ (Facebook's error 200, 1870034.) The remaining rows were not sent.",
		},
		"maybe created": {
			emails("a@example.com"), func(actiontest.Recorded) actiontest.Reply { return actiontest.Reply{Reset: true} },
			[]string{"POST act_11/customaudiences"},
			"The connection to Facebook failed. An empty audience may already have been created. The remaining rows were not sent.",
		},
		"created without an id": {
			emails("a@example.com"), func(actiontest.Recorded) actiontest.Reply { return actiontest.Reply{Body: `{}`} },
			[]string{"POST act_11/customaudiences"},
			"Facebook did not say which audience it created. The remaining rows were not sent.",
		},
		"no person accepted": {
			emails("a@example.com"), func(r actiontest.Recorded) actiontest.Reply {
				if r.Path == users {
					return received(1, 1)
				}
				return takesAll(r)
			}, []string{"POST act_11/customaudiences", "POST 77/users", "DELETE 77"}, "Facebook could not read all rows.",
		},
		"no person": {emails("x", "y"), takesAll, nil, "0 of 2 rows delivered, 2 rejected. A row has no usable value that identifies a person (unusable: EMAIL)."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(tt.answer)
			_, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(map[string]string{"choose_create_update_replace": "create_audience"}), tt.result))
			if err == nil && tt.message != "" || err != nil && action.MessageOf(err) != tt.message {
				t.Errorf("error %v", err)
			}
			var calls []string
			for _, r := range d.Requests() {
				calls = append(calls, r.Method+" "+strings.TrimPrefix(r.Path, version))
			}
			if diff := cmp.Diff(tt.calls, calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if len(calls) > 0 {
				const want = `{"customer_file_source":"USER_PROVIDED_ONLY","description":"who bought","name":"Buyers","subtype":"CUSTOM"}`
				if got := string(d.Requests()[0].Body); got != want {
					t.Errorf("created by %s", got)
				}
			}
		})
	}
}

// The replacement starts after all data was checked, and is one session.
func TestReplace(t *testing.T) {
	t.Parallel()
	replace := map[string]string{"choose_create_update_replace": "replace_audience"}
	for name, tt := range map[string]struct {
		result  string
		message string
	}{
		"truncated":      {`{"fields":{"dimensions":[{"name":"u.email"}]},"data":[{"u.email":{"value":"a@example.com"}},`, "The data ended before the result was complete."},
		"is none":        {`<html>`, "The data is not a complete result in Looker's json_detail format."},
		"has no rows":    {emails(), "The result has no rows. The audience was not changed."},
		"has no person":  {emails("x"), "A row has no usable value that identifies a person (unusable: EMAIL). The audience was not changed."},
		"has no columns": {`{"fields":{"dimensions":[{"name":"u.age"},{"name":"u.city"}]},"data":[{}]}`, "The query has no column that identifies people. Tag fields in LookML with email, phone, mad_id or external_id, or with last_name and either first_name or first_initial, or give them such names."},
	} {
		t.Run("a result that "+name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(takesAll)
			_, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(replace), tt.result))
			if got, want := action.MessageOf(err), tt.message; got != want {
				t.Errorf("error %q, want %q", got, want)
			}
			if got, want := action.KindOf(err), action.Invalid; got != want {
				t.Errorf("kind %v, want %v", got, want)
			}
			if got, want := len(d.Requests()), 0; got != want {
				t.Errorf("%d calls, want %d", got, want)
			}
		})
	}
	t.Run("truncated download", func(t *testing.T) {
		t.Parallel()
		d := actiontest.NewDestination(t).Handle(takesAll)
		req := actiontest.Download(t, request(replace), actiontest.BrokenDownload(emails("a@example.com")))
		if _, err := newIntegration(t, d).Execute(t.Context(), req); err == nil || len(d.Requests()) != 0 {
			t.Errorf("error %v, %d calls", err, len(d.Requests()))
		}
	})
	t.Run("two batches", func(t *testing.T) {
		t.Parallel()
		d := actiontest.NewDestination(t).Handle(takesAll)
		all := make([]string, 10_002)
		for i := range all {
			all[i] = "a@example.com"
		}
		all[5] = "not-an-address"
		res, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(replace), emails(all...)))
		if action.MessageOf(err) != "10001 of 10002 rows delivered, 1 rejected. A row has no usable value that identifies a person (unusable: EMAIL)." {
			t.Errorf("%+v, %v", res, err)
		}
		var sessions []body
		for _, r := range d.Requests() {
			b, err := parse(r)
			if err != nil {
				t.Fatalf("%s: %v", r.Path, err)
			}
			if got, want := r.Path, replaced; got != want {
				t.Errorf("%s: path %q, want %q", r.Path, got, want)
			}
			if b.Session == nil {
				t.Fatalf("%s: no session", r.Path)
			}
			sessions = append(sessions, b)
		}
		if len(sessions) != 2 {
			t.Fatalf("%d calls", len(sessions))
		}
		one, two := sessions[0].Session, sessions[1].Session
		if one.ID == 0 {
			t.Error("the session has no ID")
		}
		want := []session{{ID: one.ID, Batch: 1, Total: 10_001}, {ID: one.ID, Batch: 2, Last: true, Total: 10_001}}
		if diff := cmp.Diff(want, []session{*one, *two}); diff != "" {
			t.Errorf("sessions (-want +got):\n%s", diff)
		}
		if got := len(sessions[0].Payload.Data); got != 10_000 {
			t.Errorf("%d rows in the first batch, want 10,000", got)
		}
		if got := len(sessions[1].Payload.Data); got != 1 {
			t.Errorf("%d rows in the second batch, want 1", got)
		}
	})
	t.Run("a batch that fails", func(t *testing.T) {
		t.Parallel()
		d := actiontest.NewDestination(t).Reply(failure(100, 0))
		_, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(replace), emails("a@example.com", "b@example.com")))
		if m := action.MessageOf(err); m != "0 of 2 rows delivered, 2 failed. Facebook rejected the request, or the ad account or audience does not exist. "+
			"(Facebook's error 100.) The remaining rows were not sent. The audience was not changed." {
			t.Errorf("message %q", m)
		}
	})
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*action.Request)
		message string
	}{
		"no operation":      {func(r *action.Request) { delete(r.Form, "choose_create_update_replace") }, "Cannot execute action without choosing an operation type."},
		"invalid operation": {func(r *action.Request) { r.Form["choose_create_update_replace"] = "x" }, "Cannot execute action without choosing an operation type."},
		"no account":        {func(r *action.Request) { delete(r.Form, "choose_ad_account") }, "Cannot execute action without ad account id."},
		"nothing to remove from": {func(r *action.Request) {
			r.Form["choose_create_update_replace"] = "remove_audience"
			delete(r.Form, "choose_custom_audience")
		}, "Cannot remove people without a custom audience id."},
		"no audience":      {func(r *action.Request) { delete(r.Form, "choose_custom_audience") }, "Cannot update or replace without a custom audience id."},
		"invalid audience": {func(r *action.Request) { r.Form["choose_custom_audience"] = "7/../me" }, `"choose_custom_audience" must be a number from the form's list.`},
		"no name": {func(r *action.Request) {
			r.Form["choose_create_update_replace"], r.Form["create_audience_name"] = "create_audience", ""
		}, "Cannot create an audience if name or description are missing."},
		"invalid hashing": {func(r *action.Request) { r.Form["should_hash"] = "maybe" }, `"should_hash" must be do_hashing or do_no_hashing.`},
		"invalid country": {func(r *action.Request) { r.Form["phone_country"] = "Atlantis" }, `"phone_country" must be a country, such as US or Germany.`},
		"not signed in":   {func(r *action.Request) { r.State = `{"tokens":{}}` }, "The sign-in at Facebook is missing or no longer valid. Open the form in Looker and log in again."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(takesAll)
			req := actiontest.JSONDetail(t, request(nil), emails("a@example.com"))
			tt.change(req)
			res, err := newIntegration(t, d).Execute(t.Context(), req)
			if action.MessageOf(err) != tt.message || len(d.Requests()) != 0 {
				t.Errorf("error %v, %d calls", err, len(d.Requests()))
			}
			if reset := res != nil && res.State.Data == action.Reset; reset != (action.KindOf(err) == action.Unauthenticated) {
				t.Errorf("response %+v", res)
			}
		})
	}
	if _, err := newIntegration(t, nil).Execute(t.Context(), request(nil)); action.MessageOf(err) != "The request came without data." {
		t.Errorf("without data: %v", err)
	}
}

// The messages, kinds and retries of Meta's errors. Messages contain no secrets.
func TestFacebookFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		kind    action.Kind
		calls   int
		message string
	}{
		"invalid token":    {failure(190, 463), action.Unauthenticated, 1, "The sign-in at Facebook is missing or no longer valid. Open the form in Looker and log in again. (Facebook's error 190, 463.) The remaining rows were not sent."},
		"no permission":    {failure(273, 0), action.Forbidden, 1, "The Facebook user lacks the permission for this ad account or audience. (Facebook's error 273.) The remaining rows were not sent."},
		"no scope":         {failure(294, 0), action.Forbidden, 1, "The sign-in lacks the permission to manage ads. Log in again and grant it. (Facebook's error 294.) The remaining rows were not sent."},
		"retired":          {failure(2635, 0), action.Internal, 1, "Meta has retired the version of its API that the hub calls. The hub's administrator must set FACEBOOK_API_VERSION to a current one. (Facebook's error 2635.) The remaining rows were not sent."},
		"too many calls":   {failure(80003, 0), action.RateLimited, 10, "Facebook is rate limiting this ad account's audiences. Try again later. (Facebook's error 80003.)"},
		"the app's limit":  {failure(341, 0), action.RateLimited, 10, "Facebook is rate limiting requests. Try again later. (Facebook's error 341.)"},
		"an internal one":  {failure(-3, 99), action.Unavailable, 10, "Facebook is temporarily unavailable. (Facebook's error -3, 99.)"},
		"being changed":    {failure(2650, 1870145), action.Unavailable, 10, "The audience is being changed by another upload. (Facebook's error 2650, 1870145.)"},
		"restricted":       {failure(100, 1713230), action.Forbidden, 1, "Meta has restricted this audience. Appeal in Audience Manager, or create a new audience. (Facebook's error 100, 1713230.) The remaining rows were not sent."},
		"not linked":       {failure(200, 1870050), action.Forbidden, 1, "The ad account is not linked to a business portfolio. (Facebook's error 200, 1870050.) The remaining rows were not sent."},
		"no such audience": {failure(100, 33), action.Invalid, 1, "Facebook rejected the request, or the ad account or audience does not exist. (Facebook's error 100, 33.)"},
		"an unknown one":   {failure(99999, 0), action.Invalid, 1, "Facebook did not accept the request. (Facebook's error 99999.)"},
		"one that passes":  {actiontest.Reply{Status: 400, Body: `{"error":{"code":99999,"is_transient":true}}`}, action.Unavailable, 10, "Facebook did not accept the request. (Facebook's error 99999.)"},
		"unavailable":      {actiontest.Reply{Status: 503, Body: "<html>"}, action.Unavailable, 10, "Facebook returned 503 Service Unavailable."},
		"a reset":          {actiontest.Reply{Reset: true}, action.Unavailable, 10, "The connection to Facebook failed."},
		"no JSON":          {actiontest.Reply{Body: "<html>"}, action.Unavailable, 10, "Unexpected response from Facebook."},
		"says nothing":     {actiontest.Reply{Body: `{}`}, action.Unavailable, 10, "Facebook did not confirm the number of rows."},
		"reads none":       {received(1, 1), action.Invalid, 1, "Facebook could not read all rows."},
		"received none":    {received(0, 0), action.Invalid, 1, "Facebook did not accept all rows, without giving a reason."},
		"lies":             {received(0, 7), action.Invalid, 1, "Facebook did not accept all rows, without giving a reason."},
		"lies the more":    {received(-5, 0), action.Invalid, 1, "Facebook did not accept all rows, without giving a reason."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			res, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(nil), emails("s3cret@example.com")))
			if action.MessageOf(err) != tt.message || action.KindOf(err) != tt.kind {
				t.Errorf("error %v (%v)", err, action.KindOf(err))
			}
			if n := len(d.Requests()); n != tt.calls {
				t.Errorf("%d calls, want %d", n, tt.calls)
			}
			for _, secret := range []string{token, "s3cret", "app-secret"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells %q: %v", secret, err)
				}
			}
			if reset := res != nil && res.State.Data == action.Reset; reset != (tt.kind == action.Unauthenticated) {
				t.Errorf("response %+v", res)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deps := actiontest.Deps(t, nil, env)
		deps.HTTP = actiontest.Late()
		_, err := actiontest.New(t, fb.New, deps).Execute(t.Context(), actiontest.JSONDetail(t, request(nil), emails("a@example.com")))
		if action.MessageOf(err) != "Facebook did not respond in time." || action.KindOf(err) != action.Timeout {
			t.Errorf("error %v", err)
		}
	})
}

func TestForm(t *testing.T) {
	t.Parallel()
	facebook := func(r actiontest.Recorded) actiontest.Reply {
		switch {
		case r.Header.Get("Authorization") != "Bearer "+token:
			return failure(190, 0)
		case r.Path == version+"me/adaccounts" && r.Query.Get("after") == "":
			return actiontest.Reply{Body: `{"data":[{"name":"Zoo","account_id":"22","id":"act_22"}],"paging":{"cursors":{"after":"c1"},"next":"https://elsewhere.example.com/?access_token=x"}}`}
		case r.Path == version+"me/adaccounts" && r.Query.Get("after") == "c1" && r.Query.Get("fields") == "name,account_id":
			return actiontest.Reply{Body: `{"data":[{"name":"apples","account_id":"11"}],"paging":{"cursors":{"after":"c2"}}}`}
		case r.Path == version+"act_11/customaudiences":
			return actiontest.Reply{Body: `{"data":[{"id":"78","name":"New"},{"id":"77","name":"Buyers"}]}`}
		case r.Path == version+"act_22/customaudiences":
			return actiontest.Reply{Body: `{"data":[]}`}
		}
		return failure(100, 0)
	}
	account := action.Field{
		Name: "choose_ad_account", Label: "Choose a Facebook ad account", Type: action.Select, Required: true, Interactive: true,
		Options: []action.Option{{Name: "11", Label: "apples"}, {Name: "22", Label: "Zoo"}},
	}
	names := func(fields []action.Field) (all []string) {
		for _, f := range fields {
			all = append(all, f.Name)
		}
		return all
	}
	choose := []string{"choose_ad_account", "choose_create_update_replace"}
	with := func(more ...string) []string { return append(append([]string(nil), choose...), more...) }
	for name, tt := range map[string]struct {
		answers map[string]string
		want    []string
		label   string // of the audience's field
		options int
	}{
		"at first":        {nil, choose[:1], "", 0},
		"an account":      {map[string]string{"choose_ad_account": "11"}, with("create_audience_name", "create_audience_description", "should_hash", "phone_country"), "", 0},
		"create":          {map[string]string{"choose_ad_account": "11", "choose_create_update_replace": "create_audience"}, with("create_audience_name", "create_audience_description", "should_hash", "phone_country"), "", 0},
		"update":          {map[string]string{"choose_ad_account": "11", "choose_create_update_replace": "update_audience"}, with("choose_custom_audience", "should_hash", "phone_country"), "Choose an audience to update", 2},
		"replace":         {map[string]string{"choose_ad_account": "11", "choose_create_update_replace": "replace_audience"}, with("choose_custom_audience", "should_hash", "phone_country"), "Choose an audience to replace", 2},
		"remove":          {map[string]string{"choose_ad_account": "11", "choose_create_update_replace": "remove_audience"}, with("choose_custom_audience", "should_hash", "phone_country"), "Choose an audience to remove people from", 2},
		"replace nothing": {map[string]string{"choose_ad_account": "22", "choose_create_update_replace": "replace_audience"}, with("choose_custom_audience", "should_hash", "phone_country"), "Choose an audience to replace", 0},
		"something else":  {map[string]string{"choose_ad_account": "11", "choose_create_update_replace": "burn_audience"}, choose, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(facebook)
			req := actiontest.Query(nil, tt.answers)
			req.State = kept
			form, err := newIntegration(t, d).Form.Form(t.Context(), req)
			if err != nil || form.State != nil {
				t.Fatalf("%+v, %v", form, err)
			}
			if diff := cmp.Diff(tt.want, names(form.Fields)) + cmp.Diff(account, form.Fields[0]); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if tt.label != "" && (form.Fields[2].Label != tt.label || len(form.Fields[2].Options) != tt.options) {
				t.Errorf("%+v", form.Fields[2])
			}
			if tt.options == 2 && form.Fields[2].Options[0].Label != "Buyers" {
				t.Errorf("not sorted: %+v", form.Fields[2].Options)
			}
		})
	}
	for name, tt := range map[string]struct {
		state  string
		reply  actiontest.Reply
		kind   action.Kind // of the error; Internal: the form asks for a sign-in
		reason string
	}{
		"never signed in":  {"", actiontest.Reply{}, action.Internal, "In order"},
		"invalid state":    {"[]", actiontest.Reply{}, action.Internal, "In order"},
		"invalid grant":    {kept, failure(190, 460), action.Internal, "The sign-in at Facebook is no longer valid. In order"},
		"unavailable":      {kept, actiontest.Reply{Status: 500}, action.Unavailable, ""},
		"not for this app": {kept, failure(200, 0), action.Forbidden, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := request(nil)
			req.State = tt.state
			form, err := newIntegration(t, actiontest.NewDestination(t).Reply(tt.reply)).Form.Form(t.Context(), req)
			if tt.reason == "" {
				if action.KindOf(err) != tt.kind {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, want := form.Fields[0].Name, "login"; got != want {
				t.Errorf("name of the field %q, want %q", got, want)
			}
			if got, want := form.Fields[0].OAuthURL, "https://hub/login"; got != want {
				t.Errorf("login URL %q, want %q", got, want)
			}
			if got, want := form.Fields[0].Description, tt.reason; !strings.HasPrefix(got, want) {
				t.Errorf("description %q, want prefix %q", got, want)
			}
			if got, want := form.State.Data, action.Reset; got != want {
				t.Errorf("state %q, want %q", got, want)
			}
		})
	}
	req := request(map[string]string{"choose_ad_account": "1/2"})
	if _, err := newIntegration(t, actiontest.NewDestination(t).Handle(facebook)).Form.Form(t.Context(), req); action.KindOf(err) != action.Invalid {
		t.Errorf("invalid account: %v", err)
	}
}

// A form does not wait until a limit ends.
func TestFormThrottled(t *testing.T) {
	t.Parallel()
	reply := failure(80004, 0)
	reply.Header = map[string]string{
		"X-Business-Use-Case-Usage": `{"11":[{"type":"ads_management","call_count":100,"estimated_time_to_regain_access":2}]}`,
	}
	d := actiontest.NewDestination(t).Reply(reply)
	_, err := newIntegration(t, d).Form.Form(t.Context(), request(nil))
	want := "Facebook is rate limiting this ad account. Try again in 2 minutes. (Facebook's error 80004.)"
	if got, calls := action.MessageOf(err), len(d.Requests()); got != want || calls != 1 {
		t.Errorf("message %q after %d calls, want %q after one", got, calls, want)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		form, err := url.ParseQuery(string(r.Body))
		json := map[string]string{"Content-Type": "application/json"}
		switch {
		case err != nil || r.Host != "graph.facebook.com" || r.Path != version+"oauth/access_token" || form.Get("client_secret") != "app-secret" || len(r.Query) > 0:
			return failure(101, 0)
		case form.Get("code") == "good" && form.Get("redirect_uri") == "https://hub/r":
			return actiontest.Reply{Header: json, Body: `{"access_token":"short","token_type":"bearer"}`}
		case form.Get("grant_type") == "fb_exchange_token" && form.Get("fb_exchange_token") == "short":
			return actiontest.Reply{Header: json, Body: `{"access_token":"long-token","expires_in":5183944}`}
		}
		return failure(100, 36009)
	})
	i := newIntegration(t, d)
	login := action.Login{State: "st", RedirectURL: "https://hub/r", Verifier: "v"}
	address, err := i.OAuth.AuthorizeURL(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"client_id": {"client"}, "redirect_uri": {"https://hub/r"}, "state": {"st"}, "scope": {"ads_management,business_management"}, "response_type": {"code"},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" || u.Host+u.Path != "www.facebook.com/v27.0/dialog/oauth" {
		t.Errorf("%s (-want +got):\n%s", address, diff)
	}
	state, err := i.OAuth.Exchange(t.Context(), login, url.Values{"code": {"good"}})
	if err != nil || state.Data != kept {
		t.Errorf("%+v, %v", state, err)
	}
	if _, err := i.OAuth.Exchange(t.Context(), login, url.Values{"code": {"bad"}}); action.KindOf(err) != action.Unauthenticated {
		t.Errorf("a bad code: %v", err)
	}
	for _, reply := range []actiontest.Reply{{Body: `{}`}, failure(190, 0)} {
		d := actiontest.NewDestination(t).Reply(actiontest.Reply{Header: map[string]string{"Content-Type": "application/json"}, Body: `{"access_token":"short"}`}, reply)
		if _, err := newIntegration(t, d).OAuth.Exchange(t.Context(), login, url.Values{"code": {"good"}}); action.KindOf(err) != action.Unauthenticated {
			t.Errorf("no long-lived token: %v", err)
		}
	}
}

// Rows that are not delivered are kept. Meta only counts the entries that it cannot read, so that these are not.
func TestRejectedRowsAreKept(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		invalid    int
		file, note string
	}{
		"the hub's own": {
			file: "u.email,Reason\nnone,A row has no usable value that identifies a person (unusable: EMAIL).\n",
			note: " The rows that were not delivered are stored in s3://rows/hub/rejected/facebook_custom_audiences/",
		},
		"and those that Meta counts": {
			invalid: 1,
			file:    "u.email,Reason\nnone,A row has no usable value that identifies a person (unusable: EMAIL).\n",
			note:    " 1 of the rows that were not delivered are stored in s3://rows/hub/rejected/facebook_custom_audiences/",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket, all := new(rowbuckettest.S3), maps.Clone(env)
			maps.Copy(all, rowbuckettest.Env())
			d := actiontest.NewDestination(t).Handle(bucket.Beside(func(actiontest.Recorded) actiontest.Reply { return received(2, tt.invalid) }))
			i := actiontest.New(t, fb.New, actiontest.Deps(t, d, all))
			_, err := i.Execute(t.Context(), actiontest.JSONDetail(t, request(nil), emails("a@example.com", "none", "b@example.com")))
			if got := action.MessageOf(err); !strings.Contains(got, tt.note) {
				t.Errorf("message %q lacks %q", got, tt.note)
			}
			var got string
			for _, name := range bucket.Objects() {
				got += rowbuckettest.Unzip(t, bucket.Body(name))
			}
			if diff := cmp.Diff(tt.file, got); diff != "" {
				t.Errorf("file (-want +got):\n%s", diff)
			}
		})
	}
}
