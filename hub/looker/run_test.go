package looker_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/looker"
)

// crm is a simulator with a real hub whose integration crm is enabled.
func crm(t *testing.T) (*realHub, *instance, string) {
	t.Helper()
	h := newHub(t)
	i := newInstance(t, nil)
	id := i.addHub(h.URL, h.token) + "::crm"
	if err := i.SetUserAttribute(analyst, "crm_account", "account-of-the-analyst"); err != nil {
		t.Fatal(err)
	}
	i.enable(id, map[string]string{"api_key": "key-of-the-crm", "region": "eu"})
	return h, i, id
}

// What a hub gets is what Looker sends: settings, the user's attributes and answers, and the data.
func TestRun(t *testing.T) {
	t.Parallel()
	h, i, id := crm(t)
	for _, tt := range []struct {
		name   string
		action looker.Action
		want   delivery
	}{
		{
			name: "pushed text", action: looker.Action{Format: "csv", Data: []byte("a,\"b\"\n1,ä\n"), Title: "Orders", Form: map[string]string{"team": "a"}},
			want: delivery{Type: "query", Data: "a,\"b\"\n1,ä\n", Title: "Orders", Form: map[string]string{"team": "a", "format": "csv"}},
		},
		{
			name: "pushed JSON", action: looker.Action{Format: "json", Data: []byte(`[{"a": 1}]`)},
			want: delivery{Type: "query", Data: `[{"a": 1}]`, Form: map[string]string{"format": "json"}},
		},
		{
			name: "inline JSON", action: looker.Action{Format: "inline_json", Data: []byte(`[{"a":1}]`)},
			want: delivery{Type: "query", Data: `[{"a":1}]`, Form: map[string]string{"format": "inline_json"}},
		},
		{
			name: "pushed binary", action: looker.Action{Format: "wysiwyg_png", Data: []byte("\x89PNG\xff")},
			want: delivery{Type: "query", Data: "\x89PNG\xff", Form: map[string]string{"format": "wysiwyg_png"}},
		},
		{
			name: "a cell", action: looker.Action{Type: "cell", Value: "42"},
			want: delivery{Type: "cell", Form: map[string]string{}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.action.User, tt.action.Integration = analyst, id
			result, err := i.Run(t.Context(), tt.action)
			if err != nil || !result.Success || result.Message != "Delivered." || !result.RefreshQuery || result.Status != http.StatusOK {
				t.Fatalf("%+v, %v", result, err)
			}
			all := h.received()
			got := all[len(all)-1]
			tt.want.Integration, tt.want.WebhookID, tt.want.Instance, tt.want.Version = "crm", result.WebhookID, "simulator", got.Version
			tt.want.Params = map[string]string{"api_key": "key-of-the-crm", "region": "eu", "account": "account-of-the-analyst"}
			if tt.action.Type == "cell" {
				tt.want.Params["value"] = "42"
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("delivery (-want +got):\n%s", diff)
			}
			if got.Version != "26.12.0" {
				t.Errorf("Looker's version is %s", got.Version)
			}
		})
	}
}

// A failed delivery is not an error: the hub says what happened.
func TestRunFails(t *testing.T) {
	t.Parallel()
	h, i, id := crm(t)
	h.set(nil, action.Errorf(action.Invalid, "The row has no e-mail address."))
	result, err := i.Run(t.Context(), looker.Action{User: analyst, Integration: id, Format: "csv", Data: []byte("a\n1\n")})
	if err != nil || result.Success || result.Message != "The row has no e-mail address." {
		t.Errorf("%+v, %v", result, err)
	}
}

// Data at a download address can be fetched once, for an hour.
func TestRunDownload(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	i := newInstance(t, nil)
	id := i.addHub(h.URL, h.token) + "::bucket"
	i.enable(id, nil)
	result, err := i.Run(t.Context(), looker.Action{User: analyst, Integration: id, Format: "csv", Data: []byte("a\n1\n"), Title: "Orders"})
	if err != nil || !result.Success {
		t.Fatalf("%+v, %v", result, err)
	}
	if got := h.received(); len(got) != 1 || got[0].Data != "a\n1\n" {
		t.Fatalf("%+v", got)
	}
	calls := i.Calls(0)
	if last := calls[len(calls)-1]; last.Kind != looker.CallExecute || !strings.Contains(last.Body, `"download_url":"(redacted)"`) || strings.Contains(last.Body, "attachment") {
		t.Errorf("%+v", last)
	}
	requests := i.Requests(0)
	if last := requests[len(requests)-1]; last.Path != "/downloads/(redacted)" || last.Status != http.StatusOK {
		t.Errorf("%+v", last)
	}
}

// A request, and a download, can break off. The hub does not take the part for the whole.
func TestRunInterrupted(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	i := newInstance(t, nil)
	hubID := i.addHub(h.URL, h.token)
	for _, name := range []string{"drive", "bucket"} {
		i.enable(hubID+"::"+name, nil)
		data := []byte(strings.Repeat("0123456789\n", 20_000))
		result, err := i.Run(t.Context(), looker.Action{User: analyst, Integration: hubID + "::" + name, Format: "csv", Data: data, CutAfter: 100_000})
		if result.Success {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
		if name == "drive" && err == nil {
			t.Errorf("the interrupted request was answered: %+v", result)
		}
	}
	got := h.received()
	if len(got) != 1 || got[0].Integration != "bucket" || got[0].Err == "" || len(got[0].Data) > 100_000 {
		t.Errorf("%d deliveries, the first of %s with %d bytes: %s", len(got), got[0].Integration, len(got[0].Data), got[0].Err)
	}
}

// Looker does not call the hub for what it does not allow.
func TestRunRefuses(t *testing.T) {
	t.Parallel()
	h, i, id := crm(t)
	hubID := strings.TrimSuffix(id, "::crm")
	csv := func(user, integration string) looker.Action {
		return looker.Action{User: user, Integration: integration, Format: "csv", Data: []byte("a\n")}
	}
	unset := func(a looker.Action, change func(*looker.Action)) looker.Action {
		change(&a)
		return a
	}
	for name, tt := range map[string]struct {
		action looker.Action
		reason string
	}{
		"no integration": {csv(analyst, hubID+"::nope"), "the integration does not exist"},
		"no user":        {csv("9", id), `no user "9"`},
		"not enabled":    {csv(analyst, hubID+"::bucket"), "not enabled"},
		"no permission":  {csv(guest, id), "needs the permission send_to_integration"},
		"a dashboard":    {unset(csv(analyst, id), func(a *looker.Action) { a.Type = "dashboard" }), "supports query, cell, not dashboard"},
		"no format":      {unset(csv(analyst, id), func(a *looker.Action) { a.Format = "docx" }), `no format "docx"`},
		"another format": {unset(csv(analyst, id), func(a *looker.Action) { a.Format = "html" }), "supports the formats csv"},
		"a download":     {unset(csv(analyst, id), func(a *looker.Action) { a.Download = "url" }), "download settings push, not url"},
		"broken JSON":    {unset(csv(analyst, id), func(a *looker.Action) { a.Format, a.Data = "inline_json", []byte("{") }), "valid JSON"},
		"broken text":    {unset(csv(analyst, id), func(a *looker.Action) { a.Data = []byte("\xff") }), "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(i.Calls(0))
			_, err := i.Run(t.Context(), tt.action)
			if _, ok := errors.AsType[*looker.RefusedError](err); !ok || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("%v, want %s", err, tt.reason)
			}
			if calls := i.Calls(0); len(calls) != before {
				t.Errorf("the hub was called: %+v", calls[before:])
			}
		})
	}
	// A required param whose user attribute has no value hides the integration from the user.
	i.enable(id, map[string]string{"api_key": ""})
	if _, err := i.Run(t.Context(), csv(analyst, id)); err == nil || !strings.Contains(err.Error(), "api_key have no value") {
		t.Errorf("without a required param: %v", err)
	}
	if got := h.received(); len(got) > 0 {
		t.Errorf("the hub delivered %+v", got)
	}
}

// What a hub answers against the protocol is an error, not a delivery.
func TestRunAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status        int
		body, message string
	}{
		"no JSON":       {200, "<html>", "not valid"},
		"no outcome":    {200, "{}", "does not say how the delivery ended"},
		"an error":      {500, `{"success":false,"error":"Internal server error."}`, "status 500: Internal server error."},
		"a page":        {502, "<html>", "status 502"},
		"a huge state":  {200, `{"looker":{"success":true,"state":{"data":"` + strings.Repeat("x", 33<<10) + `"}}}`, "at most 32768"},
		"a huge answer": {200, strings.Repeat(" ", 8<<20), "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destination := respond(t, tt.status, tt.body)
			list := respond(t, 200, `{"label":"x","integrations":[{"name":"a","label":"A","supported_action_types":["query"],"url":"`+destination.URL+`"}]}`)
			i := newInstance(t, nil)
			id := i.addHub(list.URL, "") + "::a"
			i.enable(id, nil)
			result, err := i.Run(t.Context(), looker.Action{User: admin, Integration: id, Format: "csv", Data: []byte("a")})
			text := result.Message
			if err != nil {
				text = err.Error()
			}
			if !strings.Contains(text, tt.message) || result.Success && err == nil {
				t.Errorf("%+v, %v", result, err)
			}
		})
	}
}
