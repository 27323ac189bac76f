package jiracreateissue_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/jiracreateissue"
)

const (
	cloud  = "https://acme.atlassian.net"
	server = "https://jira.example.com:8443/jira/"
	csv    = "day,orders\n2026-11-23,17\n"
	secret = "s3cret-token"
)

func params(address string) map[string]string {
	return map[string]string{"address": address, "username": "looker@example.com", "password": secret}
}

func answers() map[string]string {
	return map[string]string{"project": "10001", "summary": "Look at this", "description": "Sales *fell*.", "issueType": "10005"}
}

// summary and description are on every screen for a new issue.
const (
	summary     = `{"fieldId":"summary","name":"Summary","required":true,"schema":{"type":"string","system":"summary"}}`
	description = `{"fieldId":"description","name":"Description","required":false,"schema":{"type":"string","system":"description"}}`
)

// jira answers every call with a success, unless replies says otherwise. Keys are the ends of
// paths.
func jira(t *testing.T, replies map[string]actiontest.Reply) *actiontest.Destination {
	t.Helper()
	all := map[string]actiontest.Reply{
		"/3/project/search": {Body: `{"isLast":true,"values":[{"id":"10001","key":"OPS","name":"Operations"},{"id":"10002","key":"S","name":"Sales"}]}`},
		"/2/project":        {Body: `[{"id":"10001","key":"OPS","name":"Operations"},{"id":"10002","key":"S","name":"Sales"}]`},
		"/project/10001": {Body: `{"issueTypes":[{"id":"10006","name":"Sub-task","description":"Part of another","subtask":true},` +
			`{"id":"10005","name":"Task","description":""},{"id":"10004","name":"Bug","description":"A fault"}]}`},
		"/project/10002": {Body: `{"issueTypes":[{"id":"10009","name":"Lead"}]}`},
		"/3/issue/createmeta/10001/issuetypes": {Body: `{"startAt":0,"maxResults":100,"total":3,"issueTypes":[` +
			`{"id":"10006","name":"Sub-task","subtask":true},{"id":"10005","name":"Task","subtask":false},{"id":"10004","name":"Bug","subtask":false}]}`},
		"/3/issue/createmeta/10002/issuetypes":       {Body: `{"startAt":0,"maxResults":100,"total":1,"issueTypes":[{"id":"10009","name":"Lead","subtask":false}]}`},
		"/2/issue/createmeta/10002/issuetypes":       {Body: `{"startAt":0,"maxResults":100,"total":1,"isLast":true,"values":[{"id":"10009","name":"Lead","subtask":false}]}`},
		"/3/issue/createmeta/10001/issuetypes/10005": {Body: `{"startAt":0,"maxResults":100,"total":2,"fields":[` + summary + `,` + description + `]}`},
		"/3/issue/createmeta/10002/issuetypes/10009": {Body: `{"startAt":0,"maxResults":100,"total":1,"fields":[` + summary + `]}`},
		"/2/issue/createmeta/10002/issuetypes/10009": {Body: `{"startAt":0,"maxResults":100,"total":1,"isLast":true,"values":[` + summary + `]}`},
		"/attachment/meta":                           {Body: `{"enabled":true,"uploadLimit":1000}`},
		"/issue":                                     {Status: http.StatusCreated, Body: `{"id":"20001","key":"OPS-7","self":"x"}`},
		"/issue/20001/attachments":                   {Body: fmt.Sprintf(`[{"id":"1","size":%d}]`, len(csv))},
	}
	return actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		if asked := r.Query.Get("action"); asked != "" && !slices.Contains([]string{"view", "browse", "edit"}, asked) {
			return actiontest.Reply{Status: http.StatusBadRequest, Body: `{"errorMessages":["The value of the parameter action is not valid."]}`}
		}
		for _, known := range []map[string]actiontest.Reply{replies, all} {
			for _, end := range slices.SortedFunc(maps.Keys(known), longerFirst) {
				if strings.HasSuffix(r.Path, end) {
					return known[end]
				}
			}
		}
		return actiontest.Reply{Status: http.StatusNotFound}
	})
}

// longerFirst orders the ends of paths, of which one can be the end of another.
func longerFirst(a, b string) int { return len(b) - len(a) }

// calls are what arrived: methods and addresses.
func calls(d *actiontest.Destination) []string {
	list := []string{}
	for _, r := range d.Requests() {
		line := r.Method + " " + r.Host + r.Path
		if len(r.Query) > 0 {
			line += "?" + r.Query.Encode()
		}
		list = append(list, line)
	}
	return list
}

func query(t *testing.T, address string, form map[string]string) *action.Request {
	t.Helper()
	return actiontest.Inline(t, actiontest.Query(params(address), form), "text/csv", "csv", []byte(csv))
}

func TestForm(t *testing.T) {
	t.Parallel()
	const (
		api    = "GET acme.atlassian.net/rest/api/3/"
		search = api + "project/search?action=browse&maxResults=100&orderBy=name&startAt=0"
		page   = "?maxResults=100&startAt=0"
	)
	first := []string{search, api + "issue/createmeta/10001/issuetypes" + page, api + "issue/createmeta/10001/issuetypes/10005" + page}
	for _, tt := range []struct {
		name, address, project, golden string
		calls                          []string
	}{
		{"Cloud, at first", cloud, "", "first", first},
		{"Cloud, another project", cloud, "10002", "second", []string{search, api + "issue/createmeta/10002/issuetypes" + page, api + "issue/createmeta/10002/issuetypes/10009" + page}},
		{"Cloud, a project that is gone", cloud, "10001/../2", "first", first},
		{"Data Center below a path", server, "10002", "second", []string{
			"GET jira.example.com:8443/jira/rest/api/2/project",
			"GET jira.example.com:8443/jira/rest/api/2/issue/createmeta/10002/issuetypes" + page,
			"GET jira.example.com:8443/jira/rest/api/2/issue/createmeta/10002/issuetypes/10009" + page,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := jira(t, nil)
			i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
			form, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(tt.address), map[string]string{"project": tt.project}))
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile("testdata/form/" + tt.golden + ".json")
			if err != nil {
				t.Fatal(err)
			}
			want := &action.Form{}
			if err := json.Unmarshal(text, want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, form); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.calls, calls(d)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFormReadsAllPages(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		switch {
		case !strings.HasSuffix(r.Path, "/search"):
			return actiontest.Reply{Body: `{"total":1,"issueTypes":[{"id":"1","name":"Task"}]}`}
		case r.Query.Get("startAt") == "0":
			return actiontest.Reply{Body: `{"isLast":false,"values":[{"id":"1","name":"A"},{"id":"2","name":"B"}]}`}
		}
		return actiontest.Reply{Body: `{"isLast":true,"values":[{"id":"` + r.Query.Get("startAt") + `0","name":"C"}]}`}
	})
	i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
	form, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(cloud), nil))
	if err != nil {
		t.Fatal(err)
	}
	want := []action.Option{{Name: "1", Label: "A"}, {Name: "2", Label: "B"}, {Name: "20", Label: "C"}}
	if diff := cmp.Diff(want, form.Fields[0].Options); diff != "" {
		t.Errorf("projects (-want +got):\n%s", diff)
	}
}

// A list that never ends has an end all the same.
func TestFormEnds(t *testing.T) {
	t.Parallel()
	page := strings.Repeat(`{"id":"10001","name":"A"},`, 99) + `{"id":"10001","name":"A"}`
	d := jira(t, map[string]actiontest.Reply{"/3/project/search": {Body: `{"isLast":false,"values":[` + page + `]}`}})
	i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
	form, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(cloud), nil))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(form.Fields[0].Options); n != 5000 {
		t.Errorf("%d projects, want 5000", n)
	}
	if n := len(d.Requests()); n != 52 {
		t.Errorf("%d calls, want 52", n)
	}
}

// The choice of another project stays when the chosen one is of no use.
func TestFormWithoutTypes(t *testing.T) {
	t.Parallel()
	d := jira(t, map[string]actiontest.Reply{"/10001/issuetypes": {Body: `{"total":1,"issueTypes":[{"id":"1","name":"Sub-task","subtask":true}]}`}})
	i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
	form, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(cloud), nil))
	if err != nil {
		t.Fatal(err)
	}
	want := action.Field{
		Name: "issueType", Label: "Issue Type", Type: action.Select, Required: true, Options: []action.Option{},
		Description: "The project has no type of issue that can be created by itself.",
	}
	if diff := cmp.Diff(want, form.Fields[3]); diff != "" || len(form.Fields[0].Options) != 2 {
		t.Errorf("%d projects, field (-want +got):\n%s", len(form.Fields[0].Options), diff)
	}
}

func TestFormFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, address string
		replies       map[string]actiontest.Reply
		kind          action.Kind
		message       string
	}{
		{"no URL", "fake-address", nil, action.Invalid, "Invalid URL"},
		{"clear text", "http://jira.example.com", nil, action.Invalid, "The URL of the JIRA server must begin with https://."},
		{"a user name", "https://me:pw@jira.example.com", nil, action.Invalid, "The URL of the JIRA server must not contain a user name."},
		{
			"refused by Cloud", cloud,
			map[string]actiontest.Reply{"/search": {Status: 401}},
			action.Unauthenticated,
			"JIRA rejected the credentials. Use an account's email address and an API token of that account. API tokens expire after one year at most.",
		},
		{
			"refused by Data Center", server,
			map[string]actiontest.Reply{"/project": {Status: 401}},
			action.Unauthenticated,
			"JIRA rejected the credentials. Use a user name and password, or a personal access token as the password. Such a token can expire.",
		},
		{
			"a CAPTCHA", server,
			map[string]actiontest.Reply{"/project": {Status: 403, Header: map[string]string{"X-Seraph-LoginReason": "AUTHENTICATION_DENIED"}}},
			action.Unauthenticated,
			"JIRA asks the user for a CAPTCHA after several failed logins. Log in to JIRA with a browser once, then correct the credentials.",
		},
		{
			"no project", cloud,
			map[string]actiontest.Reply{"/search": {Body: `{"isLast":true,"values":[]}`}},
			action.Forbidden,
			"JIRA shows no project in which an issue may be created. Check the user name, the password or token, and the user's permissions. API tokens expire after one year at most.",
		},
		{
			"a login page", server,
			map[string]actiontest.Reply{"/project": {Status: 302, Header: map[string]string{"Location": "https://sso.example.com/"}}},
			action.Invalid,
			"JIRA redirects to another URL. Check the address in the action's settings.",
		},
		{"not Jira", server, map[string]actiontest.Reply{"/project": {Body: "<html>"}}, action.Unavailable, "Unexpected response from JIRA."},
		{"an odd id", server, map[string]actiontest.Reply{"/project": {Body: `[{"id":"../x","name":"X"}]`}}, action.Unavailable, "Unexpected response from JIRA."},
		{"unavailable", server, map[string]actiontest.Reply{"/project": {Status: 503}}, action.Unavailable, "JIRA returned 503 Service Unavailable."},
		{
			"the project is hidden", server,
			map[string]actiontest.Reply{"/10001/issuetypes": {Status: 404}, "/project/10001": {Status: 404, Body: `{"errorMessages":["No project could be found with id '10001'."]}`}},
			action.NotFound, "JIRA returned 404: No project could be found with id '10001'.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, jira(t, tt.replies), nil))
			_, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(tt.address), nil))
			compareError(t, err, tt.kind, tt.message)
		})
	}
}

// Credentials go in the way that each kind of Jira wants them.
func TestCredentials(t *testing.T) {
	t.Parallel()
	pat := base64.StdEncoding.EncodeToString([]byte("123456789012:abcdefghijklmnopqrst"))
	basic := func(password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte("looker@example.com:"+password))
	}
	for _, tt := range []struct{ name, address, password, want string }{
		{"an API token", cloud, " ATATT3xFfGF0\n", basic("ATATT3xFfGF0")},
		{"an API token in quotes", cloud, "\u200b\"ATATT3xFfGF0\"", basic("ATATT3xFfGF0")},
		{"an API token with scopes", "https://api.atlassian.com/ex/jira/11111111-2222-3333-4444-555555555555", pat, basic(pat)},
		{"a password", server, secret, basic(secret)},
		{"a password in quotes", server, `"pw"`, basic(`"pw"`)},
		{"a password with blanks", server, " p w ", basic(" p w ")},
		{"a personal access token", server, pat + "\n", "Bearer " + pat},
		{"not quite one", server, pat + "x", basic(pat + "x")},
		{"a name that only begins like Cloud's", "https://atlassian.net.example.com", pat, "Bearer " + pat},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := jira(t, nil)
			i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
			req := query(t, tt.address, answers())
			req.Params["password"] = tt.password
			if _, err := i.Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			if got := d.Requests()[0].Header.Get("Authorization"); got != tt.want {
				t.Errorf("Authorization %q, want %q", got, tt.want)
			}
		})
	}
}

func TestExecute(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, address, golden, call string
		change                      func(*action.Request)
	}{
		{"Cloud", cloud, "cloud", "POST acme.atlassian.net/rest/api/3/issue", func(*action.Request) {}},
		{"Data Center", server, "server", "POST jira.example.com:8443/jira/rest/api/2/issue", func(*action.Request) {}},
		{"Cloud, several paragraphs", cloud, "cloud-paragraphs", "POST acme.atlassian.net/rest/api/3/issue", func(r *action.Request) {
			r.Form["description"] = "\r\nOne\r\n[two|javascript:x]\r\n\r\n\r\nThree <b>\"\r\n"
		}},
		{"Cloud, a link that is none of the web", cloud, "cloud-nolink", "POST acme.atlassian.net/rest/api/3/issue", func(r *action.Request) {
			r.Form["description"], r.Plan.URL = "", "javascript:alert(1)"
		}},
		{"Cloud, nothing to say", cloud, "bare", "POST acme.atlassian.net/rest/api/3/issue", func(r *action.Request) {
			r.Form["description"], r.Plan.URL = " ", ""
		}},
		{"Data Center, nothing to say", server, "bare", "POST jira.example.com:8443/jira/rest/api/2/issue", func(r *action.Request) {
			delete(r.Form, "description")
			r.Plan.URL = ""
		}},
		{"Data Center, no plan", server, "server-noplan", "POST jira.example.com:8443/jira/rest/api/2/issue", func(r *action.Request) { r.Plan = action.Plan{} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := jira(t, nil)
			i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
			req := query(t, tt.address, answers())
			tt.change(req)
			res, err := i.Execute(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&action.Response{Message: "Created OPS-7."}, res); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{tt.call}, calls(d)); diff != "" {
				t.Fatalf("calls (-want +got):\n%s", diff)
			}
			want, err := os.ReadFile("testdata/issue/" + tt.golden + ".json")
			if err != nil {
				t.Fatal(err)
			}
			got := d.Requests()[0]
			if diff := cmp.Diff(normal(t, want), normal(t, got.Body)); diff != "" || got.Header.Get("Content-Type") != "application/json" {
				t.Errorf("Content-Type %q, issue (-want +got):\n%s", got.Header.Get("Content-Type"), diff)
			}
		})
	}
}

func normal(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func TestAttachment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, mime, want string }{
		{"text", "text/csv", "text/csv"},
		{"encoded", "text/csv;base64", "text/csv"},
		{"a type that would be two headers", "text/csv\r\nX-Evil: 1", "application/octet-stream"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := jira(t, nil)
			i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
			req := actiontest.Query(params(cloud), answers())
			req.Form["attachData"] = "yes"
			res, err := i.Execute(t.Context(), actiontest.Inline(t, req, tt.mime, "csv", []byte(csv)))
			if err != nil || res.Message != "Created OPS-7." {
				t.Fatalf("%+v, %v", res, err)
			}
			const api = "acme.atlassian.net/rest/api/3/"
			want := []string{"GET " + api + "attachment/meta", "POST " + api + "issue", "POST " + api + "issue/20001/attachments"}
			if diff := cmp.Diff(want, calls(d)); diff != "" {
				t.Fatalf("calls (-want +got):\n%s", diff)
			}
			got := d.Requests()[2]
			if got.Header.Get("X-Atlassian-Token") != "no-check" || got.Header.Get("Content-Length") != fmt.Sprint(len(got.Body)) {
				t.Errorf("headers %v for %d bytes", got.Header, len(got.Body))
			}
			_, boundary, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
			if err != nil {
				t.Fatal(err)
			}
			form := multipart.NewReader(strings.NewReader(string(got.Body)), boundary["boundary"])
			part, err := form.NextRawPart()
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(part)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(csv, string(body)); diff != "" {
				t.Errorf("file (-want +got):\n%s", diff)
			}
			header := textproto.MIMEHeader{
				"Content-Disposition": {`form-data; name="file"; filename="Orders by day.csv"`}, "Content-Type": {tt.want},
			}
			if diff := cmp.Diff(header, part.Header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if _, err := form.NextRawPart(); err != io.EOF {
				t.Errorf("after the file: %v", err)
			}
		})
	}
}

func TestExecuteFails(t *testing.T) {
	t.Parallel()
	const doubt = " The issue may already have been created. Check before retrying."
	for _, tt := range []struct {
		name    string
		form    map[string]string
		replies map[string]actiontest.Reply
		kind    action.Kind
		message string
		fields  map[string]string
		calls   int
	}{
		{
			name: "nothing answered", form: map[string]string{"project": "", "summary": " ", "issueType": ""},
			kind: action.Invalid, message: `"project" is required. "summary" is required. "issueType" is required.`,
			fields: map[string]string{"project": `"project" is required.`, "summary": `"summary" is required.`, "issueType": `"issueType" is required.`},
		},
		{
			name: "a project that is a path", form: map[string]string{"project": "1/../../x"},
			kind: action.Invalid, message: `"project" must be chosen from the list.`, fields: map[string]string{"project": `"project" must be chosen from the list.`},
		},
		{
			name: "refused for its fields", calls: 1,
			replies: map[string]actiontest.Reply{"/issue": {Status: 400, Body: `{"errorMessages":["Look\nhere."],"errors":{"issuetype":"The issue type selected is invalid.","customfield_1":"Team is required."}}`}},
			kind:    action.Invalid, message: "JIRA returned 400: Look here. Team is required. The issue type selected is invalid.",
			fields: map[string]string{"issueType": "The issue type selected is invalid."},
		},
		{
			name: "refused without a reason", calls: 1, replies: map[string]actiontest.Reply{"/issue": {Status: 403, Body: "<html>"}},
			kind: action.Forbidden, message: "JIRA returned 403 Forbidden.",
		},
		{
			name: "unavailable", calls: 1, replies: map[string]actiontest.Reply{"/issue": {Status: 502}},
			kind: action.Unavailable, message: "JIRA returned 502 Bad Gateway." + doubt,
		},
		{
			name: "a reset", calls: 1, replies: map[string]actiontest.Reply{"/issue": {Reset: true}},
			kind: action.Unavailable, message: "The connection to JIRA failed." + doubt,
		},
		{
			name: "an answer without a key", calls: 1, replies: map[string]actiontest.Reply{"/issue": {Status: 201, Body: `{"id":"1"}`}},
			kind: action.Unavailable, message: "Unexpected response from JIRA." + doubt,
		},
		{
			name: "an id that is a path", calls: 1, replies: map[string]actiontest.Reply{"/issue": {Status: 201, Body: `{"id":"../x","key":"OPS-1"}`}},
			kind: action.Unavailable, message: "Unexpected response from JIRA." + doubt,
		},
		{
			name: "no attachments here", form: map[string]string{"attachData": "yes"}, calls: 1, replies: map[string]actiontest.Reply{"/meta": {Body: `{"enabled":false}`}},
			kind: action.Invalid, message: "This JIRA server does not allow attachments.", fields: map[string]string{"attachData": "This JIRA server does not allow attachments."},
		},
		{
			name: "too large", form: map[string]string{"attachData": "yes"}, calls: 1, replies: map[string]actiontest.Reply{"/meta": {Body: `{"enabled":true,"uploadLimit":24}`}},
			kind: action.TooLarge, message: "The data is too large. This JIRA server allows attachments of up to 24 bytes.",
		},
		{
			name: "the attachment is refused", form: map[string]string{"attachData": "yes"}, calls: 3,
			replies: map[string]actiontest.Reply{"/attachments": {Status: 403, Body: `{"errorMessages":["You do not have permission to create attachments for this issue."]}`}},
			kind:    action.Forbidden,
			message: "The issue OPS-7 was created, but the data was not attached to it. Do not send it again. JIRA returned 403: You do not have permission to create attachments for this issue.",
		},
		{
			name: "the attachment is cut", form: map[string]string{"attachData": "yes"}, calls: 3, replies: map[string]actiontest.Reply{"/attachments": {Body: `[{"size":24}]`}},
			kind:    action.Unavailable,
			message: "The issue OPS-7 was created, but the data was not attached to it. Do not send it again. Unexpected response from JIRA. The file may already be attached.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := jira(t, tt.replies)
			i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
			form := answers()
			maps.Copy(form, tt.form)
			_, err := i.Execute(t.Context(), query(t, cloud, form))
			compareError(t, err, tt.kind, tt.message)
			if diff := cmp.Diff(tt.fields, fields(err)); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if got := calls(d); len(got) != tt.calls {
				t.Errorf("%d calls, want %d: %q", len(got), tt.calls, got)
			}
		})
	}
}

func fields(err error) map[string]string {
	var e *action.Error
	if e, _ = err.(*action.Error); e == nil || len(e.Fields) == 0 { //nolint:errorlint // Looker gets the outermost error
		return nil
	}
	return e.Fields
}

// An issue that was refused for its rate was not created.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(
		actiontest.Reply{Status: 429, Header: map[string]string{"Retry-After": "1"}},
		actiontest.Reply{Status: 201, Body: `{"id":"1","key":"OPS-1"}`},
	)
	i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
	res, err := i.Execute(t.Context(), query(t, cloud, answers()))
	if err != nil {
		t.Fatal(err)
	}
	if res.Message != "Created OPS-1." {
		t.Errorf("message %q", res.Message)
	}
	if n := len(d.Requests()); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

func TestWithoutData(t *testing.T) {
	t.Parallel()
	d := jira(t, nil)
	i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
	_, err := i.Execute(t.Context(), actiontest.Query(params(cloud), answers()))
	if action.MessageOf(err) != "Couldn't get data from attachment" || len(calls(d)) != 0 {
		t.Errorf("error %v, calls %q", err, calls(d))
	}
}

func TestDownloadBreaksOff(t *testing.T) {
	t.Parallel()
	d := jira(t, nil)
	i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
	req := actiontest.Query(params(cloud), answers())
	req.Form["attachData"] = "yes"
	_, err := i.Execute(t.Context(), actiontest.Download(t, req, actiontest.BrokenDownload(csv)))
	if got, want := action.MessageOf(err), "The download from Looker ended before the data was complete."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"GET acme.atlassian.net/rest/api/3/attachment/meta"}, calls(d)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, jiracreateissue.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := i.Execute(t.Context(), query(t, cloud, answers()))
		const want = "JIRA did not respond in time. The issue may already have been created. Check before retrying."
		compareError(t, err, action.Timeout, want)
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

func TestFormAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, jiracreateissue.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(cloud), nil))
		compareError(t, err, action.Timeout, "JIRA did not respond in time.")
		if took := time.Since(start); took > 90*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// compareError compares an error's kind and message, and looks for the token in it.
func compareError(t *testing.T, err error, kind action.Kind, message string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if got := action.KindOf(err); got != kind {
		t.Errorf("kind %v, want %v", got, kind)
	}
	if got := action.MessageOf(err); got != message {
		t.Errorf("message %q, want %q", got, message)
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the error contains the token: %v", err)
	}
}

// The address may be that of a page. A site of Cloud has no path, and the reference dropped it always.
func TestAddress(t *testing.T) {
	t.Parallel()
	const site = "https://acme.atlassian.net/rest/api/3/project/search"
	for name, tt := range map[string]struct{ address, want string }{
		"a site of Cloud":           {"https://acme.atlassian.net", site},
		"a slash at the end":        {"https://acme.atlassian.net/", site},
		"its start page":            {"https://acme.atlassian.net/jira/your-work", site},
		"Cloud's path of Jira":      {"https://acme.atlassian.net/jira", site},
		"a board":                   {"https://acme.atlassian.net/jira/software/projects/OPS/boards/1?view=x#top", site},
		"an issue":                  {"https://acme.atlassian.net/browse/OPS-7", site},
		"an older page":             {"https://acme.atlassian.net/secure/Dashboard.jspa", site},
		"Confluence":                {"https://acme.atlassian.net/wiki/home", site},
		"without a scheme":          {"acme.atlassian.net/jira", site},
		"pasted":                    {"\u200b<https://acme.atlassian.net/jira> ", site},
		"uppercase":                 {"https://ACME.Atlassian.net", site},
		"an older domain":           {"https://acme.jira.com/secure/", "https://acme.jira.com/rest/api/3/project/search"},
		"the gateway":               {"https://api.atlassian.com/ex/jira/11-aa/", "https://api.atlassian.com/ex/jira/11-aa/rest/api/3/project/search"},
		"a resource there":          {"https://api.atlassian.com/ex/jira/11-aa/rest/api/3", "https://api.atlassian.com/ex/jira/11-aa/rest/api/3/project/search"},
		"Data Center":               {"https://jira.example.com", "https://jira.example.com/rest/api/2/project"},
		"a context path":            {"https://jira.example.com/jira/", "https://jira.example.com/jira/rest/api/2/project"},
		"a longer one":              {"https://jira.example.com/tools/jira", "https://jira.example.com/tools/jira/rest/api/2/project"},
		"an issue below it":         {"https://jira.example.com/jira/browse/OPS-7", "https://jira.example.com/jira/rest/api/2/project"},
		"its dashboard":             {"https://jira.example.com/secure/Dashboard.jspa", "https://jira.example.com/rest/api/2/project"},
		"its login":                 {"https://jira.example.com/jira/login.jsp?os_destination=x", "https://jira.example.com/jira/rest/api/2/project"},
		"a path that only looks so": {"https://jira.example.com/browser", "https://jira.example.com/browser/rest/api/2/project"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := jira(t, nil)
			i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
			if _, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(tt.address), nil)); err != nil {
				t.Fatal(err)
			}
			r := d.Requests()[0]
			if got := "https://" + r.Host + r.Path; got != tt.want {
				t.Errorf("called %s, want %s", got, tt.want)
			}
		})
	}
}

func TestGatewayWithoutSite(t *testing.T) {
	t.Parallel()
	d := jira(t, nil)
	i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
	_, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params("https://api.atlassian.com/"), nil))
	compareError(t, err, action.Invalid, "The URL of the JIRA server must be https://api.atlassian.com/ex/jira/ with the site's cloud ID, or the site's own URL.")
}

// screen has the fields of an issue type that requires more than a summary.
const screen = summary + `,` + description + `,` +
	`{"fieldId":"priority","name":"Priority","required":false,"schema":{"type":"priority","system":"priority"},"allowedValues":[{"id":"2","name":"High"}]},` +
	`{"fieldId":"assignee","name":"Assignee","required":false,"schema":{"type":"user","system":"assignee"}},` +
	`{"fieldId":"labels","name":"Labels","required":false,"schema":{"type":"array","items":"string","system":"labels"}},` +
	`{"fieldId":"customfield_10010","name":"Area","required":true,"schema":{"type":"option","custom":"com.atlassian.jira.plugin.system.customfieldtypes:select"},` +
	`"allowedValues":[{"id":"77","value":"Sales"}]},` +
	`{"fieldId":"customfield_10011","name":"Why","required":true,"schema":{"type":"string","custom":"com.atlassian.jira.plugin.system.customfieldtypes:textarea"}},` +
	`{"fieldId":"customfield_10012","name":"Optional","required":false,"schema":{"type":"number"}}`

func screenReplies(fields string) map[string]actiontest.Reply {
	total := fmt.Sprint(strings.Count(fields, `"fieldId"`))
	return map[string]actiontest.Reply{
		"/3/issue/createmeta/10001/issuetypes/10005": {Body: `{"startAt":0,"maxResults":100,"total":` + total + `,"fields":[` + fields + `]}`},
		"/2/issue/createmeta/10001/issuetypes/10005": {Body: `{"startAt":0,"maxResults":100,"total":` + total + `,"isLast":true,"values":[` + fields + `]}`},
		"/user/assignable/search": {Body: `[{"accountId":"5b10ac8d82e05b22cc7d4ef5","displayName":"Ann","emailAddress":"ann@example.com"},` +
			`{"accountId":"5b10ac8d82e05b22cc7d4ef6","displayName":"Anna","emailAddress":"anna@example.com"}]`},
	}
}

func TestScreen(t *testing.T) {
	t.Parallel()
	d := jira(t, screenReplies(screen))
	i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
	form, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(cloud), map[string]string{"issueType": "10005"}))
	if err != nil {
		t.Fatal(err)
	}
	want := []action.Field{
		{
			Name: "customfield_10010", Label: "Area", Type: action.Select, Required: true,
			Options: []action.Option{{Name: "77", Label: "Sales"}},
		},
		{Name: "customfield_10011", Label: "Why", Type: action.Textarea, Required: true},
		{Name: "priority", Label: "Priority", Type: action.Select, Options: []action.Option{{Name: "2", Label: "High"}}},
		{Name: "assignee", Label: "Assignee", Type: action.String, Description: "The user's e-mail address, name or ID."},
		{Name: "labels", Label: "Labels", Type: action.String, Description: "Several are separated by commas or spaces."},
	}
	if diff := cmp.Diff(want, form.Fields[5:]); diff != "" {
		t.Errorf("fields after the others (-want +got):\n%s", diff)
	}
	if !form.Fields[3].Interactive {
		t.Error("the issue type is not interactive, although other types have other fields")
	}
}

// What cannot be set is named before a delivery fails.
func TestScreenUnsupported(t *testing.T) {
	t.Parallel()
	d := jira(t, screenReplies(summary+`,{"fieldId":"customfield_1","name":"Sprint","required":true,"schema":{"type":"array","items":"json"}}`))
	i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
	form, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(cloud), nil))
	if err != nil {
		t.Fatal(err)
	}
	const want = "Issues of the chosen type cannot be created: they require fields that the hub cannot set (Sprint)."
	if got := form.Fields[3].Description; got != want {
		t.Errorf("description %q, want %q", got, want)
	}
}

// Cloud returns fewer items in a page than it is asked for.
func TestScreenReadsAllPages(t *testing.T) {
	t.Parallel()
	pages := map[string]string{
		"0": `{"startAt":0,"maxResults":1,"total":2,"fields":[` + summary + `]}`,
		"1": `{"startAt":1,"maxResults":1,"total":2,"fields":[{"fieldId":"labels","name":"Labels","schema":{"type":"array","items":"string","system":"labels"}}]}`,
	}
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		switch {
		case strings.HasSuffix(r.Path, "/search"):
			return actiontest.Reply{Body: `{"isLast":true,"values":[{"id":"1","name":"A"}]}`}
		case strings.HasSuffix(r.Path, "/issuetypes"):
			return actiontest.Reply{Body: `{"total":1,"issueTypes":[{"id":"2","name":"Task"}]}`}
		}
		return actiontest.Reply{Body: pages[r.Query.Get("startAt")]}
	})
	i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
	form, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(cloud), nil))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(form.Fields); n != 6 {
		t.Errorf("%d fields, want 6", n)
	}
}

// A Data Center before version 8.4 does not list the fields of one issue type.
func TestOldDataCenter(t *testing.T) {
	t.Parallel()
	d := jira(t, map[string]actiontest.Reply{"/issuetypes": {Status: 404}, "/issuetypes/10009": {Status: 404}})
	i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
	form, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(server), map[string]string{"project": "10002"}))
	if err != nil {
		t.Fatal(err)
	}
	want := action.Field{
		Name: "issueType", Label: "Issue Type", Type: action.Select, Required: true, Default: "10009",
		Options: []action.Option{{Name: "10009", Label: "Lead"}},
	}
	if diff := cmp.Diff(want, form.Fields[3]); diff != "" {
		t.Errorf("field (-want +got):\n%s", diff)
	}
}

func TestMoreFields(t *testing.T) {
	t.Parallel()
	const users = "user/assignable/search?maxResults=1000&project=10001&query="
	for name, tt := range map[string]struct {
		address string
		form    map[string]string
		want    map[string]any
		users   []string
	}{
		"Cloud": {
			cloud,
			map[string]string{"priority": "2", "labels": "a b", "customfield_10010": "77", "customfield_10011": "x", "assignee": "Ann@example.com"},
			map[string]any{
				"priority": map[string]any{"id": "2"}, "labels": []any{"a", "b"}, "customfield_10010": map[string]any{"id": "77"},
				"customfield_10011": map[string]any{"type": "doc", "version": 1.0, "content": []any{
					map[string]any{"type": "paragraph", "content": []any{map[string]any{"type": "text", "text": "x"}}},
				}},
				"assignee": map[string]any{"accountId": "5b10ac8d82e05b22cc7d4ef5"},
			},
			[]string{users + "Ann%40example.com"},
		},
		"an optional field of an older form": {cloud, map[string]string{"customfield_10012": "1.5"}, map[string]any{"customfield_10012": 1.5}, nil},
		"Data Center": {
			server,
			map[string]string{"customfield_10011": "x", "assignee": "ann"},
			map[string]any{"customfield_10011": "x", "assignee": map[string]any{"name": "ann"}},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := jira(t, screenReplies(screen))
			i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
			form := answers()
			maps.Copy(form, tt.form)
			if _, err := i.Execute(t.Context(), query(t, tt.address, form)); err != nil {
				t.Fatal(err)
			}
			requests := d.Requests()
			var body struct{ Fields map[string]any }
			if err := json.Unmarshal(requests[len(requests)-1].Body, &body); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"project", "summary", "description", "issuetype"} {
				delete(body.Fields, name)
			}
			if diff := cmp.Diff(tt.want, body.Fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			var searches []string
			for _, line := range calls(d) {
				if _, search, found := strings.Cut(line, "/api/3/user"); found {
					searches = append(searches, "user"+search)
				}
			}
			if diff := cmp.Diff(tt.users, searches); diff != "" {
				t.Errorf("searches (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMoreFieldsFail(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ field, text, message string }{
		"not a number":           {"customfield_10012", "many", "Optional must be a number such as 12.5."},
		"an option that is gone": {"customfield_10010", "99", `Area does not have the value "99".`},
		"a field that is gone":   {"customfield_99", "x", "Issues of this type no longer have the field customfield_99. Remove its value."},
		"several users":          {"assignee", "an", "Assignee matches several users: enter an e-mail address or an account ID."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := jira(t, screenReplies(screen))
			i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
			form := answers()
			form[tt.field] = tt.text
			_, err := i.Execute(t.Context(), query(t, cloud, form))
			compareError(t, err, action.Invalid, tt.message)
			if diff := cmp.Diff(map[string]string{tt.field: tt.message}, fields(err)); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			for _, r := range d.Requests() {
				if r.Method == http.MethodPost {
					t.Error("the issue was created")
				}
			}
		})
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	const one = `[{"accountId":"5b10ac8d82e05b22cc7d4ef5","displayName":"Ann"}]`
	const partOfName = "Assignee must be the whole name of a user, an e-mail address or an account ID."
	for name, tt := range map[string]struct{ text, found, want string }{
		"the only one found, whose address is hidden": {"ann@example.com", one, "5b10ac8d82e05b22cc7d4ef5"},
		"an account ID that is not listed":            {"712020:0123abcd-0123-4567-89ab-0123456789ab", "[]", "712020:0123abcd-0123-4567-89ab-0123456789ab"},
		"an older account ID":                         {"5b10ac8d82e05b22cc7d4ef9", "[]", "5b10ac8d82e05b22cc7d4ef9"},
		"none":                                        {"bob", "[]", ""},
		"the beginning of a name":                     {"an", one, partOfName},
		"the beginning of a shown address": {
			"ann@example.co", `[{"accountId":"5b10ac8d82e05b22cc7d4ef5","displayName":"Ann","emailAddress":"ann@example.com"}]`, partOfName,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replies := screenReplies(screen)
			replies["/user/assignable/search"] = actiontest.Reply{Body: tt.found}
			d := jira(t, replies)
			i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
			form := answers()
			form["assignee"] = tt.text
			_, err := i.Execute(t.Context(), query(t, cloud, form))
			switch tt.want {
			case "":
				compareError(t, err, action.Invalid, "Assignee must be a user to whom issues of the project can be assigned.")
				return
			case partOfName:
				compareError(t, err, action.Invalid, partOfName)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			requests := d.Requests()
			if body := string(requests[len(requests)-1].Body); !strings.Contains(body, `"assignee":{"accountId":"`+tt.want+`"}`) {
				t.Errorf("issue %s", body)
			}
		})
	}
}

// The user of another field need not be one to whom issues can be assigned.
func TestApprover(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ found, message string }{
		"found":     {`[{"accountId":"5b10ac8d82e05b22cc7d4ef7","displayName":"Bea","emailAddress":"bea@example.com"}]`, ""},
		"not found": {"[]", "Approver must be a user whom the account for Jira may see."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replies := screenReplies(summary + `,{"fieldId":"customfield_10013","name":"Approver","required":true,` +
				`"schema":{"type":"user","custom":"com.atlassian.jira.plugin.system.customfieldtypes:userpicker"}}`)
			replies["/user/assignable/search"] = actiontest.Reply{Body: "[]"}
			replies["/3/user/search"] = actiontest.Reply{Body: tt.found}
			d := jira(t, replies)
			i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
			form := answers()
			form["customfield_10013"] = "bea@example.com"
			_, err := i.Execute(t.Context(), query(t, cloud, form))
			if tt.message != "" {
				compareError(t, err, action.Invalid, tt.message)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			requests := d.Requests()
			if body := string(requests[len(requests)-1].Body); !strings.Contains(body, `"customfield_10013":{"accountId":"5b10ac8d82e05b22cc7d4ef7"}`) {
				t.Errorf("issue %s", body)
			}
		})
	}
}

// Jira's reasons appear at the fields of the form that they are about.
func TestReasonsForMoreFields(t *testing.T) {
	t.Parallel()
	replies := screenReplies(screen)
	replies["/3/issue"] = actiontest.Reply{Status: 400, Body: `{"errors":{"customfield_10010":"Area is required.","customfield_99":"Team is required."}}`}
	d := jira(t, replies)
	i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, d, nil))
	form := answers()
	form["customfield_10010"] = ""
	_, err := i.Execute(t.Context(), query(t, cloud, form))
	compareError(t, err, action.Invalid, "JIRA returned 400: Area is required. Team is required.")
	if diff := cmp.Diff(map[string]string{"customfield_10010": "Area is required."}, fields(err)); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}
