package salesforcecampaigns_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/mirror"
	"integrationhub.dev/integrations/internal/rowbucket/rowbuckettest"
	"integrationhub.dev/integrations/salesforcecampaigns"
)

var env = map[string]string{"SALESFORCE_CLIENT_ID": "client", "SALESFORCE_CLIENT_SECRET": "s3cret"}

const (
	host     = "acme.my.salesforce.com"
	signedIn = `{"access_token":"a1","refresh_token":"r1"}`
	renewed  = `{"access_token":"a2","refresh_token":"r1"}`
	campaign = "701000000000001AAA"
	login    = "The sign-in at Salesforce is missing or no longer valid. Open the form in Looker and log in again."
)

// request returns a request of a user who is signed in.
func request(form map[string]string) *action.Request {
	req := actiontest.Query(map[string]string{"salesforce_domain": "https://" + host}, form)
	req.State, req.LoginURL = signedIn, "https://hub/login"
	return req
}

func appending() map[string]string {
	return map[string]string{"create_or_append": "append", "campaign_name": campaign, "surface_sfdc_errors": "yes"}
}

func creating() map[string]string {
	return map[string]string{"create_or_append": "create", "campaign_name": "Autumn", "surface_sfdc_errors": "yes"}
}

// contact returns the ID of a contact.
func contact(i int) string { return fmt.Sprintf("003%012d", i) }

// contacts returns a result of n contacts.
func contacts(n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"c.id":{"value":%q}}`, contact(i))
	}
	return `{"fields":{"dimensions":[{"name":"c.id","tags":["x","sfdc_contact_id"]}]},"data":[` + strings.Join(rows, ",") + `]}`
}

// record is a member in a call.
type record struct {
	ContactID  string `json:"ContactId"`
	LeadID     string `json:"LeadId"`
	CampaignID string `json:"CampaignId"`
	Status     string `json:"Status"`
}

func records(body []byte) []record {
	var call struct{ Records []record }
	if err := json.Unmarshal(body, &call); err != nil {
		return nil
	}
	return call.Records
}

// org accepts the access token "good", and exchanges "r1" for "a2".
func org(good string, members func(actiontest.Recorded) actiontest.Reply) func(actiontest.Recorded) actiontest.Reply {
	return func(r actiontest.Recorded) actiontest.Reply {
		switch {
		case r.Path == "/services/oauth2/token":
			return token(r)
		case r.Header.Get("Authorization") != "Bearer "+good:
			return actiontest.Reply{Status: 401, Body: `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`}
		case r.Path == "/services/data/v66.0/sobjects/Campaign":
			return actiontest.Reply{Status: 201, Body: `{"id":"` + campaign + `","success":true,"errors":[]}`}
		case strings.Contains(r.Query.Get("q"), "FROM CampaignMemberStatus"):
			return actiontest.Reply{Body: `{"totalSize":2,"done":true,"records":[{"Label":"Sent","SortOrder":1},{"Label":"Responded","SortOrder":2}]}`}
		case r.Path == "/services/data/v66.0/query":
			return actiontest.Reply{Body: `{"totalSize":3,"done":false,"nextRecordsUrl":"/services/data/v66.0/query/01g-2","records":[{"Id":"701A","Name":"Alpha"},{"Id":"701B","Name":"Beta"}]}`}
		case r.Path == "/services/data/v66.0/query/01g-2":
			return actiontest.Reply{Body: `{"totalSize":3,"done":true,"records":[{"Id":"701C","Name":"Gamma"}]}`}
		case r.Path == "/services/data/v66.0/sobjects/CampaignMember/describe":
			return actiontest.Reply{Body: `{"fields":[{"name":"Id","picklistValues":[]},{"name":"Status","picklistValues":[{"active":true,"label":"Was sent","value":"Sent"},` +
				`{"active":false,"label":"Old","value":"Old"},{"active":true,"label":null,"value":"Bounced"},{"active":true,"value":"Read"}]}]}`}
		}
		return members(r)
	}
}

func token(r actiontest.Recorded) actiontest.Reply {
	form, err := url.ParseQuery(string(r.Body))
	header := map[string]string{"Content-Type": "application/json"}
	if err != nil || form.Get("refresh_token") != "r1" && form.Get("code") != "good" || form.Get("client_secret") != "s3cret" {
		return actiontest.Reply{Status: 400, Header: header, Body: `{"error":"invalid_grant","error_description":"expired r1"}`}
	}
	refresh := ""
	if form.Get("grant_type") == "authorization_code" {
		refresh = `"refresh_token":"r1",`
	}
	return actiontest.Reply{Header: header, Body: `{"access_token":"a2",` + refresh + `"instance_url":"https://` + host + `","token_type":"Bearer"}`}
}

// added responds that all members were added.
func added(r actiontest.Recorded) actiontest.Reply {
	results := make([]string, len(records(r.Body)))
	for i := range results {
		results[i] = `{"id":"00v000000000001","success":true,"errors":[]}`
	}
	return actiontest.Reply{Body: "[" + strings.Join(results, ",") + "]"}
}

func resolved(t *testing.T, d *actiontest.Destination, more map[string]string) action.Resolved {
	t.Helper()
	all := maps.Clone(env)
	maps.Copy(all, more)
	return action.Resolve(actiontest.New(t, salesforcecampaigns.New, actiontest.Deps(t, d, all)))
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := salesforcecampaigns.New(actiontest.Deps(t, nil, nil))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok || !cmp.Equal(missing.Keys, []string{"SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET"}) {
		t.Errorf("error %v", err)
	}
	for key, values := range map[string][]string{
		"SALESFORCE_API_VERSION": {"latest", "66.1", "v", "-1"}, "SALESFORCE_CHUNK_SIZE": {"x", "-1"}, "SALESFORCE_MAX_RESULTS": {"1.5", "-7"},
	} {
		for _, value := range values {
			_, err := salesforcecampaigns.New(actiontest.Deps(t, nil, map[string]string{"SALESFORCE_CLIENT_ID": "a", "SALESFORCE_CLIENT_SECRET": "b", key: value}))
			if err == nil {
				t.Errorf("%s=%q is accepted", key, value)
			}
		}
	}
}

func TestSettingsCount(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env   map[string]string
		calls int
		path  string
	}{
		"none":           {nil, 3, "/services/data/v66.0/composite/sobjects"},
		"empty":          {map[string]string{"SALESFORCE_CHUNK_SIZE": "", "SALESFORCE_API_VERSION": ""}, 3, "/services/data/v66.0/composite/sobjects"},
		"small chunks":   {map[string]string{"SALESFORCE_CHUNK_SIZE": "100"}, 5, "/services/data/v66.0/composite/sobjects"},
		"too large ones": {map[string]string{"SALESFORCE_CHUNK_SIZE": "1000"}, 3, "/services/data/v66.0/composite/sobjects"},
		"a version":      {map[string]string{"SALESFORCE_API_VERSION": "v70"}, 3, "/services/data/v70.0/composite/sobjects"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(org("a1", added))
			res, err := resolved(t, d, tt.env).Execute(t.Context(), actiontest.JSONDetail(t, request(appending()), contacts(450)))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := res.Message, "450 members added."; got != want {
				t.Errorf("message %q, want %q", got, want)
			}
			if got := res.State; got != nil {
				t.Errorf("state %+v, want none", got)
			}
			if all := d.Requests(); len(all) != tt.calls || all[0].Path != tt.path {
				t.Errorf("%d calls, want %d; the first to %s", len(all), tt.calls, all[0].Path)
			}
		})
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(org("a1", added))
	i := resolved(t, d, nil)
	l := action.Login{State: "st", RedirectURL: "https://hub/r", Verifier: "verifier", Params: map[string]string{"salesforce_domain": "acme--uat.sandbox.my.salesforce.com/"}}
	address, err := i.OAuth.AuthorizeURL(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"client_id": {"client"}, "response_type": {"code"}, "state": {"st"}, "redirect_uri": {"https://hub/r"},
		"code_challenge_method": {"S256"}, "code_challenge": {"iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ"},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" || u.Scheme+u.Host+u.Path != "httpsacme--uat.sandbox.my.salesforce.com/services/oauth2/authorize" {
		t.Errorf("%s (-want +got):\n%s", address, diff)
	}
	state, err := i.OAuth.Exchange(t.Context(), l, url.Values{"code": {"good"}})
	if err != nil || state.Data != renewed {
		t.Errorf("state %+v, %v", state, err)
	}
	r := d.Requests()[0]
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	want = url.Values{
		"client_id": {"client"}, "client_secret": {"s3cret"}, "grant_type": {"authorization_code"}, "code": {"good"},
		"redirect_uri": {"https://hub/r"}, "code_verifier": {"verifier"},
	}
	if diff := cmp.Diff(want, form); diff != "" || r.Host != "acme--uat.sandbox.my.salesforce.com" {
		t.Errorf("exchanged at %s (-want +got):\n%s", r.Host, diff)
	}
	if _, err := i.OAuth.Exchange(t.Context(), l, url.Values{"code": {"bad"}}); action.KindOf(err) != action.Unauthenticated || strings.Contains(err.Error(), "r1") {
		t.Errorf("a bad code: %v", err)
	}
}

// Users set the domain, and it gets tokens: it must be one of Salesforce's.
func TestDomain(t *testing.T) {
	t.Parallel()
	i := resolved(t, nil, nil)
	for domain, want := range map[string]string{
		"https://acme.my.salesforce.com":             "acme.my.salesforce.com",
		" acme.my.salesforce.com ":                   "acme.my.salesforce.com",
		"ACME.my.salesforce.com/x?y":                 "acme.my.salesforce.com",
		"https://acme.lightning.force.com/lightning": "acme.my.salesforce.com",
		"https://login.salesforce.com":               "login.salesforce.com",
		"https://gov.my.salesforce.mil":              "gov.my.salesforce.mil",
		"http://acme.my.salesforce.com":              "",
		"https://acme.my.salesforce.com:8443":        "",
		"https://user@acme.my.salesforce.com":        "",
		"https://salesforce.com.example.com":         "",
		"https://evil-salesforce.com":                "",
		"https://.salesforce.com":                    "",
		"https://x%2F.salesforce.com":                "",
		"https://169.254.169.254":                    "",
		"":                                           "",
	} {
		l := action.Login{Params: map[string]string{"salesforce_domain": domain}}
		address, err := i.OAuth.AuthorizeURL(t.Context(), l)
		if want == "" {
			const message = "The Salesforce domain in Looker must be the URL of a Salesforce domain, such as https://MyDomainName.my.salesforce.com."
			_, exchangeErr := i.OAuth.Exchange(t.Context(), l, url.Values{"code": {"good"}}) // a call would panic
			if action.MessageOf(err) != message || action.MessageOf(exchangeErr) != message {
				t.Errorf("%q: %s, %v, %v", domain, address, err, exchangeErr)
			}
			continue
		}
		if err != nil || !strings.HasPrefix(address, "https://"+want+"/services/oauth2/authorize?") {
			t.Errorf("%q: %s, %v", domain, address, err)
		}
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	signIn := &action.Form{
		Fields: []action.Field{{
			Name: "login", Type: action.OAuthLink, Label: "Log in", OAuthURL: "https://hub/login",
			Description: "In order to send to this destination, you will need to log in once to your Salesforce account.",
		}},
		State: &action.State{Data: "reset"},
	}
	choice := action.Field{
		Name: "create_or_append", Label: "Create or Append", Type: action.Select, Required: true, Interactive: true,
		Description: "Create a new Campaign or append to an existing Campaign",
		Options:     []action.Option{{Name: "create", Label: "Create"}, {Name: "append", Label: "Append"}},
	}
	campaigns := []action.Option{{Name: "701A", Label: "Alpha"}, {Name: "701B", Label: "Beta"}, {Name: "701C", Label: "Gamma"}}
	name := func(kind action.FieldType, options []action.Option) action.Field {
		return action.Field{
			Name: "campaign_name", Label: "Campaign Name", Type: kind, Required: true, Interactive: kind == action.Select,
			Description: "Identifying name for the campaign", Options: options,
		}
	}
	status := func(options ...action.Option) action.Field {
		return action.Field{
			Name: "member_status", Label: "Member Status", Type: action.Select, Description: "The status of the campaign members", Options: options,
		}
	}
	// A picklist value without a label shows its value.
	anyStatus := status(action.Option{Name: "Sent", Label: "Was sent"}, action.Option{Name: "Bounced", Label: "Bounced"}, action.Option{Name: "Read", Label: "Read"})
	ownStatus := status(action.Option{Name: "Sent", Label: "Sent"}, action.Option{Name: "Responded", Label: "Responded"})
	rest := []action.Field{
		{
			Name: "surface_sfdc_errors", Label: "Surface Salesforce Errors In Looker", Type: action.Select, Default: "no",
			Options: []action.Option{{Name: "yes", Label: "Yes"}, {Name: "no", Label: "No"}},
			Description: "Yes: the schedule's status is Error when Salesforce rejects members, for example existing ones. " +
				"No: it is Complete, with the reasons in its message.",
		},
	}
	with := func(fields ...action.Field) *action.Form { return &action.Form{Fields: append(fields, rest...)} }
	mirrored := func(fields ...action.Field) *action.Form {
		return &action.Form{Fields: slices.Concat(fields, rest, mirror.Fields("campaign"))}
	}
	for name, tt := range map[string]struct {
		state, good string
		env, form   map[string]string
		want        *action.Form
		state2      string
	}{
		"never signed in":       {good: "a1", want: signIn},
		"a code never traded":   {state: `{"code":"c","redirect":"https://hub/r"}`, good: "a1", want: signIn},
		"a state of its own":    {state: `[1]`, good: "a1", want: signIn},
		"invalid grant":         {state: `{"access_token":"x","refresh_token":"gone"}`, good: "a1", want: signIn},
		"no refresh token":      {state: `{"access_token":"x"}`, good: "a1", want: signIn},
		"renewed, yet rejected": {state: signedIn, good: "none", want: signIn},
		"first":                 {state: signedIn, good: "a1", want: &action.Form{Fields: []action.Field{choice}}},
		"access expired": {
			state: signedIn, good: "a2", want: &action.Form{Fields: []action.Field{choice}}, state2: renewed,
		},
		"create": {
			state: signedIn, good: "a1", form: map[string]string{"create_or_append": "create"},
			want: with(choice, name(action.String, nil), anyStatus),
		},
		"append": {
			state: signedIn, good: "a1", form: map[string]string{"create_or_append": "append"},
			want: mirrored(choice, name(action.Select, campaigns)),
		},
		"append, cut short": {
			state: signedIn, good: "a1", env: map[string]string{"SALESFORCE_MAX_RESULTS": "2"},
			form: map[string]string{"create_or_append": "append", "campaign_name": "Autumn"},
			want: mirrored(choice, name(action.Select, campaigns[:2])),
		},
		"append, chosen one beyond": {
			state: signedIn, good: "a1", env: map[string]string{"SALESFORCE_MAX_RESULTS": "2"},
			form: map[string]string{"create_or_append": "append", "campaign_name": campaign},
			want: mirrored(choice, name(action.Select, append(campaigns[:2:2], action.Option{Name: campaign, Label: campaign})), ownStatus),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(org(tt.good, added))
			req := request(tt.form)
			req.State = tt.state
			got, err := resolved(t, d, tt.env).Form.Form(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			want := *tt.want
			if tt.state2 != "" {
				want.State = &action.State{Data: tt.state2}
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
			for _, r := range d.Requests() {
				if r.Host != host {
					t.Errorf("%s was called", r.Host)
				}
			}
		})
	}
}

func TestFormAsksForCampaigns(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(org("a1", added))
	if _, err := resolved(t, d, nil).Form.Form(t.Context(), request(map[string]string{"create_or_append": "append"})); err != nil {
		t.Fatal(err)
	}
	if got := d.Requests()[0].Query.Get("q"); got != "SELECT Id, Name FROM Campaign ORDER BY Name" {
		t.Errorf("query %q", got)
	}
}

// Other errors do not clear the sign-in.
func TestFormFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		domain  string
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		"a domain of somebody else": {
			"https://example.com",
			actiontest.Reply{},
			action.Invalid,
			`The setting "Salesforce domain" must be the URL of a Salesforce domain, such as https://MyDomainName.my.salesforce.com.`,
		},
		"a missing permission": {
			"https://" + host,
			actiontest.Reply{Status: 403, Body: `[{"errorCode":"API_DISABLED_FOR_ORG","message":"API is not enabled for this Organization or Partner."}]`},
			action.Forbidden,
			"Salesforce returned 403: API is not enabled for this Organization or Partner (API_DISABLED_FOR_ORG).",
		},
		"no campaigns to be seen": {
			"https://" + host,
			actiontest.Reply{Status: 400, Body: `[{"errorCode":"INVALID_TYPE","message":"sObject type 'Campaign' is not supported."}]`},
			action.Invalid,
			"Salesforce returned 400: sObject type 'Campaign' is not supported (INVALID_TYPE).",
		},
		"a version that is retired": {
			"https://" + host,
			actiontest.Reply{Status: 410, Body: `[{"errorCode":"UNSUPPORTED_API_VERSION","message":"Gone."}]`},
			action.Internal,
			"Salesforce has retired version 66.0 of its API. The hub's administrator must set SALESFORCE_API_VERSION to a newer one.",
		},
		"a version to come": {
			"https://" + host,
			actiontest.Reply{Status: 404, Body: `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`},
			action.NotFound,
			"The resource does not exist in Salesforce. The user may lack access to campaigns, or the org does not support version 66.0 of the API (SALESFORCE_API_VERSION).",
		},
		"the day's limit": {
			"https://" + host,
			actiontest.Reply{Status: 403, Body: `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`},
			action.Forbidden,
			"Salesforce rejected the request: the org reached its API limit for 24 hours.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			req := request(nil)
			req.Params["salesforce_domain"] = tt.domain
			form, err := resolved(t, d, nil).Form.Form(t.Context(), req)
			if got := form; got != nil {
				t.Errorf("form %+v, want none", got)
			}
			if got, want := action.KindOf(err), tt.kind; got != want {
				t.Errorf("kind %v, want %v", got, want)
			}
			if got, want := action.MessageOf(err), tt.message; got != want {
				t.Errorf("error %q, want %q", got, want)
			}
		})
	}
}

func TestWire(t *testing.T) {
	t.Parallel()
	const result = `{"fields":{"dimensions":[{"name":"c","label":"Parent Contact ID"},{"name":"a","tags":["x","sfdc_contact_id"]},{"name":"b","label":"The lead id","tags":["y"]}]},"data":[` +
		`{"c":{"value":"003000000000009"},"a":{"value":"003000000000001"},"b":{"value":null}},{"a":{"value":" 003000000000002AAB "},"b":{"value":"00Q000000000001"}}]}`
	d := actiontest.NewDestination(t).Handle(org("a1", added))
	res, err := resolved(t, d, nil).Execute(t.Context(), actiontest.JSONDetail(t, request(creating()), result))
	if err != nil || res.Message != "3 members added." {
		t.Fatalf("%+v, %v", res, err)
	}
	var got []string
	for _, r := range d.Requests() {
		got = append(got, fmt.Sprintf("%s %s%s %s %s %s", r.Method, r.Host, r.Path, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.Body))
	}
	want := []string{
		`POST acme.my.salesforce.com/services/data/v66.0/sobjects/Campaign application/json Bearer a1 {"Name":"Autumn"}`,
		`POST acme.my.salesforce.com/services/data/v66.0/composite/sobjects application/json Bearer a1 {"allOrNone":false,"records":[` +
			`{"CampaignId":"701000000000001AAA","ContactId":"003000000000001","attributes":{"type":"CampaignMember"}},` +
			`{"CampaignId":"701000000000001AAA","ContactId":"003000000000002AAB","attributes":{"type":"CampaignMember"}},` +
			`{"CampaignId":"701000000000001AAA","LeadId":"00Q000000000001","attributes":{"type":"CampaignMember"}}]}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(org("a2", added))
	form := appending()
	form["member_status"] = "Sent"
	res, err := resolved(t, d, nil).Execute(t.Context(), actiontest.JSONDetail(t, request(form), contacts(1)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Message, "1 members added."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if res.State == nil {
		t.Fatal("no state")
	}
	if got, want := res.State.Data, renewed; got != want {
		t.Errorf("state %q, want %q", got, want)
	}
	all := d.Requests()
	if diff := cmp.Diff([]record{{ContactID: contact(0), CampaignID: campaign, Status: "Sent"}}, records(all[len(all)-1].Body)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	with := func(name, value string) map[string]string {
		form := appending()
		form[name] = value
		return form
	}
	for name, tt := range map[string]struct {
		form    map[string]string
		result  string
		message string
	}{
		"no campaign":          {with("campaign_name", " "), contacts(1), "Missing Salesforce campaign name."},
		"a campaign's name":    {with("campaign_name", "Autumn"), contacts(1), "This is not a campaign ID. Choose the campaign from the list again."},
		"neither":              {with("create_or_append", ""), contacts(1), `"create_or_append" is required.`},
		"something else":       {with("create_or_append", "drop"), contacts(1), `"create_or_append" must be create or append.`},
		"invalid surface":      {with("surface_sfdc_errors", "maybe"), contacts(1), `"surface_sfdc_errors" must be yes or no.`},
		"no column":            {appending(), `{"fields":{"dimensions":[{"name":"c","label":"Contact"}],"measures":null},"data":[]}`, "Query requires at least 1 field that is tagged sfdc_contact_id or sfdc_lead_id, or labelled Contact ID or Lead ID."},
		"no result":            {appending(), `{"no":"rows"}`, "The data is not a complete result in Looker's json_detail format."},
		"a row without an id":  {appending(), `{"fields":{"dimensions":[{"name":"c","tags":["sfdc_contact_id"]},{"name":"l","tags":["sfdc_lead_id"]}]},"data":[{"c":{"value":null}}]}`, "A row has no contact ID and no lead ID."},
		"an id of another app": {appending(), `{"fields":{"dimensions":[{"name":"c","label":"CONTACT ID"}]},"data":[{"c":{"value":"a@example.com"}}]}`, "A row's contact ID is not a valid Salesforce ID (it must have 15 or 18 letters and digits)."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A call would panic.
			_, err := resolved(t, nil, nil).Execute(t.Context(), actiontest.JSONDetail(t, request(tt.form), tt.result))
			if action.MessageOf(err) != tt.message || action.KindOf(err) != action.Invalid {
				t.Errorf("error %v, want %q", err, tt.message)
			}
		})
	}
	if _, err := resolved(t, nil, nil).Execute(t.Context(), request(appending())); action.MessageOf(err) != "No attached json." {
		t.Errorf("without data: %v", err)
	}
	// Without members, no call is made and no campaign created.
	if res, err := resolved(t, nil, nil).Execute(t.Context(), actiontest.JSONDetail(t, request(creating()), contacts(0))); err != nil || res.Message != "0 members added." {
		t.Errorf("without rows: %+v, %v", res, err)
	}
}

// rejecting rejects members by the end of their ID.
func rejecting(r actiontest.Recorded) actiontest.Reply {
	var results []string
	for _, m := range records(r.Body) {
		switch {
		case strings.HasSuffix(m.ContactID, "1"):
			results = append(results, `{"success":false,"errors":[{"statusCode":"DUPLICATE_VALUE","message":"Already a campaign member.","fields":[]}]}`)
		case strings.HasSuffix(m.ContactID, "2"):
			results = append(results, `{"success":false,"errors":[]}`)
		default:
			results = append(results, `{"id":"00v","success":true,"errors":[]}`)
		}
	}
	return actiontest.Reply{Body: "[" + strings.Join(results, ",") + "]"}
}

// The user chooses whether rejected members are an error. They are always reported.
func TestRejectedMembers(t *testing.T) {
	t.Parallel()
	const message = "16 of 20 members delivered, 4 rejected. Salesforce reported: Already a campaign member (DUPLICATE_VALUE) (first: contact 003000000000001). " +
		"Salesforce reported: it gave no reason (first: contact 003000000000002)."
	for surface, asError := range map[string]bool{"yes": true, "no": false, "": false} {
		form := appending()
		form["surface_sfdc_errors"] = surface
		d := actiontest.NewDestination(t).Handle(org("a1", rejecting))
		res, err := resolved(t, d, nil).Execute(t.Context(), actiontest.JSONDetail(t, request(form), contacts(20)))
		got := action.MessageOf(err)
		if err == nil {
			got = res.Message
		}
		if got != message || (err != nil) != asError {
			t.Errorf("surface %q: error %v, message %q", surface, err, got)
		}
	}
}

// Other errors are errors whatever the user chose.
func TestOtherErrors(t *testing.T) {
	t.Parallel()
	form := appending()
	form["surface_sfdc_errors"] = "no"
	whole := contacts(3)
	t.Run("truncated data", func(t *testing.T) {
		t.Parallel()
		d := actiontest.NewDestination(t).Handle(org("a1", rejecting))
		req := actiontest.Download(t, request(form), actiontest.BrokenDownload(whole[:len(whole)-10]))
		_, err := resolved(t, d, nil).Execute(t.Context(), req)
		if got := action.MessageOf(err); !strings.HasPrefix(got, "1 of 2 members delivered, 1 rejected. The download from Looker ended before the data was complete.") {
			t.Errorf("message %q", got)
		}
	})
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		"a bad request": {
			actiontest.Reply{Status: 400, Body: `[{"errorCode":"INVALID_FIELD","message":"No such column 'Status'"}]`},
			action.Invalid,
			"0 of 3 members delivered, 3 failed. Salesforce returned 400: No such column 'Status' (INVALID_FIELD).",
		},
		"a permission": {
			actiontest.Reply{Status: 403, Body: `[{"errorCode":"INSUFFICIENT_ACCESS","message":"No."}]`},
			action.Forbidden,
			"0 of 3 members delivered, 3 failed. Salesforce returned 403: No (INSUFFICIENT_ACCESS).",
		},
		"a retired version": {
			actiontest.Reply{Status: 410},
			action.Internal,
			"0 of 3 members delivered, 3 failed. Salesforce has retired version 66.0 of its API. The hub's administrator must set SALESFORCE_API_VERSION to a newer one.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(org("a1", func(actiontest.Recorded) actiontest.Reply { return tt.reply }))
			_, err := resolved(t, d, nil).Execute(t.Context(), actiontest.JSONDetail(t, request(form), whole))
			if got, want := action.KindOf(err), tt.kind; got != want {
				t.Errorf("kind %v, want %v", got, want)
			}
			if got, want := action.MessageOf(err), tt.message; got != want {
				t.Errorf("error %q, want %q", got, want)
			}
			if got, want := len(d.Requests()), 1; got != want {
				t.Errorf("%d calls, want %d", got, want)
			}
		})
	}
}

// An invalid grant ends the delivery and clears the state.
func TestInvalidGrant(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(org("none", added))
	req := request(creating())
	req.State = `{"access_token":"x","refresh_token":"gone"}`
	res, err := resolved(t, d, nil).Execute(t.Context(), actiontest.JSONDetail(t, req, contacts(1000)))
	if got, want := action.KindOf(err), action.Unauthenticated; got != want {
		t.Errorf("kind %v, want %v", got, want)
	}
	if got, want := action.MessageOf(err), login; !strings.HasSuffix(got, want) {
		t.Errorf("error %q, want suffix %q", got, want)
	}
	if res == nil {
		t.Fatal("no response")
	}
	if res.State == nil {
		t.Fatal("no state")
	}
	if got, want := res.State.Data, action.Reset; got != want {
		t.Errorf("state %q, want %q", got, want)
	}
	if strings.Contains(err.Error(), "gone") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error tells too much: %v", err)
	}
}

// A campaign is created once, even if the response is lost.
func TestCreateFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		message string
	}{
		"rejected": {
			actiontest.Reply{Status: 400, Body: `[{"errorCode":"STRING_TOO_LONG","message":"Campaign Name: data value too large."}]`},
			"Salesforce returned 400: Campaign Name: data value too large (STRING_TOO_LONG).",
		},
		"not a success": {
			actiontest.Reply{Status: 201, Body: `{"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"Type"}]}`},
			"Salesforce did not create the campaign: Type (REQUIRED_FIELD_MISSING).",
		},
		"invalid id":  {actiontest.Reply{Status: 201, Body: `{"success":true,"id":"../x"}`}, "Salesforce did not create the campaign: it gave no reason."},
		"answer lost": {actiontest.Reply{Reset: true}, "The connection to Salesforce failed. The campaign may already have been created. Check before retrying."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			_, err := resolved(t, d, nil).Execute(t.Context(), actiontest.JSONDetail(t, request(creating()), contacts(500)))
			if got := action.MessageOf(err); !strings.HasSuffix(got, "failed. "+tt.message) || len(d.Requests()) != 1 {
				t.Errorf("%d calls, message %q", len(d.Requests()), got)
			}
		})
	}
}

// If members of a new campaign fail, the message says that the campaign exists.
func TestMembersOfNewCampaignFail(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(org("a1", func(actiontest.Recorded) actiontest.Reply { return actiontest.Reply{Status: 403} }))
	_, err := resolved(t, d, nil).Execute(t.Context(), actiontest.JSONDetail(t, request(creating()), contacts(2)))
	const want = "0 of 2 members delivered, 2 failed. Salesforce returned 403 Forbidden. The campaign was created. Append to it to send the rest."
	if got := action.MessageOf(err); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

// Members that were rejected because of a lock are sent again, without the others.
func TestLocked(t *testing.T) {
	t.Parallel()
	calls := 0
	d := actiontest.NewDestination(t).Handle(org("a1", func(r actiontest.Recorded) actiontest.Reply {
		if calls++; calls > 1 {
			return added(r)
		}
		return actiontest.Reply{Body: `[{"success":true},{"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"unable to obtain exclusive access"}]}]`}
	}))
	res, err := resolved(t, d, nil).Execute(t.Context(), actiontest.JSONDetail(t, request(appending()), contacts(2)))
	if err != nil || res.Message != "2 members added." {
		t.Fatalf("%+v, %v", res, err)
	}
	var sent [][]string
	for _, r := range d.Requests() {
		var ids []string
		for _, m := range records(r.Body) {
			ids = append(ids, m.ContactID)
		}
		sent = append(sent, ids)
	}
	if diff := cmp.Diff([][]string{{contact(0), contact(1)}, {contact(1)}}, sent); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deps := action.Deps{Env: env, HTTP: actiontest.Late()}
		_, err := actiontest.New(t, salesforcecampaigns.New, deps).Execute(t.Context(), actiontest.JSONDetail(t, request(appending()), contacts(1)))
		if action.MessageOf(err) != "Salesforce did not respond in time." || action.KindOf(err) != action.Timeout {
			t.Errorf("%v (%v)", err, action.KindOf(err))
		}
	})
}

// A next page on another host is not requested: it would get the token.
func TestNextPageOnOtherHost(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Body: `{"done":false,"nextRecordsUrl":".example.com/x","records":[{"Id":"701A","Name":"Alpha"}]}`})
	_, err := resolved(t, d, nil).Form.Form(t.Context(), request(map[string]string{"create_or_append": "append"}))
	if got, want := action.MessageOf(err), "Salesforce did not say where the rest of the records is."; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	if got := len(d.Requests()); got != 1 {
		t.Errorf("%d calls, want 1", got)
	}
	for _, r := range d.Requests() {
		if r.Host != host {
			t.Errorf("a call of %s, want only %s", r.Host, host)
		}
		if r.Method != http.MethodGet {
			t.Errorf("method %s, want GET", r.Method)
		}
	}
}

// A row with two members is kept once for each that is not delivered, also if rejected members are no error.
func TestRejectedRowsAreKept(t *testing.T) {
	t.Parallel()
	bucket := new(rowbuckettest.S3)
	d := actiontest.NewDestination(t).Handle(bucket.Beside(org("a1", rejecting)))
	form := appending()
	form["surface_sfdc_errors"] = "no"
	res, err := resolved(t, d, rowbuckettest.Env()).Execute(t.Context(), actiontest.JSONDetail(t, request(form),
		`{"fields":{"dimensions":[{"name":"c.id","tags":["sfdc_contact_id"]},{"name":"l.id","tags":["sfdc_lead_id"]}]},"data":[`+
			`{"c.id":{"value":"`+contact(3)+`"},"l.id":{"value":"00Q000000000003"}},`+
			`{"c.id":{"value":"`+contact(1)+`"},"l.id":{"value":"short"}},{"c.id":{"value":null}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := "2 of 5 members delivered, 3 rejected. "; !strings.HasPrefix(res.Message, want) {
		t.Errorf("message %q, want prefix %q", res.Message, want)
	}
	if want := " The members that were not delivered are stored in s3://rows/hub/rejected/salesforce_campaigns/"; !strings.Contains(res.Message, want) {
		t.Errorf("message %q lacks %q", res.Message, want)
	}
	var lines []string
	for _, name := range bucket.Objects() {
		lines = strings.Split(strings.TrimSpace(rowbuckettest.Unzip(t, bucket.Body(name))), "\n")
	}
	slices.Sort(lines)
	if diff := cmp.Diff([]string{
		",,A row has no contact ID and no lead ID.",
		contact(1) + ",short,A row's lead ID is not a valid Salesforce ID (it must have 15 or 18 letters and digits).",
		contact(1) + ",short,Salesforce reported: Already a campaign member (DUPLICATE_VALUE) (first: contact 003000000000001).",
		"c.id,l.id,Reason",
	}, lines); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
}

// Salesforce refuses a refresh token that another replica of the hub is using at the same time. The user stays signed in.
func TestTokenInUse(t *testing.T) {
	t.Parallel()
	service := org("a2", added)
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		if r.Path != "/services/oauth2/token" {
			return service(r)
		}
		header := map[string]string{"Content-Type": "application/json"}
		return actiontest.Reply{
			Status: 400, Header: header, Body: `{"error":"invalid_grant","error_description":"token request is already being processed"}`,
		}
	})
	res, err := resolved(t, d, nil).Execute(t.Context(), actiontest.JSONDetail(t, request(appending()), contacts(3)))
	if action.KindOf(err) != action.Unavailable || !strings.Contains(action.MessageOf(err), "Try again in a minute.") {
		t.Errorf("error %v", err)
	}
	if res != nil && res.State != nil {
		t.Errorf("state %+v, want the old one", res.State)
	}
	refreshes := 0
	for _, r := range d.Requests() {
		if r.Path == "/services/oauth2/token" {
			refreshes++
		}
	}
	if refreshes != 1 {
		t.Errorf("%d requests for tokens, want 1", refreshes)
	}
}

// An app with Refresh Token Rotation accepts a refresh token once, and ends the sign-in if it comes again. Schedules that
// begin with the same tokens share the replacement.
func TestRotatedTokens(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	used := 0
	service := org("a2", added)
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		if r.Path != "/services/oauth2/token" {
			return service(r)
		}
		mu.Lock()
		defer mu.Unlock()
		header := map[string]string{"Content-Type": "application/json"}
		if used++; used > 1 {
			return actiontest.Reply{Status: 400, Header: header, Body: `{"error":"invalid_grant","error_description":"expired access/refresh token"}`}
		}
		return actiontest.Reply{Header: header, Body: `{"access_token":"a2","refresh_token":"r2","token_type":"Bearer"}`}
	})
	i := resolved(t, d, nil)
	var deliveries sync.WaitGroup
	for range 5 {
		deliveries.Go(func() {
			res, err := i.Execute(t.Context(), actiontest.JSONDetail(t, request(appending()), contacts(3)))
			if err != nil {
				t.Errorf("error %v", err)
			}
			want := &action.State{Data: `{"access_token":"a2","refresh_token":"r2"}`}
			if diff := cmp.Diff(want, res.State); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
	deliveries.Wait()
}
