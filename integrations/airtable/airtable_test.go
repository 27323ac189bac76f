package airtable_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/airtable"
	"integrationhub.dev/integrations/internal/rowstest"
)

var env = map[string]string{"AIRTABLE_CLIENT_ID": "client", "AIRTABLE_CLIENT_SECRET": "s3cret"}

const (
	nested = `{"tokens":{"refresh_token":"r1","access_token":"a1"},"redirect":"https://hub/r"}`
	flat   = `{"refresh_token":"r1","access_token":"a1","redirectUri":"https://hub/r"}`
	fresh  = `{"redirect":"https://hub/r","tokens":{"access_token":"a2","refresh_token":"r2"}}`
)

func request(state string) *action.Request {
	req := actiontest.Query(nil, map[string]string{"base": "app1", "table": "My table/x"})
	req.State, req.LoginURL = state, "https://hub/login"
	return req
}

// result has n rows.
func result(n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"o.id":{"value":%d},"o.day":{"value":null},"o.n":{"a":{"value":1.50},"b":{"value":"x"}}}`, i)
	}
	return `{"fields":{"dimensions":[{"name":"o.id","label":"Orders Id","label_short":"Id"},{"name":"o.day","label":"Day"}],"measures":[{"name":"o.n","label_short":"N"}]},` +
		`"pivots":[{"key":"a"},{"key":"b"}],"data":[` + strings.Join(rows, ",") + `]}`
}

// airtableAPI accepts the access token "good", and exchanges "r1" for "a2" and "r2".
func airtableAPI(good string, create func(actiontest.Recorded) actiontest.Reply) func(actiontest.Recorded) actiontest.Reply {
	return func(r actiontest.Recorded) actiontest.Reply {
		switch {
		case r.Path == "/oauth2/v1/token":
			form, err := url.ParseQuery(string(r.Body))
			if err != nil || form.Get("refresh_token") != "r1" && form.Get("code") != "good" || r.Header.Get("Authorization") != "Basic Y2xpZW50OnMzY3JldA==" {
				return actiontest.Reply{Status: 400, Header: map[string]string{"Content-Type": "application/json"}, Body: `{"error":"invalid_grant","secret":"r1"}`}
			}
			return actiontest.Reply{Header: map[string]string{"Content-Type": "application/json"}, Body: `{"access_token":"a2","refresh_token":"r2","token_type":"Bearer"}`}
		case r.Header.Get("Authorization") != "Bearer "+good:
			return actiontest.Reply{Status: 401, Body: `{"error":{"type":"AUTHENTICATION_REQUIRED"}}`}
		case r.Path == "/v0/meta/bases":
			return actiontest.Reply{Body: `{"bases":[]}`}
		}
		return create(r)
	}
}

// created responds with a record for each one that was sent.
func created(r actiontest.Recorded) actiontest.Reply {
	var sent struct {
		Records []json.RawMessage `json:"records"`
	}
	_ = json.Unmarshal(r.Body, &sent) // any other body has no records
	return actiontest.Reply{Body: answered(len(sent.Records)).Body}
}

func answered(records int) rowstest.Answer {
	return rowstest.Answer{Status: http.StatusOK, Body: `{"records":[` + strings.TrimSuffix(strings.Repeat(`{"id":"rec1"},`, records), ",") + `]}`}
}

func resolved(t *testing.T, d *actiontest.Destination) action.Resolved {
	t.Helper()
	return action.Resolve(actiontest.New(t, airtable.New, actiontest.Deps(t, d, env)))
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := airtable.New(actiontest.Deps(t, nil, nil))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok || !cmp.Equal(missing.Keys, []string{"AIRTABLE_CLIENT_ID", "AIRTABLE_CLIENT_SECRET"}) {
		t.Errorf("error %v", err)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(airtableAPI("a1", created))
	i := resolved(t, d)
	login := action.Login{State: "st", RedirectURL: "https://hub/r", Verifier: "verifier"}
	address, err := i.OAuth.AuthorizeURL(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"client_id": {"client"}, "response_type": {"code"}, "state": {"st"}, "redirect_uri": {"https://hub/r"}, "code_challenge_method": {"S256"},
		"code_challenge": {"iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ"}, "scope": {"data.records:write schema.bases:read"},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" || u.Host+u.Path != "www.airtable.com/oauth2/v1/authorize" {
		t.Errorf("%s (-want +got):\n%s", address, diff)
	}
	state, err := i.OAuth.Exchange(t.Context(), login, url.Values{"code": {"good"}})
	if err != nil || state.Data != fresh {
		t.Errorf("state %+v, %v", state, err)
	}
	form, err := url.ParseQuery(string(d.Requests()[0].Body))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := form.Get("code_verifier"), "verifier"; got != want {
		t.Errorf("code_verifier %q, want %q", got, want)
	}
	if got, want := form.Get("grant_type"), "authorization_code"; got != want {
		t.Errorf("grant_type %q, want %q", got, want)
	}
	if got, want := form.Get("redirect_uri"), "https://hub/r"; got != want {
		t.Errorf("redirect_uri %q, want %q", got, want)
	}
	if _, err := i.OAuth.Exchange(t.Context(), login, url.Values{"code": {"bad"}}); action.KindOf(err) != action.Unauthenticated || strings.Contains(err.Error(), "r1") {
		t.Errorf("a bad code: %v", err)
	}
}

func TestExecute(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(airtableAPI("a1", created))
	res, err := resolved(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(nested), result(12)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, "12 records added."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if got := res.State; got != nil {
		t.Errorf("state %+v, want none", got)
	}
	seen := map[string]int{}
	for _, r := range d.Requests() {
		if got, want := r.Method, http.MethodPost; got != want {
			t.Errorf("method %q, want %q", got, want)
		}
		if got, want := r.Host, "api.airtable.com"; got != want {
			t.Errorf("host %q, want %q", got, want)
		}
		if got, want := r.Path, "/v0/app1/My%20table%2Fx"; got != want {
			t.Errorf("path %q, want %q", got, want)
		}
		var body struct{ Records []json.RawMessage }
		if err := json.Unmarshal(r.Body, &body); err != nil || len(body.Records) > 10 {
			t.Errorf("%d records in a call, %v", len(body.Records), err)
		}
		for _, rec := range body.Records {
			seen[string(rec)]++
		}
	}
	want := map[string]int{}
	for i := range 12 {
		want[fmt.Sprintf(`{"fields":{"Day":null,"Id":%d,"N a":1.50,"N b":"x"}}`, i)] = 1
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// selectField is a table whose select field has no option yet.
func selectField(r actiontest.Recorded) actiontest.Reply {
	var body struct {
		Typecast bool
		Records  []json.RawMessage
	}
	if json.Unmarshal(r.Body, &body) != nil || !body.Typecast {
		return actiontest.Reply{Status: 422, Body: `{"error":{"type":"INVALID_MULTIPLE_CHOICE_OPTIONS","message":"Insufficient permissions ` +
			`to create new select option \"\"Shipped\"\""}}`}
	}
	return created(r)
}

func TestTypecast(t *testing.T) {
	t.Parallel()
	const refused = "A select field of the table does not have one of the query's values as an option. Add the option, or " +
		"select Yes at Convert values. This requires permission to change the field."
	for name, tt := range map[string]struct {
		form map[string]string
		want string // the message or, if the delivery fails, the error
	}{
		"schedules from before the choice": {nil, "1 records added."},
		"no":                               {map[string]string{"typecast": "no"}, refused},
		"yes":                              {map[string]string{"typecast": "yes"}, "1 records added."},
		"unknown":                          {map[string]string{"typecast": "maybe"}, `"typecast" must be yes or no.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(airtableAPI("a1", selectField))
			req := actiontest.JSONDetail(t, request(nested), result(1))
			maps.Copy(req.Form, tt.form)
			res, err := resolved(t, d).Execute(t.Context(), req)
			got := action.MessageOf(err)
			if err == nil {
				got = res.Message
			}
			if got != tt.want {
				t.Errorf("message %q, want %q", got, tt.want)
			}
		})
	}
}

// Accepted rows are not sent again when others fail, and new tokens are returned.
func TestPartialFailure(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(airtableAPI("a2", func(r actiontest.Recorded) actiontest.Reply {
		if strings.Contains(string(r.Body), `"Id":13,`) {
			return actiontest.Reply{Status: 422, Body: `{"error":{"type":"INVALID_VALUE_FOR_COLUMN","message":"value 13 is secret"}}`}
		}
		return created(r)
	}))
	res, err := resolved(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(nested), result(25)))
	if got := action.MessageOf(err); got != "24 of 25 records delivered, 1 rejected. A field of the table does not accept the type of the query's values." {
		t.Errorf("message %q", got)
	}
	if res == nil {
		t.Fatal("no response")
	}
	if res.State == nil {
		t.Fatal("no state")
	}
	if got, want := res.State.Data, fresh; got != want {
		t.Errorf("state %q, want %q", got, want)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error tells too much: %v", err)
	}
	accepted := map[string]int{}
	for _, r := range d.Requests() {
		if r.Header.Get("Authorization") != "Bearer a2" || strings.Contains(string(r.Body), `"Id":13,`) {
			continue // the whole call was rejected
		}
		var body struct{ Records []json.RawMessage }
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		for _, record := range body.Records {
			accepted[string(record)]++
		}
	}
	if len(accepted) != 24 {
		t.Errorf("%d records were accepted, want 24", len(accepted))
	}
	for record, n := range accepted {
		if n != 1 {
			t.Errorf("%s was sent %d times", record, n)
		}
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*action.Request)
		result  string
		message string
	}{
		"no base":       {func(r *action.Request) { delete(r.Form, "base") }, result(1), `"base" is required.`},
		"no table":      {func(r *action.Request) { delete(r.Form, "table") }, result(1), `"table" is required.`},
		"invalid base":  {func(r *action.Request) { r.Form["base"] = "../meta" }, result(1), `"base" must be a base ID from the base's URL, such as appXXXXXXXXXXXXXX.`},
		"invalid table": {func(r *action.Request) { r.Form["table"] = ".." }, result(1), `"table" must be the name or ID of a table.`},
		"no result":     {func(*action.Request) {}, `{"a":1}`, "The data is not a complete result in Looker's json_detail format."},
		"not signed in": {func(r *action.Request) { r.State = "" }, result(1), "The sign-in at Airtable is missing or no longer valid. Open the form in Looker and log in again."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(airtableAPI("a1", created))
			req := actiontest.JSONDetail(t, request(nested), tt.result)
			tt.change(req)
			if _, err := resolved(t, d).Execute(t.Context(), req); action.MessageOf(err) != tt.message {
				t.Errorf("error %v", err)
			}
			if len(d.Requests()) != 0 {
				t.Error("Airtable was called")
			}
		})
	}
	if _, err := resolved(t, nil).Execute(t.Context(), request(nested)); action.MessageOf(err) != "No attached json." {
		t.Errorf("without data: %v", err)
	}
}

func TestAirtableFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		"not allowed": {actiontest.Reply{Status: 403, Body: `{"error":{"type":"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"}}`}, action.Forbidden, "The base or table does not exist, or the user cannot write to it."},
		"no table":    {actiontest.Reply{Status: 404, Body: `{"error":"NOT_FOUND"}`}, action.NotFound, "The base or table does not exist."},
		"unavailable": {actiontest.Reply{Status: 503}, action.Unavailable, "Airtable returned 503 Service Unavailable."},
		"a reset":     {actiontest.Reply{Reset: true}, action.Unavailable, "The connection to Airtable failed."},
		"a web page":  {actiontest.Reply{Body: "<html>"}, action.Unavailable, "Unexpected response from Airtable."},
		"too few":     {actiontest.Reply{Body: `{"records":[]}`}, action.Unavailable, "Unexpected response from Airtable."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(airtableAPI("a1", func(actiontest.Recorded) actiontest.Reply { return tt.reply }))
			_, err := resolved(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(nested), result(1)))
			if action.KindOf(err) != tt.kind || !strings.Contains(action.MessageOf(err), tt.message) {
				t.Errorf("error %v (%v)", err, action.KindOf(err))
			}
			if n := len(d.Requests()); n != 1 {
				t.Errorf("%d calls: records may have been made, so none is repeated", n)
			}
		})
	}
}
