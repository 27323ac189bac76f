package googleadsconversions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	conversions "integrationhub.dev/integrations/googleadsconversions"
	"integrationhub.dev/integrations/internal/pii"
)

var env = map[string]string{"GOOGLE_ADS_CLIENT_ID": "client", "GOOGLE_ADS_CLIENT_SECRET": "app-secret"}

func newIntegration(t *testing.T, d *actiontest.Destination) action.Resolved {
	t.Helper()
	deps := actiontest.Deps(t, d, env)
	deps.StartJob = new(jobs).start
	i := actiontest.New(t, conversions.New, deps)
	conversions.StopClock(i)
	return action.Resolve(i)
}

func request(answers map[string]string) *action.Request {
	form := map[string]string{"customer_id": "2-2", "login_customer_id": "11", "conversion_action_id": "777"}
	maps.Copy(form, answers)
	req := actiontest.Query(nil, form)
	req.State, req.LoginURL = kept, "https://hub/login"
	return req
}

// tags are the tags of the columns a, b and so on. One of them has two columns.
var tags = []string{
	"google_ads_conversion_time", "google_ads_gclid", "google_ads_gbraid", "google_ads_wbraid", "email", "email", "phone",
	"google_ads_first_name", "google_ads_last_name", "google_ads_country", "google_ads_postal_code", "google_ads_conversion_value",
	"google_ads_currency", "google_ads_transaction_id", "google_ads_consent_ad_user_data", "google_ads_consent_ad_personalization",
}

// row is a row by tag. "email 2" is the second column with the tag.
type row map[string]any

func result(rows ...row) string {
	var fields []map[string]any
	names := map[string]string{}
	for n, tag := range tags {
		name := fmt.Sprintf("t.c%d", n)
		fields = append(fields, map[string]any{"name": name, "tags": []string{tag}})
		if _, taken := names[tag]; taken {
			tag += " 2"
		}
		names[tag] = name
	}
	data := make([]map[string]any, len(rows))
	for n, r := range rows {
		data[n] = map[string]any{}
		for tag, value := range r {
			data[n][names[tag]] = map[string]any{"value": value}
		}
	}
	text, err := json.Marshal(map[string]any{"fields": map[string]any{"dimensions": fields}, "data": data})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// good is a row that can be sent.
func good(more row) row {
	r := row{"google_ads_conversion_time": "2026-11-22 10:00:00", "google_ads_gclid": "g1"}
	maps.Copy(r, more)
	return r
}

const done = " conversions sent to Google Ads, which processes them within a day. It reports conversions that it cannot use in the " +
	"diagnostics of the conversion action."

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := conversions.New(actiontest.Deps(t, nil, nil))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok || !cmp.Equal(missing.Keys, []string{"GOOGLE_ADS_CLIENT_ID", "GOOGLE_ADS_CLIENT_SECRET"}) {
		t.Errorf("error %v", err)
	}
}

// The request of a delivery.
func TestWire(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(dataManager("a1"))
	req := request(map[string]string{
		"event_source": "PHONE", "time_zone": "Europe/Berlin", "default_currency": "eur", "phone_country": "US",
		"consent_ad_user_data": "GRANTED", "consent_ad_personalization": "DENIED",
	})
	res, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, req, result(
		row{
			"google_ads_conversion_time": "2026-11-22 10:00:00", "google_ads_gclid": " g1 ", "email": "Ann@Example.com",
			"email 2": "ann@example.org", "phone": "(415) 555-2671", "google_ads_conversion_value": 12.50, "google_ads_transaction_id": "order 1",
		},
		row{
			"google_ads_conversion_time": "2026-11-22T10:00:00.25+01:00", "google_ads_gbraid": "b1", "google_ads_wbraid": "w1",
			"google_ads_conversion_value": "0", "google_ads_currency": "usd", "google_ads_transaction_id": "order 2",
			"google_ads_consent_ad_user_data": "unspecified", "google_ads_consent_ad_personalization": "yes",
		},
		row{
			"google_ads_conversion_time": "2026-11-22 09:00:00 UTC", "google_ads_first_name": " Ann ", "google_ads_last_name": "Lee",
			"google_ads_country": "Germany", "google_ads_postal_code": "10115", "google_ads_transaction_id": "order 3",
			"email": strings.Repeat("AB", 32),
		},
	)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, "3"+done; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if got := res.State; got == nil || got.Data != kept {
		t.Errorf("state %+v, want %q", got, kept)
	}
	const agreed = `"consent":{"adUserData":"CONSENT_GRANTED","adPersonalization":"CONSENT_DENIED"}`
	hash := pii.Hash
	want := `{"destinations":[{"loginAccount":{"accountType":"GOOGLE_ADS","accountId":"11"},` +
		`"operatingAccount":{"accountType":"GOOGLE_ADS","accountId":"22"},"productDestinationId":"777"}],"encoding":"HEX","events":[` +
		`{"transactionId":"order 1","eventTimestamp":"2026-11-22T09:00:00Z","eventSource":"PHONE","adIdentifiers":{"gclid":"g1"},` +
		`"userData":{"userIdentifiers":[{"emailAddress":"` + hash("ann@example.com") + `"},{"emailAddress":"` + hash("ann@example.org") +
		`"},{"phoneNumber":"` + hash("+14155552671") + `"}]},"conversionValue":12.5,"currency":"EUR",` + agreed + `},` +
		`{"transactionId":"order 2","eventTimestamp":"2026-11-22T09:00:00.25Z","eventSource":"PHONE",` +
		`"adIdentifiers":{"gbraid":"b1","wbraid":"w1"},"conversionValue":0,"currency":"USD","consent":{"adPersonalization":"CONSENT_GRANTED"}},` +
		`{"transactionId":"order 3","eventTimestamp":"2026-11-22T09:00:00Z","eventSource":"PHONE","userData":{"userIdentifiers":[` +
		`{"emailAddress":"` + strings.Repeat("ab", 32) + `"},{"address":{"givenName":"` + hash("ann") + `","familyName":"` + hash("lee") +
		`","regionCode":"DE","postalCode":"10115"}}]},` + agreed + `}]}`
	var got []string
	for _, r := range d.Requests() {
		got = append(got, r.Method+" "+r.Host+r.Path+" "+string(r.Body))
	}
	if diff := cmp.Diff([]string{"POST datamanager.googleapis.com/v1/events:ingest " + want}, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// delivered returns the transaction IDs that the destination accepted.
func delivered(t *testing.T, d *actiontest.Destination) (ids []string) {
	t.Helper()
	for _, r := range d.Requests() {
		var request ingestRequest
		if err := json.Unmarshal(r.Body, &request); err != nil {
			t.Error(err)
		}
		if len(request.check()) > 0 {
			continue
		}
		for _, e := range request.Events {
			ids = append(ids, e.Transaction)
		}
	}
	return ids
}

// Rows that cannot be sent stay in the hub, with a reason.
func TestRejectedRows(t *testing.T) {
	t.Parallel()
	const clock, value, currency = "google_ads_conversion_time", "google_ads_conversion_value", "google_ads_currency"
	const (
		noTime       = "A row has no conversion time"
		badTime      = "A row's conversion time is not a date and time such as 2026-01-31 12:00:00 or 2026-01-31T12:00:00+01:00"
		missingTime  = "A row's conversion time does not exist in the time zone of the form, because clocks were set forward"
		futureTime   = "A row's conversion time is in the future"
		oldTime      = "A row's conversion time is more than 90 days ago. Google Ads has no clicks from that time"
		noIdentifier = "A row has no click ID and no email address, phone number or complete address"
		unusable     = "A row has no usable value that identifies the person or the click"
		badValue     = "A row's conversion value is not a number"
		badCurrency  = "A row's currency is not a currency code such as EUR"
		longID       = "A row's transaction ID has more than 64 characters, Google Ads' limit"
		badConsent   = "A row's consent is not GRANTED, DENIED or UNSPECIFIED"
		noConsent    = "A row's consent for ad user data is DENIED. Google Ads does not accept such conversions"
	)
	zone := func(name string) map[string]string { return map[string]string{"time_zone": name} }
	for name, tt := range map[string]struct {
		form map[string]string
		row  row
		want string
	}{
		"no time":            {row: row{"google_ads_gclid": "g"}, want: noTime},
		"only a date":        {row: good(row{clock: "2026-11-22"}), want: badTime},
		"no time at all":     {row: good(row{clock: "yesterday"}), want: badTime},
		"a day too many":     {row: good(row{clock: "2026-11-31 10:00:00"}), want: badTime},
		"future":             {row: good(row{clock: "2026-11-23 12:36:00"}), want: futureTime},
		"too old":            {row: good(row{clock: "2026-08-25 12:29:00"}), want: oldTime},
		"future in its zone": {form: zone("America/New_York"), row: good(row{clock: "2026-11-23 08:00:00"}), want: futureTime},
		"no such time":       {form: zone("America/Santiago"), row: good(row{clock: "2026-09-06 00:30:00"}), want: missingTime},
		"no identifier":      {row: good(row{"google_ads_gclid": " "}), want: noIdentifier},
		"incomplete address": {
			row: row{
				clock: "2026-11-22 10:00:00", "google_ads_first_name": "Ann", "google_ads_last_name": "Lee", "google_ads_country": "DE",
			},
			want: noIdentifier,
		},
		"unusable":    {row: good(row{"google_ads_gclid": nil, "email": "ann"}), want: unusable},
		"no number":   {row: good(row{value: "12,50"}), want: badValue},
		"too large":   {row: good(row{value: "1e999"}), want: badValue},
		"no currency": {row: good(row{value: 1, currency: "Euro"}), want: badCurrency},
		"long ID":     {row: good(row{"google_ads_transaction_id": strings.Repeat("ü", 65)}), want: longID},
		"no consent":  {row: good(row{"google_ads_consent_ad_user_data": "maybe"}), want: badConsent},
		"denied":      {row: good(row{"google_ads_consent_ad_user_data": "No"}), want: noConsent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(dataManager("a1"))
			fine := good(row{"google_ads_conversion_time": "2026-11-22T10:00:00Z", "google_ads_transaction_id": "fine"})
			_, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(tt.form), result(fine, tt.row)))
			if got, want := action.MessageOf(err), "1 of 2 rows delivered, 1 rejected. "+tt.want+" (first: row 2)."; got != want {
				t.Errorf("message %q\nwant    %q", got, want)
			}
			if diff := cmp.Diff([]string{"fine"}, delivered(t, d)); diff != "" {
				t.Errorf("delivered (-want +got):\n%s", diff)
			}
		})
	}
}

// Google rejects a call because of one row. The other arrives in a second call.
func TestRowThatGoogleRejects(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(dataManager("a1"))
	rows := result(good(row{"google_ads_conversion_value": 1, "google_ads_currency": "XTS"}), good(row{"google_ads_transaction_id": "fine"}))
	_, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(nil), rows))
	if got, want := action.MessageOf(err), "1 of 2 rows delivered, 1 rejected. A currency code is not valid."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"fine"}, delivered(t, d)); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
	if n := len(d.Requests()); n != 2 {
		t.Errorf("%d calls", n)
	}
}

// A row can have ten identifiers, and unusable ones are left out of a row with others.
func TestIdentifiers(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(dataManager("a1"))
	res, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(nil), result(
		good(row{"email": "ann", "email 2": "ann@example.com", "phone": "1"}), good(row{"google_ads_gclid": "g2", "email": "x"}),
	)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, "2"+done+" Unusable values were left out: 2 of email, 1 of phone."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

func TestTooManyIdentifiers(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(dataManager("a1"))
	var fields, cells []string
	for n := range 11 {
		fields = append(fields, fmt.Sprintf(`{"name":"t.e%d","tags":["email"]}`, n))
		cells = append(cells, fmt.Sprintf(`"t.e%d":{"value":"a%d@example.com"}`, n, n))
	}
	const clock = `"t.t":{"value":"2026-11-22 10:00:00"},`
	text := `{"fields":{"dimensions":[{"name":"t.t","tags":["google_ads_conversion_time"]},` + strings.Join(fields, ",") + `]},"data":[` +
		`{` + clock + strings.Join(cells, ",") + `},{` + clock + strings.Join(cells[1:], ",") + `}]}`
	_, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(nil), text))
	want := "1 of 2 rows delivered, 1 rejected. A row has more than 10 email addresses, phone numbers and addresses (first: row 1)."
	if got := action.MessageOf(err); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

// dimensions is a result without rows that has a column for each tag.
func dimensions(tags ...string) string {
	columns := make([]string, len(tags))
	for n, tag := range tags {
		columns[n] = fmt.Sprintf(`{"name":"t.c%d","tags":[%q]}`, n, tag)
	}
	return `{"fields":{"dimensions":[` + strings.Join(columns, ",") + `]},"data":[]}`
}

// Queries and answers that cannot be delivered fail without a call.
func TestInvalidInput(t *testing.T) {
	t.Parallel()
	one := result(good(nil))
	for name, tt := range map[string]struct {
		// field is the field with an invalid value.
		field, value string
		data         string
		want         string
	}{
		"no account": {field: "customer_id", want: `"customer_id" is required.`},
		"no such ID": {
			field: "customer_id", value: "Zoo", want: `"customer_id" must be the ID of a Google Ads account, such as 123-456-7890.`,
		},
		"no action": {
			field: "conversion_action_id", value: "customers/1/conversionActions/2",
			want: `"conversion_action_id" must be the number of a conversion action, not its name.`,
		},
		"no source": {
			field: "event_source", value: "TV", want: `"event_source" must be WEB, APP, IN_STORE, PHONE, MESSAGE or OTHER.`,
		},
		"no currency": {field: "default_currency", value: "Euro", want: `"default_currency" must be a currency code, such as EUR.`},
		"no time zone": {
			field: "time_zone", value: "Mars",
			want: `"time_zone" must be the name of a time zone in the IANA database, such as Europe/Berlin or America/New_York.`,
		},
		"denied": {
			field: "consent_ad_user_data", value: "DENIED", want: "Google Ads accepts no conversions of people who denied it ad user data.",
		},
		"no time": {
			data: dimensions("google_ads_gclid"), want: "The query needs a field tagged google_ads_conversion_time.",
		},
		"no identifier": {
			data: dimensions("google_ads_conversion_time", "google_ads_first_name"),
			want: "The query needs a field tagged google_ads_gclid, google_ads_gbraid, google_ads_wbraid, email or phone, or all of " +
				"google_ads_first_name, google_ads_last_name, google_ads_country and google_ads_postal_code.",
		},
		"pivoted": {
			data: strings.TrimSuffix(one, "}") + `,"pivots":[{"key":"a"}]}`,
			want: "The query is pivoted, but a conversion has one value. Remove the pivot.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(dataManager("a1"))
			data, form := tt.data, map[string]string{}
			if data == "" {
				data, form = one, map[string]string{tt.field: tt.value}
			}
			_, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(form), data))
			if got := action.MessageOf(err); got != tt.want {
				t.Errorf("message %q, want %q", got, tt.want)
			}
			if e, ok := errors.AsType[*action.Error](err); !ok || tt.field != "" && e.Fields[tt.field] == "" {
				t.Errorf("fields of %+v, want %q", e, tt.field)
			}
			if n := len(d.Requests()); n != 0 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// Errors that every call would have end the delivery.
func TestErrors(t *testing.T) {
	t.Parallel()
	failure := func(status int, body string) func(actiontest.Recorded) actiontest.Reply {
		return func(actiontest.Recorded) actiontest.Reply { return actiontest.Reply{Status: status, Body: body} }
	}
	for name, tt := range map[string]struct {
		form   map[string]string
		handle func(actiontest.Recorded) actiontest.Reply
		kind   action.Kind
		want   string
		calls  int
	}{
		"no such action": {
			form: map[string]string{"conversion_action_id": "1"}, handle: dataManager("a1"), kind: action.NotFound,
			want: "The conversion action does not exist in the Google Ads account.", calls: 1,
		},
		"no access": {
			form: map[string]string{"customer_id": "1"}, handle: dataManager("a1"), kind: action.Invalid,
			want: "Google does not accept the account or the list as a destination.", calls: 1,
		},
		"permission denied": {
			handle: failure(403, `{"error":{"code":403,"message":"s3cret","details":[{"reason":"PERMISSION_DENIED"}]}}`),
			kind:   action.Forbidden, calls: 1,
			want: "The Google user cannot access the account or the list, or not through this login account.",
		},
		"no scope": {
			handle: failure(403, `{"error":{"code":403,"message":"no","details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}`),
			kind:   action.Forbidden, calls: 1,
			want: "The sign-in at Google does not include the permission for the Data Manager API. Open the form in Looker and log in again.",
		},
		"API is off": {
			handle: failure(403, `{"error":{"code":403,"message":"off","status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}`),
			kind:   action.Internal, calls: 1,
			want: "The API is not enabled in the Google Cloud project of the hub's OAuth client. The hub's administrator must enable it.",
		},
		"unavailable": {
			handle: failure(503, `{}`), kind: action.Unavailable, want: "Google Data Manager returned 503 Service Unavailable.", calls: 8,
		},
		"rejected without a name": {
			handle: failure(400, badRequest([]violation{{"validate_only", "s3cret", "INVALID_ARGUMENT"}})), kind: action.Invalid,
			want: "Google Data Manager did not accept the data. (INVALID_ARGUMENT)", calls: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := actiontest.NewSocketless().Handle(tt.handle)
				_, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(tt.form), result(good(nil))))
				if got := action.KindOf(err); got != tt.kind {
					t.Errorf("kind %v, want %v", got, tt.kind)
				}
				if got := action.MessageOf(err); got != tt.want {
					t.Errorf("message %q, want %q", got, tt.want)
				}
				if n := len(d.Requests()); n != tt.calls {
					t.Errorf("%d calls, want %d", n, tt.calls)
				}
			})
		})
	}
}

// Google says hours later what it could not use. The hub logs it, and raises an alert only if it was everything.
func TestFollow(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		failures int
		stopped  bool
		// logged is in the log, and failed the job's error.
		logged, failed string
	}{
		"all used":      {},
		"one without":   {failures: 1, logged: "1: no click fits the event"},
		"all without":   {failures: 2, failed: "2: no click fits the event"},
		"the hub stops": {failures: 2, stopped: true, logged: "requests are no longer followed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				started := new(jobs)
				handle := func(r actiontest.Recorded) actiontest.Reply {
					if r.Path == "/v1/requestStatus:retrieve" {
						return status(tt.failures)
					}
					return dataManager("a1")(r)
				}
				deps := actiontest.Deps(t, actiontest.NewSocketless().Handle(handle), env)
				deps.StartJob, deps.Log = started.start, slog.New(slog.NewTextHandler(&log, nil))
				i := actiontest.New(t, conversions.New, deps)
				conversions.StopClock(i)
				rows := result(good(nil), good(row{"google_ads_gclid": "g2"}))
				if _, err := i.Execute(t.Context(), actiontest.JSONDetail(t, request(nil), rows)); err != nil {
					t.Fatal(err)
				}
				if len(started.started) != 1 {
					t.Fatalf("jobs %+v", started.started)
				}
				job := started.started[0]
				if got, want := job.Name, "Google Ads conversion action 777, 1 requests, the first is t-2"; got != want {
					t.Errorf("job %q, want %q", got, want)
				}
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				if tt.stopped {
					stop()
				}
				err := job.Follow(ctx)
				if (err != nil) != (tt.failed != "") || err != nil && !strings.Contains(err.Error(), tt.failed) {
					t.Errorf("error %v, want %q in it", err, tt.failed)
				}
				if got := log.String(); !strings.Contains(got, tt.logged) || (got == "") != (tt.logged == "") {
					t.Errorf("log %q, want %q in it", got, tt.logged)
				}
			})
		})
	}
}

// Nothing is followed if nothing was sent.
func TestFollowNothing(t *testing.T) {
	t.Parallel()
	started := new(jobs)
	deps := actiontest.Deps(t, actiontest.NewDestination(t).Handle(dataManager("a1")), env)
	deps.StartJob = started.start
	i := actiontest.New(t, conversions.New, deps)
	conversions.StopClock(i)
	if _, err := i.Execute(t.Context(), actiontest.JSONDetail(t, request(nil), result(row{}))); err == nil {
		t.Error("a row without a time was delivered")
	}
	if len(started.started) != 0 {
		t.Errorf("jobs %+v", started.started)
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	i := newIntegration(t, actiontest.NewDestination(t).Handle(dataManager("a1")))
	form, err := i.Form.Form(t.Context(), request(map[string]string{"event_source": "APP"}))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range form.Fields {
		got[f.Name] = fmt.Sprint(f.Type, " ", f.Required, " ", f.Default)
	}
	want := map[string]string{
		"customer_id": "string true 2-2", "login_customer_id": "string false 11", "conversion_action_id": "string true 777",
		"event_source": "select false APP", "time_zone": "string false ", "default_currency": "string false ",
		"phone_country": "string false ", "consent_ad_user_data": "select false UNSPECIFIED",
		"consent_ad_personalization": "select false UNSPECIFIED",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if form.State == nil || form.State.Data != kept {
		t.Errorf("state %+v", form.State)
	}
}

// A sign-in that is not valid, or lacks the permission, is repeated. During an outage it is not.
func TestFormSignIn(t *testing.T) {
	t.Parallel()
	reply := func(status int, body string) func(actiontest.Recorded) actiontest.Reply {
		return func(actiontest.Recorded) actiontest.Reply { return actiontest.Reply{Status: status, Body: body} }
	}
	for name, tt := range map[string]struct {
		state  string
		handle func(actiontest.Recorded) actiontest.Reply
		// login is the beginning of the login's description, and otherwise kind the error's.
		login string
		kind  action.Kind
	}{
		"none": {state: "", handle: dataManager("a1"), login: "In order to send"},
		"invalid": {
			state: `{"tokens":{"access_token":"x","refresh_token":"x"}}`, handle: dataManager("a1"),
			login: "The sign-in at Google is missing or no longer valid.",
		},
		"without the scope": {
			state:  kept,
			handle: reply(403, `{"error":{"code":403,"message":"no","details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}`),
			login:  "The sign-in at Google does not include the permission for the Data Manager API.",
		},
		"outage": {state: kept, handle: reply(503, ``), kind: action.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				req := request(nil)
				req.State = tt.state
				form, err := newIntegration(t, actiontest.NewSocketless().Handle(tt.handle)).Form.Form(t.Context(), req)
				if tt.login == "" {
					if err == nil || action.KindOf(err) != tt.kind {
						t.Errorf("form %+v, error %v", form, err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := form.Fields[0]; got.OAuthURL != "https://hub/login" || !strings.HasPrefix(got.Description, tt.login) {
					t.Errorf("login %+v", got)
				}
			})
		})
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ state, good, want string }{
		"renewed": {kept, "a2", renewed},
		"gone":    {`{"tokens":{"access_token":"x","refresh_token":"x"}}`, "a1", action.Reset},
		"none":    {``, "a1", action.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := actiontest.JSONDetail(t, request(nil), result(good(nil)))
			req.State = tt.state
			res, err := newIntegration(t, actiontest.NewDestination(t).Handle(dataManager(tt.good))).Execute(t.Context(), req)
			if res == nil || res.State == nil {
				t.Fatalf("response %+v, %v", res, err)
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
	i := newIntegration(t, actiontest.NewDestination(t).Handle(dataManager("a1")))
	login := action.Login{State: "st", RedirectURL: "https://hub/r", Verifier: "verifier"}
	address, err := i.OAuth.AuthorizeURL(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := u.Query().Get("scope"), "https://www.googleapis.com/auth/datamanager"; got != want {
		t.Errorf("scope %q, want %q", got, want)
	}
	state, err := i.OAuth.Exchange(t.Context(), login, url.Values{"code": {"good"}})
	if err != nil || state.Data != renewed {
		t.Errorf("%+v, %v", state, err)
	}
}
