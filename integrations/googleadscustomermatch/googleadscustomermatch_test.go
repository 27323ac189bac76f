package googleadscustomermatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/googleadscustomermatch"
	"integrationhub.dev/integrations/internal/pii"
)

var env = map[string]string{"GOOGLE_ADS_CLIENT_ID": "client", "GOOGLE_ADS_CLIENT_SECRET": "app-secret", "GOOGLE_ADS_DEVELOPER_TOKEN": "dev-token"}

func newIntegration(t *testing.T, d *actiontest.Destination) action.Resolved {
	t.Helper()
	deps := actiontest.Deps(t, d, env)
	deps.StartJob = func(ctx context.Context, start func(context.Context) (action.Job, error)) error {
		_, err := start(ctx)
		return err
	}
	i := actiontest.New(t, googleadscustomermatch.New, deps)
	googleadscustomermatch.Fast(i)
	return action.Resolve(i)
}

// Google ignores developer tokens since September 2026.
func TestDeveloperToken(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set  bool
		want string
	}{
		"configured":     {true, "dev-token"},
		"not configured": {false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := maps.Clone(env)
			if !tt.set {
				delete(settings, "GOOGLE_ADS_DEVELOPER_TOKEN")
			}
			d := actiontest.NewDestination(t).Handle(ads("a1", nil))
			i := actiontest.New(t, googleadscustomermatch.New, actiontest.Deps(t, d, settings))
			if _, err := i.Execute(t.Context(), actiontest.JSONDetail(t, request(nil), `[{"Email":"a@example.com"}]`)); err != nil {
				t.Fatal(err)
			}
			for _, r := range d.Requests() {
				got, sent := r.Header["Developer-Token"]
				if sent != tt.set || strings.Join(got, "") != tt.want {
					t.Errorf("developer token %q", got)
				}
			}
		})
	}
}

// request appends contact data to the list 5 of account 22, unless answers say otherwise.
func request(answers map[string]string) *action.Request {
	form := map[string]string{
		"loginCid": "11", "targetCid": "22", "createOrAppend": "append", "mobileDevice": "no", "targetUserListRN": list, "doHashing": "yes",
		"consentAdUserData": "GRANTED", "consentAdPersonalization": "UNSPECIFIED", "newListName": "Buyers", "newListDescription": "who bought",
	}
	maps.Copy(form, answers)
	req := actiontest.Query(nil, form)
	req.State, req.LoginURL = kept, "https://hub/login"
	return req
}

// calls returns the calls in order, by method and path.
func calls(d *actiontest.Destination) (all []string) {
	for _, r := range d.Requests() {
		if r.Host == "googleads.googleapis.com" {
			all = append(all, strings.TrimPrefix(r.Path, version))
		}
	}
	return all
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := googleadscustomermatch.New(actiontest.Deps(t, nil, nil))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok || !cmp.Equal(missing.Keys, []string{"GOOGLE_ADS_CLIENT_ID", "GOOGLE_ADS_CLIENT_SECRET"}) {
		t.Errorf("error %v", err)
	}
	invalid := maps.Clone(env)
	invalid["GOOGLE_ADS_API_VERSION"] = "v25/../v1"
	if _, err = googleadscustomermatch.New(actiontest.Deps(t, nil, invalid)); err == nil || !strings.Contains(err.Error(), "must look like v25") {
		t.Errorf("invalid version: %v", err)
	}
}

// What the tests of all integrations check of the Data Manager API holds for the Google Ads API, too.
func TestConform(t *testing.T) {
	t.Parallel()
	form := request(map[string]string{"createOrAppend": "create"}).Form
	actiontest.Conform(t, googleadscustomermatch.New, actiontest.Delivery{
		Env: env, Form: form, State: kept, MIME: "application/json", Extension: "json", Data: `[{"Email":"a@example.com"}]`,
		Secrets: []string{"app-secret", "dev-token"},
		Kinds:   map[int]action.Kind{http.StatusNotFound: action.Internal}, // the version of the API is retired
	})
}

// The requests of a complete delivery.
func TestWire(t *testing.T) {
	t.Parallel()
	result, err := os.ReadFile("testdata/everything.json")
	if err != nil {
		t.Fatal(err)
	}
	d := actiontest.NewDestination(t).Handle(ads("a1", nil))
	res, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(map[string]string{"createOrAppend": "create"}), string(result)))
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Response{
		Message: `3 rows uploaded to the new list "Buyers (from Looker 2026-11-23 12:30:00Z)". Google Ads adds them to the list within about a day. ` +
			"Unusable values were left out: 1 of phone, 1 of country.",
		State: &action.State{Data: kept},
	}
	if diff := cmp.Diff(want, res); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	var got []string
	for _, r := range d.Requests() {
		if got, want := r.Method, http.MethodPost; got != want {
			t.Errorf("method %q, want %q", got, want)
		}
		if got, want := r.Host, "googleads.googleapis.com"; got != want {
			t.Errorf("host %q, want %q", got, want)
		}
		if got, want := r.Header.Get("Login-Customer-Id"), "11"; got != want {
			t.Errorf("Login-Customer-Id %q, want %q", got, want)
		}
		if got, want := r.Header.Get("Developer-Token"), "dev-token"; got != want {
			t.Errorf("Developer-Token %q, want %q", got, want)
		}
		if got, want := r.Header.Get("Content-Type"), "application/json"; got != want {
			t.Errorf("Content-Type %q, want %q", got, want)
		}
		got = append(got, strings.TrimPrefix(r.Path, version)+" "+string(r.Body))
	}
	hash := pii.Hash
	if diff := cmp.Diff([]string{
		`customers/22/userLists:mutate {"operations":[{"create":{"crm_based_user_list":{"data_source_type":"FIRST_PARTY","upload_key_type":"CONTACT_INFO"},` +
			`"description":"who bought","membership_life_span":540,"membership_status":"OPEN","name":"Buyers (from Looker 2026-11-23 12:30:00Z)"}}],"validate_only":false}`,
		`customers/22/offlineUserDataJobs:create {"job":{"customer_match_user_list_metadata":{"consent":{"ad_personalization":"UNSPECIFIED","ad_user_data":"GRANTED"},` +
			`"user_list":"customers/22/userLists/5"},"external_id":1795437000000,"type":"CUSTOMER_MATCH_USER_LIST"}}`,
		job + `:addOperations {"enable_partial_failure":true,"operations":[` +
			`{"create":{"user_identifiers":[{"hashed_email":"` + hash("annlee@gmail.com") + `"},{"hashed_phone_number":"` + hash("+16505551212") + `"},` +
			`{"address_info":{"hashed_first_name":"` + hash("ann") + `","hashed_last_name":"` + hash("o'lee") + `","country_code":"US","postal_code":"10001"}}]}},` +
			`{"create":{"user_identifiers":[{"hashed_email":"` + hash("bob@example.com") + `"},{"hashed_email":"` + hash("bob@work.example.com") + `"},{"hashed_phone_number":"` + hash("+442079460958") + `"}]}},` +
			`{"create":{"user_identifiers":[{"hashed_email":"` + hash("c@example.com") + `"}]}}]}`,
		job + `:run {}`,
	}, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// Each row is sent or counted as failed with its reason.
func TestRowCounts(t *testing.T) {
	t.Parallel()
	const done = " rows uploaded to the list. Google Ads adds them to the list within about a day."
	upload := func(n string) []string { return []string{"customers/22/offlineUserDataJobs:create", n, job + ":run"} }
	sent := upload(job + ":addOperations")
	devices := map[string]string{"mobileDevice": "yes", "mobileAppId": "com.example"}
	hash := pii.Hash("a")
	for name, tt := range map[string]struct {
		answers map[string]string
		rows    string
		partial string
		calls   []string
		message string
	}{
		"all":                  {nil, `[{"Users Email":"a@example.com"},{"Users Email":"b@example.com"}]`, `{}`, sent, "2" + done},
		"numbers":              {map[string]string{"phoneCountry": "US"}, `[{"Phone":6505551212}]`, `{}`, sent, "1" + done},
		"one of nothing":       {nil, `[{"Email":"a@example.com"},{"Email":null}]`, `{}`, sent, "1 of 2 rows delivered, 1 rejected. A row has no value that identifies a person."},
		"nothing usable":       {nil, `[{"Email":"x"}]`, `{}`, nil, "A row has no usable value that identifies a person (unusable: email)."},
		"half an address":      {nil, `[{"First Name":"A","Last Name":"B","Country":"US","Zip":null}]`, `{}`, nil, "A row has no value that identifies a person."},
		"an address":           {nil, `[{"First Name":"A","Last Name":"B","Country":"US","Zip":10001}]`, `{}`, sent, "1" + done},
		"rejected ones":        {nil, `[{"Email":"a@example.com"},{"Email":"b@example.com"},{"Email":"c@example.com"}]`, partly("INVALID_SHA256_FORMAT", 0, 2), sent, "1 of 3 rows delivered, 2 rejected. A value is not a SHA-256 hash."},
		"rejected twice over":  {nil, `[{"Email":"a@example.com"},{"Email":"b@example.com"}]`, partly("ODD", 1, 1), sent, "1 of 2 rows delivered, 1 rejected. Google Ads did not accept the data. (ODD)"},
		"all rejected":         {nil, `[{"Email":"a@example.com"}]`, partly("INVALID_SHA256_FORMAT", 0), sent[:2], "A value is not a SHA-256 hash."},
		"rejected without one": {nil, `[{"Email":"a@example.com"}]`, partly("INVALID_ENCODING", 7), sent[:2], "A value has a format that Google Ads does not accept."},
		"hashes":               {map[string]string{"doHashing": "no"}, `[{"Email":"` + hash + `"}]`, `{}`, sent, "1" + done},
		"hashes in Base64": {
			map[string]string{"doHashing": "no"}, `[{"Email":"ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="}]`, `{}`, sent, "1" + done,
		},
		"hashes that are none": {
			map[string]string{"doHashing": "no"},
			`[{"Email":"a@example.com"}]`, `{}`, nil,
			"A row has no usable value that identifies a person (unusable: email).",
		},
		"devices":            {devices, `[{"AAID":"38400000-8cf0-11bd-b23e-10b96e40000d"},{"AAID":"x"}]`, partly("INVALID_MOBILE_ID_FORMAT", 1), sent, "1 of 2 rows delivered, 1 rejected. A mobile device ID is not a valid advertising ID of Google or Apple."},
		"about e-mail":       {nil, `[{"Email Opt In":"Yes","Phone Country":"US","Work Email":"a@example.com"}]`, `{}`, sent, "1" + done},
		"no better e-mail":   {nil, `[{"Primary Email of User":"a@example.com"}]`, `{}`, sent, "1" + done},
		"no rows":            {nil, `[]`, `{}`, nil, "The result has no rows. Nothing was sent to Google Ads."},
		"no rows for a list": {map[string]string{"createOrAppend": "create"}, `[]`, `{}`, nil, "The result has no rows. Nothing was sent to Google Ads."},
		"no column":          {nil, `[{"Age":1,"First Name":"x","Street Address":"y"}]`, `{}`, nil, "The query has no column that identifies people. It needs a label that contains Email or Phone, or all of First Name, Last Name, Country and Postal Code."},
		"no device column":   {devices, `[{"Email":"a@example.com"}]`, `{}`, nil, "The query has no column with mobile device IDs. Its label must contain IDFA, AAID, Mobile ID or Advertising ID."},
		"too many":           {nil, `[` + emails(21) + `]`, `{}`, nil, "A row has more values than Google Ads accepts for one person."},
		"truncated":          {nil, `[{"Email":"a@example.com"},{"Ema`, `{}`, sent[:2], "The data ended before the result was complete. No members were added to the list."},
		"removed": {
			map[string]string{"createOrAppend": "remove"},
			`[{"Email":"a@example.com"}]`, `{}`, sent,
			"1 rows uploaded. Google Ads removes them from the list within about a day.",
		},
		"removed, truncated": {
			map[string]string{"createOrAppend": "remove"},
			`[{"Email":"a@example.com"},{"Ema`, `{}`, sent[:2],
			"The data ended before the result was complete. No members were removed from the list.",
		},
		"truncated, with a new list": {
			map[string]string{"createOrAppend": "create"},
			`[{"Email":"a@example.com"},`, `{}`,
			[]string{"customers/22/userLists:mutate", sent[0], sent[1], "customers/22/userLists:mutate"},
			"The data ended before the result was complete. No members were added to the list.",
		},
		"all rejected, with a new list": {
			map[string]string{"createOrAppend": "create"},
			`[{"Email":"a@example.com"}]`, partly("INVALID_ENCODING", 0),
			[]string{"customers/22/userLists:mutate", sent[0], sent[1], "customers/22/userLists:mutate"},
			"A value has a format that Google Ads does not accept.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(ads("a1", map[string]actiontest.Reply{":addOperations": {Body: tt.partial}}))
			res, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(tt.answers), tt.rows))
			message := action.MessageOf(err)
			if err == nil {
				message = res.Message
			}
			if message != tt.message || err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("message %q (%v)", message, err)
			}
			if diff := cmp.Diff(tt.calls, calls(d)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if remove := strings.Contains(fmt.Sprint(tt.answers), "createOrAppend:remove"); len(tt.calls) > 1 && remove !=
				strings.Contains(string(d.Requests()[1].Body), `"operations":[{"remove":{"user_identifiers"`) {
				t.Errorf("operations %s", d.Requests()[1].Body)
			}
			if n := len(tt.calls); n == 4 && !strings.Contains(string(d.Requests()[3].Body), `{"remove":"`+list+`"}`) {
				t.Errorf("removed by %s", d.Requests()[3].Body)
			}
		})
	}
}

// emails returns a row with n addresses.
func emails(n int) string {
	row := map[string]string{}
	for i := range n {
		row[fmt.Sprintf("Email %d", i)] = fmt.Sprintf("%d@example.com", i)
	}
	text, err := json.Marshal(row)
	if err != nil {
		panic(err) // strings only
	}
	return string(text)
}

// People that were rejected temporarily are sent again, without the others.
func TestTemporaryRejection(t *testing.T) {
	t.Parallel()
	first := true
	normal := ads("a1", nil)
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		if strings.HasSuffix(r.Path, ":addOperations") && first {
			first = false
			return actiontest.Reply{Body: partly("TRANSIENT_ERROR", 1)}
		}
		return normal(r)
	})
	res, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(nil), `[{"Email":"a@example.com"},{"Email":"b@example.com"},{"Email":"c@example.com"}]`))
	if err != nil || !strings.HasPrefix(res.Message, "3 rows uploaded") {
		t.Fatalf("%+v, %v", res, err)
	}
	var sizes []int
	for _, r := range d.Requests() {
		if strings.HasSuffix(r.Path, ":addOperations") {
			u, err := parse(r.Body)
			if err != nil || !u.Partial {
				t.Errorf("%s: %v", r.Body, err)
			}
			sizes = append(sizes, len(u.Operations))
		}
	}
	if diff := cmp.Diff([]int{3, 1}, sizes); diff != "" {
		t.Error(diff)
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	const param = "MissingRequiredParamsError: "
	for name, tt := range map[string]struct {
		field, value, message string
	}{
		"no account":          {"loginCid", "", param + "Login account id is missing"},
		"invalid account":     {"targetCid", "2/3", `"targetCid" must be an account ID from the form's list.`},
		"no mode":             {"createOrAppend", "", param + "createOrAppend must be either 'create' or 'append' (got '')"},
		"invalid mode":        {"createOrAppend", "burn", param + "createOrAppend must be either 'create' or 'append' (got 'burn')"},
		"devices of no app":   {"mobileDevice", "yes", param + "Mobile application id is missing"},
		"no hashing":          {"doHashing", "", param + "Hashing must be either 'yes' or 'no' (got '')"},
		"no list":             {"targetUserListRN", "", param + "List resource name is missing or could not be created"},
		"invalid list":        {"targetUserListRN", "customers/1/userLists/2:x", `"targetUserListRN" must be the resource name of a list from the form's list.`},
		"invalid consent":     {"consentAdUserData", "YES", `"consentAdUserData" must be UNSPECIFIED, GRANTED or DENIED.`},
		"invalid country":     {"phoneCountry", "Atlantis", `"phoneCountry" must be a country, such as US or Germany.`},
		"no name for the new": {"newListName", "", param + "Name for new list is missing"},
		"invalid API":         {"google_api", "v1", `"google_api" must be data_manager or google_ads.`},
		"no terms": {
			"google_api", "data_manager",
			"Google requires that the account has accepted the Customer Match terms. Confirm it in the form.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(ads("a1", nil))
			req := actiontest.JSONDetail(t, request(map[string]string{tt.field: tt.value}), `[{"Email":"a@example.com"}]`)
			if tt.field == "newListName" {
				req.Form["createOrAppend"] = "create"
			}
			_, err := newIntegration(t, d).Execute(t.Context(), req)
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
	if _, err := newIntegration(t, nil).Execute(t.Context(), request(nil)); action.MessageOf(err) != "The request came without data." {
		t.Errorf("without data: %v", err)
	}
	// Old schedules have no target account, and people write IDs with dashes.
	d := actiontest.NewDestination(t).Handle(ads("a1", nil))
	req := actiontest.JSONDetail(t, request(map[string]string{"loginCid": "2-2", "targetCid": ""}), `[{"Email":"a@example.com"}]`)
	if _, err := newIntegration(t, d).Execute(t.Context(), req); err != nil || calls(d)[0] != "customers/22/offlineUserDataJobs:create" {
		t.Errorf("%v, %v", err, calls(d))
	}
}

// Rejected tokens are refreshed, and returned even if the delivery fails.
func TestTokens(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		state, good string
		answers     map[string]actiontest.Reply
		want        string
		message     string
	}{
		"good":                  {kept, "a1", nil, kept, ""},
		"renewed":               {kept, "a2", nil, renewed, ""},
		"renewed, then failing": {kept, "a2", map[string]actiontest.Reply{":create": failed(400, "x", "INVALID_USER_LIST_TYPE")}, renewed, "The list is not a Customer Match list."},
		"with more in it":       {`{"tokens":{"access_token":"a1","refresh_token":"r1","expiry_date":1,"scope":"x"},"redirect":"https://hub/r"}`, "a1", nil, kept, ""},
		"gone":                  {`{"tokens":{"access_token":"a1","refresh_token":"gone"},"redirect":""}`, "a2", nil, action.Reset, "The sign-in at Google is missing or no longer valid. Open the form in Looker and log in again. No members were added to the list."},
		"none":                  {``, "a1", nil, action.Reset, "The sign-in at Google is missing or no longer valid. Open the form in Looker and log in again."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(ads(tt.good, tt.answers))
			req := actiontest.JSONDetail(t, request(nil), `[{"Email":"a@example.com"}]`)
			req.State = tt.state
			res, err := newIntegration(t, d).Execute(t.Context(), req)
			if res == nil || res.State == nil {
				t.Fatalf("no state in the response %+v", res)
			}
			if got := res.State.Data; got != tt.want {
				t.Errorf("state %q, want %q", got, tt.want)
			}
			var message string
			if err != nil {
				message = action.MessageOf(err)
			}
			if message != tt.message {
				t.Errorf("error %q, want %q", message, tt.message)
			}
		})
	}
}

// The messages, kinds and retries of Google's errors. Messages contain no secrets.
func TestGoogleFails(t *testing.T) {
	t.Parallel()
	const unidentified = " No members were added to the list."
	for name, tt := range map[string]struct {
		end     string
		reply   actiontest.Reply
		kind    action.Kind
		calls   int
		message string
	}{
		"not enabled": {
			":create", failed(403, "notAllowlistedError", "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE"), action.Forbidden, 1,
			"The Google Ads API is not enabled for Customer Match in this account or for the hub. Since April 2026, Google accepts only " +
				"those that used it before. Choose the Data Manager API in the form." + unidentified,
		},
		"no permission": {
			":create", failed(403, "authorizationError", "USER_PERMISSION_DENIED"), action.Forbidden, 1,
			"The Google user cannot access this Google Ads account, or not through this login account." + unidentified,
		},
		"retired": {":create", failed(400, "requestError", "UNSUPPORTED_VERSION"), action.Internal, 1, "Google has retired the " +
			"version of the Google Ads API that the hub calls. The hub's administrator must set GOOGLE_ADS_API_VERSION to a " +
			"current one." + unidentified},
		"retired since": {":create", actiontest.Reply{Status: 404, Body: "<html>"}, action.Internal, 1, "Google has retired the " +
			"version of the Google Ads API that the hub calls. The hub's administrator must set GOOGLE_ADS_API_VERSION to a " +
			"current one." + unidentified},
		"no developer": {
			":create", failed(403, "authorizationError", "DEVELOPER_TOKEN_NOT_APPROVED"), action.Internal, 1,
			"Google Ads does not accept the hub's developer token. It is not needed any more: the hub's administrator must remove " +
				"GOOGLE_ADS_DEVELOPER_TOKEN." + unidentified,
		},
		"a test project": {
			":create", failed(403, "authorizationError", "CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION"), action.Internal, 1,
			"The hub's Google Cloud project may call the Google Ads API for test accounts only. The hub's administrator must apply for " +
				"Explorer, Basic or Standard access in the Google Cloud console." + unidentified,
		},
		"another organization": {
			":create", failed(403, "authorizationError", "CLOUD_PROJECT_NOT_UNDER_ORGANIZATION"), action.Internal, 1,
			"The hub's Google Cloud project does not belong to the organization that Google requires. The hub's administrator must " +
				"move it." + unidentified,
		},
		"a disabled project": {
			":create", failed(403, "authorizationError", "PROJECT_DISABLED"), action.Internal, 1,
			"The hub's Google Cloud project has no access to the Google Ads API. The hub's administrator must enable the API in the " +
				"Google Cloud console." + unidentified,
		},
		"no consent":     {":create", failed(400, "offlineUserDataJobError", "CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS"), action.Forbidden, 1, "Google Ads requires consent: the account has not accepted the customer data terms, or consent is DENIED." + unidentified},
		"invalid job":    {":create", actiontest.Reply{Body: `{"resourceName":"customers/22/offlineUserDataJobs/../x"}`}, action.Unavailable, 8, "Unexpected response from Google Ads. Google Ads may already have accepted the request. Check before retrying."},
		"no job":         {":create", actiontest.Reply{Body: `{}`}, action.Unavailable, 8, "Failed sanity check for offlineUserDataJobResourceName."},
		"an unknown one": {":addOperations", failed(400, "x", "NEW_ERROR"), action.Invalid, 2, "Google Ads did not accept the request. (NEW_ERROR)"},
		"without one":    {":addOperations", actiontest.Reply{Status: 400, Body: `{"error":{"code":400,"message":"Odd."}}`}, action.Invalid, 2, "Google Ads returned 400: Odd."},
		"too many calls": {":addOperations", failed(429, "quotaError", "RESOURCE_TEMPORARILY_EXHAUSTED"), action.RateLimited, 9, "Google Ads is rate limiting requests. Try again later."},
		"another upload": {":addOperations", failed(400, "databaseError", "CONCURRENT_MODIFICATION"), action.Unavailable, 9, "Someone else is changing the list."},
		"unavailable":    {":addOperations", actiontest.Reply{Status: 503, Body: "<html>"}, action.Unavailable, 9, "Google Ads returned 503 Service Unavailable."},
		"a reset":        {":addOperations", actiontest.Reply{Reset: true}, action.Unavailable, 9, "The connection to Google Ads failed."},
		"names no row":   {":addOperations", actiontest.Reply{Body: `{"partialFailureError":{"code":3,"details":[]}}`}, action.Unavailable, 9, "Google Ads did not accept all rows, without naming them."},
		"does not run": {":run", failed(400, "x", "ODD"), action.Invalid, 3, "1 rows were uploaded, but Google Ads did not start " +
			"to process them. Google Ads did not accept the request. (ODD)"},
		"may run": {":run", actiontest.Reply{Reset: true}, action.Unavailable, 3, "1 rows were uploaded, but Google Ads did " +
			"not start to process them. The connection to Google Ads failed. It may already have started."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(ads("a1", map[string]actiontest.Reply{tt.end: tt.reply}))
			_, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(nil), `[{"Email":"s3cret@example.com"}]`))
			if action.MessageOf(err) != tt.message || action.KindOf(err) != tt.kind {
				t.Errorf("error %v (%v)", err, action.KindOf(err))
			}
			if n := len(d.Requests()); n != tt.calls {
				t.Errorf("%d calls, want %d: %v", n, tt.calls, calls(d))
			}
			for _, secret := range []string{"s3cret", "a1", "dev-token", "app-secret"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells %q: %v", secret, err)
				}
			}
		})
	}
	t.Run("no list", func(t *testing.T) {
		t.Parallel()
		for _, tt := range []struct {
			reply   actiontest.Reply
			message string
		}{
			{failed(400, "userListError", "NAME_ALREADY_USED"), "The Google Ads account already has a list with this name. No members " +
				"were added to the list."},
			{actiontest.Reply{Reset: true}, "The connection to Google Ads failed. An empty list may already have been created. No members were added to the list."},
			{actiontest.Reply{Body: `{}`}, "Google Ads did not say which list it created. No members were added to the list."},
		} {
			d := actiontest.NewDestination(t).Handle(ads("a1", map[string]actiontest.Reply{":mutate": tt.reply}))
			_, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(map[string]string{"createOrAppend": "create"}), `[{"Email":"a@example.com"}]`))
			if action.MessageOf(err) != tt.message || len(d.Requests()) != 1 {
				t.Errorf("error %v, calls %v", err, calls(d))
			}
		}
	})
}

// The time after which a quota permits another call is in the body:
// https://developers.google.com/google-ads/api/reference/rpc/latest/QuotaErrorDetails
func TestQuotaDelay(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reason, delay string
		calls         int
		message       string // of the error, if any
	}{
		"short":    {"RESOURCE_TEMPORARILY_EXHAUSTED", "40s", 2, ""},
		"of hours": {"RESOURCE_EXHAUSTED", "5400.5s", 1, "The quota of the Google Ads API is used up. Try again later."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin, calls := time.Now(), 0
				good := ads("a1", nil)
				d := actiontest.NewSocketless().Handle(func(r actiontest.Recorded) actiontest.Reply {
					if !strings.HasSuffix(r.Path, ":addOperations") {
						return good(r)
					}
					if calls++; time.Since(begin) >= 40*time.Second {
						return actiontest.Reply{Body: `{}`}
					}
					reply := failed(429, "quotaError", tt.reason)
					reply.Body = strings.Replace(reply.Body, `"message":"s3cret@example.com"}]`, `"message":"s3cret@example.com","details":{"quotaErrorDetails":`+
						`{"rateScope":"DEVELOPER","rateName":"Requests per account","retryDelay":"`+tt.delay+`"}}}]`, 1)
					return reply
				})
				_, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, request(nil), `[{"Email":"a@example.com"}]`))
				if err == nil && tt.message != "" || err != nil && action.MessageOf(err) != tt.message {
					t.Errorf("error %v, want %q", err, tt.message)
				}
				if calls != tt.calls {
					t.Errorf("%d calls, want %d", calls, tt.calls)
				}
			})
		})
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deps := actiontest.Deps(t, nil, env)
		deps.HTTP = actiontest.Late()
		_, err := actiontest.New(t, googleadscustomermatch.New, deps).Execute(t.Context(), actiontest.JSONDetail(t, request(nil), `[{"Email":"a@example.com"}]`))
		if action.MessageOf(err) != "Google Ads did not respond in time." || action.KindOf(err) != action.Timeout {
			t.Errorf("error %v", err)
		}
	})
}

func TestLogin(t *testing.T) {
	t.Parallel()
	i := newIntegration(t, actiontest.NewDestination(t).Handle(ads("a1", nil)))
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
		"client_id": {"client"}, "redirect_uri": {"https://hub/r"}, "state": {"st"},
		"scope": {"https://www.googleapis.com/auth/adwords https://www.googleapis.com/auth/datamanager"}, "response_type": {"code"},
		"access_type": {"offline"}, "prompt": {"consent"}, "code_challenge_method": {"S256"}, "code_challenge": {"iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ"},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" || u.Host+u.Path != "accounts.google.com/o/oauth2/v2/auth" {
		t.Errorf("%s (-want +got):\n%s", address, diff)
	}
	state, err := i.OAuth.Exchange(t.Context(), login, url.Values{"code": {"good"}})
	if err != nil || state.Data != renewed {
		t.Errorf("%+v, %v", state, err)
	}
	if _, err := i.OAuth.Exchange(t.Context(), login, url.Values{"code": {"bad"}}); action.KindOf(err) != action.Unauthenticated {
		t.Errorf("a bad code: %v", err)
	}
}
