package datamanager_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/google/datamanager"
)

var accounts = datamanager.Accounts{Login: *list.Login, Operating: list.Operating}

func TestUserLists(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(
		actiontest.Reply{Body: `{"userLists":[{"name":"accountTypes/GOOGLE_ADS/accounts/22/userLists/5","id":"5","displayName":"Buyers",` +
			`"membershipStatus":"OPEN","ingestedUserListInfo":{"uploadKeyTypes":["CONTACT_ID"]}},{"id":"6",` +
			`"membershipStatus":"CLOSED"}],"nextPageToken":"n"}`},
		actiontest.Reply{Body: `{"userLists":[{"id":"7","membershipStatus":"OPEN","readOnly":true},{"id":"8",` +
			`"membershipStatus":"OPEN","accountAccessStatus":"DISABLED"}]}`},
	)
	lists, err := newClient(t, d).UserLists(t.Context(), accounts)
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, l := range lists {
		if l.Open() {
			open = append(open, l.ID+" "+l.DisplayName+" "+string(l.Ingested.KeyTypes[0]))
		}
	}
	if diff := cmp.Diff([]string{"5 Buyers CONTACT_ID"}, open); diff != "" || len(lists) != 4 {
		t.Errorf("%d lists, open ones (-want +got):\n%s", len(lists), diff)
	}
	var calls []string
	for _, r := range d.Requests() {
		calls = append(calls, r.Method+" "+r.Path+"?"+r.Query.Encode()+" as "+r.Header.Get("Login-Account"))
	}
	const path = "GET /v1/accountTypes/GOOGLE_ADS/accounts/22/userLists?pageSize=1000"
	const as = " as accountTypes/GOOGLE_ADS/accounts/11"
	if diff := cmp.Diff([]string{path + as, path + "&pageToken=n" + as}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestCreateUserList(t *testing.T) {
	t.Parallel()
	const made = `{"name":"accountTypes/GOOGLE_ADS/accounts/22/userLists/5","id":"5","displayName":"Buyers"}`
	newList := datamanager.UserList{
		DisplayName: "Buyers", Description: "d", Membership: "OPEN", Duration: datamanager.Days(540),
		Ingested: datamanager.IngestedInfo{
			KeyTypes: []datamanager.KeyType{datamanager.MobileIDs},
			Mobile:   &datamanager.MobileInfo{Source: datamanager.FirstParty, KeySpace: datamanager.Android, AppID: "com.example"},
		},
	}
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Body: made}, actiontest.Reply{Body: `{}`})
	c := newClient(t, d)
	got, err := c.CreateUserList(t.Context(), accounts, newList)
	if err != nil || got.ID != "5" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := c.DeleteUserList(t.Context(), accounts, got); err != nil {
		t.Error(err)
	}
	var calls []string
	for _, r := range d.Requests() {
		calls = append(calls, r.Method+" "+r.Path+" "+string(r.Body)+" as "+r.Header.Get("Login-Account"))
	}
	if diff := cmp.Diff([]string{
		`POST /v1/accountTypes/GOOGLE_ADS/accounts/22/userLists {"displayName":"Buyers","description":"d","membershipStatus":"OPEN",` +
			`"membershipDuration":"46656000s","ingestedUserListInfo":{"uploadKeyTypes":["MOBILE_ID"],` +
			`"mobileIdInfo":{"dataSourceType":"DATA_SOURCE_TYPE_FIRST_PARTY","keySpace":"ANDROID","appId":"com.example"}}} as ` +
			`accountTypes/GOOGLE_ADS/accounts/11`,
		`DELETE /v1/accountTypes/GOOGLE_ADS/accounts/22/userLists/5  as accountTypes/GOOGLE_ADS/accounts/11`,
	}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		message string
	}{
		"name in use": {
			rejected(400, "INVALID_ARGUMENT", "user_list.display_name", "DISPLAY_NAME_ALREADY_USED"),
			"The account already has a list with this name.",
		},
		"lost": {actiontest.Reply{Reset: true}, "The connection to Google Data Manager failed. An empty list may already have " +
			"been created."},
		"no list": {actiontest.Reply{Body: `{"name":"accountTypes/../x","id":"5"}`}, "Google Data Manager did not say which list " +
			"it created."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			_, err := newClient(t, d).CreateUserList(t.Context(), accounts, newList)
			if got := action.MessageOf(err); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			if n := len(d.Requests()); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}
