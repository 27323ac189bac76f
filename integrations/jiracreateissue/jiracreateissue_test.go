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
	"os"
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

// jira answers every call with a success, unless replies says otherwise. Keys are the ends of
// paths.
func jira(t *testing.T, replies map[string]actiontest.Reply) *actiontest.Destination {
	t.Helper()
	all := map[string]actiontest.Reply{
		"/3/project/search": {Body: `{"isLast":true,"values":[{"id":"10001","key":"OPS","name":"Operations"},{"id":"10002","key":"S","name":"Sales"}]}`},
		"/2/project":        {Body: `[{"id":"10001","key":"OPS","name":"Operations"},{"id":"10002","key":"S","name":"Sales"}]`},
		"/project/10001": {Body: `{"issueTypes":[{"id":"10006","name":"Sub-task","description":"Part of another","subtask":true},` +
			`{"id":"10005","name":"Task","description":""},{"id":"10004","name":"Bug","description":"A fault"}]}`},
		"/project/10002":           {Body: `{"issueTypes":[{"id":"10009","name":"Lead"}]}`},
		"/attachment/meta":         {Body: `{"enabled":true,"uploadLimit":1000}`},
		"/issue":                   {Status: http.StatusCreated, Body: `{"id":"20001","key":"OPS-7","self":"x"}`},
		"/issue/20001/attachments": {Body: fmt.Sprintf(`[{"id":"1","size":%d}]`, len(csv))},
	}
	return actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		for _, known := range []map[string]actiontest.Reply{replies, all} {
			for end, reply := range known {
				if strings.HasSuffix(r.Path, end) {
					return reply
				}
			}
		}
		return actiontest.Reply{Status: http.StatusNotFound}
	})
}

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
	const search = "GET acme.atlassian.net/rest/api/3/project/search?action=create&maxResults=100&orderBy=name&startAt=0"
	for _, tt := range []struct {
		name, address, project, golden string
		calls                          []string
	}{
		{"Cloud, at first", cloud, "", "first", []string{search, "GET acme.atlassian.net/rest/api/3/project/10001"}},
		{"Cloud, another project", cloud, "10002", "second", []string{search, "GET acme.atlassian.net/rest/api/3/project/10002"}},
		{"Cloud, a project that is gone", cloud, "10001/../2", "first", []string{search, "GET acme.atlassian.net/rest/api/3/project/10001"}},
		{"Data Center below a path", server, "10002", "second", []string{"GET jira.example.com:8443/jira/rest/api/2/project", "GET jira.example.com:8443/jira/rest/api/2/project/10002"}},
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
			return actiontest.Reply{Body: `{"issueTypes":[{"id":"1","name":"Task"}]}`}
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
	if err != nil || len(form.Fields[0].Options) != 5000 || len(d.Requests()) != 51 {
		t.Errorf("%v after %d calls", err, len(d.Requests()))
	}
}

// The choice of another project stays when the chosen one is of no use.
func TestFormWithoutTypes(t *testing.T) {
	t.Parallel()
	d := jira(t, map[string]actiontest.Reply{"/project/10001": {Body: `{"issueTypes":[{"id":"1","name":"Sub-task","subtask":true}]}`}})
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
			"JIRA rejected the credentials. Use an account's email address and an API token of that account.",
		},
		{
			"refused by Data Center", server,
			map[string]actiontest.Reply{"/project": {Status: 401}},
			action.Unauthenticated,
			"JIRA rejected the credentials. Use a user name and password, or a personal access token as the password.",
		},
		{
			"no project", cloud,
			map[string]actiontest.Reply{"/search": {Body: `{"isLast":true,"values":[]}`}},
			action.Forbidden,
			"JIRA shows no project in which an issue may be created. Check the user name, the password or token, and the user's permissions.",
		},
		{
			"a login page", server,
			map[string]actiontest.Reply{"/project": {Status: 302, Header: map[string]string{"Location": "https://sso.example.com/"}}},
			action.Invalid,
			"JIRA redirects to another URL. Check the address in the action's settings.",
		},
		{"not Jira", server, map[string]actiontest.Reply{"/project": {Body: "<html>"}}, action.Unavailable, "Unexpected response from JIRA."},
		{"an odd id", server, map[string]actiontest.Reply{"/project": {Body: `[{"id":"../x","name":"X"}]`}}, action.Unavailable, "Unexpected response from JIRA."},
		{"unavailable", server, map[string]actiontest.Reply{"/project": {Status: 503}}, action.Unavailable, "JIRA answered 503 Service Unavailable."},
		{
			"the project is hidden", server,
			map[string]actiontest.Reply{"/project/10001": {Status: 404, Body: `{"errorMessages":["No project could be found with id '10001'."]}`}},
			action.NotFound, "JIRA answered 404: No project could be found with id '10001'.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			i := actiontest.New(t, jiracreateissue.New, actiontest.Deps(t, jira(t, tt.replies), nil))
			_, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(tt.address), nil))
			if err == nil || action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message || strings.Contains(err.Error(), secret) {
				t.Errorf("error %v (%v), want %q (%v)", err, action.KindOf(err), tt.message, tt.kind)
			}
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
		{"an API token with scopes", "https://api.atlassian.com/ex/jira/11111111-2222-3333-4444-555555555555", pat, basic(pat)},
		{"a password", server, secret, basic(secret)},
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
			if err != nil || part.FormName() != "file" || part.FileName() != "Orders by day.csv" || string(body) != csv || part.Header.Get("Content-Type") != tt.want || len(part.Header) != 2 {
				t.Errorf("part %v: %q, %v", part.Header, body, err)
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
			kind:    action.Invalid, message: "JIRA answered 400: Look here. Team is required. The issue type selected is invalid.",
			fields: map[string]string{"issueType": "The issue type selected is invalid."},
		},
		{
			name: "refused without a reason", calls: 1, replies: map[string]actiontest.Reply{"/issue": {Status: 403, Body: "<html>"}},
			kind: action.Forbidden, message: "JIRA answered 403 Forbidden.",
		},
		{
			name: "unavailable", calls: 1, replies: map[string]actiontest.Reply{"/issue": {Status: 502}},
			kind: action.Unavailable, message: "JIRA answered 502 Bad Gateway." + doubt,
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
			message: "The issue OPS-7 was created, but the data was not attached to it. Do not send it again. JIRA answered 403: You do not have permission to create attachments for this issue.",
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
			if err == nil || action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message || strings.Contains(err.Error(), secret) {
				t.Errorf("error %v (%v), want %q (%v)", err, action.KindOf(err), tt.message, tt.kind)
			}
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
	if err != nil || res.Message != "Created OPS-1." || len(d.Requests()) != 2 {
		t.Errorf("%+v, %v, %d calls", res, err, len(d.Requests()))
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
	if got, want := action.MessageOf(err), "The download from Looker broke off before the data was complete."; got != want {
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
		const want = "JIRA did not answer in time. The issue may already have been created. Check before retrying."
		if took := time.Since(start); action.MessageOf(err) != want || action.KindOf(err) != action.Timeout || took != time.Minute {
			t.Errorf("error %v (%v) after %v, want %q", err, action.KindOf(err), took, want)
		}
	})
}

func TestFormAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, jiracreateissue.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(cloud), nil))
		if took := time.Since(start); action.MessageOf(err) != "JIRA did not answer in time." || action.KindOf(err) != action.Timeout || took > 90*time.Second {
			t.Errorf("error %v (%v) after %v", err, action.KindOf(err), took)
		}
	})
}
