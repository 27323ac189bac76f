package marketo_test

import (
	"encoding/json"
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
	"integrationhub.dev/integrations/internal/rowstest"
	"integrationhub.dev/integrations/marketo"
)

const (
	secret   = "s3cret"
	instance = "123-abc-456.mktorest.com"
	rest     = "/rest/v1/"
)

func params() map[string]string {
	return map[string]string{"url": "https://" + instance + "/rest/", "clientID": "client", "clientSecret": secret + "\n"}
}

func answers(subaction, targets string) map[string]string {
	return map[string]string{"lookupField": "email", "subaction": subaction, "campaignId": targets}
}

const columns = `{"fields":{"dimensions":[{"name":"u.email","tags":["x","marketo:email"]},{"name":"u.city"}],"measures":[{"name":"u.score","label":"Score","tags":["marketo:score"]}]}`

// people returns a result of people with these names.
func people(names ...string) string {
	var rows []string
	for i, n := range names {
		rows = append(rows, fmt.Sprintf(`{"u.email":{"value":%q},"u.city":{"value":"Bern"},"u.score":{"value":%d}}`, n+"@example.com", i))
	}
	return columns + `,"data":[` + strings.Join(rows, ",") + `]}`
}

func query(t *testing.T, form map[string]string, result string) *action.Request {
	t.Helper()
	return actiontest.JSONDetail(t, actiontest.Query(params(), form), result)
}

// emails returns the leads of a call.
func emails(body []byte) []string {
	var call struct{ Input []struct{ Email string } }
	if err := json.Unmarshal(body, &call); err != nil {
		return nil
	}
	var all []string
	for _, l := range call.Input {
		all = append(all, l.Email)
	}
	return all
}

// ids returns the leads of a trigger or of a list.
func ids(r actiontest.Recorded) []string {
	if r.Method == http.MethodDelete {
		return r.Query["id"]
	}
	type lead struct {
		ID json.Number `json:"id"`
	}
	var listed struct{ Input []lead }
	if json.Unmarshal(r.Body, &listed) != nil {
		var triggered struct{ Input struct{ Leads []lead } }
		if err := json.Unmarshal(r.Body, &triggered); err != nil {
			return nil
		}
		listed.Input = triggered.Input.Leads
	}
	var all []string
	for _, l := range listed.Input {
		all = append(all, l.ID.String())
	}
	return all
}

// idOf returns the ID of a lead by its email address: "a@…" is 1, "b@…" is 2.
func idOf(email string) int { return int(email[0]-'a') + 1 }

// updated accepts all leads except those whose address begins with z, and those by ID unless they may only be updated: "Because
// id is a system-managed unique key, include it only with the updateOnly action."
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/leads)
func updated(r actiontest.Recorded) actiontest.Reply {
	var results []string
	var byID struct {
		Action string
		Lookup string `json:"lookupField"`
		Input  []struct{ ID json.Number }
	}
	if json.Unmarshal(r.Body, &byID) == nil && byID.Lookup == "id" {
		for _, l := range byID.Input {
			if byID.Action == "updateOnly" {
				results = append(results, fmt.Sprintf(`{"id":%s,"status":"updated"}`, l.ID))
			} else {
				results = append(results, `{"status":"skipped","reasons":[{"code":"1003","message":"Invalid data"}]}`)
			}
		}
		return success(strings.Join(results, ","))
	}
	for _, e := range emails(r.Body) {
		if e[0] == 'z' {
			results = append(results, `{"status":"skipped","reasons":[{"code":"1007","message":"Multiple lead match lookup criteria"}]}`)
			continue
		}
		results = append(results, fmt.Sprintf(`{"id":%d,"status":"updated"}`, idOf(e)))
	}
	return success(strings.Join(results, ","))
}

func success(results string) actiontest.Reply {
	return actiontest.Reply{Body: `{"requestId":"e42b#1","success":true,"result":[` + results + `]}`}
}

func failure(code, message string) actiontest.Reply {
	text, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	return actiontest.Reply{Body: `{"requestId":"e42b#1","success":false,"errors":[{"code":"` + code + `","message":` + string(text) + `}]}`}
}

// mkto is a fake of Marketo. change replaces some of its responses.
func mkto(change map[string]func(actiontest.Recorded) actiontest.Reply) func(actiontest.Recorded) actiontest.Reply {
	return func(r actiontest.Recorded) actiontest.Reply {
		path := strings.TrimPrefix(r.Path, rest)
		if f, ok := change[path]; ok {
			return f(r)
		}
		switch {
		case r.Path == "/identity/oauth/token":
			return actiontest.Reply{Body: `{"access_token":"t0ken","token_type":"bearer","expires_in":3599}`}
		case path == "leads.json":
			return updated(r)
		case strings.HasPrefix(path, "lists/"):
			status := map[string]string{http.MethodPost: "added", http.MethodDelete: "removed"}[r.Method]
			var results []string
			for _, id := range ids(r) {
				results = append(results, fmt.Sprintf(`{"id":%s,"status":%q}`, id, status))
			}
			return success(strings.Join(results, ","))
		}
		return success(`{"id":17}`)
	}
}

func always(reply actiontest.Reply) func(actiontest.Recorded) actiontest.Reply {
	return func(actiontest.Recorded) actiontest.Reply { return reply }
}

// execute returns the message for Looker.
func execute(t *testing.T, d *actiontest.Destination, req *action.Request) string {
	t.Helper()
	res, err := actiontest.New(t, marketo.New, actiontest.Deps(t, d, nil)).Execute(t.Context(), req)
	if err != nil {
		if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "t0ken") {
			t.Errorf("the error tells too much: %v", err)
		}
		return action.MessageOf(err)
	}
	return res.Message
}

func TestWire(t *testing.T) {
	t.Parallel()
	const result = `{"fields":{"dimensions":[{"name":"u.email","tags":["marketo:email","marketo:personalEmailmarketo:x"]},{"name":"u.big","tags":["marketo:big"]},{"name":"u.not"}]},"data":[` +
		`{"u.email":{"value":"a@example.com"},"u.big":{"value":12345678901234567890},"u.not":{"value":1}},{"u.email":{"value":"b@example.com"},"u.big":{"value":null}},{"u.email":{"value":"c@example.com"},"u.big":null}]}`
	head := []string{
		"GET " + instance + "/identity/oauth/token?client_id=client&client_secret=s3cret&grant_type=client_credentials   ",
		"POST " + instance + rest + `leads.json? Bearer t0ken application/json {"input":[{"big":12345678901234567890,"email":"a@example.com","personalEmail":"a@example.com"},` +
			`{"big":null,"email":"b@example.com","personalEmail":"b@example.com"},{"email":"c@example.com","personalEmail":"c@example.com"}],"lookupField":"email"}`,
	}
	trigger := func(id string) string {
		return "POST " + instance + rest + "campaigns/" + id + `/trigger.json? Bearer t0ken application/json {"input":{"leads":[{"id":1},{"id":2},{"id":3}]}}`
	}
	for name, tt := range map[string]struct {
		form map[string]string
		want []string
	}{
		"campaigns":        {answers("addCampaign", "5 , 6,"), []string{trigger("5"), trigger("6")}},
		"of old schedules": {map[string]string{"lookupField": "email", "campaignId": "5"}, []string{trigger("5")}},
		"nothing of old":   {map[string]string{"lookupField": "email"}, nil},
		"nothing more":     {answers("none", ""), nil},
		"a list": {answers("addList", "9"), []string{
			"POST " + instance + rest + `lists/9/leads.json? Bearer t0ken application/json {"input":[{"id":1},{"id":2},{"id":3}]}`,
		}},
		"off a list": {answers("removeList", "9"), []string{
			"DELETE " + instance + rest + `lists/9/leads.json?id=1&id=2&id=3 Bearer t0ken  `,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(mkto(nil))
			if got := execute(t, d, query(t, tt.form, result)); got != "3 leads updated." {
				t.Errorf("message %q", got)
			}
			var got []string
			for _, r := range d.Requests() {
				got = append(got, fmt.Sprintf("%s %s%s?%s %s %s %s", r.Method, r.Host, r.Path, r.Query.Encode(), r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Body))
			}
			if diff := cmp.Diff(append(slices.Clone(head), tt.want...), got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInstance(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"123-ABC-456.mktorest.com": true, "https://123-abc-456.mktorest.com": true, "https://123-abc-456.mktorest.com/identity": true,
		"http://123-abc-456.mktorest.com": false, "https://": false, "https://user@123-abc-456.mktorest.com": false, "https://x y": false,
	} {
		d := actiontest.NewDestination(t).Handle(mkto(nil))
		req := query(t, answers("none", ""), people("a"))
		req.Params["url"] = address
		got := execute(t, d, req)
		if ok && got != "1 leads updated." || !ok && got != `"url" must be the URL of a Marketo instance, such as https://123-ABC-456.mktorest.com.` {
			t.Errorf("%s: %s", address, got)
		}
		for _, r := range d.Requests() {
			if !strings.EqualFold(r.Host, instance) {
				t.Errorf("%s: %s was called", address, r.Host)
			}
		}
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	without := func(name string) map[string]string {
		form := answers("addCampaign", "5")
		delete(form, name)
		return form
	}
	for name, tt := range map[string]struct {
		form    map[string]string
		result  string
		message string
	}{
		"no lookup field":     {without("lookupField"), people("a"), "Missing Lookup Field."},
		"another field":       {map[string]string{"lookupField": "id", "subaction": "none"}, people("a"), "Marketo Lookup Field for lead not present in query."},
		"no campaign":         {answers("addCampaign", " , "), people("a"), "'Add to campaign' was selected, but additional action ID was not provided"},
		"no list":             {answers("addList", ""), people("a"), "'Add to list' was selected, but additional action ID was not provided"},
		"no list to leave":    {answers("removeList", ""), people("a"), "'Remove from list' was selected, but additional action ID was not provided"},
		"an id for nothing":   {answers("none", "5"), people("a"), "Additional action of 'none' was selected, but additional action ID was provided"},
		"an unknown action":   {answers("drop", "5"), people("a"), `"subaction" must be addCampaign, addList, removeList or none.`},
		"an id with a path":   {answers("addList", "9/../x"), people("a"), "Enter the numeric IDs of campaigns or lists, separated by commas."},
		"two for one":         {answers("none", ""), `{"fields":{"dimensions":[{"name":"a","tags":["marketo:email"]},{"name":"b","tags":["marketo:email"]}]},"data":[]}`, "The fields a and b are both tagged marketo:email."},
		"no address":          {answers("none", ""), columns + `,"data":[{"u.email":{"value":null},"u.score":{"value":1}}]}`, "A row has no email to look up its lead."},
		"pivoted":             {answers("none", ""), columns + `,"pivots":[{"key":"a"}],"data":[{"u.email":{"value":"a"},"u.score":{"a":{"value":1}}}]}`, "The column Score is pivoted: one field of a lead cannot hold several values."},
		"too large":           {answers("none", ""), people(strings.Repeat("a", 900_000)), "A row exceeds Marketo's limit of 1 MB."},
		"no result":           {answers("none", ""), `{"no":"rows"}`, "The data is not a complete result in Looker's json_detail format."},
		"a query that failed": {answers("none", ""), `{"errors":[{"message":"Bad SQL."}]}`, "Looker's query failed: Bad SQL."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := execute(t, nil, query(t, tt.form, tt.result)); got != tt.message { // a call would panic
				t.Errorf("message %q, want %q", got, tt.message)
			}
		})
	}
	if got := execute(t, nil, query(t, answers("addList", "9"), people())); got != "0 leads updated." {
		t.Errorf("without rows: %q", got)
	}
	if got := execute(t, nil, actiontest.Query(params(), answers("none", ""))); got != "The request came without data." {
		t.Errorf("without data: %q", got)
	}
}

// An error of one lead affects only that lead. The message has its row, but not its address.
func TestSkippedLeads(t *testing.T) {
	t.Parallel()
	invalid := func(actiontest.Recorded) actiontest.Reply {
		return success(`{"id":1,"status":"created"},{"id":2,"status":"skipped","reasons":[{"code":1003,"message":"Value 'b@example.com' of b@example.com is bad."}]},{"status":"skipped"},{"id":4}`)
	}
	for name, tt := range map[string]struct {
		form    map[string]string
		names   []string
		change  map[string]func(actiontest.Recorded) actiontest.Reply
		message string
		// reached are the leads for which the list or campaign was changed.
		reached []string
	}{
		"several match": {
			answers("addCampaign", "5"),
			[]string{"a", "z", "c", "zz"},
			nil,
			"2 of 4 leads delivered, 2 rejected. Marketo reported: Multiple lead match lookup criteria (1007) (first: row 2).",
			[]string{"1", "3"},
		},
		"several reasons": {
			answers("addList", "9"),
			[]string{"a", "b", "c", "d"},
			map[string]func(actiontest.Recorded) actiontest.Reply{"leads.json": invalid},
			"2 of 4 leads delivered, 2 rejected. Marketo reported: Value … of … is bad (1003) (first: row 2). Marketo reported: the lead was rejected without a reason (first: row 3).",
			[]string{"1", "4"},
		},
		"no lead is left": {
			answers("addCampaign", "5"),
			[]string{"z"},
			nil,
			"Marketo reported: Multiple lead match lookup criteria (1007) (first: row 1).", nil,
		},
		"on a list": {
			answers("addList", "9"),
			[]string{"a", "b", "c"},
			map[string]func(actiontest.Recorded) actiontest.Reply{"lists/9/leads.json": always(success(
				`{"id":1,"status":"memberof"},{"id":2,"status":"skipped","reasons":[{"code":"1004","message":"Lead not found"}]}`))},
			"1 of 3 leads delivered, 1 rejected, 1 failed. Leads were updated, but not added to list 9: Marketo reported: Lead not found (1004) (first: lead 2). " +
				"Leads were updated, but not added to list 9: Marketo did not confirm every lead.",
			[]string{"1", "2", "3"},
		},
		"off a list, who was not on it": {
			answers("removeList", "9"),
			[]string{"a", "b"},
			map[string]func(actiontest.Recorded) actiontest.Reply{"lists/9/leads.json": always(success(
				`{"id":1,"status":"removed"},{"id":2,"status":"skipped","reasons":[{"code":"1015","message":"Lead not in list"}]}`))},
			"2 leads updated.",
			[]string{"1", "2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(mkto(tt.change))
			if got := execute(t, d, query(t, tt.form, people(tt.names...))); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			var reached []string
			for _, r := range d.Requests() {
				if r.Path != "/identity/oauth/token" && r.Path != rest+"leads.json" {
					reached = append(reached, ids(r)...)
				}
			}
			if diff := cmp.Diff(tt.reached, reached); diff != "" {
				t.Errorf("reached (-want +got):\n%s", diff)
			}
		})
	}
}

// A campaign runs once for a lead, also if it has several rows or a response is lost.
func TestTriggersOnce(t *testing.T) {
	t.Parallel()
	const path = "campaigns/5/trigger.json"
	for name, tt := range map[string]struct {
		names   []string
		reply   func(actiontest.Recorded) actiontest.Reply
		message string
		calls   int
	}{
		"a lead in three rows": {[]string{"a", "a", "A", "b"}, nil, "4 leads updated.", 2},
		"an answer lost": {
			[]string{"a", "a"},
			always(actiontest.Reply{Reset: true}),
			"0 of 2 leads delivered, 2 failed. Leads were updated, but campaign 5 was not triggered for them: The connection to Marketo failed. It may already have been triggered. " +
				"Leads were updated, but campaign 5 was not triggered for them: It may have been triggered already, for another row of the same lead.",
			1,
		},
		"unavailable": {
			[]string{"a"},
			always(failure("611", "System error")),
			"Leads were updated, but campaign 5 was not triggered for them: Marketo is temporarily unavailable: System error (611). It may already have been triggered.",
			1,
		},
		"rejected for one row, accepted for the next": {
			[]string{"a", "a"},
			nil, // see below
			"1 of 2 leads delivered, 1 rejected. Leads were updated, but campaign 5 was not triggered for them: Marketo reported: Not now (709).",
			2,
		},
		"no such campaign": {
			[]string{"a", "b"},
			always(failure("1013", "Campaign not found")),
			"0 of 2 leads delivered, 2 failed. Leads were updated, but campaign 5 was not triggered for them: Marketo reported: Campaign not found (1013).",
			1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			reply := tt.reply
			if strings.HasPrefix(name, "rejected") {
				reply = func(actiontest.Recorded) actiontest.Reply {
					if calls == 1 {
						return failure("709", "Not now")
					}
					return success(`{"id":5}`)
				}
			}
			d := actiontest.NewDestination(t).Handle(mkto(map[string]func(actiontest.Recorded) actiontest.Reply{path: func(r actiontest.Recorded) actiontest.Reply {
				calls++
				if reply == nil {
					return success(`{"id":5}`)
				}
				return reply(r)
			}}))
			if got := execute(t, d, query(t, answers("addCampaign", "5"), people(tt.names...))); got != tt.message || calls != tt.calls {
				t.Errorf("%d calls, want %d; message %q, want %q", calls, tt.calls, got, tt.message)
			}
		})
	}
}

// Concurrent calls replace an expired token once.
func TestTokenExpires(t *testing.T) {
	t.Parallel()
	tokens := 0
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		switch {
		case r.Path == "/identity/oauth/token":
			tokens++
			return actiontest.Reply{Body: fmt.Sprintf(`{"access_token":"t%d"}`, tokens)}
		case r.Header.Get("Authorization") != "Bearer t2":
			return failure("602", "Access token expired")
		}
		return mkto(nil)(r)
	})
	if got := execute(t, d, query(t, answers("addCampaign", "5"), people("a", "b"))); got != "2 leads updated." || tokens != 2 {
		t.Errorf("%d tokens, message %q", tokens, got)
	}
}

func TestMarketoFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		token, leads actiontest.Reply
		kind         action.Kind
		message      string
		calls        int
	}{
		"a wrong secret":           {token: actiontest.Reply{Status: 401, Body: `{"error":"invalid_client","error_description":"Bad client credentials s3cret"}`}, kind: action.Unauthenticated, message: "Marketo rejected the client ID and secret.", calls: 1},
		"no identity there":        {token: actiontest.Reply{Status: 404}, kind: action.NotFound, message: "Marketo returned 404 Not Found.", calls: 1},
		"no token":                 {token: actiontest.Reply{Body: `{}`}, kind: action.Unavailable, message: "Marketo returned no access token.", calls: 7},
		"sign-in unavailable":      {token: actiontest.Reply{Status: 503}, kind: action.Unavailable, message: "Marketo returned 503 Service Unavailable.", calls: 7},
		"a token rejected for all": {leads: failure("601", "Access token invalid"), kind: action.Unauthenticated, message: "Marketo rejected its own access token.", calls: 4},
		"access denied":            {leads: failure("603", "Access denied"), kind: action.Forbidden, message: "Marketo denied access. The API user's role lacks a permission (603).", calls: 2},
		"its rate":                 {leads: failure("606", "Max rate limit '100' exceeded with in '20' secs"), kind: action.RateLimited, message: "Marketo is rate limiting requests: its limit is 100 calls in 20 seconds.", calls: 8},
		"too many at once":         {leads: failure("615", "Concurrent access limit reached"), kind: action.RateLimited, message: "Marketo is limiting concurrent requests.", calls: 8},
		"the day's quota":          {leads: failure("607", "Daily quota '50000' reached"), kind: action.Forbidden, message: "Marketo rejected the request: the instance reached its daily quota.", calls: 2},
		"an unknown field":         {leads: failure("1006", "Field 'u_city' not found"), kind: action.Invalid, message: "Marketo reported: Field 'u_city' not found (1006).", calls: 2},
		"nothing there":            {leads: failure("610", "Requested resource not found"), kind: action.NotFound, message: "The resource does not exist in Marketo (610).", calls: 2},
		"a bad value":              {leads: failure("1003", "Value 'a@example.com' is bad."), kind: action.Invalid, message: "Marketo reported: Value … is bad (1003).", calls: 2},
		"no words":                 {leads: failure("609", ""), kind: action.Invalid, message: "Marketo reported: error 609.", calls: 2},
		"a request of its own":     {leads: failure("612", "Invalid Content Type"), kind: action.Internal, message: "Marketo did not accept the hub's request: Invalid Content Type (612).", calls: 2},
		"no partition":             {leads: failure("1009", "Partition name must be specified"), kind: action.Invalid, message: "Marketo reported: Partition name must be specified (1009).", calls: 2},
		"a lock":                   {leads: failure("719", "Lock wait timeout exceeded"), kind: action.Unavailable, message: "Marketo is temporarily unavailable: Lock wait timeout exceeded (719).", calls: 8},
		"unavailable":              {leads: actiontest.Reply{Status: 502, Body: "<html>"}, kind: action.Unavailable, message: "Marketo returned 502 Bad Gateway.", calls: 8},
		"no success":               {leads: actiontest.Reply{Body: `{"success":false}`}, kind: action.Unavailable, message: "Marketo did not confirm the request.", calls: 8},
		"no lead":                  {leads: success(""), kind: action.Unavailable, message: "Marketo did not confirm every lead.", calls: 8},
		"another answer":           {leads: actiontest.Reply{Body: `{"success":true,"result":{}}`}, kind: action.Unavailable, message: "Unexpected response from Marketo.", calls: 8},
		"a page":                   {leads: actiontest.Reply{Body: `<html>`}, kind: action.Unavailable, message: "Unexpected response from Marketo. Marketo may already have accepted the request. Check before retrying.", calls: 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := &scripted{token: tt.token, leads: tt.leads}
				i := actiontest.New(t, marketo.New, action.Deps{HTTP: &http.Client{Transport: fake}})
				_, err := i.Execute(t.Context(), query(t, answers("none", ""), people("a")))
				if got, want := action.KindOf(err), tt.kind; got != want {
					t.Errorf("kind %v, want %v", got, want)
				}
				if got, want := action.MessageOf(err), tt.message; got != want {
					t.Errorf("error %q, want %q", got, want)
				}
				if got, want := fake.calls, tt.calls; got != want {
					t.Errorf("%d calls, want %d", got, want)
				}
				if strings.Contains(fmt.Sprint(err), secret) {
					t.Errorf("the error tells too much: %v", err)
				}
			})
		})
	}
}

// An error that is not about the leads is not searched for in them: the batch is sent again as a whole, or not at all
// (https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/error-codes).
func TestErrorsOfNoLead(t *testing.T) {
	t.Parallel()
	const again, once = 1 + 7, 1 + 1 // with the sign-in
	for code, tt := range map[string]struct {
		message string
		kind    action.Kind
		calls   int
	}{
		"500": {"Internal Server error", action.Unavailable, again},
		"502": {"Bad Gateway", action.Unavailable, again},
		"503": {"Service Unavailable", action.Unavailable, again},
		"604": {"Request time-out", action.Unavailable, again},
		"608": {"API Temporarily Unavailable", action.Unavailable, again},
		"611": {"System error", action.Unavailable, again},
		"614": {"Invalid Subscription", action.Unavailable, again},
		"713": {"Transient Error", action.Unavailable, again},
		"605": {"HTTP Method not supported", action.Internal, once},
		"613": {"Invalid Multipart Request", action.Internal, once},
		"616": {"Invalid subscription type", action.Invalid, once},
		"703": {"The feature is not enabled for the subscription", action.Invalid, once},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := &scripted{leads: failure(code, tt.message)}
				i := actiontest.New(t, marketo.New, action.Deps{HTTP: &http.Client{Transport: fake}})
				_, err := i.Execute(t.Context(), query(t, answers("none", ""), people("a", "b", "c", "d")))
				if got := action.KindOf(err); got != tt.kind {
					t.Errorf("kind %v, want %v", got, tt.kind)
				}
				if fake.calls != tt.calls {
					t.Errorf("%d calls, want %d", fake.calls, tt.calls)
				}
				if !strings.HasPrefix(action.MessageOf(err), "0 of 4 leads delivered, 4 failed.") {
					t.Errorf("message %q", action.MessageOf(err))
				}
			})
		})
	}
}

// One lead for which Marketo rejects the whole call does not affect the others.
func TestBisect(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(mkto(map[string]func(actiontest.Recorded) actiontest.Reply{"leads.json": func(r actiontest.Recorded) actiontest.Reply {
		if slices.Contains(emails(r.Body), "d@example.com") {
			return failure("609", "Invalid JSON")
		}
		return updated(r)
	}}))
	const want = "4 of 5 leads delivered, 1 rejected. Marketo reported: Invalid JSON (609)."
	if got := execute(t, d, query(t, answers("addList", "9"), people("a", "b", "c", "d", "e"))); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	all := d.Requests()
	if diff := cmp.Diff([]string{"1", "2", "3", "5"}, ids(all[len(all)-1])); diff != "" {
		t.Errorf("on the list (-want +got):\n%s", diff)
	}
}

// A call has at most 1 MB.
func TestLargeRows(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(mkto(nil))
	names := make([]string, 12)
	for i := range names {
		names[i] = string(rune('a'+i)) + strings.Repeat("x", 200_000)
	}
	if got := execute(t, d, query(t, answers("none", ""), people(names...))); got != "12 leads updated." {
		t.Errorf("message %q", got)
	}
	for _, r := range d.Requests()[1:] {
		if n := len(emails(r.Body)); n != 4 || len(r.Body) > 1_000_000 {
			t.Errorf("%d leads, %d bytes in a call", n, len(r.Body))
		}
	}
}

// Two rows of one lead are sent one after the other: the last one counts.
func TestRowsOfOneLead(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(mkto(nil))
	if got := execute(t, d, query(t, answers("none", ""), people("a", "b", "A", "c"))); got != "4 leads updated." {
		t.Errorf("message %q", got)
	}
	var got [][]string
	for _, r := range d.Requests()[1:] {
		got = append(got, emails(r.Body))
	}
	if diff := cmp.Diff([][]string{{"a@example.com", "b@example.com"}, {"A@example.com", "c@example.com"}}, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, marketo.New, action.Deps{HTTP: actiontest.Late()})
		_, err := i.Execute(t.Context(), query(t, answers("none", ""), people("a")))
		if action.MessageOf(err) != "Marketo did not respond in time." || action.KindOf(err) != action.Timeout {
			t.Errorf("%v (%v)", err, action.KindOf(err))
		}
	})
}

// late answers after a while.
type late struct {
	http.RoundTripper

	after time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (l late) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case <-time.After(l.after):
		return l.RoundTripper.RoundTrip(req)
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// Marketo itself gives a synchronization of leads 90 seconds. A call that the hub gave up before would go on there, next
// to the one that repeats it.
func TestSlowSynchronization(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := &scripted{leads: success(`{"id":1,"status":"updated"}`)}
		slow := routed{"leads.json": late{fake, 89 * time.Second}}
		i := actiontest.New(t, marketo.New, action.Deps{HTTP: &http.Client{Transport: slow}})
		res, err := i.Execute(t.Context(), query(t, answers("none", ""), people("a")))
		if err != nil || res.Message != "1 leads updated." || fake.calls != 1 {
			t.Errorf("%+v, %v, %d calls", res, err, fake.calls)
		}
	})
}

func TestTruncatedSource(t *testing.T) {
	t.Parallel()
	whole := people("a", "b", "c")
	d := actiontest.NewDestination(t).Handle(mkto(nil))
	req := actiontest.Download(t, actiontest.Query(params(), answers("addList", "9")), actiontest.BrokenDownload(whole[:len(whole)-10]))
	if got := execute(t, d, req); got != "2 of 2 leads delivered, 0 failed. The download from Looker ended before the data was complete." {
		t.Errorf("message %q", got)
	}
}

// scripted responds to sign-ins with token, and to other calls with leads. It needs no sockets.
type scripted struct {
	token, leads actiontest.Reply
	calls        int
}

// RoundTrip implements [http.RoundTripper].
func (s *scripted) RoundTrip(req *http.Request) (*http.Response, error) {
	s.calls++
	reply := s.leads
	if req.URL.Path == "/identity/oauth/token" {
		reply = s.token
		if reply.Status == 0 && reply.Body == "" {
			reply.Body = `{"access_token":"t0ken"}`
		}
	}
	if reply.Status == 0 {
		reply.Status = http.StatusOK
	}
	sink := &rowstest.Sink{Answer: rowstest.Answer{Status: reply.Status, Header: reply.Header, Body: reply.Body}}
	if req.Body == nil {
		req.Body = http.NoBody
	}
	return sink.RoundTrip(req)
}
