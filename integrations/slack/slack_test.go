package slack_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/datafile"
	"integrationhub.dev/integrations/slack"
)

const csv = "day,orders\n2026-11-23,17\n"

func params() map[string]string {
	return map[string]string{"slack_api_token": " xoxb-s3cret\n"}
}

// workspace answers every method with a success, unless answers says otherwise. Keys are the
// last parts of paths.
func workspace(t *testing.T, answers map[string]actiontest.Reply) *actiontest.Destination {
	t.Helper()
	all := map[string]actiontest.Reply{
		"conversations.list":           {Body: `{"ok":true,"channels":[{"id":"C2","name":"sales"},{"id":"C1","name":"ops"}]}`},
		"users.list":                   {Body: `{"ok":true,"members":[{"id":"U2","name":"zoe"},{"id":"U1","name":"ann"},{"id":"U3","name":"bot","is_bot":true}]}`},
		"files.getUploadURLExternal":   {Body: `{"ok":true,"upload_url":"https://files.slack.com/upload/v1/ticket","file_id":"F1"}`},
		"files.completeUploadExternal": {Body: `{"ok":true}`},
		"conversations.open":           {Body: `{"ok":true,"channel":{"id":"D7"}}`},
		"chat.postMessage":             {Body: `{"ok":true,"channel":"D7"}`},
		"ticket":                       {Body: "OK"},
	}
	return actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		method := r.Path[strings.LastIndex(r.Path, "/")+1:]
		if reply, ok := answers[method]; ok {
			return reply
		}
		if reply, ok := all[method]; ok {
			return reply
		}
		return actiontest.Reply{Status: http.StatusNotFound}
	})
}

// calls are the last parts of the paths that were called.
func calls(d *actiontest.Destination) []string {
	var list []string
	for _, r := range d.Requests() {
		list = append(list, r.Path[strings.LastIndex(r.Path, "/")+1:])
	}
	return list
}

// added is what the form asks beyond the reference's, whose forms are in testdata.
var added = []action.Field{
	{
		Name: "more_channels", Label: "Also Share In", Type: action.String,
		Description: "More channel and user IDs, separated by commas.",
	},
	{
		Name: "thread_ts", Label: "Thread", Type: action.String,
		Description: "To reply to a message, its link (Copy link) or its timestamp.",
	},
}

func TestForm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, channelType, golden, call string }{
		{"at first", "", "manual", ""},
		{"by id", "manual", "manual", ""},
		{"a channel", "channels", "channels", "conversations.list"},
		{"a user", "users", "users", "users.list"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := workspace(t, nil)
			i := actiontest.New(t, slack.New, actiontest.Deps(t, d, nil))
			form, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(), map[string]string{"channelType": tt.channelType}))
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
			want.Fields = slices.Concat(want.Fields, added, datafile.Fields())
			if diff := cmp.Diff(want, form); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
			if got := strings.Join(calls(d), " "); got != tt.call {
				t.Errorf("called %q, want %q", got, tt.call)
			}
			for _, r := range d.Requests() {
				if values, err := url.ParseQuery(string(r.Body)); err != nil || values.Get("token") != "xoxb-s3cret" {
					t.Errorf("arrived as %q, %v", r.Body, err)
				}
			}
		})
	}
}

func TestFormFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		params  map[string]string
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		{"no token", nil, actiontest.Reply{}, action.Invalid, `"slack_api_token" is required.`},
		{"a wrong token", params(), actiontest.Reply{Body: `{"ok":false,"error":"invalid_auth"}`}, action.Unauthenticated, "Your Slack authentication credentials are not valid."},
		{"no scope", params(), actiontest.Reply{Body: `{"ok":false,"error":"missing_scope","needed":"groups:read"}`}, action.Forbidden, "The Slack app lacks the scope groups:read (missing_scope)."},
		{
			"asked to wait for longer than the form may", params(),
			actiontest.Reply{Status: 429, Header: map[string]string{"Retry-After": "60"}},
			action.RateLimited, "Slack is rate limiting requests. Try again in 60 seconds. Choose the channel type Manual Channel ID to enter an ID instead.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := workspace(t, map[string]actiontest.Reply{"conversations.list": tt.reply})
			i := actiontest.New(t, slack.New, actiontest.Deps(t, d, nil))
			_, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(tt.params, map[string]string{"channelType": "channels"}))
			compareError(t, err, tt.kind, tt.message)
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error holds the token: %v", err)
			}
		})
	}
}

func TestExecute(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		form map[string]string
		data string
		want string
	}{
		{"a file", map[string]string{"channel": "C1"}, csv, "files.getUploadURLExternal ticket files.completeUploadExternal"},
		{"a file with a comment", map[string]string{"channel": "C1", "initial_comment": "Hello"}, csv, "files.getUploadURLExternal ticket files.completeUploadExternal"},
		{"a file for a user", map[string]string{"channel": "U1"}, csv, "conversations.open files.getUploadURLExternal ticket files.completeUploadExternal"},
		{"a comment alone", map[string]string{"channel": "C1", "initial_comment": "Hello"}, "", "chat.postMessage"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := workspace(t, nil)
			i := actiontest.New(t, slack.New, actiontest.Deps(t, d, nil))
			req := actiontest.Query(params(), tt.form)
			if tt.data != "" {
				req = actiontest.Inline(t, req, "text/csv", "csv", []byte(tt.data))
			}
			res, err := i.Execute(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&action.Response{}, res); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			if got := strings.Join(calls(d), " "); got != tt.want {
				t.Errorf("called %q, want %q", got, tt.want)
			}
			for _, r := range d.Requests() {
				if strings.HasSuffix(r.Path, "ticket") {
					if string(r.Body) != tt.data {
						t.Errorf("uploaded %q", r.Body)
					}
				} else if values, err := url.ParseQuery(string(r.Body)); err != nil || values.Get("token") != "xoxb-s3cret" {
					t.Errorf("arrived as %q, %v", r.Body, err)
				}
			}
		})
	}
}

// Whatever Slack answers, the delivery ends with a verdict, and nothing is done twice.
func TestExecuteFails(t *testing.T) {
	t.Parallel()
	refused := actiontest.Reply{Body: `{"ok":false,"error":"invalid_auth"}`}
	for _, tt := range []struct {
		name    string
		params  map[string]string
		answers map[string]actiontest.Reply
		kind    action.Kind
		calls   string
	}{
		{"no token", nil, nil, action.Invalid, ""},
		{"a wrong token", params(), map[string]actiontest.Reply{"files.getUploadURLExternal": refused}, action.Unauthenticated, "files.getUploadURLExternal"},
		{"busy", params(), map[string]actiontest.Reply{"files.getUploadURLExternal": {Status: 429, Header: map[string]string{"Retry-After": "600"}}}, action.RateLimited, "files.getUploadURLExternal"},
		{"the upload is refused", params(), map[string]actiontest.Reply{"ticket": {Status: 403}}, action.Forbidden, "files.getUploadURLExternal ticket"},
		{
			"the channel is unknown", params(),
			map[string]actiontest.Reply{"files.completeUploadExternal": {Body: `{"ok":false,"error":"channel_not_found"}`}},
			action.NotFound, "files.getUploadURLExternal ticket files.completeUploadExternal",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := workspace(t, tt.answers)
			i := actiontest.New(t, slack.New, actiontest.Deps(t, d, nil))
			req := actiontest.Query(tt.params, map[string]string{"channel": "C1", "initial_comment": "Hello"})
			_, err := i.Execute(t.Context(), actiontest.Inline(t, req, "text/csv", "csv", []byte(csv)))
			if err == nil {
				t.Fatal("no error")
			}
			if kind := action.KindOf(err); kind != tt.kind {
				t.Errorf("error %v (%v), want kind %v", err, kind, tt.kind)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error contains the token: %v", err)
			}
			if got := strings.Join(calls(d), " "); got != tt.calls {
				t.Errorf("called %q, want %q", got, tt.calls)
			}
		})
	}
}

// A channel's name is found before the upload, and one that does not exist is no failure of the upload.
func TestChannelName(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ channel, calls, message string }{
		"with #":  {"#sales", "conversations.list files.getUploadURLExternal ticket files.completeUploadExternal", ""},
		"without": {"ops", "conversations.list files.getUploadURLExternal ticket files.completeUploadExternal", ""},
		"a user":  {"@ann", "users.list conversations.open files.getUploadURLExternal ticket files.completeUploadExternal", ""},
		"unknown": {
			"#general", "conversations.list",
			"Channel #general not found. A private channel is found only if the Slack app is a member of it. Enter the channel's ID instead.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := workspace(t, nil)
			i := actiontest.New(t, slack.New, actiontest.Deps(t, d, nil))
			req := actiontest.Query(params(), map[string]string{"channelType": "manual", "channel": tt.channel})
			_, err := i.Execute(t.Context(), actiontest.Inline(t, req, "text/csv", "csv", []byte(csv)))
			if tt.message != "" {
				compareError(t, err, action.NotFound, tt.message)
			} else if err != nil {
				t.Error(err)
			}
			if got := strings.Join(calls(d), " "); got != tt.calls {
				t.Errorf("called %q, want %q", got, tt.calls)
			}
		})
	}
}

// A token of an organization is explained, also if the organization's workspaces cannot be listed.
func TestOrganization(t *testing.T) {
	t.Parallel()
	missing := actiontest.Reply{Body: `{"ok":false,"error":"missing_argument","response_metadata":{"messages":["[ERROR] missing required field: team_id"]}}`}
	for _, kind := range []string{"channels", "users"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := workspace(t, map[string]actiontest.Reply{"conversations.list": missing, "users.list": missing})
			i := actiontest.New(t, slack.New, actiontest.Deps(t, d, nil))
			_, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(), map[string]string{"channelType": kind}))
			compareError(t, err, action.Invalid, "The token belongs to an organization (Enterprise Grid), for which Slack needs a workspace. "+
				"The organization's workspaces cannot be listed: Slack returned 404 Not Found. "+
				"Choose the channel type Manual Channel ID to enter an ID instead.")
		})
	}
}

func TestGovSlack(t *testing.T) {
	t.Parallel()
	d := workspace(t, nil)
	i := actiontest.New(t, slack.New, actiontest.Deps(t, d, map[string]string{"SLACK_DOMAIN": "slack-gov.com"}))
	if _, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(params(), map[string]string{"channelType": "channels"})); err != nil {
		t.Fatal(err)
	}
	if got := d.Requests()[0].Host; got != "slack-gov.com" {
		t.Errorf("called %s", got)
	}
}

// compareError compares an error's kind and message.
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
}
