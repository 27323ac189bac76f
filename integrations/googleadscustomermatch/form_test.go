package googleadscustomermatch_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
)

// account returns an account in the response to a query.
func account(id, name string, manager bool) string {
	kind := ""
	if manager {
		kind = `,"manager":true`
	}
	return `{"customerClient":{"resourceName":"x","id":"` + id + `","descriptiveName":"` + name + `"` + kind + `}}`
}

// accounts is a fake with a manager account, 11, above 22 and 33, an account without a name, 44, and a
// closed one, 55.
func accounts(r actiontest.Recorded) actiontest.Reply {
	var call struct{ Query string }
	_ = json.Unmarshal(r.Body, &call) // any other body has no query
	stream := func(rows ...string) actiontest.Reply {
		return actiontest.Reply{Body: `[{"results":[` + strings.Join(rows, ",") + `]}]`}
	}
	path := strings.TrimPrefix(r.Path, version)
	login := r.Header.Get("Login-Customer-Id")
	if r.Host == "datamanager.googleapis.com" {
		return userLists(r)
	}
	switch {
	case path == "customers:listAccessibleCustomers" && login == "":
		return actiontest.Reply{Body: `{"resourceNames":["customers/44","customers/11","customers/55"]}`}
	case strings.Contains(call.Query, "level = 0") && path == "customers/"+login+"/googleAds:searchStream":
		switch login {
		case "11":
			return stream(account("11", "Agency", true))
		case "44":
			return stream(account("44", "", false))
		}
		reply := failed(403, "authorizationError", "CUSTOMER_NOT_ENABLED")
		reply.Body = "[" + reply.Body + "]"
		return reply
	case strings.Contains(call.Query, "CANCELED") && path == "customers/11/googleAds:searchStream" && login == "11":
		return actiontest.Reply{Body: `[{"results":[` + account("33", "Zoo", false) + `]},{"results":[` + account("22", "Apples", false) + `,` + account("11", "Agency", true) + `]}]`}
	case strings.Contains(call.Query, "CONTACT_INFO") && path == "customers/22/googleAds:searchStream" && login == "11":
		return stream(`{"userList":{"resourceName":"customers/22/userLists/6","name":"New"}}`, `{"userList":{"resourceName":"customers/22/userLists/5","name":"Buyers"}}`)
	case strings.Contains(call.Query, "MOBILE_ADVERTISING_ID"):
		return stream()
	}
	return failed(400, "x", "ODD_CALL")
}

// userLists are the lists of account 22 by the Data Manager API.
func userLists(r actiontest.Recorded) actiontest.Reply {
	list := func(id, name, kind, more string) string {
		return `{"name":"accountTypes/GOOGLE_ADS/accounts/22/userLists/` + id + `","id":"` + id + `","displayName":"` + name +
			`","ingestedUserListInfo":{"uploadKeyTypes":["` + kind + `"]}` + more + `}`
	}
	const open = `,"membershipStatus":"OPEN"`
	switch r.Header.Get("Login-Account") + " " + r.Path {
	case "accountTypes/GOOGLE_ADS/accounts/11 /v1/accountTypes/GOOGLE_ADS/accounts/22/userLists":
		return actiontest.Reply{Body: `{"userLists":[` + strings.Join([]string{
			list("6", "New", "CONTACT_ID", open), list("5", "Buyers", "CONTACT_ID", open), list("7", "Phones", "MOBILE_ID", open),
			list("8", "Closed", "CONTACT_ID", `,"membershipStatus":"CLOSED"`), list("9", "Shared", "CONTACT_ID", open+`,"readOnly":true`),
		}, ",") + `]}`}
	case "accountTypes/GOOGLE_ADS/accounts/44 /v1/accountTypes/GOOGLE_ADS/accounts/44/userLists":
		return actiontest.Reply{Body: `{}`}
	}
	return failed(400, "x", "ODD_CALL")
}

// A user who signed in before the hub asked for the scope of the Data Manager API is asked to log in
// again, or chooses the other API. The sign-in of old schedules stays.
func TestFormMissingScope(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"create", "append"} {
		d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
			if r.Host == "datamanager.googleapis.com" {
				return missingScope
			}
			return accounts(r)
		})
		req := actiontest.Query(nil, map[string]string{
			"google_api": "data_manager", "loginCid": "11", "targetCid": "22", "createOrAppend": mode, "mobileDevice": "no",
		})
		req.State, req.LoginURL = kept, "https://hub/login"
		form, err := newIntegration(t, d).Form.Form(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range form.Fields {
			names = append(names, f.Name)
		}
		if diff := cmp.Diff([]string{"google_api", "login"}, names); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
		if got, want := form.Fields[1].Description, "The sign-in at Google does not include the permission for the Data "+
			"Manager API."; !strings.HasPrefix(got, want) {
			t.Errorf("description %q, want prefix %q", got, want)
		}
		if got, want := form.State.Data, kept; got != want {
			t.Errorf("state %q, want %q", got, want)
		}
	}
}

// The Google Ads API lists the accounts. A hub that has access to the Data Manager API only asks for their IDs.
func TestFormTypedAccounts(t *testing.T) {
	t.Parallel()
	const why = "The hub's Google Cloud project has no access to the Google Ads API."
	for name, tt := range map[string]struct {
		answers map[string]string
		want    []string
		err     string
	}{
		"at first": {map[string]string{}, []string{"google_api", "loginCid"}, ""},
		"a login": {
			map[string]string{"google_api": "data_manager", "loginCid": "11"},
			[]string{"google_api", "loginCid", "targetCid", "createOrAppend"},
			"",
		},
		"a target": {
			map[string]string{
				"google_api": "data_manager", "loginCid": "1-1", "targetCid": "2-2", "createOrAppend": "append", "mobileDevice": "yes",
			},
			[]string{
				"google_api", "loginCid", "targetCid", "createOrAppend", "mobileDevice", "mobileAppId", "targetUserListRN", "doHashing",
				"consentAdUserData", "consentAdPersonalization", "phoneCountry", "customer_match_terms", "mirror",
			},
			"",
		},
		"the other API": {map[string]string{"google_api": "google_ads"}, nil, why + " The hub's administrator must enable the API in " +
			"the Google Cloud console."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
				if r.Host == "datamanager.googleapis.com" {
					return accounts(r)
				}
				return failed(403, "authorizationError", "PROJECT_DISABLED")
			})
			req := actiontest.Query(nil, tt.answers)
			req.State = kept
			form, err := newIntegration(t, d).Form.Form(t.Context(), req)
			if tt.err != "" {
				if got := action.MessageOf(err); got != tt.err {
					t.Errorf("error %q, want %q", got, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range form.Fields {
				names = append(names, f.Name)
			}
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if got := form.Fields[1]; got.Type != action.String || !strings.Contains(got.Description, why) {
				t.Errorf("field %+v", got)
			}
		})
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	const target = "targetCid"
	chosen := map[string]string{"loginCid": "11", "targetCid": "22"}
	with := func(more ...string) map[string]string {
		all := map[string]string{"loginCid": "11", "targetCid": "22"}
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	const api, terms, mirror = "google_api", "customer_match_terms", "mirror"
	hashing := []string{"doHashing", "consentAdUserData", "consentAdPersonalization", "phoneCountry"}
	fields := func(names ...string) []string {
		return append([]string{api, "loginCid", target, "createOrAppend", "mobileDevice"}, names...)
	}
	for name, tt := range map[string]struct {
		answers map[string]string
		want    []string
		// field and its options, as name=label.
		field   string
		options []string
	}{
		"at first": {nil, []string{api, "loginCid"}, "loginCid", []string{"11=[Manager] Agency (11)", "44=Untitled (44)"}},
		"a manager": {
			map[string]string{"loginCid": "11"},
			[]string{api, "loginCid", target},
			target,
			[]string{"11=[Manager] Agency (11)", "22=Apples (22)", "33=Zoo (33)"},
		},
		"one's own": {
			map[string]string{"loginCid": "44"},
			[]string{api, "loginCid", "createOrAppend"},
			"loginCid",
			[]string{"44=Untitled (44)"},
		},
		"a target":         {chosen, []string{api, "loginCid", target, "createOrAppend"}, target, []string{"22=Apples (22)", "=Reset..."}},
		"create":           {with("createOrAppend", "create"), fields(), "mobileDevice", []string{"yes=Yes", "no=No"}},
		"create, contacts": {with("createOrAppend", "create", "mobileDevice", "no"), fields(append([]string{"newListName", "newListDescription"}, hashing...)...), "doHashing", []string{"yes=Yes", "no=No"}},
		"create, devices":  {with("createOrAppend", "create", "mobileDevice", "yes"), fields(append([]string{"mobileAppId", "newListName", "newListDescription"}, hashing...)...), "", nil},
		"append, contacts": {
			with("createOrAppend", "append", "mobileDevice", "no"), fields(append(append([]string{"targetUserListRN"}, hashing...), mirror)...),
			"targetUserListRN",
			[]string{"customers/22/userLists/5=Buyers", "customers/22/userLists/6=New"},
		},
		"append, devices": {with("createOrAppend", "append", "mobileDevice", "yes"), fields("mobileAppId", "noAvalaibleLists"), "", nil},
		// A schedule that names no API is older than the choice. A new form offers the new API.
		"new": {nil, []string{api, "loginCid"}, api, []string{"*data_manager=Data Manager API", "google_ads=Google Ads API"}},
		"old schedule": {
			map[string]string{"loginCid": "11"},
			[]string{api, "loginCid", target},
			api,
			[]string{"data_manager=Data Manager API", "*google_ads=Google Ads API"},
		},
		"create, new API": {
			with(api, "data_manager", "createOrAppend", "create", "mobileDevice", "no"),
			fields(append(append([]string{"newListName", "newListDescription"}, hashing...), terms)...), terms,
			[]string{"accepted=Yes, they are accepted", "not_accepted=No"},
		},
		"append, new API": {
			with(api, "data_manager", "createOrAppend", "append", "mobileDevice", "no"),
			fields(append(append([]string{"targetUserListRN"}, hashing...), terms, mirror)...), "targetUserListRN",
			[]string{"customers/22/userLists/5=Buyers", "customers/22/userLists/6=New"},
		},
		"devices, new API": {
			with(api, "data_manager", "createOrAppend", "append", "mobileDevice", "yes"),
			fields(append(append([]string{"mobileAppId", "targetUserListRN"}, hashing...), terms, mirror)...), "targetUserListRN",
			[]string{"customers/22/userLists/7=Phones"},
		},
		"remove, new API": {
			with(api, "data_manager", "createOrAppend", "remove", "mobileDevice", "no"),
			fields(append([]string{"targetUserListRN"}, hashing...)...), "targetUserListRN",
			[]string{"customers/22/userLists/5=Buyers", "customers/22/userLists/6=New"},
		},
		"nothing, new API": {
			map[string]string{api: "data_manager", "loginCid": "44", "createOrAppend": "append", "mobileDevice": "no"},
			[]string{api, "loginCid", "createOrAppend", "mobileDevice", "noAvalaibleLists"},
			"", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := map[string]actiontest.Reply{}
			signedIn := ads("a1", answers)
			d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
				if reply := signedIn(r); reply.Status == 401 {
					return reply
				}
				return accounts(r)
			})
			req := actiontest.Query(nil, tt.answers)
			req.State = kept
			form, err := newIntegration(t, d).Form.Form(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if form.State == nil {
				t.Fatal("no state")
			}
			if got, want := form.State.Data, kept; got != want {
				t.Errorf("state %q, want %q", got, want)
			}
			var names, options []string
			for _, f := range form.Fields {
				names = append(names, f.Name)
				for _, o := range f.Options {
					chosen := ""
					if f.Name == api && f.Default == o.Name {
						chosen = "*"
					}
					if f.Name == tt.field {
						options = append(options, chosen+o.Name+"="+o.Label)
					}
				}
				if answer := tt.answers[f.Name]; answer != "" && f.Default != answer {
					t.Errorf("%s shows %q, not the answer %q", f.Name, f.Default, answer)
				}
			}
			if diff := cmp.Diff(tt.want, names) + cmp.Diff(tt.options, options); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFormFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		state   string
		good    string
		answers map[string]string
		reply   map[string]actiontest.Reply
		login   string // the beginning of the login form's description
		message string
	}{
		"never signed in": {good: "a1", login: "In order to send"},
		"invalid grant": {
			state: `{"tokens":{"access_token":"a1","refresh_token":"gone"}}`, good: "a2",
			login: "The sign-in at Google is missing or no longer valid. Open the form in Looker and log in again. In order to send",
		},
		"invalid account": {
			state: kept, good: "a1", answers: map[string]string{"loginCid": "1/2"},
			message: "Choose an account from the list.",
		},
		"not the account's": {
			state: kept, good: "a1", answers: map[string]string{"loginCid": "11"},
			reply:   map[string]actiontest.Reply{":searchStream": failed(403, "x", "USER_PERMISSION_DENIED")},
			message: "The Google user cannot access this Google Ads account, or not through this login account.",
		},
		"unavailable": {
			state: kept, good: "a1", reply: map[string]actiontest.Reply{":listAccessibleCustomers": {Status: 503}},
			message: "Google Ads returned 503 Service Unavailable.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := actiontest.Query(nil, tt.answers)
			req.State, req.LoginURL = tt.state, "https://hub/login"
			form, err := newIntegration(t, actiontest.NewDestination(t).Handle(ads(tt.good, tt.reply))).Form.Form(t.Context(), req)
			if tt.login == "" {
				if action.MessageOf(err) != tt.message {
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
			if got, want := form.Fields[0].Type, action.OAuthLinkGoogle; got != want {
				t.Errorf("type of the field %q, want %q", got, want)
			}
			if got, want := form.Fields[0].OAuthURL, "https://hub/login"; got != want {
				t.Errorf("login URL %q, want %q", got, want)
			}
			if got, want := form.Fields[0].Description, tt.login; !strings.HasPrefix(got, want) {
				t.Errorf("description %q, want prefix %q", got, want)
			}
			if got, want := form.State.Data, action.Reset; got != want {
				t.Errorf("state %q, want %q", got, want)
			}
		})
	}
}
