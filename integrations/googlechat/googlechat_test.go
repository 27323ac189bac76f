package googlechat_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/googlechat"
)

const hook = "https://chat.googleapis.com/v1/spaces/AAA/messages?key=k3y-k3y-k3y&token=t0ken-t0ken%3D"

type answers = map[string]string

func query(t *testing.T, form answers, rows int) *action.Request {
	t.Helper()
	var data []string
	for n := range rows {
		data = append(data, fmt.Sprintf(`{"o.day":{"value":"day %d"},"o.n":{"value":%d}}`, n+1, n))
	}
	return actiontest.JSONDetail(t, actiontest.Query(nil, form),
		`{"fields":{"dimensions":[{"name":"o.day","label_short":"Day"}],"measures":[{"name":"o.n","label_short":"Orders"}]},"data":[`+strings.Join(data, ",")+`]}`)
}

func TestForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, googlechat.New, actiontest.Deps(t, nil, nil))
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Form{Fields: []action.Field{
		{Name: "url", Label: "Webhook URL", Description: "In the space: Apps & integrations, Webhooks.", Type: action.String, Required: true},
		{Name: "text", Label: "Text", Description: "Shown above the rows. Can contain Google Chat's formatting and mentions.", Type: action.Textarea},
		{Name: "rows", Label: "Rows", Description: "How many rows to show, 100 at most.", Type: action.String, Default: "10"},
		{Name: "thread", Label: "Thread", Description: "Messages with the same text here are posted in one thread.", Type: action.String},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

func TestWire(t *testing.T) {
	t.Parallel()
	const (
		plain    = "key=k3y-k3y-k3y&token=t0ken-t0ken%3D"
		inThread = "key=k3y-k3y-k3y&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD&token=t0ken-t0ken%3D"
	)
	const head = "*Orders by day*\n<https://looker.example.com/looks/1|View in Looker>\n"
	for name, tt := range map[string]struct {
		form   answers
		rows   int
		change func(*action.Request)
		query  string
		text   string
		thread string
	}{
		"some rows": {
			form: answers{"text": "Hello <users/all>\n"}, rows: 2, query: plain,
			text: head + "Hello <users/all>\n```\nDay    Orders\nday 1  0\nday 2  1\n```",
		},
		"more rows than shown": {
			form: answers{"rows": "1"}, rows: 3, query: plain,
			text: head + "```\nDay    Orders\nday 1  0\n… and 2 more of 3 rows\n```",
		},
		"none to show": {
			form: answers{"rows": "0"}, rows: 3, query: plain,
			text: head + "```\nDay  Orders\n… and 3 more of 3 rows\n```",
		},
		"no rows": {query: plain, text: head + "```\nDay  Orders\nno rows\n```"},
		"a thread": {
			form: answers{"thread": " a & b "}, query: inThread, text: head + "```\nDay  Orders\nno rows\n```",
			thread: "a & b",
		},
		"a thread in the URL": {
			form: answers{"url": hook + "&threadKey=weekly"}, query: inThread,
			text: head + "```\nDay  Orders\nno rows\n```", thread: "weekly",
		},
		"a thread instead of that in the URL": {
			form:  answers{"url": hook + "&threadKey=weekly&messageReplyOption=REPLY_MESSAGE_OR_FAIL", "thread": "daily"},
			query: "key=k3y-k3y-k3y&messageReplyOption=REPLY_MESSAGE_OR_FAIL&token=t0ken-t0ken%3D",
			text:  head + "```\nDay  Orders\nno rows\n```", thread: "daily",
		},
		"a pasted URL": {
			form: answers{"url": " <" + strings.ReplaceAll(hook, "&", "&amp;") + ">\u200b"}, query: plain,
			text: head + "```\nDay  Orders\nno rows\n```",
		},
		"an odd title": {
			change: func(r *action.Request) { r.Plan.Title, r.Plan.URL = "*<users/all>*\n`x`_y", "javascript:1" },
			query:  plain, text: "*users/all 'x' y*\n```\nDay  Orders\nno rows\n```",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(posted)
			i := actiontest.New(t, googlechat.New, actiontest.Deps(t, d, nil))
			form := answers{"url": hook}
			maps.Copy(form, tt.form)
			req := query(t, form, tt.rows)
			if tt.change != nil {
				tt.change(req)
			}
			if _, err := i.Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			requests := d.Requests()
			if len(requests) != 1 {
				t.Fatalf("%d messages arrived, want 1", len(requests))
			}
			r := requests[0]
			if got, want := r.Method+" "+r.Host+r.Path+"?"+r.Query.Encode(), "POST chat.googleapis.com/v1/spaces/AAA/messages?"+tt.query; got != want {
				t.Errorf("arrived as %s, want %s", got, want)
			}
			if got := r.Header.Get("Content-Type"); got != "application/json; charset=UTF-8" {
				t.Errorf("Content-Type %q", got)
			}
			want := content{Text: tt.text}
			want.Thread.ThreadKey = tt.thread
			if diff := cmp.Diff(want, decode(t, r.Body)); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

// content is a message, as far as it is used here
// (https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages).
type content struct {
	Text   string `json:"text"`
	Thread struct {
		ThreadKey string `json:"threadKey"`
	} `json:"thread"`
}

func decode(t *testing.T, body []byte) content {
	t.Helper()
	var message content
	strict := json.NewDecoder(bytes.NewReader(body))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&message); err != nil {
		t.Fatal(err)
	}
	return message
}

// posted is what Google Chat says of a message that it posted.
var posted = actiontest.Reply{Body: `{"name":"spaces/AAA/messages/1"}`}

// As many rows are shown as the largest message has room for, and the rest is counted.
func TestFits(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(posted)
	i := actiontest.New(t, googlechat.New, actiontest.Deps(t, d, nil))
	req := query(t, answers{"url": hook, "rows": "100", "text": strings.Repeat("&", 31_000)}, 100)
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	body := d.Requests()[0].Body
	shown := strings.Count(decode(t, body).Text, "\nday ")
	if len(body) > 32_000 || len(body) < 32_000-20 {
		t.Errorf("%d bytes with %d rows", len(body), shown)
	}
	if rest := fmt.Sprintf("… and %d more of 100 rows", 100-shown); !strings.Contains(string(body), rest) {
		t.Errorf("no %q", rest)
	}
}

func TestTooWide(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(posted)
	i := actiontest.New(t, googlechat.New, actiontest.Deps(t, d, nil))
	var columns []string
	for n := range 1000 {
		columns = append(columns, fmt.Sprintf(`{"name":"%050d"}`, n))
	}
	req := actiontest.JSONDetail(t, actiontest.Query(nil, answers{"url": hook}), `{"fields":{"dimensions":[`+strings.Join(columns, ",")+`]},"data":[{},{}]}`)
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	const want = "*Orders by day*\n<https://looker.example.com/looks/1|View in Looker>\n2 rows, too wide to show"
	if got := decode(t, d.Requests()[0].Body).Text; got != want {
		t.Errorf("message %.300q, want %q", got, want)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const notChat = "This is not a Google Chat webhook URL. Copy the complete URL from the space's webhooks."
	for name, tt := range map[string]struct {
		form           answers
		field, message string
	}{
		"no address":        {nil, "url", `"url" is required.`},
		"clear text":        {answers{"url": "http" + hook[5:]}, "url", "The url must begin with https://."},
		"another host":      {answers{"url": "https://chat.googleapis.com.example.com/v1/spaces/A/messages?key=1&token=2"}, "url", notChat},
		"another port":      {answers{"url": "https://chat.googleapis.com:8443/v1/spaces/A/messages?key=1&token=2"}, "url", notChat},
		"another path":      {answers{"url": "https://chat.googleapis.com/v1/spaces/A/members?key=1&token=2"}, "url", notChat},
		"half the address":  {answers{"url": "https://chat.googleapis.com/v1/spaces/A/messages?key=1"}, "url", notChat},
		"too many rows":     {answers{"url": hook, "rows": "101"}, "rows", `"rows" must be a number from 0 to 100.`},
		"too long a thread": {answers{"url": hook, "thread": strings.Repeat("x", 4001)}, "thread", "The thread has more than 4000 characters."},
		"too long a text":   {answers{"url": hook, "text": strings.Repeat("x", 32_000)}, "text", "The message exceeds Google Chat's limit of 32000 bytes. Shorten its text."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(posted)
			i := actiontest.New(t, googlechat.New, actiontest.Deps(t, d, nil))
			_, err := i.Execute(t.Context(), query(t, tt.form, 1))
			if diff := cmp.Diff(error(action.InvalidField(tt.field, "%s", tt.message)), err); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if n := len(d.Requests()); n != 0 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

func TestChatFails(t *testing.T) {
	t.Parallel()
	const doubt = " The message may already have been posted. Check before retrying."
	const deleted = " The webhook may have been deleted. Check the space's webhooks."
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		"a deleted webhook": {actiontest.Reply{Status: 404}, action.NotFound, "Google Chat returned 404 Not Found." + deleted},
		"a wrong token":     {actiontest.Reply{Status: 401}, action.Unauthenticated, "Google Chat returned 401 Unauthorized." + deleted},
		"no access":         {actiontest.Reply{Status: 403}, action.Forbidden, "Google Chat returned 403 Forbidden." + deleted},
		"no permission": {
			actiontest.Reply{Status: 403, Body: `{"error":{"message":"Webhooks are disabled by the administrator."}}`},
			action.Forbidden,
			"Google Chat returned 403: Webhooks are disabled by the administrator." + deleted,
		},
		"a bad message":       {actiontest.Reply{Status: 400, Body: `{"error":{"message":"Bad token t0ken-t0ken= with\nk3y-k3y-k3y."}}`}, action.Invalid, "Google Chat returned 400: Bad token … with …."},
		"a web page":          {actiontest.Reply{Body: "<html>"}, action.Unavailable, "Unexpected response from Google Chat." + doubt},
		"no name":             {actiontest.Reply{Body: "{}"}, action.Unavailable, "Unexpected response from Google Chat." + doubt},
		"no reason":           {actiontest.Reply{Status: 400, Body: "<html>"}, action.Invalid, "Google Chat returned 400 Bad Request."},
		"leads away":          {actiontest.Reply{Status: 302, Header: answers{"Location": "https://example.com/"}}, action.Invalid, "Google Chat returned 302 Found."},
		"unavailable":         {actiontest.Reply{Status: 503}, action.Unavailable, "Google Chat returned 503 Service Unavailable." + doubt},
		"cuts the connection": {actiontest.Reply{Reset: true}, action.Unavailable, "The connection to Google Chat failed." + doubt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			i := actiontest.New(t, googlechat.New, actiontest.Deps(t, d, nil))
			_, err := i.Execute(t.Context(), query(t, answers{"url": hook}, 1))
			if err == nil {
				t.Fatal("no error")
			}
			if kind := action.KindOf(err); kind != tt.kind {
				t.Errorf("kind %v, want %v", kind, tt.kind)
			}
			if message := action.MessageOf(err); message != tt.message {
				t.Errorf("message %q, want %q", message, tt.message)
			}
			if strings.Contains(err.Error(), "k3y") || strings.Contains(err.Error(), "t0ken") {
				t.Errorf("the error tells too much: %v", err)
			}
			if n := len(d.Requests()); n != 1 {
				t.Errorf("%d messages: none may be posted twice", n)
			}
		})
	}
}

// A message that was refused for its rate was not posted.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: 429, Header: answers{"Retry-After": "1"}}, posted)
	i := actiontest.New(t, googlechat.New, actiontest.Deps(t, d, nil))
	if _, err := i.Execute(t.Context(), query(t, answers{"url": hook}, 1)); err != nil || len(d.Requests()) != 2 {
		t.Errorf("%d calls, %v", len(d.Requests()), err)
	}
}

func TestAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, googlechat.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := i.Execute(t.Context(), query(t, answers{"url": hook}, 1))
		const want = "Google Chat did not respond in time. The message may already have been posted. Check before retrying."
		if got := action.MessageOf(err); got != want {
			t.Errorf("message %q, want %q", got, want)
		}
		if kind := action.KindOf(err); kind != action.Timeout {
			t.Errorf("kind %v", kind)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %v", took)
		}
	})
}
