package slackapp_test

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/slackapp"
)

const (
	stateURL = "https://looker.example.com/action_hub_state/abc"
	two      = `[{"install_id":"T1","token":"xoxb-s3cret-1"},{"install_id":"T2","token":"xoxb-s3cret-2"}]`
	csv      = "day,orders\n2026-11-23,17\n"
)

var (
	old    = action.V(7, 2, 9)
	recent = action.V(7, 3, 0)

	connected = map[string]actiontest.Reply{
		"xoxb-s3cret-1": {Body: `{"ok":true,"team":"Sales & <Co>","team_id":"T1"}`},
		"xoxb-s3cret-2": {Body: `{"ok":true,"team":"Support","team_id":"T2"}`},
	}
	refused = actiontest.Reply{Body: `{"ok":false,"error":"invalid_auth"}`}
	broken  = actiontest.Reply{Body: `{"ok":false,"error":"internal_error"}`}
)

// workspaces answers auth.test by token, and everything else with a success.
func workspaces(t *testing.T, replies map[string]actiontest.Reply) *actiontest.Destination {
	t.Helper()
	return actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		switch r.Path {
		case "/api/auth.test":
			reply, ok := replies[token(r)]
			if !ok {
				return refused
			}
			return reply
		case "/api/conversations.list":
			if reply, ok := replies["list"]; ok {
				return reply
			}
			return actiontest.Reply{Body: `{"ok":true,"channels":[{"id":"C1","name":"of-` + token(r) + `"}]}`}
		case "/api/files.getUploadURLExternal":
			return actiontest.Reply{Body: `{"ok":true,"upload_url":"https://files.slack.com/upload/v1/x","file_id":"F1"}`}
		case "/api/files.completeUploadExternal":
			return actiontest.Reply{Body: `{"ok":true}`}
		case "/upload/v1/x":
			return actiontest.Reply{Body: "OK"}
		}
		return actiontest.Reply{Status: 404}
	})
}

func token(r actiontest.Recorded) string {
	values, _ := url.ParseQuery(string(r.Body))
	return values.Get("token")
}

func request(state string, version action.Version, form map[string]string) *action.Request {
	req := actiontest.Query(nil, form)
	req.State, req.StateURL, req.Version = state, stateURL, version
	return req
}

func TestDefinition(t *testing.T) {
	t.Parallel()
	d := actiontest.New(t, slackapp.New, actiontest.Deps(t, nil, nil)).Definition()
	got, err := json.Marshal(d.Params)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"name":"install","label":"Connect to Slack","required":false,"sensitive":false,` +
		`"description":"View dashboards and looks,\n     browse your favorites or folders, and interact with Looker content without leaving Slack.",` +
		`"delegate_oauth_url":"/admin/integrations/slack/install"}]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	r := action.Resolve(actiontest.New(t, slackapp.New, actiontest.Deps(t, nil, nil)))
	if diff := cmp.Diff([]bool{true, true, false}, []bool{r.Form != nil, r.Delegate != nil, r.OAuth != nil}); diff != "" {
		t.Errorf("has a form, delegates, has OAuth (-want +got):\n%s", diff)
	}
}

// names renders a form: its fields, with the options and the default of selects.
func names(f *action.Form) []string {
	var list []string
	for _, field := range f.Fields {
		line := field.Name
		if field.Name != "channelType" {
			for _, o := range field.Options {
				line += " " + o.Name + "=" + o.Label
			}
		}
		if field.Name == "workspace" {
			line += " default " + field.Default
		}
		list = append(list, line)
	}
	return list
}

func TestForm(t *testing.T) {
	t.Parallel()
	both := "workspace T1=Sales & <Co> T2=Support default "
	common := []string{"channelType", "channel", "initial_comment", "filename", "more_channels", "thread_ts", "time_zone", "byte_order_mark no=No yes=Yes: with a byte order mark"}
	with := func(first ...string) []string { return append(first, common...) }
	listed := func(tok string) string { return "channel C1=#of-" + tok }
	for _, tt := range []struct {
		name    string
		state   string
		version action.Version
		form    map[string]string
		replies map[string]actiontest.Reply
		want    []string
		login   bool
	}{
		{name: "no state", version: recent, want: []string{"login"}, login: true},
		{name: "empty list", state: "[]", version: recent, want: []string{"login"}, login: true},
		{name: "nothing usable", state: `[{"install_id":"T1"},{"token":"x"},{"install_id":"","token":"x"},7,null]`, version: recent, want: []string{"login"}, login: true},
		{name: "two workspaces", state: two, version: recent, want: with(both + "T1")},
		{name: "two workspaces, version unknown", state: two, want: with(both + "T1")},
		{name: "the second is chosen", state: two, version: recent, form: map[string]string{"workspace": "T2"}, want: with(both + "T2")},
		{
			name: "channels of the chosen workspace", state: two, version: recent, form: map[string]string{"workspace": "T2", "channelType": "channels"},
			want: []string{both + "T2", "channelType", listed("xoxb-s3cret-2"), "initial_comment", "filename", "more_channels", "thread_ts", "time_zone", "byte_order_mark no=No yes=Yes: with a byte order mark"},
		},
		{name: "an unknown workspace is chosen", state: two, version: recent, form: map[string]string{"workspace": "T9"}, want: []string{both + "T9", "login"}, login: true},
		{
			name: "the first refuses its token", state: two, version: recent, form: map[string]string{"channelType": "channels"},
			replies: map[string]actiontest.Reply{"xoxb-s3cret-1": refused},
			want:    []string{"workspace T2=Support default T2", "channelType", listed("xoxb-s3cret-2"), "initial_comment", "filename", "more_channels", "thread_ts", "time_zone", "byte_order_mark no=No yes=Yes: with a byte order mark"},
		},
		{
			name: "the chosen one refuses its token", state: two, version: recent, form: map[string]string{"workspace": "T1"},
			replies: map[string]actiontest.Reply{"xoxb-s3cret-1": refused},
			want:    []string{"workspace T2=Support default T1", "login"}, login: true,
		},
		{
			name: "the chosen workspace is unavailable", state: two, version: recent, form: map[string]string{"workspace": "T1"},
			replies: map[string]actiontest.Reply{"xoxb-s3cret-1": broken},
			want:    with("workspace T1=T1 T2=Support default T1"),
		},
		{
			name: "the first workspace is unavailable", state: two, version: recent,
			replies: map[string]actiontest.Reply{"xoxb-s3cret-1": broken},
			want:    with("workspace T1=T1 T2=Support default T2"),
		},
		{
			name: "all refuse", state: two, version: recent,
			replies: map[string]actiontest.Reply{"xoxb-s3cret-1": refused, "xoxb-s3cret-2": refused}, want: []string{"login"}, login: true,
		},
		{
			name: "the list refuses the token", state: two, version: recent, form: map[string]string{"channelType": "channels"},
			replies: map[string]actiontest.Reply{"list": refused}, want: []string{both + "T1", "login"}, login: true,
		},
		{name: "one token", state: "xoxb-s3cret-2", version: recent, want: with("workspace T2=Support default T2")},
		{name: "one token, its workspace chosen", state: "xoxb-s3cret-2", version: recent, form: map[string]string{"workspace": "T2"}, want: with("workspace T2=Support default T2")},
		{name: "one token in quotes", state: `"xoxb-s3cret-2"`, version: recent, want: with("workspace T2=Support default T2")},
		{name: "old Looker", state: "xoxb-s3cret-1", version: old, want: common},
		{
			name: "old Looker, channels", state: "xoxb-s3cret-1", version: old, form: map[string]string{"channelType": "channels"},
			want: []string{"channelType", listed("xoxb-s3cret-1"), "initial_comment", "filename", "more_channels", "thread_ts", "time_zone", "byte_order_mark no=No yes=Yes: with a byte order mark"},
		},
		{
			name: "a list for an old Looker is a token", state: `["x"]`, version: old, form: map[string]string{"channelType": "channels"},
			want: []string{"channelType", `channel C1=#of-["x"]`, "initial_comment", "filename", "more_channels", "thread_ts", "time_zone", "byte_order_mark no=No yes=Yes: with a byte order mark"},
		},
		{
			name: "filed under another id", state: `[{"install_id":"E1","token":"xoxb-s3cret-1"}]`, version: recent, form: map[string]string{"workspace": "E1"},
			want: with("workspace T1=Sales & <Co> default T1"),
		},
		{
			name: "the later token of an id", state: `[{"install_id":"T1","token":"xoxb-s3cret-2"},{"install_id":"T1","token":"xoxb-s3cret-1"}]`, version: recent,
			want: with("workspace T1=Sales & <Co> default T1"),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			replies := maps.Clone(connected)
			maps.Copy(replies, tt.replies)
			if strings.HasPrefix(tt.state, `["x"]`) {
				replies["list"] = actiontest.Reply{Body: `{"ok":true,"channels":[{"id":"C1","name":"of-[\"x\"]"}]}`}
			}
			i := actiontest.New(t, slackapp.New, actiontest.Deps(t, workspaces(t, replies), nil))
			got, err := action.Resolve(i).Form.Form(t.Context(), request(tt.state, tt.version, tt.form))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, names(got)); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if tt.login != (got.State != nil) {
				t.Errorf("state %v", got.State)
			}
		})
	}
}

func TestLoginForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, slackapp.New, actiontest.Deps(t, nil, nil))
	form, err := action.Resolve(i).Form.Form(t.Context(), request("", recent, nil))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(form)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"fields":[{"name":"login","label":"Log in","description":"In order to send to a file, you will need to log in to your Slack account.",` +
		`"type":"oauth_link","oauth_url":"` + stateURL + `"}],"state":{}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

func TestWorkspaceField(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, slackapp.New, actiontest.Deps(t, workspaces(t, connected), nil))
	form, err := action.Resolve(i).Form.Form(t.Context(), request(two, recent, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := action.Field{
		Name: "workspace", Label: "Workspace", Description: "Name of the Slack workspace you would like to share in.",
		Type: action.Select, Required: true, Interactive: true, Default: "T1",
		Options: []action.Option{{Name: "T1", Label: "Sales & <Co>"}, {Name: "T2", Label: "Support"}},
	}
	if diff := cmp.Diff(want, form.Fields[0]); diff != "" {
		t.Errorf("field (-want +got):\n%s", diff)
	}
}

func TestFormFails(t *testing.T) {
	t.Parallel()
	limited := actiontest.Reply{Status: 429, Header: map[string]string{"Retry-After": "60"}}
	for _, tt := range []struct {
		name     string
		state    string
		stateURL string
		replies  map[string]actiontest.Reply
		kind     action.Kind
		message  string
	}{
		{name: "no state_url", kind: action.Invalid, message: "Illegal State: state_url is empty."},
		{
			name: "no state_url and a bad token", state: two, kind: action.Invalid,
			message: "Illegal State: state_url is empty.",
		},
		{
			name: "rate limited", state: two, stateURL: stateURL,
			replies: map[string]actiontest.Reply{"xoxb-s3cret-1": limited, "xoxb-s3cret-2": limited},
			kind:    action.RateLimited, message: "Slack is rate limiting requests. Try again in 60 seconds.",
		},
		{
			name: "unavailable", state: two, stateURL: stateURL,
			replies: map[string]actiontest.Reply{"xoxb-s3cret-1": broken}, kind: action.Unavailable,
			message: "Slack is temporarily unavailable (internal_error).",
		},
		{
			name: "reset", state: "xoxb-s3cret-1", stateURL: stateURL,
			replies: map[string]actiontest.Reply{"xoxb-s3cret-1": {Reset: true}}, kind: action.Unavailable,
			message: "The connection to Slack failed.",
		},
		{
			name: "the list is rate limited", state: "xoxb-s3cret-1", stateURL: stateURL,
			replies: map[string]actiontest.Reply{"xoxb-s3cret-1": connected["xoxb-s3cret-1"], "list": limited},
			kind:    action.RateLimited,
			message: "Slack is rate limiting requests. Try again in 60 seconds. Choose the channel type Manual Channel ID to enter an ID instead.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			i := actiontest.New(t, slackapp.New, actiontest.Deps(t, workspaces(t, tt.replies), nil))
			req := request(tt.state, recent, map[string]string{"channelType": "channels"})
			req.StateURL = tt.stateURL
			form, err := action.Resolve(i).Form.Form(t.Context(), req)
			if err == nil {
				t.Fatalf("form %v", names(form))
			}
			compareError(t, err, tt.kind, tt.message)
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error holds a secret: %v", err)
			}
		})
	}
}

func TestExecute(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		state     string
		workspace string
		want      string
		calls     int
	}{
		{"the first", two, "", "xoxb-s3cret-1", 3},
		{"the chosen one", two, "T2", "xoxb-s3cret-2", 3},
		{"one token", "xoxb-s3cret-2", "", "xoxb-s3cret-2", 3},
		{"one token, by its workspace", "xoxb-s3cret-2", "T2", "xoxb-s3cret-2", 4},
		{"filed under another id", `[{"install_id":"E1","token":"xoxb-s3cret-1"}]`, "T1", "xoxb-s3cret-1", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := workspaces(t, connected)
			i := actiontest.New(t, slackapp.New, actiontest.Deps(t, d, nil))
			req := request(tt.state, recent, map[string]string{"workspace": tt.workspace, "channel": "C1"})
			res, err := i.Execute(t.Context(), actiontest.Inline(t, req, "text/csv", "csv", []byte(csv)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&action.Response{}, res); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			requests := d.Requests()
			if len(requests) != tt.calls {
				t.Fatalf("%d calls, want %d", len(requests), tt.calls)
			}
			last := requests[tt.calls-3:]
			want := []string{tt.want, csv, tt.want}
			if diff := cmp.Diff(want, []string{token(last[0]), string(last[1].Body), token(last[2])}); diff != "" {
				t.Errorf("token, body and token (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExecuteFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		state   string
		form    map[string]string
		replies map[string]actiontest.Reply
		kind    action.Kind
		message string
	}{
		{
			name: "no state", form: map[string]string{"channel": "C1"}, kind: action.Invalid,
			message: "Missing client: log in to Slack first.",
		},
		{name: "no channel", state: two, kind: action.Invalid, message: "Missing channel."},
		{
			name: "another workspace", state: two, form: map[string]string{"channel": "C1", "workspace": "T9"},
			replies: connected, kind: action.Invalid,
			message: "Missing client: Looker is not connected to the chosen Slack workspace.",
		},
		{
			name: "another workspace, refused", state: two,
			form: map[string]string{"channel": "C1", "workspace": "T9"}, kind: action.Invalid,
			message: "Missing client: Looker is not connected to the chosen Slack workspace.",
		},
		{
			name: "another workspace, unclear", state: two,
			form:    map[string]string{"channel": "C1", "workspace": "T9"},
			replies: map[string]actiontest.Reply{"xoxb-s3cret-2": broken}, kind: action.Unavailable,
			message: "Slack is temporarily unavailable (internal_error).",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := workspaces(t, tt.replies)
			i := actiontest.New(t, slackapp.New, actiontest.Deps(t, d, nil))
			req := actiontest.Inline(t, request(tt.state, recent, tt.form), "text/csv", "csv", []byte(csv))
			_, err := i.Execute(t.Context(), req)
			compareError(t, err, tt.kind, tt.message)
			for _, r := range d.Requests() {
				if r.Path != "/api/auth.test" {
					t.Errorf("Slack was called at %s", r.Path)
				}
			}
		})
	}
}

func TestCheckConnection(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		state   string
		version action.Version
		replies map[string]actiontest.Reply
		want    []string
		message string
	}{
		{name: "none", version: recent, message: "You must connect to a Slack workspace first."},
		{
			name: "two", state: two, version: recent, replies: connected,
			want: []string{`{"installation_id":"T1","installation_name":"Sales & <Co>"}`, `{"installation_id":"T2","installation_name":"Support"}`},
		},
		{name: "old Looker", state: "xoxb-s3cret-2", version: old, replies: connected, want: []string{"Connected with Support (T2)"}},
		{
			name: "one of two", state: two, version: recent, replies: map[string]actiontest.Reply{"xoxb-s3cret-2": connected["xoxb-s3cret-2"]},
			want: []string{`{"installation_id":"T2","installation_name":"Support"}`},
		},
		{name: "refused", state: two, version: recent, message: "Your Slack authentication credentials are not valid."},
		{name: "unavailable", state: "xoxb-s3cret-1", version: recent, replies: map[string]actiontest.Reply{"xoxb-s3cret-1": broken}, message: "Slack is temporarily unavailable (internal_error)."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			i := actiontest.New(t, slackapp.New, actiontest.Deps(t, workspaces(t, tt.replies), nil))
			form, err := action.Resolve(i).Delegate.CheckConnection(t.Context(), request(tt.state, tt.version, nil))
			if tt.message != "" {
				if err == nil || action.MessageOf(err) != tt.message {
					t.Errorf("error %v, want %q", err, tt.message)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := &action.Form{}
			for _, value := range tt.want {
				want.Fields = append(want.Fields, action.Field{Name: "Connected", Type: action.Message, Value: value})
			}
			if diff := cmp.Diff(want, form); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
		})
	}
}

// A form that is asked for again costs no calls. A test of the connection asks anew, so that
// it tells of a token that was revoked meanwhile, and so does a delivery.
func TestRevoked(t *testing.T) {
	t.Parallel()
	replies := maps.Clone(connected)
	d := workspaces(t, replies)
	i := actiontest.New(t, slackapp.New, actiontest.Deps(t, d, nil))
	r := action.Resolve(i)
	var forms [][]string
	for range 2 {
		form, err := r.Form.Form(t.Context(), request(two, recent, map[string]string{"channelType": "channels", "workspace": "T2"}))
		if err != nil {
			t.Fatal(err)
		}
		forms = append(forms, names(form))
	}
	if diff := cmp.Diff(forms[0], forms[1]); diff != "" {
		t.Errorf("the form changed (-first +second):\n%s", diff)
	}
	if n := len(d.Requests()); n != 3 {
		t.Errorf("%d calls for two forms, want 3", n)
	}
	d.Handle(func(actiontest.Recorded) actiontest.Reply {
		return actiontest.Reply{Body: `{"ok":false,"error":"token_revoked"}`}
	})
	const want = "Your Slack authentication credentials are not valid (token_revoked)."
	if _, err := r.Delegate.CheckConnection(t.Context(), request(two, recent, nil)); action.MessageOf(err) != want {
		t.Errorf("error of the connection check: %v", err)
	}
	req := actiontest.Inline(t, request(two, recent, map[string]string{"workspace": "T2", "channel": "C1"}), "text/csv", "csv", []byte(csv))
	if _, err := i.Execute(t.Context(), req); action.MessageOf(err) != want+" Log in to Slack again, in the form of the delivery." || action.KindOf(err) != action.Unauthenticated {
		t.Errorf("error of the delivery: %v", err)
	}
}

func TestLogHoldsNoSecret(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	deps := actiontest.Deps(t, workspaces(t, map[string]actiontest.Reply{
		"xoxb-s3cret-1": {Body: `{"ok":false,"error":"bad xoxb-s3cret-1"}`}, "xoxb-s3cret-2": {Body: "xoxb-s3cret-2"},
	}), nil)
	deps.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	i := actiontest.New(t, slackapp.New, deps)
	if form, err := action.Resolve(i).Form.Form(t.Context(), request(two, recent, nil)); err == nil {
		t.Errorf("form %v", names(form))
	}
	if got := log.String(); strings.Contains(got, "s3cret") || !strings.Contains(got, "install_id=T2") {
		t.Errorf("log:\n%s", got)
	}
}

// A token of an organization: the workspace in the form is that of the installation, and its teams have a field of their own.
func TestOrganization(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		values, _ := url.ParseQuery(string(r.Body))
		switch team := values.Get("team_id"); {
		case r.Path == "/api/auth.test":
			return actiontest.Reply{Body: `{"ok":true,"team":"Acme","team_id":"E1"}`}
		case r.Path == "/api/auth.teams.list":
			return actiontest.Reply{Body: `{"ok":true,"teams":[{"id":"T1","name":"Sales"},{"id":"T2","name":"Support"}]}`}
		case team == "":
			return actiontest.Reply{Body: `{"ok":false,"error":"missing_argument","response_metadata":{"messages":["[ERROR] missing required field: team_id"]}}`}
		default:
			return actiontest.Reply{Body: `{"ok":true,"channels":[{"id":"C1","name":"of-` + team + `"}]}`}
		}
	})
	i := actiontest.New(t, slackapp.New, actiontest.Deps(t, d, nil))
	form := map[string]string{"channelType": "channels", "workspace": "E1", "team_id": "T2"}
	got, err := action.Resolve(i).Form.Form(t.Context(), request(`[{"install_id":"E1","token":"xoxb-s3cret-1"}]`, recent, form))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"workspace E1=Acme default E1", "channelType", "channel C1=#of-T2", "initial_comment", "filename", "more_channels", "thread_ts",
		"time_zone", "byte_order_mark no=No yes=Yes: with a byte order mark", "team_id T1=Sales T2=Support",
	}
	if diff := cmp.Diff(want, names(got)); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
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
