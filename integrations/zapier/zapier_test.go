package zapier_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/zapier"
)

const (
	hook   = "https://hooks.zapier.com/hook"
	result = `{"fields":{"dimensions":[{"name":"orders.day"}]},"data":[{"orders.day":{"value":"2026-11-23"}}]}`
)

func TestForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, zapier.New, actiontest.Deps(t, nil, nil))
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Form{Fields: []action.Field{{Name: "url", Label: "Zapier Webhook URL", Type: action.String, Required: true}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

func TestExecute(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: 202})
	i := actiontest.New(t, zapier.New, actiontest.Deps(t, d, nil))
	req := actiontest.JSONDetail(t, actiontest.Query(nil, map[string]string{"url": hook + "?key=1"}), result)
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	requests := d.Requests()
	if len(requests) != 1 {
		t.Fatalf("%d requests arrived, want 1", len(requests))
	}
	got := requests[0]
	if got.Method != http.MethodPost || got.Host != "hooks.zapier.com" || got.Path != "/hook" || got.Query.Encode() != "key=1" {
		t.Errorf("arrived as %s %s%s?%s", got.Method, got.Host, got.Path, got.Query.Encode())
	}
	if got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("Content-Type %q", got.Header.Get("Content-Type"))
	}
	if string(got.Body) != result {
		t.Errorf("body %s", got.Body)
	}
}

func TestExecuteRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, url, message string }{
		{"no url", "", "Missing url."},
		{"no host", "https://", "The url is not valid."},
		{"clear text", "http://hooks.zapier.com/hook", "The url must begin with https://."},
		{"another domain", "https://example.com/hook", "Incorrect domain for url. It must belong to zapier.com."},
		{"the domain as a suffix only", "https://evil-zapier.com/", "Incorrect domain for url. It must belong to zapier.com."},
		{"the domain below another", "https://zapier.com.example.com/", "Incorrect domain for url. It must belong to zapier.com."},
		{"a user name", "https://zapier.com@example.com/", "The url must not contain a user name."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := actiontest.New(t, zapier.New, actiontest.Deps(t, d, nil))
			req := actiontest.JSONDetail(t, actiontest.Query(nil, map[string]string{"url": tt.url}), result)
			_, err := i.Execute(t.Context(), req)
			if action.KindOf(err) != action.Invalid || action.MessageOf(err) != tt.message {
				t.Errorf("error %v (%v), want %q", err, action.KindOf(err), tt.message)
			}
			if len(d.Requests()) != 0 {
				t.Error("the destination was called")
			}
		})
	}
}

func TestExtraDomains(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	i := actiontest.New(t, zapier.New, actiontest.Deps(t, d, map[string]string{"ZAPIER_EXTRA_DOMAINS": "hooks.example.com,example.net"}))
	req := actiontest.JSONDetail(t, actiontest.Query(nil, map[string]string{"url": "https://a.example.net/"}), result)
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
}

func TestDestinationFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		reply actiontest.Reply
		kind  action.Kind
	}{
		{"not found", actiontest.Reply{Status: 404, Body: "secret-body"}, action.NotFound},
		{"rate limited", actiontest.Reply{Status: 429}, action.RateLimited},
		{"out of order", actiontest.Reply{Status: 503}, action.Unavailable},
		{"redirects", actiontest.Reply{Status: 307, Header: map[string]string{"Location": "https://example.com/"}}, action.Invalid},
		{"cuts the connection", actiontest.Reply{Reset: true}, action.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			i := actiontest.New(t, zapier.New, actiontest.Deps(t, d, nil))
			req := actiontest.JSONDetail(t, actiontest.Query(nil, map[string]string{"url": hook + "?token=s3cret"}), result)
			_, err := i.Execute(t.Context(), req)
			if err == nil || action.KindOf(err) != tt.kind {
				t.Fatalf("error %v (%v), want kind %v", err, action.KindOf(err), tt.kind)
			}
			if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "secret-body") {
				t.Errorf("the error tells too much: %v", err)
			}
			if n := len(d.Requests()); n != 1 {
				t.Errorf("%d requests: a bare POST is never retried", n)
			}
		})
	}
}

func TestDownloadBreaksOff(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	i := actiontest.New(t, zapier.New, actiontest.Deps(t, d, nil))
	req := actiontest.Download(t, actiontest.Query(nil, map[string]string{"url": hook}), actiontest.BrokenDownload(result))
	_, err := i.Execute(t.Context(), req)
	if action.MessageOf(err) != "The download from Looker broke off before the data was complete." {
		t.Errorf("error %v", err)
	}
	if whole := d.Complete(); len(whole) != 0 {
		t.Errorf("the destination saw %d whole requests", len(whole))
	}
}
