package slack_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
)

// Whatever happens, each destination gets the file once or not at all, and the answer says
// which.
func TestSeveralDestinations(t *testing.T) {
	t.Parallel()
	const (
		file      = `: Orders by day.csv "day,orders\n2026-11-23,17\n" "*Hello*"`
		lookFirst = " The file may already have been shared. Check before retrying."
	)
	lost := script{Reply: actiontest.Reply{Reset: true}, done: true}
	busy := script{Reply: actiontest.Reply{Status: 429, Header: map[string]string{"Retry-After": "30"}}}
	busyBody := script{Reply: actiontest.Reply{Header: map[string]string{"Retry-After": "30"}, Body: `{"ok":false,"error":"ratelimited"}`}}
	for _, tt := range []struct {
		name    string
		form    map[string]string
		refuses map[string]string
		scripts map[string][]script
		seen    []string
		kind    action.Kind
		message string
		took    time.Duration
	}{
		{name: "two in the field for one", form: map[string]string{"channel": "C1, C2"}, seen: []string{"C1" + file, "C2" + file}},
		{
			name: "channels and users", form: map[string]string{"channel": "C1", "more_channels": "U1,\nG3 W2,,"},
			seen: []string{"C1" + file, "D1" + file, "G3" + file, "D2" + file},
		},
		{
			name: "each once", form: map[string]string{"channel": "U1", "more_channels": "D1, U1, C1, C1"},
			seen: []string{"D1" + file, "C1" + file},
		},
		{
			name: "one refuses", form: map[string]string{"channel": "C1", "more_channels": "C2,C3"}, refuses: map[string]string{"C2": "is_archived"},
			seen: []string{"C1" + file, "C3" + file}, kind: action.Invalid,
			message: "Delivered to C1, C3. Do not send it there again. C2: The channel is archived. Choose another one or unarchive it (is_archived).",
		},
		{
			name: "all refuse", form: map[string]string{"channel": "C1,C2"}, refuses: map[string]string{"C1": "is_archived", "C2": "not_in_channel"},
			kind: action.Invalid,
			message: "C1: The channel is archived. Choose another one or unarchive it (is_archived). " +
				"C2: The Slack app is not a member of the channel. Invite it (not_in_channel).",
		},
		{
			name: "the token is revoked between them", form: map[string]string{"channel": "C1,C2,C3"}, refuses: map[string]string{"C2": "token_revoked"},
			seen: []string{"C1" + file}, kind: action.Unauthenticated,
			message: "Delivered to C1. Do not send it there again. C2: Your Slack authentication credentials are not valid (token_revoked). Not attempted: C3.",
		},
		{
			name: "an answer is lost", form: map[string]string{"channel": "C1,C2"},
			scripts: map[string][]script{"files.completeUploadExternal": {lost}},
			seen:    []string{"C1" + file, "C2" + file}, kind: action.Unavailable,
			message: "Delivered to C2. Do not send it there again. C1: The connection to Slack failed." + lookFirst,
		},
		{
			name: "an answer of one is lost", form: map[string]string{"channel": "C1"},
			scripts: map[string][]script{"files.completeUploadExternal": {lost}},
			seen:    []string{"C1" + file}, kind: action.Unavailable,
			message: "The connection to Slack failed." + lookFirst,
		},
		{
			name: "an unknown user", form: map[string]string{"channel": "C1", "more_channels": "U9"},
			kind:    action.NotFound,
			message: "Nothing was sent, because of U9: User not found. Enter the user's ID (user_not_found).",
		},
		{
			name: "the second upload fails", form: map[string]string{"channel": "C1,C2"},
			scripts: map[string][]script{"files.getUploadURLExternal": {
				{done: true},
				{Reply: actiontest.Reply{Body: `{"ok":true,"file_id":"F2","upload_url":"https://example.com/"}`}},
			}},
			kind: action.Forbidden, message: "The upload URL does not belong to Slack. The file was not sent.",
		},
		{
			name: "uploads fail at first", form: map[string]string{"channel": "C1,C2"},
			scripts: map[string][]script{
				"files.getUploadURLExternal": {{Reply: actiontest.Reply{Status: 503}}, {Reply: actiontest.Reply{Reset: true}, done: true}},
				"upload":                     {{Reply: actiontest.Reply{Status: 500}, done: true}, lost},
			},
			kind: action.Unavailable, message: "Slack returned 500 Internal Server Error.",
		},
		{
			name: "uploads fail once", form: map[string]string{"channel": "C1,C2"},
			scripts: map[string][]script{"upload": {lost, {done: true}, lost}},
			seen:    []string{"C1" + file, "C2" + file},
		},
		{
			name: "busy everywhere", form: map[string]string{"channel": "U1"},
			scripts: map[string][]script{
				"conversations.open": {busy}, "files.getUploadURLExternal": {busyBody}, "upload": {busy}, "files.completeUploadExternal": {busy, busyBody},
			},
			seen: []string{"D1" + file}, took: 2*time.Minute + 30*time.Second,
		},
		{
			name: "users and conversations that cannot be distinguished", form: map[string]string{"channel": "U1", "more_channels": "D1"},
			scripts: map[string][]script{"conversations.open": {{Reply: refusedWith("missing_scope")}}},
			kind:    action.Invalid,
			message: "Without the scope im:write of the Slack app, users (U…) and conversations with users (D…) cannot be in one delivery.",
		},
		{
			name: "several users of an app that opens no conversation", form: map[string]string{"channel": "U1", "more_channels": "W2"},
			scripts: map[string][]script{"conversations.open": {{Reply: refusedWith("missing_scope")}, {Reply: refusedWith("missing_scope")}}},
			seen: []string{
				`D1: "*Hello*"`, strings.TrimSuffix("D1"+file, ` "*Hello*"`), `D2: "*Hello*"`, strings.TrimSuffix("D2"+file, ` "*Hello*"`),
			},
		},
		{
			name: "too many", form: map[string]string{"channel": "C1", "more_channels": "C2 C3 C4 C5 C6 C7 C8 C9 C10 C11 C12 C13 C14 C15 C16 C17 C18 C19 C20 C21"},
			kind: action.Invalid, message: "A delivery can go to at most 20 channels and users.",
		},
		{
			name: "a text for an id", form: map[string]string{"channel": strings.Repeat("x", 81)},
			kind: action.Invalid, message: "A channel or user ID has at most 80 characters.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				f := newFake()
				f.refuses, f.scripts = tt.refuses, tt.scripts
				tt.form["initial_comment"] = "*Hello*"
				_, err := client(t, f.Destination).Deliver(t.Context(), actiontest.Inline(t, actiontest.Query(nil, tt.form), "text/csv", "csv", []byte(csv)))
				switch {
				case err == nil && tt.message != "":
					t.Error("no error")
				case err != nil && (action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message):
					t.Errorf("error %q (%v), want %q (%v)", action.MessageOf(err), action.KindOf(err), tt.message, tt.kind)
				}
				if diff := cmp.Diff(tt.seen, f.seen); diff != "" {
					t.Errorf("seen (-want +got):\n%s", diff)
				}
				if took := time.Since(start); tt.took != 0 && took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				f.check(t)
			})
		})
	}
}

func TestCommentAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		form    map[string]string
		scripts map[string][]script
		seen    []string
		message string
	}{
		{name: "to several", form: map[string]string{"channel": "C1", "more_channels": "U1 D1"}, seen: []string{`C1: "Hello"`, `D1: "Hello"`}},
		{name: "in a thread", form: map[string]string{"channel": "C1", "thread_ts": "1700000000.123456"}, seen: []string{`C11700000000.123456: "Hello"`}},
		{
			name: "to a user of an app that opens no conversation", form: map[string]string{"channel": "U1"},
			scripts: map[string][]script{"conversations.open": {{Reply: refusedWith("missing_scope")}}},
			seen:    []string{`D1: "Hello"`},
		},
		{
			name: "an answer is lost", form: map[string]string{"channel": "C1,C2"},
			scripts: map[string][]script{"chat.postMessage": {{Reply: actiontest.Reply{Reset: true}, done: true}}},
			seen:    []string{`C1: "Hello"`, `C2: "Hello"`},
			message: "Delivered to C2. Do not send it there again. C1: The connection to Slack failed. The comment may already have been posted.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.scripts = tt.scripts
				tt.form["initial_comment"] = "Hello"
				_, err := client(t, f.Destination).Deliver(t.Context(), actiontest.Query(nil, tt.form))
				switch {
				case err == nil && tt.message != "":
					t.Error("no error")
				case err != nil && action.MessageOf(err) != tt.message:
					t.Errorf("error %q, want %q", action.MessageOf(err), tt.message)
				}
				if diff := cmp.Diff(tt.seen, f.seen); diff != "" {
					t.Errorf("seen (-want +got):\n%s", diff)
				}
				f.check(t)
			})
		})
	}
}

func TestThread(t *testing.T) {
	t.Parallel()
	const (
		neither   = "The thread must be a link to a Slack message, or its timestamp such as 1700000000.123456."
		elsewhere = "The thread is in C1, not in the chosen channel. Enter the channel's ID."
		link      = "https://looker.slack.com/archives/C1/p1700000000123456"
	)
	for _, tt := range []struct {
		name, channel, thread string
		seen, message         string
	}{
		{name: "timestamp", channel: "C1", thread: "1700000000.123456", seen: "C11700000000.123456"},
		{name: "link", channel: "C1", thread: " " + link + "\n", seen: "C11700000000.123456"},
		{name: "link alone", thread: link, seen: "C11700000000.123456"},
		{name: "link to a conversation with a user", channel: "U1", thread: "https://looker.slack.com/archives/D1/p1700000000123456", seen: "D11700000000.123456"},
		{name: "link to a reply", channel: "C1", thread: link + "?thread_ts=1600000000.000001&cid=C1", seen: "C11600000000.000001"},
		{name: "link of an enterprise", channel: "C1", thread: "https://a.enterprise.slack.com/archives/C1/p1700000000123456", seen: "C11700000000.123456"},
		{name: "another channel", channel: "C2", thread: link, message: elsewhere},
		{name: "a channel's name", channel: "#General", thread: link, seen: "C11700000000.123456"},
		{name: "another channel's name", channel: "sales-été", thread: link, message: elsewhere},
		{name: "link of GovSlack", channel: "C1", thread: strings.Replace(link, "slack.com", "slack-gov.com", 1), seen: "C11700000000.123456"},
		{name: "another channel's reply", channel: "C1", thread: link + "?thread_ts=1600000000.000001&cid=C2", message: neither},
		{name: "several channels", channel: "C1,C2", thread: link, message: "A thread is in one channel. Choose only that channel, or leave out the thread."},
		{name: "words", channel: "C1", thread: "the one of yesterday", message: neither},
		{name: "short timestamp", channel: "C1", thread: "1700000000.1", message: neither},
		{name: "no host of Slack", channel: "C1", thread: strings.Replace(link, "slack.com", "slack.com.example.com", 1), message: neither},
		{name: "no TLS", channel: "C1", thread: strings.Replace(link, "https", "http", 1), message: neither},
		{name: "a user in the link", channel: "C1", thread: strings.Replace(link, "looker", "me@looker", 1), message: neither},
		{name: "a fragment", channel: "C1", thread: link + "#x", message: neither},
		{name: "another parameter", channel: "C1", thread: link + "?x=1", message: neither},
		{name: "a parameter twice", channel: "C1", thread: link + "?cid=C1&cid=C1", message: neither},
		{name: "a bad parameter", channel: "C1", thread: link + "?cid=%zz", message: neither},
		{name: "a bad reply", channel: "C1", thread: link + "?thread_ts=1", message: neither},
		{name: "another page", channel: "C1", thread: "https://looker.slack.com/archives/C1", message: neither},
		{name: "more path", channel: "C1", thread: link + "/x", message: neither},
		{name: "an escaped path", channel: "C1", thread: "https://looker.slack.com/archives/C1%2Fp1700000000123456", message: neither},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				form := map[string]string{"channel": tt.channel, "thread_ts": tt.thread}
				_, err := client(t, f.Destination).Deliver(t.Context(), actiontest.Inline(t, actiontest.Query(nil, form), "text/csv", "csv", []byte(csv)))
				var seen []string
				if tt.seen != "" {
					seen = []string{tt.seen + `: Orders by day.csv "day,orders\n2026-11-23,17\n"`}
				}
				if diff := cmp.Diff(seen, f.seen); diff != "" {
					t.Errorf("seen (-want +got):\n%s", diff)
				}
				switch e, _ := err.(*action.Error); { //nolint:errorlint // as it came
				case err == nil && tt.message == "":
				case e == nil || e.Message != tt.message || e.Fields["thread_ts"] != tt.message:
					t.Errorf("error %v, want %q", err, tt.message)
				}
				f.check(t)
			})
		})
	}
}

// A comment that is too long for the file's message is one before it.
func TestCommentBeforeFile(t *testing.T) {
	t.Parallel()
	const file = `C1: Orders by day.csv "day,orders\n2026-11-23,17\n"`
	for length, separate := range map[int]bool{10_000: false, 10_001: true, 13_000: true, 40_000: true} {
		comment := strings.Repeat("ä", length)
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			form := map[string]string{"channel": "C1", "initial_comment": comment}
			req := actiontest.Inline(t, actiontest.Query(nil, form), "text/csv", "csv", []byte(csv))
			if _, err := client(t, f.Destination).Deliver(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			switch {
			case separate:
				if diff := cmp.Diff([]string{`C1: "` + comment + `"`, file}, f.seen); diff != "" {
					t.Errorf("%d: seen (-want +got):\n%s", length, diff)
				}
			case len(f.seen) != 1:
				t.Errorf("%d: %d messages, want 1", length, len(f.seen))
			}
			f.check(t)
		})
	}
}

// A comment of any length that Slack takes arrives whole, in sections of up to 3000
// characters that end with a line or a word.
func TestLongComment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, comment string
		sections      []string
		message       string
	}{
		{name: "just one section", comment: strings.Repeat("ä", 3000), sections: []string{strings.Repeat("ä", 3000)}},
		{name: "no place to cut", comment: strings.Repeat("ä", 3001), sections: []string{strings.Repeat("ä", 3000), "ä"}},
		{name: "at a line", comment: strings.Repeat("a b", 800) + "\n" + strings.Repeat("c", 1000), sections: []string{strings.Repeat("a b", 800), strings.Repeat("c", 1000)}},
		{name: "at a word", comment: "x\n" + strings.Repeat("y", 2000) + " " + strings.Repeat("z", 1500), sections: []string{"x\n" + strings.Repeat("y", 2000), strings.Repeat("z", 1500)}},
		{name: "blanks make no section", comment: "a" + strings.Repeat(" ", 3500), sections: []string{"a" + strings.Repeat(" ", 2998)}},
		{name: "too long", comment: strings.Repeat("a", 40_001), message: "The comment is too long. Slack allows 40000 characters."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				form := map[string]string{"channel": "C1", "initial_comment": tt.comment}
				_, err := client(t, f.Destination).Deliver(t.Context(), actiontest.Inline(t, actiontest.Query(nil, form), "text/csv", "csv", []byte(csv)))
				var want []string
				if tt.message == "" {
					line := `C1: Orders by day.csv "day,orders\n2026-11-23,17\n"`
					var lineSb strings.Builder
					for _, s := range tt.sections {
						lineSb.WriteString(` "` + strings.ReplaceAll(s, "\n", `\n`) + `"`)
					}
					want = []string{line + lineSb.String()}
				}
				if (err == nil) != (tt.message == "") || err != nil && action.MessageOf(err) != tt.message {
					t.Errorf("error %v, want %q", err, tt.message)
				}
				if diff := cmp.Diff(want, f.seen); diff != "" {
					t.Errorf("seen (-want +got):\n%s", diff)
				}
				f.check(t)
			})
		})
	}
}
