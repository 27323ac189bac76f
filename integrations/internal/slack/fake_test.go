package slack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"integrationhub.dev/hub/action/actiontest"
)

// fake is a workspace that does what Slack documents: a file is seen only where it was
// completed, once, and only when all of its bytes came. It notes what Slack would not have
// understood, and what people see.
type fake struct {
	*actiontest.Destination
	// refuses maps a conversation to why it takes nothing.
	refuses map[string]string
	// people maps users to their conversations.
	people map[string]string
	// channels and members are the pages of the lists, by workspace. An organization's token needs one of teams.
	channels, members map[string][]string
	teams             []string
	org               bool
	// scopes are those that the app lacks.
	lacks map[string]bool
	// scripts answer a method's calls in place of the workspace, in their order.
	scripts map[string][]script

	files  map[string]*upload
	seen   []string
	faults []string
}

// script is one answer. If done, the workspace did what it was asked, and answers itself
// unless the script has an answer.
type script struct {
	actiontest.Reply
	done bool
}

// upload is a file on its way.
type upload struct {
	name     string
	declared int
	body     string
	shared   bool
}

func newFake() *fake {
	f := &fake{
		Destination: actiontest.NewSocketless(), refuses: map[string]string{}, scripts: map[string][]script{},
		people: map[string]string{"U1": "D1", "W2": "D2"}, files: map[string]*upload{},
		channels: map[string][]string{"": {
			`{"id":"C1","name":"general"},{"id":"C9","name":"old","is_archived":true}`, `{"id":"C2","name":"sales-été"}`,
			`{"id":"G3","name":"board","is_private":true}`,
		}},
		members: map[string][]string{"": {
			`{"id":"U1","name":"ann","profile":{"display_name":"Annie"}},{"id":"U9","name":"gone","deleted":true}`,
			`{"id":"W2","name":"w2","profile":{"display_name":"bob"}},{"id":"U7","name":"u7","profile":{"display_name":"Twin"}},` +
				`{"id":"U8","name":"u8","profile":{"display_name":"twin"}},{"id":"U6","name":"bot","is_bot":true}`,
		}},
	}
	f.Handle(f.serve)
	return f
}

func (f *fake) fault(format string, args ...any) {
	f.faults = append(f.faults, fmt.Sprintf(format, args...))
}

func (f *fake) serve(r actiontest.Recorded) actiontest.Reply {
	method := strings.TrimPrefix(r.Path, "/api/")
	if strings.HasPrefix(r.Path, "/upload/") {
		method = "upload"
	}
	if list := f.scripts[method]; len(list) > 0 {
		f.scripts[method] = list[1:]
		if !list[0].done {
			return list[0].Reply
		}
		if reply := f.do(method, r); !list[0].Reset && list[0].Status == 0 {
			return reply
		}
		return list[0].Reply
	}
	return f.do(method, r)
}

func (f *fake) do(method string, r actiontest.Recorded) actiontest.Reply {
	if method == "upload" {
		return f.receive(r)
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || r.Method != http.MethodPost || r.Host != "slack.com" {
		f.fault("%s %s%s: %q", r.Method, r.Host, r.Path, r.Body)
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/x-www-form-urlencoded" {
		f.fault("Content-Type %q", kind)
	}
	if form.Get("token") != token {
		return refusedWith("invalid_auth")
	}
	switch method {
	case "conversations.list":
		return f.list(form, "channels", f.channels)
	case "users.list":
		return f.list(form, "members", f.members)
	case "users.lookupByEmail":
		return f.lookUp(form)
	case "auth.teams.list":
		return actiontest.Reply{Body: `{"ok":true,"teams":[` + strings.Join(f.teams, ",") + `],"response_metadata":{"next_cursor":""}}`}
	case "conversations.open":
		return f.open(form)
	case "files.getUploadURLExternal":
		return f.promise(form)
	case "files.completeUploadExternal":
		return f.complete(form)
	case "chat.postMessage":
		return f.post(form)
	}
	return refusedWith("unknown_method")
}

func refusedWith(code string) actiontest.Reply {
	return actiontest.Reply{Body: `{"ok":false,"error":"` + code + `"}`}
}

// wrong is a refusal with Slack's details.
func wrong(code, detail string) actiontest.Reply {
	return actiontest.Reply{Body: `{"ok":false,"error":"` + code + `","response_metadata":{"messages":["[ERROR] ` + detail + `"]}}`}
}

// list answers conversations.list and users.list. The limit must be an integer under 1000, and an organization's token needs
// a workspace for which the app is approved (https://docs.slack.dev/reference/methods/conversations.list).
func (f *fake) list(form url.Values, member string, pages map[string][]string) actiontest.Reply {
	limit, err := strconv.Atoi(form.Get("limit"))
	if err != nil || limit <= 0 || limit >= 1000 {
		return refusedWith("invalid_limit")
	}
	for _, scope := range []string{"channels:read", "groups:read", "users:read"} {
		private := strings.Contains(form.Get("types"), "private_channel")
		used := scope == "channels:read" && member == "channels" || scope == "groups:read" && private || scope == "users:read" && member == "members"
		if used && f.lacks[scope] {
			return actiontest.Reply{Body: `{"ok":false,"error":"missing_scope","needed":"` + scope + `"}`}
		}
	}
	team := form.Get("team_id")
	if f.org && team == "" {
		return wrong("missing_argument", "missing required field: team_id")
	}
	if !f.org {
		team = "" // ignored
	}
	list, ok := pages[team]
	if !ok {
		return refusedWith("team_access_not_granted")
	}
	n, _ := strconv.Atoi(form.Get("cursor"))
	next := ""
	if n+1 < len(list) {
		next = strconv.Itoa(n + 1)
	}
	return actiontest.Reply{Body: `{"ok":true,"` + member + `":[` + list[n] + `],"response_metadata":{"next_cursor":"` + next + `"}}`}
}

func (f *fake) lookUp(form url.Values) actiontest.Reply {
	if f.lacks["users:read.email"] {
		return actiontest.Reply{Body: `{"ok":false,"error":"missing_scope","needed":"users:read.email"}`}
	}
	if form.Get("email") != "ann@example.com" {
		return refusedWith("users_not_found")
	}
	return actiontest.Reply{Body: `{"ok":true,"user":{"id":"U1","name":"ann"}}`}
}

func (f *fake) open(form url.Values) actiontest.Reply {
	id, ok := f.people[form.Get("users")]
	if !ok {
		return refusedWith("user_not_found")
	}
	return actiontest.Reply{Body: `{"ok":true,"channel":{"id":"` + id + `"}}`}
}

func (f *fake) promise(form url.Values) actiontest.Reply {
	length, err := strconv.Atoi(form.Get("length"))
	if err != nil || length <= 0 || form.Get("filename") == "" {
		return refusedWith("invalid_arguments")
	}
	id := fmt.Sprintf("F%d", len(f.files)+1)
	f.files[id] = &upload{name: form.Get("filename"), declared: length}
	return actiontest.Reply{Body: `{"ok":true,"upload_url":"https://files.slack.com/upload/v1/` + id + `","file_id":"` + id + `"}`}
}

func (f *fake) receive(r actiontest.Recorded) actiontest.Reply {
	file := f.files[strings.TrimPrefix(r.Path, "/upload/v1/")]
	switch {
	case r.Host != "files.slack.com", r.Method != http.MethodPost, r.Header.Get("Authorization") != "", file == nil:
		f.fault("%s %s%s", r.Method, r.Host, r.Path)
		return actiontest.Reply{Status: 404}
	case r.Broken:
		return actiontest.Reply{Status: 400}
	}
	file.body = string(r.Body)
	return actiontest.Reply{Body: fmt.Sprintf("OK - %d", len(r.Body))}
}

// conversationID is Slack's pattern, but for the length, since the IDs here are short.
var conversationID = regexp.MustCompile(`^[CGDZ][A-Z0-9]+$`)

func (f *fake) complete(form url.Values) actiontest.Reply {
	var files []struct{ ID, Title string }
	if json.Unmarshal([]byte(form.Get("files")), &files) != nil || len(files) != 1 || f.files[files[0].ID] == nil {
		return refusedWith("invalid_arguments")
	}
	file, to := f.files[files[0].ID], form.Get("channel_id")
	switch {
	case len(file.body) != file.declared:
		return refusedWith("posting_to_channel_denied")
	case file.shared:
		f.fault("%s was completed twice", files[0].ID)
	case f.refuses[to] != "":
		return refusedWith(f.refuses[to])
	case !conversationID.MatchString(to):
		return wrong("invalid_arguments", "input must match regex pattern: ^[CGDZ][A-Z0-9]{8,}$ [json-pointer:/channel_id]")
	}
	var blocks []struct {
		Type string
		Text struct{ Type, Text string }
	}
	if text := form.Get("blocks"); text != "" && json.Unmarshal([]byte(text), &blocks) != nil {
		return refusedWith("invalid_blocks")
	}
	line := fmt.Sprintf("%s: %s %q", to+form.Get("thread_ts"), file.name, file.body)
	length := 0
	for _, b := range blocks {
		// "the exact character limit is at 13297 characters ... If we add a divider block ..., the error starts occurring at 13172":
		// https://github.com/slackapi/bolt-js/issues/2509
		if length += len([]rune(b.Text.Text)) + 125; length > 13_297 {
			return refusedWith("msg_blocks_too_long")
		}
		if b.Type != "section" || b.Text.Type != "mrkdwn" || b.Text.Text == "" || len([]rune(b.Text.Text)) > 3000 {
			return refusedWith("invalid_blocks")
		}
		line += fmt.Sprintf(" %q", b.Text.Text)
	}
	file.shared = true
	f.seen = append(f.seen, line)
	return actiontest.Reply{Body: `{"ok":true,"files":[{"id":"` + files[0].ID + `","title":"` + file.name + `"}]}`}
}

func (f *fake) post(form url.Values) actiontest.Reply {
	to := form.Get("channel")
	if id, ok := f.people[to]; ok {
		to = id
	}
	switch {
	case f.refuses[to] != "":
		return refusedWith(f.refuses[to])
	case form.Get("text") == "":
		return refusedWith("no_text")
	}
	f.seen = append(f.seen, fmt.Sprintf("%s: %q", to+form.Get("thread_ts"), form.Get("text")))
	return actiontest.Reply{Body: `{"ok":true,"channel":"` + to + `","ts":"1700000000.000100"}`}
}

// check fails the test when Slack was not spoken to as it documents, or when its token or
// upload addresses went elsewhere.
func (f *fake) check(t *testing.T) {
	t.Helper()
	for _, fault := range f.faults {
		t.Error(fault)
	}
	for _, r := range f.Requests() {
		if !slices.Contains([]string{"slack.com", "files.slack.com"}, r.Host) {
			t.Errorf("called %s", r.Host)
		}
	}
}
