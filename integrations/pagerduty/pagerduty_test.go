package pagerduty_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/pagerduty"
)

const (
	key   = "s3cret0123456789s3cret0123456789"
	rows  = `{"fields":{"dimensions":[{"name":"o.day","label_short":"Day"}],"measures":[{"name":"o.a","label_short":"N"},{"name":"o.b","label_short":"N"}]},"data":[{"o.day":{"value":"Mon"},"o.a":{"value":1},"o.b":{"value":2,"rendered":"2 €"}}]}`
	empty = `{"fields":{"dimensions":[{"name":"o.day"}]},"data":[]}`
)

type (
	answers = map[string]string
	object  = map[string]any
)

func query(t *testing.T, params, form answers, result string) *action.Request {
	t.Helper()
	all := answers{"routing_key": key + "\n"}
	maps.Copy(all, form)
	req := actiontest.Query(params, all)
	req.InstanceID = "acme"
	return actiontest.JSONDetail(t, req, result)
}

func accepted() actiontest.Reply {
	return actiontest.Reply{Status: http.StatusAccepted, Body: `{"status":"success","message":"Event processed","dedup_key":"x"}`}
}

func TestForm(t *testing.T) {
	t.Parallel()
	own := action.Field{Name: "routing_key", Label: "Integration Key", Description: `The key of a service's integration "Events API v2".`, Type: action.String, Required: true}
	rest := []action.Field{
		{Name: "event", Label: "Event", Type: action.Select, Default: "auto", Required: true, Options: []action.Option{
			{Name: "auto", Label: "Trigger when there are rows, resolve when there are none"}, {Name: "trigger", Label: "Trigger"}, {Name: "resolve", Label: "Resolve"},
		}},
		{Name: "summary", Label: "Summary", Description: "The plan's title if empty.", Type: action.String},
		{Name: "severity", Label: "Severity", Type: action.Select, Default: "error", Options: []action.Option{
			{Name: "critical", Label: "critical"}, {Name: "error", Label: "error"}, {Name: "warning", Label: "warning"}, {Name: "info", Label: "info"},
		}},
		{Name: "dedup_key", Label: "Deduplication Key", Type: action.String, Description: "Events with the same key belong to one alert. If empty, each schedule has its own key."},
		{Name: "component", Label: "Component", Type: action.String, Description: "What is affected, such as a table."},
		{Name: "group", Label: "Group", Type: action.String, Description: "What the component belongs to."},
		{Name: "class", Label: "Class", Type: action.String, Description: "The kind of the event."},
		{Name: "links", Label: "Links", Type: action.Textarea, Description: "One on each line: the URL, and optionally a text. {link} stands for the URL in Looker."},
		{Name: "images", Label: "Images", Type: action.Textarea, Description: "One on each line: the URL (https), and optionally a text in its place."},
	}
	for name, tt := range map[string]struct {
		params answers
		want   []action.Field
	}{
		"the user's key":          {nil, append([]action.Field{own}, rest...)},
		"the administrator's key": {answers{"routing_key": key}, rest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := actiontest.New(t, pagerduty.New, actiontest.Deps(t, nil, nil))
			got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(tt.params, nil))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&action.Form{Fields: tt.want}, got); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWire(t *testing.T) {
	t.Parallel()
	triggered := func(change object) object {
		payload := object{
			"summary": "Orders by day", "source": "acme", "severity": "error",
			"custom_details": object{"total_rows": 1.0, "first_rows": []any{object{"Day": "Mon", "N": "1", "N (2)": "2 €"}}},
		}
		maps.Copy(payload, change)
		return object{
			"routing_key": key, "event_action": "trigger", "dedup_key": "looker-acme-1",
			"client": "Looker", "client_url": "https://looker.example.com/looks/1", "payload": payload,
		}
	}
	resolved := object{"routing_key": key, "event_action": "resolve", "dedup_key": "looker-acme-1"}
	for name, tt := range map[string]struct {
		params, form answers
		result       string
		host         string
		want         object
	}{
		"rows":       {nil, nil, rows, "events.pagerduty.com", triggered(nil)},
		"no rows":    {nil, nil, empty, "events.pagerduty.com", resolved},
		"in Europe":  {answers{"region": "EU"}, answers{"event": "resolve"}, rows, "events.eu.pagerduty.com", resolved},
		"in America": {answers{"region": "us"}, answers{"event": "auto"}, empty, "events.pagerduty.com", resolved},
		"the administrator's key": {
			answers{"routing_key": key},
			answers{"routing_key": "another", "summary": " Too\nfew  orders ", "severity": "critical"},
			rows,
			"events.pagerduty.com", triggered(object{"summary": "Too few orders", "severity": "critical"}),
		},
		"triggered without rows": {
			nil,
			answers{"event": "trigger"},
			empty, "events.pagerduty.com",
			triggered(object{"custom_details": object{"total_rows": 0.0}}),
		},
		"what is affected": {
			nil,
			answers{"component": " mysql ", "group": "prod\ndatapipe", "class": "disk"},
			rows, "events.pagerduty.com",
			triggered(object{"component": "mysql", "group": "prod datapipe", "class": "disk"}),
		},
		"what is affected, when resolved": {
			nil, answers{"component": "mysql", "links": "https://a.example", "images": "https://a.example/x.png"}, empty, "events.pagerduty.com", resolved,
		},
		"a long summary": {nil, answers{"summary": strings.Repeat("ä", 1025)}, rows, "events.pagerduty.com", triggered(object{"summary": strings.Repeat("ä", 1023) + "…"})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, pagerduty.New, actiontest.Deps(t, d, nil))
			if _, err := i.Execute(t.Context(), query(t, tt.params, tt.form, tt.result)); err != nil {
				t.Fatal(err)
			}
			requests := d.Requests()
			if len(requests) != 1 {
				t.Fatalf("%d events arrived, want 1", len(requests))
			}
			r := requests[0]
			wantHead := []string{http.MethodPost, tt.host, "/v2/enqueue", "application/json"}
			if diff := cmp.Diff(wantHead, []string{r.Method, r.Host, r.Path, r.Header.Get("Content-Type")}); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, decode(t, r.Body)); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func decode(t *testing.T, body []byte) object {
	t.Helper()
	var event object
	if err := json.Unmarshal(body, &event); err != nil {
		t.Fatal(err)
	}
	return event
}

// Links and images are shown at the incident.
func TestLinksAndImages(t *testing.T) {
	t.Parallel()
	type list = []any
	for name, tt := range map[string]struct {
		form          answers
		links, images any
	}{
		"none": {nil, nil, nil},
		"links": {
			answers{"links": " https://wiki.example/x?a=b  How to\tfix it \r\n\nhttp://a.example\n{link} In Looker: {title}"},
			list{
				object{"href": "https://wiki.example/x?a=b", "text": "How to fix it"},
				object{"href": "http://a.example"},
				object{"href": "https://looker.example.com/looks/1", "text": "In Looker: Orders by day"},
			},
			nil,
		},
		"images": {
			answers{"images": "https://a.example/x.png The orders\nhttps://a.example/y.png"},
			nil,
			list{object{"src": "https://a.example/x.png", "alt": "The orders"}, object{"src": "https://a.example/y.png"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(accepted())
			i := actiontest.New(t, pagerduty.New, actiontest.Deps(t, d, nil))
			if _, err := i.Execute(t.Context(), query(t, nil, tt.form, rows)); err != nil {
				t.Fatal(err)
			}
			event := decode(t, d.Requests()[0].Body)
			if diff := cmp.Diff(tt.links, event["links"]); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.images, event["images"]); diff != "" {
				t.Errorf("images (-want +got):\n%s", diff)
			}
		})
	}
}

// Without a plan's id, an alert has a key of its own, or the one that the user gives.
func TestDedupKey(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(accepted())
	i := actiontest.New(t, pagerduty.New, actiontest.Deps(t, d, nil))
	for _, form := range []answers{{"event": "trigger"}, {"event": "trigger"}, {"dedup_key": " mine "}} {
		req := query(t, nil, form, rows)
		req.Plan.ID = ""
		if _, err := i.Execute(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	r := d.Requests()
	first, second, third := decode(t, r[0].Body)["dedup_key"], decode(t, r[1].Body)["dedup_key"], decode(t, r[2].Body)["dedup_key"]
	if first == second || len(first.(string)) < 20 {
		t.Errorf("keys %q and %q are not two keys of their own", first, second)
	}
	if third != "mine" {
		t.Errorf("key %q, want %q", third, "mine")
	}
}

// What is too large for an event is left out of it, and counted.
func TestLargeRows(t *testing.T) {
	t.Parallel()
	var columns, cells, data []string
	for n := range 200 {
		columns = append(columns, fmt.Sprintf(`{"name":"c%d"}`, n))
		cells = append(cells, fmt.Sprintf(`"c%d":{"value":%q}`, n, strings.Repeat("x", 300)))
	}
	for range 25 {
		data = append(data, "{"+strings.Join(cells, ",")+"}")
	}
	result := `{"fields":{"dimensions":[` + strings.Join(columns, ",") + `]},"data":[` + strings.Join(data, ",") + `]}`
	d := actiontest.NewDestination(t).Reply(accepted())
	i := actiontest.New(t, pagerduty.New, actiontest.Deps(t, d, nil))
	if _, err := i.Execute(t.Context(), query(t, nil, nil, result)); err != nil {
		t.Fatal(err)
	}
	body := d.Requests()[0].Body
	var event struct {
		Payload struct {
			Details struct {
				Total int               `json:"total_rows"`
				First []json.RawMessage `json:"first_rows"`
			} `json:"custom_details"`
		} `json:"payload"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		t.Fatal(err)
	}
	if got, limit := len(body), 512<<10; got > limit {
		t.Errorf("%d bytes, the limit is %d", got, limit)
	}
	if diff := cmp.Diff([]int{8, 25}, []int{len(event.Payload.Details.First), event.Payload.Details.Total}); diff != "" {
		t.Errorf("rows shown, and all (-want +got):\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		params, form   answers
		field, message string
	}{
		"no key":          {nil, answers{"routing_key": ""}, "routing_key", "The integration key is missing."},
		"another event":   {nil, answers{"event": "acknowledge"}, "event", `"event" must be auto, trigger or resolve.`},
		"odd severity":    {nil, answers{"severity": "bad"}, "severity", `"severity" must be critical, error, warning or info.`},
		"a long key":      {nil, answers{"dedup_key": strings.Repeat("ä", 256)}, "dedup_key", "The deduplication key has 256 characters. PagerDuty allows 255."},
		"nothing to find": {nil, nil, "dedup_key", "The schedule is unknown. Enter a deduplication key, so that the alert to resolve can be found."},
		"a text as link":  {nil, answers{"dedup_key": "x", "links": "https://a.example\nHow to fix it"}, "links", "Each line must start with a URL."},
		"a script":        {nil, answers{"dedup_key": "x", "links": "javascript:alert(1) x"}, "links", "Each line must start with a URL."},
		"an open image":   {nil, answers{"dedup_key": "x", "images": "http://a.example/x.png"}, "images", "Each line must start with a URL that begins with https://."},
		"another region":  {answers{"region": "mars"}, nil, "", `"region" must be us or eu.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := actiontest.New(t, pagerduty.New, actiontest.Deps(t, d, nil))
			req := query(t, tt.params, tt.form, rows)
			req.Plan.ID = ""
			_, err := i.Execute(t.Context(), req)
			e, ok := err.(*action.Error) //nolint:errorlint // Looker gets the outermost error
			if !ok {
				t.Fatalf("error %v, want %q", err, tt.message)
			}
			if e.Message != tt.message {
				t.Errorf("message %q, want %q", e.Message, tt.message)
			}
			if e.Kind != action.Invalid {
				t.Errorf("kind %v, want %v", e.Kind, action.Invalid)
			}
			if got, want := e.Fields[tt.field] != "", tt.field != ""; got != want {
				t.Errorf("message for the field %q: %v, want %v", tt.field, got, want)
			}
			if got := len(d.Requests()); got != 0 {
				t.Errorf("%d calls, want none", got)
			}
		})
	}
}

func TestPagerDutyFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		"a wrong key": {
			actiontest.Reply{Status: 400, Body: `{"status":"invalid event","errors":["Length of 'routing_key'","` + key + ` is\nincorrect"]}`},
			action.Invalid, "PagerDuty returned 400: Length of 'routing_key' … is incorrect",
		},
		"no reason":  {actiontest.Reply{Status: 400, Body: "<html>"}, action.Invalid, "PagerDuty returned 400 Bad Request."},
		"forbidden":  {actiontest.Reply{Status: 403}, action.Forbidden, "PagerDuty returned 403 Forbidden."},
		"leads away": {actiontest.Reply{Status: 307, Header: answers{"Location": "https://example.com/"}}, action.Invalid, "PagerDuty returned 307 Temporary Redirect."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			i := actiontest.New(t, pagerduty.New, actiontest.Deps(t, d, nil))
			_, err := i.Execute(t.Context(), query(t, nil, nil, rows))
			if got := action.MessageOf(err); got != tt.message {
				t.Fatalf("message %q, want %q", got, tt.message)
			}
			if got := action.KindOf(err); got != tt.kind {
				t.Errorf("kind %v, want %v", got, tt.kind)
			}
			if got := len(d.Requests()); got != 1 {
				t.Errorf("%d calls, want 1", got)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
}

// An event goes again, under the same key, whatever became of it the first time.
func TestSentAgain(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]actiontest.Reply{
		"its rate":            {Status: 429, Header: answers{"Retry-After": "1"}},
		"unavailable":         {Status: 500},
		"cuts the connection": {Reset: true},
		"does not confirm":    {Status: 200, Body: `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(first, accepted())
			i := actiontest.New(t, pagerduty.New, actiontest.Deps(t, d, nil))
			req := query(t, nil, answers{"event": "trigger"}, rows)
			req.Plan.ID = ""
			if _, err := i.Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			if r := d.Requests(); len(r) != 2 || !bytes.Equal(r[0].Body, r[1].Body) {
				t.Errorf("%d calls, not with the same event", len(r))
			}
		})
	}
}

func TestAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, pagerduty.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := i.Execute(t.Context(), query(t, nil, nil, rows))
		took := time.Since(start)
		if got, want := action.MessageOf(err), "PagerDuty did not respond in time."; got != want {
			t.Errorf("message %q, want %q", got, want)
		}
		if got := action.KindOf(err); got != action.Timeout {
			t.Errorf("kind %v, want %v", got, action.Timeout)
		}
		if took < 5*time.Minute || took > 7*time.Minute {
			t.Errorf("it took %v, want 5 to 7 minutes", took)
		}
	})
}
