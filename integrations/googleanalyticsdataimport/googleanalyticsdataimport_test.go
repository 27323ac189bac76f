package googleanalyticsdataimport_test

import (
	"errors"
	"maps"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	ga "integrationhub.dev/integrations/googleanalyticsdataimport"
)

var env = map[string]string{"GOOGLE_ANALYTICS_CLIENT_ID": "client", "GOOGLE_ANALYTICS_CLIENT_SECRET": "app-secret"}

func newIntegration(t *testing.T, d *actiontest.Destination) action.Resolved {
	t.Helper()
	i := actiontest.New(t, ga.New, actiontest.Deps(t, d, env))
	ga.Fast(i)
	return action.Resolve(i)
}

// request sends to stream 300, unless answers say otherwise.
func request(answers map[string]string) *action.Request {
	form := map[string]string{"dataSourceCompositeId": "1::20::300", "dataSourceSchema": "client_id,event_name,value", "deleteOtherFiles": "yes"}
	maps.Copy(form, answers)
	req := actiontest.Query(nil, form)
	req.State, req.LoginURL = kept, "https://hub/login"
	return req
}

func csv(t *testing.T, req *action.Request, text string) *action.Request {
	t.Helper()
	return actiontest.Inline(t, req, "text/csv", "csv", []byte(text))
}

// collected returns the calls that send events.
func collected(t *testing.T, d *actiontest.Destination) (all []sent) {
	t.Helper()
	for _, r := range d.Requests() {
		if r.Path != "/mp/collect" {
			continue
		}
		s, err := parse(r.Body)
		if err != nil {
			t.Error(err)
		}
		all = append(all, s)
	}
	return all
}

const done = " rows sent to Google Analytics 4 as events. Google does not confirm that it stored them: check the property's reports, or Realtime for the last 30 minutes."

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := ga.New(actiontest.Deps(t, nil, nil))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok || !cmp.Equal(missing.Keys, []string{"GOOGLE_ANALYTICS_CLIENT_ID", "GOOGLE_ANALYTICS_CLIENT_SECRET"}) {
		t.Errorf("error %v", err)
	}
}

// The requests of a delivery.
func TestWire(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(analytics("a1", nil))
	req := request(map[string]string{
		"dataSourceSchema": "client_id,user_id,,timestamp,value,coupon,user_properties.tier", "eventName": "purchase",
	})
	res, err := newIntegration(t, d).Execute(t.Context(), csv(t, req, "\ufeffClient,User,Name,Time,Value,Coupon,Tier\n"+
		"1.1,u1,Ann,2026-11-23 11:00:00,9.50,007,gold\n"+
		"1.1,u1,Ann,2026-11-22 12:00:00.000+01,-3,\"a,b\",gold\n"+
		"2.2,,Bob,,,,\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, "3"+done; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if res.State == nil {
		t.Fatal("no state")
	}
	if got, want := res.State.Data, kept; got != want {
		t.Errorf("state %q, want %q", got, want)
	}
	var got []string
	for _, r := range d.Requests() {
		query := r.Query.Encode()
		if r.Header.Get("Authorization") != "" && r.Host == "www.google-analytics.com" {
			t.Error("the user's token went to the protocol")
		}
		got = append(got, r.Method+" "+r.Host+r.Path+"?"+query+" "+string(r.Body))
	}
	const (
		query  = "?api_secret=mp-s3cret&measurement_id=G-300 "
		events = `{"name":"purchase","timestamp_micros":1795431600000000,"params":{"coupon":"007","value":9.50}},` +
			`{"name":"purchase","timestamp_micros":1795345200000000,"params":{"coupon":"a,b","value":-3}}`
	)
	if diff := cmp.Diff([]string{
		"GET analyticsadmin.googleapis.com/v1beta/properties/20/dataStreams/300? ",
		"GET analyticsadmin.googleapis.com/v1beta/properties/20/dataStreams/300/measurementProtocolSecrets? ",
		"GET analyticsadmin.googleapis.com/v1beta/properties/20? ",
		"POST www.google-analytics.com/debug/mp/collect" + query +
			`{"client_id":"1.1","user_id":"u1","user_properties":{"tier":{"value":"gold"}},"validation_behavior":"ENFORCE_RECOMMENDATIONS","events":[` + events + `]}`,
		"POST www.google-analytics.com/mp/collect" + query + `{"client_id":"1.1","user_id":"u1","user_properties":{"tier":{"value":"gold"}},"events":[` + events + `]}`,
		"POST www.google-analytics.com/mp/collect" + query + `{"client_id":"2.2","events":[{"name":"purchase","params":{}}]}`,
	}, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// IDs are texts in Google's events, also if they look like numbers:
// https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference/events
func TestTextParams(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(analytics("a1", nil))
	req := request(map[string]string{
		"dataSourceSchema": "client_id,transaction_id,value,shipping,search_term,score,user_properties.tier", "eventName": "purchase",
	})
	_, err := newIntegration(t, d).Execute(t.Context(), csv(t, req, "a,b,c,d,e,f,g\n1.1,10045,9.50,2,2024,7,3\n"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"client_id":"1.1","user_properties":{"tier":{"value":3}},"events":[{"name":"purchase","params":` +
		`{"score":7,"search_term":"2024","shipping":2,"transaction_id":"10045","value":9.50}}]}`
	calls := d.Requests()
	if got := string(calls[len(calls)-1].Body); got != want {
		t.Errorf("body %s\nwant %s", got, want)
	}
}

// Schedules for Universal Analytics fail with an explanation, without any call.
func TestUniversalAnalytics(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ field, value, message string }{
		"a data set": {
			"dataSourceCompositeId", "12345::UA-12345-1::AbCd_-123", "Nothing was sent: this schedule uploads to a Data Set of Universal Analytics, which Google shut down in July 2024. " +
				"For Google Analytics 4, open the form in Looker, choose a data stream, and name the columns.",
		},
		"its names": {
			"dataSourceSchema", "ga:dimension1,ga:metric1", `"ga:dimension1" is a Universal Analytics name, which Google shut down. Use Google Analytics 4 names: client_id, event_name, and event parameters.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(analytics("a1", nil))
			for _, state := range []string{kept, ""} {
				req := csv(t, request(map[string]string{tt.field: tt.value}), "a,b,c\n1,2,3\n")
				req.State = state
				_, err := newIntegration(t, d).Execute(t.Context(), req)
				if state == "" && tt.field == "dataSourceSchema" {
					continue // the sign-in is checked first
				}
				if got, want := action.MessageOf(err), tt.message; got != want {
					t.Errorf("error %q, want %q", got, want)
				}
				if got, want := action.KindOf(err), action.Invalid; got != want {
					t.Errorf("kind %v, want %v", got, want)
				}
				if got, want := len(d.Requests()), 0; got != want {
					t.Errorf("%d calls, want %d", got, want)
				}
			}
		})
	}
}

// Each row is sent or counted as failed with its reason.
func TestRowCounts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 101)
	longUser := "1,buy," + strings.Repeat("u", 257) + "\n1,buy," + strings.Repeat("u", 256) + "\n"
	const (
		twoOfThree      = "2 of 3 rows delivered, 1 rejected. "
		reservedEvent   = `A row's event_name "session_start" is reserved by Google Analytics, which ignores events with this name.`
		longUserMessage = "1 of 2 rows delivered, 1 rejected. A row's user_id exceeds Google Analytics' limit of 256 characters."
		appEvent        = `A row's event_name "screen_view" is an event of apps, which Google Analytics ignores in the data stream of a ` +
			"website."
	)
	for name, tt := range map[string]struct {
		schema  string
		rows    string
		sizes   []int // events of each call
		message string
	}{
		"all":             {"client_id,event_name,value", "1,buy,1\n1,buy,2\n2,buy,3\n1,buy,4\n", []int{2, 1, 1}, "4" + done},
		"more than fit":   {"client_id,event_name,value", strings.Repeat("1,buy,1\n", 60), []int{25, 25, 10}, "60" + done},
		"no rows":         {"client_id,event_name,value", "", nil, "The result has no rows. Nothing was sent to Google Analytics."},
		"no client":       {"client_id,event_name,value", "1,buy,1\n,buy,2\n", []int{1}, "1 of 2 rows delivered, 1 rejected. A row has no client_id."},
		"no event":        {"client_id,event_name,value", "1,,1\n", nil, "A row has no event_name."},
		"invalid event":   {"client_id,event_name,value", "1,buy it,1\n", nil, "A row's event_name is not a valid event name."},
		"reserved event":  {"client_id,event_name,value", "1,buy,1\n1,session_start,2\n1,buy,3\n", []int{2}, twoOfThree + reservedEvent},
		"event of apps":   {"client_id,event_name,value", "1,screen_view,1\n", nil, appEvent},
		"like a reserved": {"client_id,event_name,value", "1,Session_start,1\n1,page_view,2\n", []int{2}, "2" + done},
		"a long user":     {"client_id,event_name,user_id", longUser, []int{1}, longUserMessage},
		"too long":        {"client_id,event_name,note", "1,buy," + long + "\n1,buy," + long[2:] + "\n", []int{1}, "1 of 2 rows delivered, 1 rejected. A row's note exceeds Google Analytics' limit of 100 characters."},
		"a long address":  {"client_id,event_name,page_location", "1,buy," + long + "\n", []int{1}, "1" + done},
		"a long property": {"client_id,event_name,user_properties.tier", "1,buy," + long[:80] + "\n", nil, "A row's tier exceeds Google Analytics' limit of 36 characters."},
		"too old":         {"client_id,event_name,timestamp", "1,buy,2026-11-20 11:00:00\n", nil, "A row's timestamp is not within the last 72 hours, as Google Analytics requires."},
		"too new":         {"client_id,event_name,timestamp", "1,buy,2026-11-24\n", nil, "A row's timestamp is not within the last 72 hours, as Google Analytics requires."},
		"invalid time":    {"client_id,event_name,timestamp", "1,buy,noon\n", nil, "A row's timestamp is not a time such as 2026-01-31 12:00:00 (UTC)."},
		"a ragged row":    {"client_id,event_name,value", "1,buy\n1,buy,1\n", []int{1}, "1 of 2 rows delivered, 1 rejected. A row's number of values differs from the number of columns."},
		"no CSV":          {"client_id,event_name,value", "1,buy,1\n1,\"buy,1\n", nil, "The data is not valid CSV."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(analytics("a1", nil))
			res, err := newIntegration(t, d).Execute(t.Context(), csv(t, request(map[string]string{"dataSourceSchema": tt.schema}), "a,b,c\n"+tt.rows))
			message := action.MessageOf(err)
			if err == nil {
				message = res.Message
			}
			var sizes []int
			for _, s := range collected(t, d) {
				sizes = append(sizes, len(s.Events))
			}
			if diff := cmp.Diff(tt.sizes, sizes); diff != "" || message != tt.message {
				t.Errorf("message %q, calls (-want +got):\n%s", message, diff)
			}
		})
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	const reference = "Error during data upload step: MissingRequiredParamsError: Did not receive required form param "
	const (
		columns       = "client_id,event_name,"
		reservedEvent = " is reserved by Google Analytics, which ignores events with this name."
		appEvent      = " is an event of apps, which Google Analytics ignores in the data stream of a website."
		reserved      = " is reserved by Google Analytics, which ignores it. Rename the column, or leave its name empty."
	)
	for name, tt := range map[string]struct{ field, value, message string }{
		"no stream":           {"dataSourceCompositeId", "", reference + "'dataSourceCompositeId'"},
		"invalid stream":      {"dataSourceCompositeId", "1::2/3::4", `"dataSourceCompositeId" must be a data stream from the form's list.`},
		"no names":            {"dataSourceSchema", "", reference + "'dataSourceSchema'"},
		"invalid names":       {"dataSourceSchema", `client_id,"x`, "Separate the names of the columns by commas."},
		"no client":           {"dataSourceSchema", "event_name,a,b", "No column has the name client_id, which Google Analytics requires."},
		"a name twice":        {"dataSourceSchema", "client_id,a,a", `Two columns have the name "a".`},
		"invalid name":        {"dataSourceSchema", "client_id,event_name,Total Value", `"Total Value" is not a valid event parameter name: it must start with a letter, have at most 40 characters, and contain only letters, digits and underscores.`},
		"invalid property":    {"dataSourceSchema", "client_id,event_name,user_properties.9", `"9" is not a valid user property name: it must start with a letter, have at most 24 characters, and contain only letters, digits and underscores.`},
		"no event's name":     {"dataSourceSchema", "client_id,a,b", "The events have no name. Enter one, or name a column event_name."},
		"invalid event":       {"eventName", "my event", `"my event" is not a valid event name: it must start with a letter, have at most 40 characters, and contain only letters, digits and underscores.`},
		"reserved event":      {"eventName", "first_visit", `"first_visit"` + reservedEvent},
		"event of apps":       {"eventName", "in_app_purchase", `"in_app_purchase"` + appEvent},
		"reserved parameter":  {"dataSourceSchema", columns + "firebase_conversion", `The event parameter "firebase_conversion"` + reserved},
		"reserved prefix":     {"dataSourceSchema", columns + "ga_session_id", `The event parameter "ga_session_id"` + reserved},
		"reserved property":   {"dataSourceSchema", columns + "user_properties.user_id", `The user property "user_id"` + reserved},
		"prefix of property":  {"dataSourceSchema", columns + "user_properties.google_x", `The user property "google_x"` + reserved},
		"too many":            {"dataSourceSchema", "client_id,event_name" + many(26), "Google Analytics accepts at most 25 event parameters and 25 user properties."},
		"a column too many":   {"dataSourceSchema", "client_id,event_name,a,b", "The query has 3 columns, but there are 4 names. Leave the name empty to skip a column."},
		"a stream of an app":  {"dataSourceCompositeId", "1::20::301", "The data stream is not a web data stream, the only kind that can receive rows."},
		"a stream of another": {"dataSourceCompositeId", "1::99::300", "Google Analytics returned 403: User does not have sufficient permissions for this property."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(analytics("a1", nil))
			_, err := newIntegration(t, d).Execute(t.Context(), csv(t, request(map[string]string{tt.field: tt.value}), "a,b,c\n1,buy,3\n"))
			if action.MessageOf(err) != tt.message || len(collected(t, d)) != 0 {
				t.Errorf("error %v", err)
			}
		})
	}
	if _, err := newIntegration(t, nil).Execute(t.Context(), request(nil)); action.MessageOf(err) != "The request came without data." {
		t.Errorf("without data: %v", err)
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(",p" + strings.Repeat("x", i))
	}
	return b.String()
}

// A truncated download sends nothing: events cannot be deleted.
func TestTruncatedSource(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(analytics("a1", nil))
	req := actiontest.Download(t, request(nil), actiontest.BrokenDownload("a,b,c\n1,buy,1\n"))
	if _, err := newIntegration(t, d).Execute(t.Context(), req); err == nil || len(collected(t, d)) != 0 {
		t.Errorf("error %v, sent %v", err, collected(t, d))
	}
}

func TestGoogleFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end     string
		reply   actiontest.Reply
		kind    action.Kind
		calls   int // that send events
		message string
	}{
		"would not keep them": {
			"/debug/mp/collect",
			actiontest.Reply{Body: `{"validationMessages":[{"fieldPath":"events","description":"buy is reserved","validationCode":"NAME_RESERVED"}]}`},
			action.Invalid, 0, "Google Analytics would drop these events (NAME_RESERVED events). Nothing was sent.",
		},
		"no secret":    {"Secrets", actiontest.Reply{Body: `{}`}, action.Invalid, 0, "The data stream has no Measurement Protocol API secret. Create one in Google Analytics: Admin, Data streams, the stream, Measurement Protocol API secrets."},
		"not enabled":  {"Secrets", actiontest.Reply{Status: 403, Body: `{"error":{"code":403,"message":"x","details":[{"reason":"SERVICE_DISABLED"}]}}`}, action.Internal, 0, "The API is not enabled in the Google Cloud project of the hub's OAuth client. The hub's administrator must enable it."},
		"a reset":      {"/mp/collect", actiontest.Reply{Reset: true}, action.Unavailable, 0, "The connection to Google Analytics failed. Nothing was sent."},
		"invalid page": {"/debug/mp/collect", actiontest.Reply{Body: "<html>"}, action.Unavailable, 0, "Unexpected response from Google Analytics. Nothing was sent."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(analytics("a1", map[string]actiontest.Reply{tt.end: tt.reply}))
			_, err := newIntegration(t, d).Execute(t.Context(), csv(t, request(nil), "a,b,c\n1,buy,3\n"))
			if got, want := action.MessageOf(err), tt.message; got != want {
				t.Errorf("error %q, want %q", got, want)
			}
			if got, want := action.KindOf(err), tt.kind; got != want {
				t.Errorf("kind %v, want %v", got, want)
			}
			if got, want := len(collected(t, d)), tt.calls; got != want {
				t.Errorf("%d calls, want %d", got, want)
			}
			for _, s := range []string{secret, "a1", "app-secret"} {
				if strings.Contains(err.Error(), s) {
					t.Errorf("the error tells %q: %v", s, err)
				}
			}
		})
	}
}

// A call whose response is lost is not retried, and only its rows fail.
func TestLostResponse(t *testing.T) {
	t.Parallel()
	normal := analytics("a1", nil)
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		if r.Path == "/mp/collect" && strings.Contains(string(r.Body), `"client_id":"2"`) {
			return actiontest.Reply{Reset: true}
		}
		return normal(r)
	})
	_, err := newIntegration(t, d).Execute(t.Context(), csv(t, request(nil), "a,b,c\n1,buy,1\n2,buy,2\n2,buy,3\n3,buy,4\n"))
	if m := action.MessageOf(err); m != "2 of 4 rows delivered, 2 failed. The connection to Google Analytics failed. Its events may have been delivered." {
		t.Errorf("message %q", m)
	}
	if n := len(collected(t, d)); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deps := actiontest.Deps(t, nil, env)
		deps.HTTP = actiontest.Late()
		_, err := actiontest.New(t, ga.New, deps).Execute(t.Context(), csv(t, request(nil), "a,b,c\n1,buy,3\n"))
		if action.KindOf(err) != action.Timeout {
			t.Errorf("error %v", err)
		}
	})
}

func TestForm(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(analytics("a1", nil))
	form, err := newIntegration(t, d).Form.Form(t.Context(), request(map[string]string{"dataSourceSchema": "client_id,x", "eventName": "buy"}))
	if err != nil {
		t.Fatal(err)
	}
	if form.State == nil {
		t.Fatal("no state")
	}
	if got, want := form.State.Data, kept; got != want {
		t.Errorf("state %q, want %q", got, want)
	}
	want := []action.Option{
		{Name: "2::22::302", Label: "Apples >> Shop >> Web (G-302)"},
		{Name: "1::20::300", Label: "Zoo >> Site >> Web (G-300)"},
	}
	if diff := cmp.Diff(want, form.Fields[0].Options); diff != "" || len(form.Fields) != 3 {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	for n, want := range []action.Field{
		{Name: "dataSourceCompositeId", Type: action.Select, Required: true, Default: "1::20::300"},
		{Name: "dataSourceSchema", Type: action.String, Required: true, Default: "client_id,x"},
		{Name: "eventName", Type: action.String, Default: "buy"},
	} {
		f := form.Fields[n]
		if got, want := f.Name, want.Name; got != want {
			t.Errorf("name of the field %q, want %q", got, want)
		}
		if got, want := f.Type, want.Type; got != want {
			t.Errorf("type of the field %q, want %q", got, want)
		}
		if got, want := f.Required, want.Required; got != want {
			t.Errorf("required %t, want %t", got, want)
		}
		if got, want := f.Default, want.Default; got != want {
			t.Errorf("default %q, want %q", got, want)
		}
	}
	for name, tt := range map[string]struct {
		state   string
		good    string
		answers map[string]actiontest.Reply
		login   string
		kind    action.Kind
	}{
		"never signed in": {"", "a1", nil, "In order to send", action.Internal},
		"invalid grant":   {`{"tokens":{"access_token":"a1","refresh_token":"gone"}}`, "a2", nil, "The sign-in at Google is missing or no longer valid. Open the form in Looker and log in again. In order to send", action.Internal},
		"unavailable":     {kept, "a1", map[string]actiontest.Reply{"/accountSummaries": {Status: 503}}, "", action.Unavailable},
		"one is":          {kept, "a1", map[string]actiontest.Reply{"/dataStreams": {Status: 503}}, "", action.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := request(nil)
			req.State = tt.state
			form, err := newIntegration(t, actiontest.NewDestination(t).Handle(analytics(tt.good, tt.answers))).Form.Form(t.Context(), req)
			if tt.login == "" {
				if action.KindOf(err) != tt.kind {
					t.Errorf("%+v, %v", form, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, want := form.Fields[0].Name, "login"; got != want {
				t.Errorf("name of the field %q, want %q", got, want)
			}
			if got, want := form.Fields[0].Description, tt.login; !strings.HasPrefix(got, want) {
				t.Errorf("description %q, want prefix %q", got, want)
			}
			if got, want := form.State.Data, action.Reset; got != want {
				t.Errorf("state %q, want %q", got, want)
			}
			if got, want := form.Fields[0].OAuthURL, "https://hub/login"; got != want {
				t.Errorf("login URL %q, want %q", got, want)
			}
		})
	}
	d = actiontest.NewDestination(t).Handle(analytics("a1", map[string]actiontest.Reply{"/accountSummaries": {Body: `{}`}}))
	if form, err = newIntegration(t, d).Form.Form(t.Context(), request(nil)); err != nil || !strings.HasPrefix(form.Fields[0].Description, "The user cannot edit any Google Analytics 4 web data stream.") {
		t.Errorf("without streams: %+v, %v", form, err)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ state, good, want string }{
		"renewed":                     {kept, "a2", renewed},
		"of the reference, with more": {`{"tokens":{"access_token":"a1","refresh_token":"r1","expiry_date":5},"redirect":"https://hub/r","lastUsedFormParams":{}}`, "a1", kept},
		"gone":                        {`{"tokens":{"access_token":"x","refresh_token":"x"}}`, "a1", action.Reset},
		"none":                        {``, "a1", action.Reset},
		"of another kind":             {`[1]`, "a1", action.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := csv(t, request(nil), "a,b,c\n1,buy,3\n")
			req.State = tt.state
			res, err := newIntegration(t, actiontest.NewDestination(t).Handle(analytics(tt.good, nil))).Execute(t.Context(), req)
			if res == nil {
				t.Fatal("no response")
			}
			if res.State == nil {
				t.Fatal("no state")
			}
			if res.State.Data != tt.want {
				t.Errorf("state %v, want %v", res.State.Data, tt.want)
			}
			if (err != nil) != (tt.want == action.Reset) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	i := newIntegration(t, actiontest.NewDestination(t).Handle(analytics("a1", nil)))
	login := action.Login{State: "st", RedirectURL: "https://hub/r", Verifier: "verifier"}
	address, err := i.OAuth.AuthorizeURL(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	if got, want := u.Query().Get("scope"), "https://www.googleapis.com/auth/analytics.edit"; got != want {
		t.Errorf("%s: scope %q, want %q", address, got, want)
	}
	if got, want := u.Query().Get("state"), "st"; got != want {
		t.Errorf("%s: state %q, want %q", address, got, want)
	}
	if got, want := u.Query().Get("access_type"), "offline"; got != want {
		t.Errorf("%s: access_type %q, want %q", address, got, want)
	}
	state, err := i.OAuth.Exchange(t.Context(), login, url.Values{"code": {"good"}})
	if err != nil || state.Data != renewed {
		t.Errorf("%+v, %v", state, err)
	}
}
