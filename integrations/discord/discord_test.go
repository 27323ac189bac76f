package discord_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/discord"
	"integrationhub.dev/integrations/internal/datafile"
)

const (
	hook = "https://discord.com/api/webhooks/123/t0ken_-x"
	v10  = "/api/v10/webhooks/123/t0ken_-x"
	csv  = "day,orders\n2026-11-23,17\n"
)

type (
	answers = map[string]string
	object  = map[string]any
)

func query(t *testing.T, form answers) *action.Request {
	t.Helper()
	all := answers{"url": hook}
	maps.Copy(all, form)
	return actiontest.Inline(t, actiontest.Query(nil, all), "text/csv", "csv", []byte(csv))
}

func posted(size int) actiontest.Reply {
	return actiontest.Reply{Body: fmt.Sprintf(`{"id":"9","attachments":[{"size":%d}]}`, size)}
}

// channel is a fake channel with a webhook, as Discord describes it for each version of its API: before version 8,
// Retry-After is in milliseconds (https://docs.discord.com/developers/change-log#api-and-gateway-v8). A version that is
// missing in the path is 6.
type channel struct {
	forum bool
	// limited is how many requests are rate limited first.
	limited int
}

var webhookPath = regexp.MustCompile(`^/api(?:/v([0-9]+))?/webhooks/[0-9]+/[A-Za-z0-9_-]+$`)

func (c *channel) serve(r actiontest.Recorded) actiontest.Reply {
	version := webhookPath.FindStringSubmatch(r.Path)
	switch {
	case r.Host != "discord.com", version == nil:
		return actiontest.Reply{Status: 404, Body: `{"code":0,"message":"404: Not Found"}`}
	case c.limited > 0:
		c.limited--
		wait := "1"
		if n, _ := strconv.Atoi(version[1]); n < 8 {
			wait = "1000"
		}
		return actiontest.Reply{Status: 429, Header: answers{"Retry-After": wait}}
	}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return refused(50109)
	}
	form, err := multipart.NewReader(bytes.NewReader(r.Body), params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		return refused(50109)
	}
	var message struct {
		ThreadName  string `json:"thread_name"`
		Attachments []struct {
			ID string `json:"id"`
		} `json:"attachments"`
	}
	if err := json.Unmarshal([]byte(form.Value["payload_json"][0]), &message); err != nil {
		return refused(50109)
	}
	switch created, thread := message.ThreadName != "", r.Query.Get("thread_id") != ""; {
	case c.forum && created && thread:
		return refused(220002)
	case c.forum && !created && !thread:
		return refused(220001)
	case !c.forum && created:
		return refused(220003)
	}
	return posted(len(csv))
}

// refused is an error response with one of Discord's codes.
func refused(code int) actiontest.Reply {
	return actiontest.Reply{Status: 400, Body: fmt.Sprintf(`{"message":"x","code":%d}`, code)}
}

func TestForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, discord.New, actiontest.Deps(t, nil, nil))
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Form{Fields: append([]action.Field{
		{Name: "url", Label: "Webhook URL", Description: "In the channel's settings: Integrations, Webhooks.", Type: action.String, Required: true},
		{Name: "text", Label: "Text", Description: "Shown above the file. Can contain Discord's Markdown and mentions.", Type: action.Textarea},
		{Name: "filename", Label: "Filename", Type: action.String},
		{Name: "thread", Label: "Thread ID", Description: "The thread of the channel in which to post.", Type: action.String},
		{
			Name: "thread_name", Label: "Post Title", Description: "For a webhook of a forum or media channel: creates a post with this title.",
			Type: action.String,
		},
	}, datafile.Fields()...)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

// part is one part of a message's form.
type part struct{ Disposition, Type, Body string }

func parts(t *testing.T, r actiontest.Recorded) []part {
	t.Helper()
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var all []part
	form := multipart.NewReader(bytes.NewReader(r.Body), params["boundary"])
	for {
		p, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part{p.Header.Get("Content-Disposition"), p.Header.Get("Content-Type"), string(body)})
	}
}

func TestWire(t *testing.T) {
	t.Parallel()
	embed := []any{object{"title": "Orders by day", "url": "https://looker.example.com/looks/1", "description": "View in Looker"}}
	for name, tt := range map[string]struct {
		form   answers
		change func(*action.Request)
		path   string
		query  string
		want   object
		file   string
	}{
		"plain": {
			path: v10, query: "wait=true", want: object{"content": "", "embeds": embed}, file: "Orders by day.csv",
		},
		"all answers": {
			form: answers{"url": hook + "?thread_id=1&wait=false", "text": "Hi <@1>", "thread": " 42 ", "filename": `a"b`},
			path: v10, query: "thread_id=42&wait=true", want: object{"content": "Hi <@1>", "embeds": embed},
			file: `a"b.csv`,
		},
		"an old address": {
			form: answers{"url": "https://discordapp.com/api/v10/webhooks/1/x?thread_id=1"},
			path: "/api/v10/webhooks/1/x", query: "thread_id=1&wait=true",
			want: object{"content": "", "embeds": embed}, file: "Orders by day.csv",
		},
		"no link": {
			change: func(r *action.Request) { r.Plan.URL = "" }, path: v10, query: "wait=true",
			want: object{"content": ""}, file: "Orders by day.csv",
		},
		"a long title": {
			form:   answers{"filename": "f"},
			change: func(r *action.Request) { r.Plan.Title = strings.Repeat("ä", 300) }, path: v10,
			query: "wait=true",
			want:  object{"content": "", "embeds": []any{object{"title": strings.Repeat("ä", 255) + "…", "url": "https://looker.example.com/looks/1", "description": "View in Looker"}}},
			file:  "f.csv",
		},
		"no title": {
			form: answers{"filename": "f"}, change: func(r *action.Request) { r.Plan.Title = "" }, path: v10,
			query: "wait=true",
			want:  object{"content": "", "embeds": []any{object{"title": "Looker", "url": "https://looker.example.com/looks/1", "description": "View in Looker"}}},
			file:  "f.csv",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(posted(len(csv)))
			i := actiontest.New(t, discord.New, actiontest.Deps(t, d, nil))
			req := query(t, tt.form)
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
			if got, want := r.Method+" "+r.Host+r.Path+"?"+r.Query.Encode(), "POST discord.com"+tt.path+"?"+tt.query; got != want {
				t.Errorf("arrived as %s, want %s", got, want)
			}
			if agent := r.Header.Get("User-Agent"); !strings.HasPrefix(agent, "IntegrationHub/") {
				t.Errorf("User-Agent %q", agent)
			}
			tt.want["allowed_mentions"] = object{"parse": []any{"users", "roles"}}
			tt.want["attachments"] = []any{object{"id": "0", "filename": tt.file}}
			got := parts(t, r)
			if len(got) != 2 {
				t.Fatalf("%d parts, want 2", len(got))
			}
			var about object
			if err := json.Unmarshal([]byte(got[0].Body), &about); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, about); diff != "" {
				t.Errorf("payload_json (-want +got):\n%s", diff)
			}
			got[0].Body = ""
			want := []part{
				{`form-data; name="payload_json"`, "", ""},
				{`form-data; name="files[0]"; filename="` + strings.ReplaceAll(tt.file, `"`, `\"`) + `"`, "text/csv", csv},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const (
		notDiscord = "This is not a Discord webhook URL. Copy the URL from the channel's settings."
		noThread   = `"thread" must be a number: copy the thread's ID or link in Discord, or enter a title under Post Title to create a post.`
		both       = "A message goes either to an existing thread or to a new post. Remove the thread ID or the post title."
	)
	for name, tt := range map[string]struct {
		form           answers
		field, message string
	}{
		"no address":                      {answers{"url": ""}, "url", `"url" is required.`},
		"clear text":                      {answers{"url": "http" + hook[5:]}, "url", "The url must begin with https://."},
		"another host":                    {answers{"url": "https://discord.com.example.com/api/webhooks/1/x"}, "url", notDiscord},
		"another path":                    {answers{"url": hook + "/slack"}, "url", notDiscord},
		"an odd thread":                   {answers{"thread": "1&wait=false"}, "thread", noThread},
		"a thread's name":                 {answers{"thread": "Weekly orders"}, "thread", noThread},
		"a link elsewhere":                {answers{"thread": "https://discord.com.example.com/channels/1/2"}, "thread", noThread},
		"another port":                    {answers{"url": "https://discord.com:8443/api/webhooks/1/x"}, "url", notDiscord},
		"a page":                          {answers{"url": "https://discord.com/channels/1/2"}, "url", notDiscord},
		"too long a title":                {answers{"thread_name": strings.Repeat("x", 101)}, "thread_name", "The title has 101 characters. Discord allows 100."},
		"a thread and a title":            {answers{"thread": "1", "thread_name": "x"}, "thread_name", both},
		"a thread in the URL and a title": {answers{"url": hook + "?thread_id=1", "thread_name": "x"}, "thread_name", both},
		"too long":                        {answers{"text": strings.Repeat("x", 2001)}, "text", "The text has 2001 characters. Discord allows 2000."},
		"too many emoji":                  {answers{"text": strings.Repeat("😀", 1001)}, "text", "The text has 2002 characters. Discord allows 2000."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := actiontest.New(t, discord.New, actiontest.Deps(t, d, nil))
			_, err := i.Execute(t.Context(), query(t, tt.form))
			if diff := cmp.Diff(error(action.InvalidField(tt.field, "%s", tt.message)), err); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if n := len(d.Requests()); n != 0 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

func TestDiscordFails(t *testing.T) {
	t.Parallel()
	const (
		doubt   = " The message may already have been posted. Check before retrying."
		deleted = " The webhook or the thread may have been deleted. Check the channel's settings."
		unknown = "The webhook does not exist. It may have been deleted: check the channel's settings."
		large   = "The file is too large for this Discord server. The limit is 10 MB without boosts."
		unsure  = "Discord did not confirm the complete upload." + doubt
	)
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		"a deleted webhook":      {actiontest.Reply{Status: 404, Body: `{"code":10015,"message":"Unknown Webhook"}`}, action.NotFound, unknown},
		"not found":              {actiontest.Reply{Status: 404}, action.NotFound, "Discord returned 404 Not Found." + deleted},
		"a wrong token":          {actiontest.Reply{Status: 401}, action.Unauthenticated, "Discord returned 401 Unauthorized." + deleted},
		"too large":              {actiontest.Reply{Status: 413}, action.TooLarge, large},
		"too large, by its code": {actiontest.Reply{Status: 400, Body: `{"code":40005,"message":"x"}`}, action.TooLarge, large},
		"a bad message":          {actiontest.Reply{Status: 400, Body: `{"code":50035,"message":"Invalid\nForm Body"}`}, action.Invalid, "Discord returned 400: Invalid Form Body"},
		"no reason":              {actiontest.Reply{Status: 400, Body: "<html>"}, action.Invalid, "Discord returned 400 Bad Request."},
		"leads away":             {actiontest.Reply{Status: 301, Header: answers{"Location": "https://example.com/"}}, action.Invalid, "Discord returned 301 Moved Permanently."},
		"unavailable":            {actiontest.Reply{Status: 502}, action.Unavailable, "Discord returned 502 Bad Gateway." + doubt},
		"cuts the connection":    {actiontest.Reply{Reset: true}, action.Unavailable, "The connection to Discord failed." + doubt},
		"a part of the file":     {posted(len(csv) - 1), action.Unavailable, unsure},
		"without the file":       {actiontest.Reply{Body: `{"id":"9"}`}, action.Unavailable, unsure},
		"no answer to speak of":  {actiontest.Reply{Status: 204}, action.Unavailable, "Unexpected response from Discord." + doubt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			i := actiontest.New(t, discord.New, actiontest.Deps(t, d, nil))
			_, err := i.Execute(t.Context(), query(t, nil))
			if err == nil {
				t.Fatal("no error")
			}
			if kind := action.KindOf(err); kind != tt.kind {
				t.Errorf("kind %v, want %v", kind, tt.kind)
			}
			if message := action.MessageOf(err); message != tt.message {
				t.Errorf("message %q, want %q", message, tt.message)
			}
			if strings.Contains(err.Error(), "t0ken") {
				t.Errorf("the error tells too much: %v", err)
			}
			if n := len(d.Requests()); n != 1 {
				t.Errorf("%d messages: none may be posted twice", n)
			}
		})
	}
}

// Whatever version and host a URL was copied with, it is the same webhook of version 10.
func TestVersion(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"as Discord copies it": hook,
		"version 6":            "https://discord.com/api/v6/webhooks/123/t0ken_-x",
		"version 9":            "https://discord.com/api/v9/webhooks/123/t0ken_-x",
		"version 10":           "https://discord.com/api/v10/webhooks/123/t0ken_-x",
		"a later version":      "https://discord.com/api/v11/webhooks/123/t0ken_-x",
		"Canary":               "https://canary.discord.com/api/webhooks/123/t0ken_-x",
		"the public test":      "https://ptb.discord.com/api/webhooks/123/t0ken_-x",
		"the old domain":       "https://discordapp.com/api/webhooks/123/t0ken_-x",
		"Canary's old domain":  "https://canary.discordapp.com/api/v7/webhooks/123/t0ken_-x",
		"uppercase":            "https://Discord.com/api/webhooks/123/t0ken_-x",
		"the default port":     "https://discord.com:443/api/webhooks/123/t0ken_-x",
		"a slash at the end":   hook + "/",
		"angle brackets":       "<" + hook + ">",
		"Markdown":             "[hook](" + hook + ")",
		"invisible characters": "\u200b" + hook + "\ufeff",
		"more parameters":      hook + "?wait=false&with_components=true",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle((&channel{}).serve)
			i := actiontest.New(t, discord.New, actiontest.Deps(t, d, nil))
			if _, err := i.Execute(t.Context(), query(t, answers{"url": address})); err != nil {
				t.Fatal(err)
			}
			r := d.Requests()[0]
			if got, want := r.Host+r.Path+"?"+r.Query.Encode(), "discord.com"+v10+"?wait=true"; got != want {
				t.Errorf("arrived at %s, want %s", got, want)
			}
		})
	}
}

func TestThread(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"ID":                   " 42 ",
		"link":                 "https://discord.com/channels/1/42",
		"link to a message":    "<https://canary.discord.com/channels/1/42/7>",
		"mention":              "<#42>",
		"invisible characters": "\u200b42",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle((&channel{forum: true}).serve)
			i := actiontest.New(t, discord.New, actiontest.Deps(t, d, nil))
			if _, err := i.Execute(t.Context(), query(t, answers{"thread": text})); err != nil {
				t.Fatal(err)
			}
			if got := d.Requests()[0].Query.Get("thread_id"); got != "42" {
				t.Errorf("thread %q", got)
			}
		})
	}
}

// A forum has no messages outside of its posts.
func TestForum(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle((&channel{forum: true}).serve)
	i := actiontest.New(t, discord.New, actiontest.Deps(t, d, nil))
	if _, err := i.Execute(t.Context(), query(t, answers{"thread_name": " Weekly\norders "})); err != nil {
		t.Fatal(err)
	}
	var message object
	if err := json.Unmarshal([]byte(parts(t, d.Requests()[0])[0].Body), &message); err != nil {
		t.Fatal(err)
	}
	if got := message["thread_name"]; got != "Weekly orders" {
		t.Errorf("thread_name %q", got)
	}
}

// A rejection names the field that must change, and what to do.
func TestReasons(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		channel channel
		form    answers
		field   string
		message string
	}{
		"a forum needs a post": {
			channel{forum: true},
			nil, "thread_name",
			"The webhook belongs to a forum or media channel. Enter a title under Post Title to create a post, or the ID of an existing post as Thread ID.",
		},
		"a post needs a forum": {
			channel{},
			answers{"thread_name": "Weekly orders"},
			"thread_name",
			"Only forum and media channels have posts, and this webhook belongs to another kind of channel. Leave Post Title empty.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(tt.channel.serve)
			i := actiontest.New(t, discord.New, actiontest.Deps(t, d, nil))
			_, err := i.Execute(t.Context(), query(t, tt.form))
			compareError(t, err, action.Invalid, tt.field, tt.message)
		})
	}
}

func compareError(t *testing.T, err error, kind action.Kind, field, message string) {
	t.Helper()
	e, ok := err.(*action.Error) //nolint:errorlint // Looker gets the outermost error
	if !ok {
		t.Fatalf("error %v", err)
	}
	want := &action.Error{Kind: kind, Message: message, Fields: answers{field: message}}
	if diff := cmp.Diff(want, e, cmpopts.IgnoreFields(action.Error{}, "Err")); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

// An unknown thread is not blamed on the webhook.
func TestUnknown(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status, code int
		kind         action.Kind
		field        string
		message      string
	}{
		"thread":  {404, 10003, action.NotFound, "thread", "The thread does not exist in the webhook's channel. It may have been deleted."},
		"webhook": {404, 10015, action.NotFound, "url", "The webhook does not exist. It may have been deleted: check the channel's settings."},
		"token": {
			401, 50027, action.Unauthenticated, "url",
			"The webhook URL is not complete, or it was replaced. Copy it again from the channel's settings.",
		},
		"lock": {403, 160005, action.Forbidden, "thread", "The thread is locked. Choose another one, or unlock it."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reply := refused(tt.code)
			reply.Status = tt.status
			d := actiontest.NewDestination(t).Reply(reply)
			i := actiontest.New(t, discord.New, actiontest.Deps(t, d, nil))
			_, err := i.Execute(t.Context(), query(t, answers{"thread": "1"}))
			compareError(t, err, tt.kind, tt.field, tt.message)
		})
	}
}

// A message that was refused for its rate was not posted; it goes again as a whole, after as long as Discord asks for.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := actiontest.NewSocketless().Handle((&channel{limited: 1}).serve)
		i := actiontest.New(t, discord.New, actiontest.Deps(t, d, nil))
		start := time.Now()
		if _, err := i.Execute(t.Context(), query(t, nil)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("waited %v, want a second", took)
		}
		r := d.Requests()
		if len(r) != 2 {
			t.Fatalf("%d calls, want 2", len(r))
		}
		if len(r[0].Body) == 0 || !bytes.Equal(r[0].Body, r[1].Body) {
			t.Error("the second call has another body")
		}
	})
}

func TestAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, discord.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := i.Execute(t.Context(), query(t, nil))
		const want = "Discord did not respond in time. The message may already have been posted. Check before retrying."
		if got := action.MessageOf(err); got != want {
			t.Errorf("message %q, want %q", got, want)
		}
		if kind := action.KindOf(err); kind != action.Timeout {
			t.Errorf("kind %v", kind)
		}
		if took := time.Since(start); took != 10*time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

func TestWithoutData(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		serve   http.HandlerFunc
		message string
	}{
		"broken off": {actiontest.BrokenDownload(csv), "The download from Looker ended before the data was complete."},
		"empty":      {func(http.ResponseWriter, *http.Request) {}, "Looker sent no data."},
		"none":       {nil, "The request came without data."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := actiontest.New(t, discord.New, actiontest.Deps(t, d, nil))
			req := actiontest.Query(nil, answers{"url": hook})
			if tt.serve != nil {
				actiontest.Download(t, req, tt.serve)
			}
			_, err := i.Execute(t.Context(), req)
			if action.MessageOf(err) != tt.message || len(d.Requests()) != 0 {
				t.Errorf("error %v, want %q; %d calls", err, tt.message, len(d.Requests()))
			}
		})
	}
}

// Dates in a file's name are replaced, and a CSV file can begin with a byte order mark.
func TestFileOptions(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(posted(len(csv) + 3))
	i := actiontest.New(t, discord.New, actiontest.Deps(t, d, nil))
	req := query(t, answers{"filename": "orders {date}", "byte_order_mark": "yes", "time_zone": "Asia/Tokyo"})
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	got := parts(t, d.Requests()[0])
	if !regexp.MustCompile(`filename="orders \d{4}-\d\d-\d\d\.csv"`).MatchString(got[1].Disposition) {
		t.Errorf("the file arrived as %s", got[1].Disposition)
	}
	if got[1].Body != "\ufeff"+csv {
		t.Errorf("the file is %q", got[1].Body)
	}
}
