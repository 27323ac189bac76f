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
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/discord"
	"integrationhub.dev/integrations/internal/datafile"
)

const (
	hook = "https://discord.com/api/webhooks/123/t0ken_-x"
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
		{Name: "thread", Label: "Thread ID", Description: "A thread of the channel to post in.", Type: action.String},
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
		"plain": {nil, nil, "/api/webhooks/123/t0ken_-x", "wait=true", object{"content": "", "embeds": embed}, "Orders by day.csv"},
		"all answers": {
			answers{"url": hook + "?thread_id=1&wait=false", "text": "Hi <@1>", "thread": " 42 ", "filename": `a"b`},
			nil,
			"/api/webhooks/123/t0ken_-x", "thread_id=42&wait=true",
			object{"content": "Hi <@1>", "embeds": embed},
			`a"b.csv`,
		},
		"an old address": {
			answers{"url": "https://discordapp.com/api/v10/webhooks/1/x?thread_id=1"},
			nil,
			"/api/v10/webhooks/1/x", "thread_id=1&wait=true",
			object{"content": "", "embeds": embed},
			"Orders by day.csv",
		},
		"no link": {
			nil, func(r *action.Request) { r.Plan.URL = "" },
			"/api/webhooks/123/t0ken_-x", "wait=true",
			object{"content": ""},
			"Orders by day.csv",
		},
		"a long title": {
			answers{"filename": "f"},
			func(r *action.Request) { r.Plan.Title = strings.Repeat("ä", 300) },
			"/api/webhooks/123/t0ken_-x", "wait=true",
			object{"content": "", "embeds": []any{object{"title": strings.Repeat("ä", 255) + "…", "url": "https://looker.example.com/looks/1", "description": "View in Looker"}}},
			"f.csv",
		},
		"no title": {
			answers{"filename": "f"},
			func(r *action.Request) { r.Plan.Title = "" },
			"/api/webhooks/123/t0ken_-x", "wait=true",
			object{"content": "", "embeds": []any{object{"title": "Looker", "url": "https://looker.example.com/looks/1", "description": "View in Looker"}}},
			"f.csv",
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
			if r.Method != http.MethodPost || r.Path != tt.path || r.Query.Encode() != tt.query || !strings.HasPrefix(r.Header.Get("User-Agent"), "IntegrationHub/") {
				t.Errorf("arrived as %s %s?%s %v", r.Method, r.Path, r.Query.Encode(), r.Header)
			}
			tt.want["allowed_mentions"] = object{"parse": []any{"users", "roles"}}
			tt.want["attachments"] = []any{object{"id": 0.0, "filename": tt.file}}
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
	const notDiscord = "This is not a Discord webhook URL. Copy the URL from the channel's settings."
	for name, tt := range map[string]struct {
		form           answers
		field, message string
	}{
		"no address":     {answers{"url": ""}, "url", `"url" is required.`},
		"clear text":     {answers{"url": "http" + hook[5:]}, "url", "The url must begin with https://."},
		"another host":   {answers{"url": "https://discord.com.example.com/api/webhooks/1/x"}, "url", notDiscord},
		"another path":   {answers{"url": hook + "/slack"}, "url", notDiscord},
		"an odd thread":  {answers{"thread": "1&wait=false"}, "thread", `"thread" must be a number: copy the thread's ID in Discord.`},
		"too long":       {answers{"text": strings.Repeat("x", 2001)}, "text", "The text has 2001 characters. Discord allows 2000."},
		"too many emoji": {answers{"text": strings.Repeat("😀", 1001)}, "text", "The text has 2002 characters. Discord allows 2000."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := actiontest.New(t, discord.New, actiontest.Deps(t, d, nil))
			_, err := i.Execute(t.Context(), query(t, tt.form))
			if diff := cmp.Diff(error(action.InvalidField(tt.field, "%s", tt.message)), err); diff != "" || len(d.Requests()) != 0 {
				t.Errorf("%d calls, error (-want +got):\n%s", len(d.Requests()), diff)
			}
		})
	}
}

func TestDiscordFails(t *testing.T) {
	t.Parallel()
	const (
		doubt   = " The message may already have been posted. Check before retrying."
		deleted = " The webhook or the thread may have been deleted. Check the channel's settings."
		large   = "The file is too large for this Discord server. The limit is 10 MB without boosts."
		unsure  = "Discord did not confirm the complete upload." + doubt
	)
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		"a deleted webhook":      {actiontest.Reply{Status: 404, Body: `{"code":10015,"message":"Unknown Webhook"}`}, action.NotFound, "Discord answered 404 Not Found." + deleted},
		"a wrong token":          {actiontest.Reply{Status: 401}, action.Unauthenticated, "Discord answered 401 Unauthorized." + deleted},
		"too large":              {actiontest.Reply{Status: 413}, action.TooLarge, large},
		"too large, by its code": {actiontest.Reply{Status: 400, Body: `{"code":40005,"message":"x"}`}, action.TooLarge, large},
		"a bad message":          {actiontest.Reply{Status: 400, Body: `{"code":50035,"message":"Invalid\nForm Body"}`}, action.Invalid, "Discord answered 400: Invalid Form Body"},
		"no reason":              {actiontest.Reply{Status: 400, Body: "<html>"}, action.Invalid, "Discord answered 400 Bad Request."},
		"leads away":             {actiontest.Reply{Status: 301, Header: answers{"Location": "https://example.com/"}}, action.Invalid, "Discord answered 301 Moved Permanently."},
		"unavailable":            {actiontest.Reply{Status: 502}, action.Unavailable, "Discord answered 502 Bad Gateway." + doubt},
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
			if err == nil || action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message {
				t.Fatalf("error %v (%v), want %q (%v)", err, action.KindOf(err), tt.message, tt.kind)
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

// A message that was refused for its rate was not posted; it goes again as a whole.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: 429, Header: answers{"Retry-After": "1"}}, posted(len(csv)))
	i := actiontest.New(t, discord.New, actiontest.Deps(t, d, nil))
	if _, err := i.Execute(t.Context(), query(t, nil)); err != nil {
		t.Fatal(err)
	}
	if r := d.Requests(); len(r) != 2 || !bytes.Equal(r[0].Body, r[1].Body) || len(r[0].Body) == 0 {
		t.Errorf("%d calls, not with the same body", len(r))
	}
}

func TestAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, discord.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := i.Execute(t.Context(), query(t, nil))
		const want = "Discord did not answer in time. The message may already have been posted. Check before retrying."
		if took := time.Since(start); action.MessageOf(err) != want || action.KindOf(err) != action.Timeout || took != 10*time.Minute {
			t.Errorf("error %v (%v) after %v, want %q", err, action.KindOf(err), took, want)
		}
	})
}

func TestWithoutData(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		serve   http.HandlerFunc
		message string
	}{
		"broken off": {actiontest.BrokenDownload(csv), "The download from Looker broke off before the data was complete."},
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
