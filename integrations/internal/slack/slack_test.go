package slack_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/datafile"
	"integrationhub.dev/integrations/internal/slack"
)

const (
	token     = "xoxb-s3cret-token"
	uploadURL = "https://files.slack.com/upload/v1/s3cret-ticket"
	ticket    = `{"ok":true,"upload_url":"` + uploadURL + `","file_id":"F123"}`
	csv       = "day,orders\n2026-11-23,17\n"
)

func client(t *testing.T, d *actiontest.Destination) *slack.Client {
	t.Helper()
	return slack.NewConnector(actiontest.Deps(t, d, nil).HTTP).Client(token)
}

// workspace answers every method with a success, unless answers says otherwise. Keys are the
// last parts of paths.
func workspace(t *testing.T, answers map[string]actiontest.Reply) *actiontest.Destination {
	t.Helper()
	return actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply { return answer(r, answers) })
}

// instant is a workspace without sockets: in a bubble, waits take no time.
func instant(answers map[string]actiontest.Reply) *actiontest.Destination {
	return actiontest.NewSocketless().Handle(func(r actiontest.Recorded) actiontest.Reply { return answer(r, answers) })
}

func answer(r actiontest.Recorded, answers map[string]actiontest.Reply) actiontest.Reply {
	method := r.Path[strings.LastIndex(r.Path, "/")+1:]
	if reply, ok := answers[method]; ok {
		return reply
	}
	switch method {
	case "files.getUploadURLExternal":
		return actiontest.Reply{Body: ticket}
	case "files.completeUploadExternal":
		return actiontest.Reply{Body: `{"ok":true,"files":[{"id":"F123"}]}`}
	case "conversations.open":
		return actiontest.Reply{Body: `{"ok":true,"channel":{"id":"D777"}}`}
	case "chat.postMessage":
		return actiontest.Reply{Body: `{"ok":true,"channel":"D777","ts":"1.1"}`}
	case "s3cret-ticket":
		return actiontest.Reply{Body: "OK - 25"}
	}
	return actiontest.Reply{Status: 404}
}

// wire renders what arrived: address, content type, and form or body.
func wire(requests []actiontest.Recorded) []string {
	var lines []string
	for _, r := range requests {
		body := string(r.Body)
		kind := r.Header.Get("Content-Type")
		if kind == "application/x-www-form-urlencoded" {
			kind = "form"
			if values, err := url.ParseQuery(body); err == nil {
				body, _ = url.QueryUnescape(values.Encode())
			}
		}
		line := fmt.Sprintf("%s %s%s [%s] %s", r.Method, r.Host, r.Path, kind, body)
		if a := r.Header.Get("Authorization"); a != "" {
			line += " Authorization: " + a
		}
		lines = append(lines, line)
	}
	return lines
}

const api = "POST slack.com/api/"

func tokenOf(r actiontest.Recorded) string {
	values, _ := url.ParseQuery(string(r.Body))
	return values.Get("token")
}

func TestDeliver(t *testing.T) {
	t.Parallel()
	const (
		ask  = api + "files.getUploadURLExternal [form] filename=Orders by day.csv&length=25&token=" + token
		send = "POST files.slack.com/upload/v1/s3cret-ticket [application/octet-stream] " + csv
	)
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	today := time.Now().In(tokyo).Format(time.DateOnly)
	for _, tt := range []struct {
		name string
		form map[string]string
		none bool
		want []string
	}{
		{
			name: "to a channel", form: map[string]string{"channel": " C123 "},
			want: []string{ask, send, api + `files.completeUploadExternal [form] channel_id=C123&files=[{"id":"F123","title":"Orders by day.csv"}]&token=` + token},
		},
		{
			name: "to a channel with a comment", form: map[string]string{"channel": "C123", "initial_comment": "*bold* <!here> & more", "filename": "mine"},
			want: []string{
				strings.Replace(ask, "Orders by day.csv", "mine.csv", 1), send,
				api + `files.completeUploadExternal [form] blocks=[{"type":"section","text":{"type":"mrkdwn","text":"*bold* \u003c!here\u003e \u0026 more"},"expand":true}]` +
					`&channel_id=C123&files=[{"id":"F123","title":"mine.csv"}]&token=` + token,
			},
		},
		{
			name: "a file for Excel", form: map[string]string{"channel": "C123", "byte_order_mark": "yes", "filename": "{date}", "time_zone": "Asia/Tokyo"},
			want: []string{
				strings.NewReplacer("Orders by day", today, "length=25", "length=28").Replace(ask), strings.Replace(send, csv, "\ufeff"+csv, 1),
				api + `files.completeUploadExternal [form] channel_id=C123&files=[{"id":"F123","title":"` + today + `.csv"}]&token=` + token,
			},
		},
		{
			name: "a blank comment is none", form: map[string]string{"channel": "C123", "initial_comment": " \n"},
			want: []string{ask, send, api + `files.completeUploadExternal [form] channel_id=C123&files=[{"id":"F123","title":"Orders by day.csv"}]&token=` + token},
		},
		{
			name: "to a user", form: map[string]string{"channel": "U123"},
			want: []string{
				api + "conversations.open [form] return_im=false&token=" + token + "&users=U123", ask, send,
				api + `files.completeUploadExternal [form] channel_id=D777&files=[{"id":"F123","title":"Orders by day.csv"}]&token=` + token,
			},
		},
		{
			name: "in a thread", form: map[string]string{"channel": "C123", "thread_ts": " 1700000000.123456 "},
			want: []string{ask, send, api + `files.completeUploadExternal [form] channel_id=C123&files=[{"id":"F123","title":"Orders by day.csv"}]&thread_ts=1700000000.123456&token=` + token},
		},
		{
			name: "without data in a thread", none: true,
			form: map[string]string{"initial_comment": "Hello", "thread_ts": "https://x.slack.com/archives/C123/p1700000000123456"},
			want: []string{api + "chat.postMessage [form] channel=C123&text=Hello&thread_ts=1700000000.123456&token=" + token},
		},
		{
			name: "without data, to a name", form: map[string]string{"channel": "USERS", "initial_comment": "Hello"}, none: true,
			want: []string{api + "chat.postMessage [form] channel=#users&text=Hello&token=" + token},
		},
		{
			name: "without data, to a channel's name", form: map[string]string{"channel": "Updates", "initial_comment": "Hello"}, none: true,
			want: []string{api + "chat.postMessage [form] channel=Updates&text=Hello&token=" + token},
		},
		{
			name: "without data", form: map[string]string{"channel": "C123", "initial_comment": "Hello"}, none: true,
			want: []string{api + "chat.postMessage [form] channel=C123&text=Hello&token=" + token},
		},
		{
			name: "without data and comment", form: map[string]string{"channel": "C123"}, none: true,
			want: []string{api + "chat.postMessage [form] channel=C123&text=&token=" + token},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := workspace(t, nil)
			req := actiontest.Query(nil, tt.form)
			if !tt.none {
				req = actiontest.Inline(t, req, "text/csv", "csv", []byte(csv))
			}
			res, err := client(t, d).Deliver(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&action.Response{}, res); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, wire(d.Requests())); diff != "" {
				t.Errorf("what arrived (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeliverFails(t *testing.T) {
	t.Parallel()
	const (
		open, ask, send = "conversations.open", "files.getUploadURLExternal", "s3cret-ticket"
		share, post     = "files.completeUploadExternal", "chat.postMessage"
		lookFirst       = " The file may already have been shared. Check before retrying."
		notUnderstood   = "Unexpected response from Slack."
		notSlacks       = "The upload URL does not belong to Slack. The file was not sent."
		tenMinutes      = "600"
	)
	refused := func(code string) actiontest.Reply {
		return actiontest.Reply{Body: `{"ok":false,"error":"` + code + `"}`}
	}
	address := func(url string) actiontest.Reply {
		return actiontest.Reply{Body: `{"ok":true,"file_id":"F1","upload_url":"` + url + `"}`}
	}
	busy := actiontest.Reply{Status: 429, Header: map[string]string{"Retry-After": tenMinutes}}
	for _, tt := range []struct {
		name    string
		to      string
		method  string
		reply   actiontest.Reply
		kind    action.Kind
		message string
		calls   int
	}{
		{name: "no channel", reply: actiontest.Reply{}, kind: action.Invalid, message: "Missing channel."},
		{
			name: "bad token", to: "C1", method: ask, reply: refused("invalid_auth"), kind: action.Unauthenticated,
			message: "Your Slack authentication credentials are not valid.", calls: 1,
		},
		{
			name: "revoked token", to: "C1", method: ask, reply: refused("token_revoked"),
			kind:    action.Unauthenticated,
			message: "Your Slack authentication credentials are not valid (token_revoked).", calls: 1,
		},
		{
			name: "missing scope", to: "C1", method: ask,
			reply: actiontest.Reply{Body: `{"ok":false,"error":"missing_scope","needed":"files:write"}`},
			kind:  action.Forbidden, message: "The Slack app lacks the scope files:write (missing_scope).",
			calls: 1,
		},
		{
			name: "missing scope without a name", to: "C1", method: ask, reply: refused("missing_scope"),
			kind: action.Forbidden, message: "The Slack app lacks a scope (missing_scope).", calls: 1,
		},
		{
			name: "details", to: "C1", method: share,
			reply:   actiontest.Reply{Body: `{"ok":false,"error":"invalid_arguments","response_metadata":{"messages":["[ERROR] no\nsuch [json-pointer:/thread_ts]","[WARN] token xoxb-s3cret-token.","","c","d"]}}`},
			kind:    action.Invalid,
			message: "Slack rejected the request (invalid_arguments): no such [json-pointer:/thread_ts]; token ….",
			calls:   3,
		},
		{
			name: "details of a known code", to: "C1", method: share,
			reply:   actiontest.Reply{Body: `{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["[ERROR] must be less than 3001 characters"]}}`},
			kind:    action.Invalid,
			message: "Slack rejected the comment's markup (invalid_blocks): must be less than 3001 characters.",
			calls:   3,
		},
		{
			name: "unknown code", to: "C1", method: ask, reply: refused("something_new"), kind: action.Invalid,
			message: "Slack rejected the request (something_new).", calls: 1,
		},
		{
			name: "an error that is no code", to: "C1", method: ask, reply: refused("Bad token " + token),
			kind: action.Invalid, message: "Slack rejected the request without a reason.", calls: 1,
		},
		{
			name: "neither ok nor error", to: "C1", method: ask, reply: actiontest.Reply{Body: `{}`},
			kind: action.Invalid, message: "Slack rejected the request without a reason.", calls: 1,
		},
		{
			name: "no JSON", to: "C1", method: ask, reply: actiontest.Reply{Body: "<html>" + token},
			kind: action.Unavailable, message: notUnderstood, calls: 3,
		},
		{
			name: "other JSON", to: "C1", method: ask,
			reply: actiontest.Reply{Body: `{"ok":true,"upload_url":["` + token + `"]}`}, kind: action.Unavailable,
			message: notUnderstood, calls: 3,
		},
		{
			name: "no upload address", to: "C1", method: ask, reply: actiontest.Reply{Body: `{"ok":true}`},
			kind: action.Unavailable, message: notUnderstood, calls: 3,
		},
		{
			name: "no file id", to: "C1", method: ask,
			reply: actiontest.Reply{Body: `{"ok":true,"upload_url":"` + uploadURL + `"}`},
			kind:  action.Unavailable, message: notUnderstood, calls: 3,
		},
		{
			name: "upload address without TLS", to: "C1", method: ask,
			reply: address("http://files.slack.com/s3cret-ticket"), kind: action.Forbidden, message: notSlacks,
			calls: 1,
		},
		{
			name: "upload address elsewhere", to: "C1", method: ask,
			reply: address("https://example.com/s3cret-ticket"), kind: action.Forbidden, message: notSlacks,
			calls: 1,
		},
		{
			name: "upload address that looks alike", to: "C1", method: ask,
			reply: address("https://files.notslack.com/s3cret-ticket"), kind: action.Forbidden, message: notSlacks,
			calls: 1,
		},
		{
			name: "upload address that begins alike", to: "C1", method: ask,
			reply: address("https://files.slack.com.example.com/s3cret-ticket"), kind: action.Forbidden,
			message: notSlacks, calls: 1,
		},
		{
			name: "upload address with a user", to: "C1", method: ask,
			reply: address("https://files.slack.com@example.com/s3cret-ticket"), kind: action.Forbidden,
			message: notSlacks, calls: 1,
		},
		{
			name: "upload address with a port", to: "C1", method: ask,
			reply: address("https://files.slack.com:8443/s3cret-ticket"), kind: action.Forbidden,
			message: notSlacks, calls: 1,
		},
		{
			name: "no upload address at all", to: "C1", method: ask,
			reply: address("https://files.slack.com/%zz/s3cret"), kind: action.Unavailable, message: notUnderstood,
			calls: 3,
		},
		{
			name: "401", to: "C1", method: ask, reply: actiontest.Reply{Status: 401}, kind: action.Unauthenticated,
			message: "Slack returned 401 Unauthorized.", calls: 1,
		},
		{
			name: "403", to: "C1", method: ask, reply: actiontest.Reply{Status: 403}, kind: action.Forbidden,
			message: "Slack returned 403 Forbidden.", calls: 1,
		},
		{
			name: "404", to: "C1", method: ask, reply: actiontest.Reply{Status: 404}, kind: action.NotFound,
			message: "Slack returned 404 Not Found.", calls: 1,
		},
		{
			name: "429 for long", to: "C1", method: ask, reply: busy, kind: action.RateLimited,
			message: "Slack is rate limiting requests. Try again in 600 seconds.", calls: 1,
		},
		{
			name: "429 in the body", to: "C1", method: ask, reply: refused("ratelimited"),
			kind: action.RateLimited, message: "Slack is rate limiting requests (ratelimited).", calls: 3,
		},
		{
			name: "500", to: "C1", method: ask, reply: actiontest.Reply{Status: 500, Body: token},
			kind: action.Unavailable, message: "Slack returned 500 Internal Server Error.", calls: 3,
		},
		{
			name: "redirect", to: "C1", method: ask,
			reply: actiontest.Reply{Status: 307, Header: map[string]string{"Location": "https://example.com/"}},
			kind:  action.Invalid, message: "Slack returned 307 Temporary Redirect.", calls: 1,
		},
		{
			name: "reset", to: "C1", method: ask, reply: actiontest.Reply{Reset: true}, kind: action.Unavailable,
			message: "The connection to Slack failed.", calls: 3,
		},
		{
			name: "upload refused", to: "C1", method: send, reply: actiontest.Reply{Status: 403},
			kind: action.Forbidden, message: "Slack returned 403 Forbidden.", calls: 2,
		},
		{
			name: "upload too large", to: "C1", method: send, reply: actiontest.Reply{Status: 413},
			kind: action.TooLarge, message: "Slack returned 413 Request Entity Too Large.", calls: 2,
		},
		{
			name: "upload redirected", to: "C1", method: send,
			reply: actiontest.Reply{Status: 307, Header: map[string]string{"Location": "https://example.com/"}},
			kind:  action.Invalid, message: "Slack returned 307 Temporary Redirect.", calls: 2,
		},
		{
			name: "upload rate limited for long", to: "C1", method: send, reply: busy, kind: action.RateLimited,
			message: "Slack is rate limiting requests. Try again in 600 seconds.", calls: 2,
		},
		{
			name: "upload unavailable", to: "C1", method: send, reply: actiontest.Reply{Status: 502},
			kind: action.Unavailable, message: "Slack returned 502 Bad Gateway.", calls: 6,
		},
		{
			name: "upload reset", to: "C1", method: send, reply: actiontest.Reply{Reset: true},
			kind: action.Unavailable, message: "The connection to Slack failed.", calls: 6,
		},
		{
			name: "channel not found", to: "C1", method: share, reply: refused("channel_not_found"),
			kind:    action.NotFound,
			message: "Channel not found, or the Slack app is not a member of it. Enter the channel's ID (channel_not_found).",
			calls:   3,
		},
		{
			name: "not in the channel", to: "C1", method: share, reply: refused("not_in_channel"),
			kind:    action.Forbidden,
			message: "The Slack app is not a member of the channel. Invite it (not_in_channel).", calls: 3,
		},
		{
			name: "archived", to: "C1", method: share, reply: refused("is_archived"), kind: action.Invalid,
			message: "The channel is archived. Choose another one or unarchive it (is_archived).", calls: 3,
		},
		{
			name: "sharing rate limited", to: "C1", method: share, reply: busy, kind: action.RateLimited,
			message: "Slack is rate limiting requests. Try again in 600 seconds.", calls: 3,
		},
		{
			name: "sharing unclear", to: "C1", method: share, reply: actiontest.Reply{Status: 503},
			kind: action.Unavailable, message: "Slack returned 503 Service Unavailable." + lookFirst, calls: 3,
		},
		{
			name: "sharing reset", to: "C1", method: share, reply: actiontest.Reply{Reset: true},
			kind: action.Unavailable, message: "The connection to Slack failed." + lookFirst, calls: 3,
		},
		{
			name: "sharing answered with nonsense", to: "C1", method: share,
			reply: actiontest.Reply{Body: "<html>"}, kind: action.Unavailable, message: notUnderstood + lookFirst,
			calls: 3,
		},
		{
			name: "no such user", to: "U1", method: open, reply: refused("user_not_found"), kind: action.NotFound,
			message: "User not found. Enter the user's ID (user_not_found).", calls: 1,
		},
		{
			name: "a deactivated user", to: "U1", method: open, reply: refused("user_disabled"),
			kind: action.Invalid, message: "The user's account is deactivated (user_disabled).", calls: 1,
		},
		{
			name: "no conversation", to: "U1", method: open, reply: actiontest.Reply{Body: `{"ok":true}`},
			kind: action.Unavailable, message: notUnderstood, calls: 3,
		},
		{
			name: "sharing with a user unclear", to: "U1", method: share, reply: actiontest.Reply{Reset: true},
			kind: action.Unavailable, message: "The connection to Slack failed." + lookFirst, calls: 4,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := instant(map[string]actiontest.Reply{tt.method: tt.reply})
				req := actiontest.Query(nil, map[string]string{"channel": tt.to, "initial_comment": "Hello"})
				res, err := client(t, d).Deliver(t.Context(), actiontest.Inline(t, req, "text/csv", "csv", []byte(csv)))
				if err == nil {
					t.Fatalf("delivered: %+v", res)
				}
				if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message {
					t.Errorf("error %v (%v), want %q (%v)", err, action.KindOf(err), tt.message, tt.kind)
				}
				if strings.Contains(err.Error(), "s3cret") {
					t.Errorf("the error holds a secret: %v", err)
				}
				if n := len(d.Requests()); n != tt.calls {
					t.Errorf("%d calls, want %d: %q", n, tt.calls, wire(d.Requests()))
				}
			})
		})
	}
}

// A user whose conversation may not be opened gets the comment first: only its answer tells
// where the file goes.
func TestClosedConversation(t *testing.T) {
	t.Parallel()
	closed := actiontest.Reply{Body: `{"ok":false,"error":"missing_scope","needed":"im:write"}`}
	const lookFirst = " The file may already have been shared. Check before retrying."
	for _, tt := range []struct {
		name    string
		comment string
		answers map[string]actiontest.Reply
		message string
		calls   []string
	}{
		{
			name: "with a comment", comment: "Hello",
			calls: []string{
				"chat.postMessage [form] channel=U1&text=Hello&token=" + token,
				`files.completeUploadExternal [form] channel_id=D777&files=[{"id":"F123","title":"Orders by day.csv"}]&token=` + token,
			},
		},
		{
			name: "without a comment",
			calls: []string{
				"chat.postMessage [form] channel=U1&text=Looker Data&token=" + token,
				`files.completeUploadExternal [form] channel_id=D777&files=[{"id":"F123","title":"Orders by day.csv"}]&token=` + token,
			},
		},
		{
			name: "the comment is refused", answers: map[string]actiontest.Reply{"chat.postMessage": {Body: `{"ok":false,"error":"channel_not_found"}`}},
			message: "Channel not found, or the Slack app is not a member of it. Enter the channel's ID (channel_not_found).",
			calls:   []string{"chat.postMessage [form] channel=U1&text=Looker Data&token=" + token},
		},
		{
			name: "no conversation", answers: map[string]actiontest.Reply{"chat.postMessage": {Body: `{"ok":true}`}},
			message: "The comment was posted, but the file was not shared. Unexpected response from Slack.",
			calls:   []string{"chat.postMessage [form] channel=U1&text=Looker Data&token=" + token},
		},
		{
			name: "the file is refused", answers: map[string]actiontest.Reply{"files.completeUploadExternal": {Reset: true}},
			message: "The comment was posted, but the file was not shared. The connection to Slack failed." + lookFirst,
			calls: []string{
				"chat.postMessage [form] channel=U1&text=Looker Data&token=" + token,
				`files.completeUploadExternal [form] channel_id=D777&files=[{"id":"F123","title":"Orders by day.csv"}]&token=` + token,
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				answers := map[string]actiontest.Reply{"conversations.open": closed}
				maps.Copy(answers, tt.answers)
				d := instant(answers)
				req := actiontest.Query(nil, map[string]string{"channel": "U1", "initial_comment": tt.comment})
				_, err := client(t, d).Deliver(t.Context(), actiontest.Inline(t, req, "text/csv", "csv", []byte(csv)))
				switch {
				case err == nil && tt.message != "", err != nil && action.MessageOf(err) != tt.message:
					t.Errorf("error %v, want %q", err, tt.message)
				}
				var got []string
				for _, line := range wire(d.Requests())[3:] {
					got = append(got, strings.TrimPrefix(line, api))
				}
				if diff := cmp.Diff(tt.calls, got); diff != "" {
					t.Errorf("what arrived after the upload (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestNothingToSend(t *testing.T) {
	t.Parallel()
	d := workspace(t, map[string]actiontest.Reply{"chat.postMessage": {Body: `{"ok":false,"error":"no_text"}`}})
	_, err := client(t, d).Deliver(t.Context(), actiontest.Query(nil, map[string]string{"channel": "C1"}))
	if got, want := action.MessageOf(err), "There is neither data nor a comment to send (no_text)."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

func TestDownloadBreaksOff(t *testing.T) {
	t.Parallel()
	d := workspace(t, nil)
	req := actiontest.Download(t, actiontest.Query(nil, map[string]string{"channel": "U1"}), actiontest.BrokenDownload(csv))
	_, err := client(t, d).Deliver(t.Context(), req)
	if got, want := action.MessageOf(err), "The download from Looker ended before the data was complete."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if n := len(d.Requests()); n != 0 {
		t.Errorf("Slack was called %d times", n)
	}
}

func TestEmptyFile(t *testing.T) {
	t.Parallel()
	d := workspace(t, nil)
	req := actiontest.Query(nil, map[string]string{"channel": "C1"})
	req.Data = blob{size: 0}
	_, err := client(t, d).Deliver(t.Context(), req)
	if action.KindOf(err) != action.Invalid || len(d.Requests()) != 0 {
		t.Errorf("error %v after %d calls", err, len(d.Requests()))
	}
}

func TestSizeLimit(t *testing.T) {
	t.Parallel()
	d := workspace(t, nil)
	req := actiontest.Query(nil, map[string]string{"channel": "C1"})
	req.Data = blob{size: 1<<30 + 1}
	_, err := client(t, d).Deliver(t.Context(), req)
	if got, want := action.MessageOf(err), "More than 1073741824 bytes."; got != want || action.KindOf(err) != action.TooLarge {
		t.Errorf("error %v (%v), want %q", err, action.KindOf(err), want)
	}
	if n := len(d.Requests()); n != 0 {
		t.Errorf("Slack was called %d times", n)
	}
}

// TestUploadStreams: the request has a length, and the file is never held in memory.
func TestUploadStreams(t *testing.T) {
	actiontest.Serial(t)
	const size = 512 << 20
	var length, sent int64
	c := slack.NewConnector(&http.Client{Transport: roundTripper(func(r *http.Request) string {
		if r.URL.Host != "files.slack.com" {
			return ticket
		}
		length = r.ContentLength
		sent, _ = io.Copy(io.Discard, r.Body)
		return "OK"
	})}).Client(token)
	req := actiontest.Query(nil, map[string]string{"channel": "C1"})
	req.Data = blob{size: size}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := c.Deliver(t.Context(), req)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if length != size || sent != size {
		t.Errorf("error %v, length %d, sent %d", err, length, sent)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("allocated %d KiB for a file of 512 MiB", n>>10)
	}
}

// TestAnsweredEarly: a success before the whole file was taken is none.
func TestAnsweredEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, answeredEarly)
}

func answeredEarly(t *testing.T) {
	calls := 0
	c := slack.NewConnector(&http.Client{Transport: roundTripper(func(*http.Request) string {
		calls++
		return ticket
	})}).Client(token)
	req := actiontest.Query(nil, map[string]string{"channel": "C1"})
	req.Data = blob{size: 1 << 20}
	_, err := c.Deliver(t.Context(), req)
	if got, want := action.MessageOf(err), "Slack responded before it had received the whole file."; got != want || calls != 6 {
		t.Errorf("error %v after %d calls, want %q after 6", err, calls, want)
	}
}

type roundTripper func(*http.Request) string

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(f(r)))}, nil
}

func TestBlobFails(t *testing.T) {
	t.Parallel()
	d := workspace(t, nil)
	req := actiontest.Query(nil, map[string]string{"channel": "C1"})
	req.Data = blob{size: 1 << 20, broken: true}
	_, err := client(t, d).Deliver(t.Context(), req)
	if got, want := action.MessageOf(err), "The hub could not read the data that it had fetched."; got != want {
		t.Errorf("error %v, want %q", err, want)
	}
	var whole []string
	for _, r := range d.Complete() {
		whole = append(whole, r.Path)
	}
	if diff := cmp.Diff([]string{"/api/files.getUploadURLExternal"}, whole); diff != "" {
		t.Errorf("arrived whole (-want +got):\n%s", diff)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	d := actiontest.NewDestination(t).Handle(func(actiontest.Recorded) actiontest.Reply {
		cancel()
		return actiontest.Reply{Body: ticket}
	})
	req := actiontest.Inline(t, actiontest.Query(nil, map[string]string{"channel": "C1"}), "text/csv", "csv", []byte(csv))
	_, err := client(t, d).Deliver(ctx, req)
	if got, want := action.MessageOf(err), "The delivery was cancelled before it was complete."; got != want {
		t.Errorf("message %q (%v), want %q", got, err, want)
	}
	if n := len(d.Requests()); n != 1 {
		t.Errorf("%d calls after the cancellation", n)
	}
}

// blob is data of any size, without the memory.
type blob struct {
	size   int64
	broken bool
}

func (blob) Empty() bool                                  { return false }
func (blob) MIME() string                                 { return "text/csv" }
func (blob) Extension() string                            { return "csv" }
func (blob) Open(context.Context) (io.ReadCloser, error)  { return nil, io.ErrUnexpectedEOF }
func (blob) Table(context.Context) (*action.Table, error) { return nil, io.ErrUnexpectedEOF }
func (blob) MaxValueBytes() int64                         { return 0 }

func (blob) Store(io.Reader, int64) (action.Blob, error) { return nil, io.ErrUnexpectedEOF }

func (b blob) Spool(_ context.Context, most int64) (action.Blob, error) {
	if b.size > most {
		return nil, action.Errorf(action.TooLarge, "More than %d bytes.", most)
	}
	return spooled{blob: b}, nil
}

// spooled is such data that was fetched.
type spooled struct{ blob }

func (b spooled) Size() int64                 { return b.size }
func (spooled) Close() error                  { return nil }
func (spooled) MaxValueBytes() int64          { return 0 }
func (spooled) Table() (*action.Table, error) { return nil, io.ErrUnexpectedEOF }

func (b spooled) ReadAt(p []byte, off int64) (int, error) {
	if b.broken && off > 0 {
		return 0, io.ErrUnexpectedEOF
	}
	clear(p)
	return len(p), nil
}

func TestFields(t *testing.T) {
	t.Parallel()
	kind := action.Field{
		Name: "channelType", Label: "Channel Type", Description: "Type of destination to fetch",
		Type: action.Select, Default: "manual", Interactive: true,
		Options: []action.Option{{Name: "manual", Label: "Manual Channel ID"}, {Name: "channels", Label: "Channels"}, {Name: "users", Label: "Users"}},
	}
	byHand := action.Field{Name: "channel", Label: "Channel or User ID", Description: "Slack channel or user id", Type: action.String}
	fromList := func(options ...action.Option) action.Field {
		return action.Field{
			Name: "channel", Label: "Share In", Description: "Name of the Slack channel you would like to post to.",
			Type: action.Select, Required: true, Options: options,
		}
	}
	comment := action.Field{Name: "initial_comment", Label: "Comment", Type: action.String}
	filename := action.Field{Name: "filename", Label: "Filename", Type: action.String}
	more := action.Field{
		Name: "more_channels", Label: "Also Share In", Type: action.String,
		Description: "More channel and user IDs, separated by commas.",
	}
	thread := action.Field{
		Name: "thread_ts", Label: "Thread", Type: action.String,
		Description: "To reply to a message, its link (Copy link) or its timestamp.",
	}
	for _, tt := range []struct {
		name, channelType string
		replies           []actiontest.Reply
		want              action.Field
		calls             []string
	}{
		{name: "none", want: byHand},
		{name: "manual", channelType: "manual", want: byHand},
		{name: "unknown", channelType: "groups", want: byHand},
		{
			name: "channels", channelType: "channels",
			replies: []actiontest.Reply{
				{Body: `{"ok":true,"channels":[{"id":"C1","name":"zoo"},{"id":"C2","name":"old","is_archived":true}],"response_metadata":{"next_cursor":"p2"}}`},
				{Body: `{"ok":true,"channels":[{"id":"C3","name":"air"},{"id":"C4","name":"Air"}],"response_metadata":{"next_cursor":""}}`},
			},
			want: fromList(action.Option{Name: "C4", Label: "#Air"}, action.Option{Name: "C3", Label: "#air"}, action.Option{Name: "C1", Label: "#zoo"}),
			calls: []string{
				api + "conversations.list [form] exclude_archived=true&limit=999&token=" + token + "&types=public_channel,private_channel",
				api + "conversations.list [form] cursor=p2&exclude_archived=true&limit=999&token=" + token + "&types=public_channel,private_channel",
			},
		},
		{
			name: "users", channelType: "users",
			replies: []actiontest.Reply{
				{Body: `{"ok":true,"members":[{"id":"U1","name":"zoe"},{"id":"U2","name":"bot","is_bot":true},{"id":"U3","name":"gone","deleted":true}],"response_metadata":{"next_cursor":"p2"}}`},
				{Body: `{"ok":true,"members":[{"id":"U4","name":"guest","is_restricted":true},{"id":"U5","name":"guest2","is_ultra_restricted":true},{"id":"U6","name":"ann"}]}`},
			},
			want: fromList(action.Option{Name: "U6", Label: "@ann"}, action.Option{Name: "U1", Label: "@zoe"}),
			calls: []string{
				api + "users.list [form] cursor=&include_locale=false&limit=999&team_id=&token=" + token,
				api + "users.list [form] cursor=p2&include_locale=false&limit=999&team_id=&token=" + token,
			},
		},
		{
			name: "rate limited once", channelType: "channels",
			replies: []actiontest.Reply{
				{Status: 429, Header: map[string]string{"Retry-After": "1"}},
				{Body: `{"ok":true,"channels":[{"id":"C1","name":"a"}]}`},
			},
			want: fromList(action.Option{Name: "C1", Label: "#a"}),
			calls: []string{
				api + "conversations.list [form] exclude_archived=true&limit=999&token=" + token + "&types=public_channel,private_channel",
				api + "conversations.list [form] exclude_archived=true&limit=999&token=" + token + "&types=public_channel,private_channel",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.replies...)
			ctx, cancel := slack.WithFormTimeout(t.Context())
			defer cancel()
			got, err := client(t, d).Fields(ctx, tt.channelType)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(append([]action.Field{kind, tt.want, comment, filename, more, thread}, datafile.Fields()...), got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.calls, wire(d.Requests())); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// A list that does not end, or cannot be followed, is shown in no part.
func TestEndlessList(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		next    func(call int) string
		kind    action.Kind
		message string
		calls   int
	}{
		{"a cursor that stands still", func(int) string { return "p" }, action.Unavailable, "Unexpected response from Slack. Choose the channel type Manual Channel ID to enter an ID instead.", 2},
		{"cursors in a circle", func(n int) string { return fmt.Sprint("p", n%2) }, action.TooLarge, "The workspace has too many names for a list. Choose the channel type Manual Channel ID to enter an ID instead.", 100},
	} {
		for _, channelType := range []string{"channels", "users"} {
			t.Run(tt.name+" "+channelType, func(t *testing.T) {
				t.Parallel()
				calls := 0
				d := actiontest.NewDestination(t).Handle(func(actiontest.Recorded) actiontest.Reply {
					calls++
					return actiontest.Reply{Body: `{"ok":true,"response_metadata":{"next_cursor":"` + tt.next(calls) + `"}}`}
				})
				_, err := client(t, d).Fields(t.Context(), channelType)
				if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message {
					t.Errorf("error %v (%v), want %q (%v)", err, action.KindOf(err), tt.message, tt.kind)
				}
				if n := len(d.Requests()); n != tt.calls {
					t.Errorf("%d calls, want %d", n, tt.calls)
				}
			})
		}
	}
}

func TestFieldsFail(t *testing.T) {
	t.Parallel()
	const byHand = " Choose the channel type Manual Channel ID to enter an ID instead."
	for _, tt := range []struct {
		name    string
		reply   actiontest.Reply
		kind    action.Kind
		message string
		calls   int
	}{
		{"bad token", actiontest.Reply{Body: `{"ok":false,"error":"invalid_auth"}`}, action.Unauthenticated, "Your Slack authentication credentials are not valid.", 1},
		{"missing scope", actiontest.Reply{Body: `{"ok":false,"error":"missing_scope","needed":"groups:read"}`}, action.Forbidden, "The Slack app lacks the scope groups:read (missing_scope).", 1},
		{"a wait past the formTimeout", actiontest.Reply{Status: 429, Header: map[string]string{"Retry-After": "60"}}, action.RateLimited, "Slack is rate limiting requests. Try again in 60 seconds." + byHand, 1},
		{"a wait past the formTimeout, in the body", actiontest.Reply{Header: map[string]string{"Retry-After": "60"}, Body: `{"ok":false,"error":"ratelimited"}`}, action.RateLimited, "Slack is rate limiting requests. Try again in 60 seconds." + byHand, 1},
		{"rate limited without a wait", actiontest.Reply{Body: `{"ok":false,"error":"ratelimited"}`}, action.RateLimited, "Slack is rate limiting requests (ratelimited)." + byHand, 3},
		{"unavailable", actiontest.Reply{Status: 503}, action.Unavailable, "Slack returned 503 Service Unavailable." + byHand, 3},
		{"reset", actiontest.Reply{Reset: true}, action.Unavailable, "The connection to Slack failed." + byHand, 3},
	} {
		for _, channelType := range []string{"channels", "users"} {
			t.Run(tt.name+" "+channelType, func(t *testing.T) {
				t.Parallel()
				d := actiontest.NewDestination(t).Reply(tt.reply)
				ctx, cancel := slack.WithFormTimeout(t.Context())
				defer cancel()
				_, err := client(t, d).Fields(ctx, channelType)
				if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message {
					t.Errorf("error %v (%v), want %q (%v)", err, action.KindOf(err), tt.message, tt.kind)
				}
				if n := len(d.Requests()); n != tt.calls {
					t.Errorf("%d calls, want %d", n, tt.calls)
				}
			})
		}
	}
}

func TestFieldsTakeTooLong(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(func(actiontest.Recorded) actiontest.Reply {
		time.Sleep(300 * time.Millisecond)
		return actiontest.Reply{Body: `{"ok":true}`}
	})
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, action.Errorf(action.Timeout, "Slack did not respond in time."))
	defer cancel()
	_, err := client(t, d).Fields(ctx, "users")
	if want := "Slack did not respond in time. Choose the channel type Manual Channel ID to enter an ID instead."; action.MessageOf(err) != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

// A call that Slack refused for its rate did nothing, so it is made again.
func TestDeliverWhenBusy(t *testing.T) {
	t.Parallel()
	first := map[string]bool{}
	busy := actiontest.Reply{Status: 429, Header: map[string]string{"Retry-After": "1"}}
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		if r.Host == "slack.com" && !first[r.Path] {
			first[r.Path] = true
			return busy
		}
		return answer(r, nil)
	})
	req := actiontest.Query(nil, map[string]string{"channel": "C1", "initial_comment": "Hello"})
	res, err := client(t, d).Deliver(t.Context(), actiontest.Inline(t, req, "text/csv", "csv", []byte(csv)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&action.Response{}, res); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	want := []string{
		"/api/files.getUploadURLExternal", "/api/files.getUploadURLExternal", "/upload/v1/s3cret-ticket",
		"/api/files.completeUploadExternal", "/api/files.completeUploadExternal",
	}
	var got []string
	for _, r := range d.Requests() {
		got = append(got, r.Path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// lateAt is a workspace that takes a call and never answers it.
type lateAt struct {
	http.RoundTripper
	path string
}

func (l lateAt) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, l.path) {
		return actiontest.Late().Transport.RoundTrip(r)
	}
	return l.RoundTripper.RoundTrip(r)
}

// A request without a response ends after a minute. Only requests without a visible effect are retried.
func TestDeliverAnswersLate(t *testing.T) {
	t.Parallel()
	const late = "Slack did not respond in time."
	for _, tt := range []struct {
		path, channel string
		message       string
		minutes       float64
	}{
		{"conversations.open", "U1", late, 3},
		{"files.getUploadURLExternal", "C1", late, 3},
		{"files.completeUploadExternal", "C1", late + " The file may already have been shared. Check before retrying.", 1},
	} {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				c := slack.NewConnector(&http.Client{Transport: lateAt{actiontest.Deps(t, instant(nil), nil).HTTP.Transport, tt.path}}).Client(token)
				req := actiontest.Query(nil, map[string]string{"channel": tt.channel})
				_, err := c.Deliver(t.Context(), actiontest.Inline(t, req, "text/csv", "csv", []byte(csv)))
				if action.MessageOf(err) != tt.message || action.KindOf(err) != action.Timeout {
					t.Errorf("error %v (%v), want %q", err, action.KindOf(err), tt.message)
				}
				// Between calls there are waits of some tenths of a second.
				if took := time.Since(start).Minutes(); took < tt.minutes || took > tt.minutes+0.1 {
					t.Errorf("took %v minutes, want %v", took, tt.minutes)
				}
			})
		})
	}
}

func TestCommentAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		req := actiontest.Query(nil, map[string]string{"channel": "C1", "initial_comment": "Hello"})
		_, err := slack.NewConnector(actiontest.Late()).Client(token).Deliver(t.Context(), req)
		const want = "Slack did not respond in time. The comment may already have been posted."
		compareError(t, err, action.Timeout, want)
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %v", took)
		}
	})
}
