package googleadscustomermatch_test

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/pii"
)

// newRequest is [request] as the form makes it today: for the Data Manager API.
func newRequest(answers map[string]string) *action.Request {
	form := map[string]string{"google_api": "data_manager", "customer_match_terms": "accepted"}
	maps.Copy(form, answers)
	return request(form)
}

// managed returns the calls of the Data Manager API in order, by method and path.
func managed(d *actiontest.Destination) (all []string) {
	for _, r := range d.Requests() {
		if r.Host == "datamanager.googleapis.com" {
			all = append(all, r.Method+" "+strings.TrimPrefix(r.Path, "/v1/"))
		}
	}
	return all
}

const (
	ingest     = "POST audienceMembers:ingest"
	createList = "POST accountTypes/GOOGLE_ADS/accounts/22/userLists"
	deleteList = "DELETE accountTypes/GOOGLE_ADS/accounts/22/userLists/5"
)

// The requests of a complete delivery by the Data Manager API.
func TestDataManagerWire(t *testing.T) {
	t.Parallel()
	result, err := os.ReadFile("testdata/everything.json")
	if err != nil {
		t.Fatal(err)
	}
	d := actiontest.NewDestination(t).Handle(ads("a1", nil))
	res, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t,
		newRequest(map[string]string{"createOrAppend": "create"}), string(result)))
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Response{
		Message: `3 rows uploaded to the new list "Buyers (from Looker 2026-11-23 12:30:00Z)". Google Ads adds them to the list ` +
			`within about a day. ` +
			"Unusable values were left out: 1 of phone, 1 of country.",
		State: &action.State{Data: kept},
	}
	if diff := cmp.Diff(want, res); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	var got []string
	for _, r := range d.Requests() {
		got = append(got, r.Method+" "+r.Host+r.Path+" "+r.Header.Get("Login-Account")+" "+string(r.Body))
		if r.Header.Get("Developer-Token")+r.Header.Get("Login-Customer-Id") != "" {
			t.Errorf("headers of another API: %v", r.Header)
		}
	}
	hash := pii.Hash
	user := func(identifiers string) string {
		return `{"compositeData":{"userData":{"userIdentifiers":[` + identifiers + `]}}}`
	}
	if diff := cmp.Diff([]string{
		`POST datamanager.googleapis.com/v1/accountTypes/GOOGLE_ADS/accounts/22/userLists accountTypes/GOOGLE_ADS/accounts/11 ` +
			`{"displayName":"Buyers (from Looker 2026-11-23 12:30:00Z)","description":"who bought","membershipStatus":"OPEN",` +
			`"membershipDuration":"46656000s",` +
			`"ingestedUserListInfo":{"uploadKeyTypes":["CONTACT_ID"],"contactIdInfo":{"dataSourceType":"DATA_SOURCE_TYPE_FIRST_PARTY"}}}`,
		`POST datamanager.googleapis.com/v1/audienceMembers:ingest  {"destinations":[{"loginAccount":{"accountType":"GOOGLE_ADS",` +
			`"accountId":"11"},` +
			`"operatingAccount":{"accountType":"GOOGLE_ADS","accountId":"22"},"productDestinationId":"5"}],"audienceMembers":[` +
			user(`{"emailAddress":"`+hash("annlee@gmail.com")+`"},{"phoneNumber":"`+hash("+16505551212")+`"},`+
				`{"address":{"givenName":"`+hash("ann")+`","familyName":"`+hash("olee")+`","regionCode":"US","postalCode":"10001"}}`) + `,` +
			user(`{"emailAddress":"`+hash("bob@example.com")+`"},{"emailAddress":"`+hash("bob@work.example.com")+`"},`+
				`{"phoneNumber":"`+hash("+442079460958")+`"}`) + `,` +
			user(`{"emailAddress":"`+hash("c@example.com")+`"}`) + `],` +
			`"consent":{"adUserData":"CONSENT_GRANTED"},"encoding":"HEX","termsOfService":{"customerMatchTermsOfServiceStatus":"ACCEPTED"}}`,
	}, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// The description of a new list depends on its kind of data.
func TestDataManagerDevices(t *testing.T) {
	t.Parallel()
	for app, keySpace := range map[string]string{"com.example": "ANDROID", "476943146": "IOS"} {
		d := actiontest.NewDestination(t).Handle(ads("a1", nil))
		req := newRequest(map[string]string{
			"createOrAppend": "create", "mobileDevice": "yes", "mobileAppId": app, "consentAdUserData": "UNSPECIFIED", "newListDescription": "",
		})
		const id = "38400000-8cf0-11bd-b23e-10b96e40000d"
		if _, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, req, `[{"AAID":"`+id+`"}]`)); err != nil {
			t.Fatal(err)
		}
		list, members := string(d.Requests()[0].Body), string(d.Requests()[1].Body)
		if want := `"displayName":"Buyers (from Looker 2026-11-23 12:30:00Z)","description":"Buyers (from Looker 2026-11-23 12:30:00Z)"`; !strings.Contains(list, want) {
			t.Errorf("list %s, want %s", list, want)
		}
		if want := `"uploadKeyTypes":["MOBILE_ID"],"mobileIdInfo":{"dataSourceType":"DATA_SOURCE_TYPE_FIRST_PARTY","keySpace":"` + keySpace +
			`","appId":"` + app + `"}`; !strings.Contains(list, want) {
			t.Errorf("list %s, want %s", list, want)
		}
		if !strings.Contains(members, `"audienceMembers":[{"mobileData":{"mobileIds":["`+id+`"]}}],"encoding"`) {
			t.Errorf("members %s", members)
		}
	}
}

// Each row is sent or counted as failed with its reason.
func TestDataManagerRows(t *testing.T) {
	t.Parallel()
	const done = " rows uploaded to the list. Google Ads adds them to the list within about a day."
	const idA, idB = "38400000-8cf0-11bd-b23e-10b96e40000d", "38400000-8CF0-11BD-B23E-10B96E40000E"
	devices := map[string]string{"mobileDevice": "yes", "mobileAppId": "com.example"}
	create := map[string]string{"createOrAppend": "create"}
	twice := []string{ingest, ingest}
	for name, tt := range map[string]struct {
		answers map[string]string
		rows    string
		// replies are the responses to the first uploads.
		replies []actiontest.Reply
		calls   []string
		message string
	}{
		"all": {rows: `[{"Email":"a@example.com"},{"Email":"b@example.com"}]`, calls: []string{ingest}, message: "2" + done},
		"one of nothing": {
			rows: `[{"Email":"a@example.com"},{"Email":null}]`, calls: []string{ingest},
			message: "1 of 2 rows delivered, 1 rejected. A row has no value that identifies a person.",
		},
		"rejected one": {
			rows:    `[{"Email":"a@example.com"},{"Email":"b@example.com"},{"Email":"c@example.com"}]`,
			replies: []actiontest.Reply{rejected("audience_members.audience_members[1]", "INVALID_SHA256_FORMAT")}, calls: twice,
			message: "2 of 3 rows delivered, 1 rejected. A value is not a SHA-256 hash.",
		},
		"all rejected, with a new list": {
			answers: create, rows: `[{"Email":"a@example.com"}]`,
			replies: []actiontest.Reply{{}, rejected("audience_members.audience_members[0]", "INVALID_AUDIENCE_MEMBER")},
			calls:   []string{createList, ingest, deleteList}, message: "A row has no data that identifies a person.",
		},
		"devices": {
			answers: devices, rows: `[{"IDFA":"` + idA + `"},{"IDFA":"` + idB + `"},{"IDFA":"x"}]`, calls: []string{ingest},
			message: "2 of 3 rows delivered, 1 rejected. A row has no usable value that identifies a person (unusable: mobile device ID).",
		},
		"removed": {
			answers: map[string]string{"createOrAppend": "remove", "customer_match_terms": "", "mirror": "yes"}, rows: `[{"Email":"a@example.com"}]`,
			calls: []string{"POST audienceMembers:remove"}, message: "1 rows uploaded. Google Ads removes them from the list within about a day.",
		},
		"removed, rejected one": {
			answers: map[string]string{"createOrAppend": "remove"}, rows: `[{"Email":"a@example.com"},{"Email":"b@example.com"}]`,
			replies: []actiontest.Reply{rejected("audience_members.audience_members[0]", "INVALID_AUDIENCE_MEMBER")},
			calls:   []string{"POST audienceMembers:remove", "POST audienceMembers:remove"},
			message: "1 of 2 rows delivered, 1 rejected. A row has no data that identifies a person.",
		},
		"no rows":  {answers: create, rows: `[]`, message: "The result has no rows. Nothing was sent to Google Ads."},
		"too many": {rows: `[` + emails(11) + `]`, message: "A row has more values than Google Ads accepts for one person."},
		"truncated": {
			rows: `[{"Email":"a@example.com"},{"Ema`, calls: []string{ingest},
			message: "1 of 1 rows delivered, 0 failed. The data ended before the result was complete.",
		},
		"lost response": {
			rows: `[{"Email":"a@example.com"}]`, replies: []actiontest.Reply{{Reset: true}}, calls: twice, message: "1" + done,
		},
		"no list": {
			rows: `[{"Email":"a@example.com"}]`, replies: []actiontest.Reply{rejected("destinations.destinations[0]", "INVALID_USER_LIST_ID")},
			calls: []string{ingest}, message: "The list does not exist in the Google Ads account.",
		},
		"name in use": {
			answers: create, rows: `[{"Email":"a@example.com"}]`, replies: []actiontest.Reply{rejected("user_list.display_name",
				"DISPLAY_NAME_ALREADY_USED")},
			calls: []string{createList}, message: "The account already has a list with this name.",
		},
		"old sign-in": {
			rows: `[{"Email":"a@example.com"}]`, replies: []actiontest.Reply{missingScope}, calls: []string{ingest},
			message: "The sign-in at Google does not include the permission for the Data Manager API. Open the form in Looker and log in again.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			normal, replies := ads("a1", nil), tt.replies
			d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
				if r.Host == "datamanager.googleapis.com" && len(replies) > 0 {
					reply := replies[0]
					replies = replies[1:]
					if reply.Status != 0 || reply.Reset {
						return reply
					}
				}
				return normal(r)
			})
			res, err := newIntegration(t, d).Execute(t.Context(), actiontest.JSONDetail(t, newRequest(tt.answers), tt.rows))
			message := action.MessageOf(err)
			if err == nil {
				message = res.Message
			}
			if message != tt.message || err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("message %q, want %q (%v)", message, tt.message, err)
			}
			if diff := cmp.Diff(tt.calls, managed(d)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if res == nil || res.State == nil || res.State.Data != kept {
				t.Errorf("the sign-in was not kept: %+v", res)
			}
		})
	}
}
