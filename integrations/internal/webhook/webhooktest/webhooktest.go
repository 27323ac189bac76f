// Package webhooktest holds the tests that every integration on package webhook must pass.
package webhooktest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
)

// Service is what differs between the integrations.
type Service struct {
	New action.Constructor
	// Label is what the form calls the address.
	Label string
	// Host is one that belongs to the first of Domains.
	Host    string
	Domains []string
	// Size and Rate are the limits as messages have them.
	Size, Rate string
	// ExtraDomains is the setting that allows further domains.
	ExtraDomains string
}

const result = `{"fields":{"dimensions":[{"name":"orders.day"}]},"data":[{"orders.day":{"value":"2026-11-23"}}]}`

// Run tests an integration.
func Run(t *testing.T, s Service) {
	t.Helper()
	t.Parallel()
	t.Run("form", s.form)
	t.Run("delivers", s.delivers)
	t.Run("refuses", s.refuses)
	t.Run("extra domains", s.extraDomains)
	t.Run("domains", s.domains)
	t.Run("destination fails", s.destinationFails)
	t.Run("limits", s.limits)
	t.Run("without data", s.withoutData)
	t.Run("download breaks off", s.downloadBreaksOff)
}

func (s Service) make(t *testing.T, d *actiontest.Destination, env map[string]string) action.Integration {
	t.Helper()
	return actiontest.New(t, s.New, actiontest.Deps(t, d, env))
}

func request(t *testing.T, url string) *action.Request {
	t.Helper()
	return actiontest.JSONDetail(t, actiontest.Query(nil, map[string]string{"url": url}), result)
}

func (s Service) form(t *testing.T) {
	t.Parallel()
	i := s.make(t, nil, nil)
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Form{Fields: []action.Field{{Name: "url", Label: s.Label, Type: action.String, Required: true}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

func (s Service) hook() string { return "https://" + s.Host + "/hook" }

func (s Service) delivers(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: 202})
	i := s.make(t, d, nil)
	req := request(t, s.hook()+"?key=1")
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	requests := d.Requests()
	if len(requests) != 1 {
		t.Fatalf("%d requests arrived, want 1", len(requests))
	}
	got := requests[0]
	if line, want := got.Method+" "+got.Host+got.Path+"?"+got.Query.Encode(), "POST "+s.Host+"/hook?key=1"; line != want {
		t.Errorf("arrived as %s, want %s", line, want)
	}
	if got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("Content-Type %q", got.Header.Get("Content-Type"))
	}
	if string(got.Body) != result {
		t.Errorf("body %s", got.Body)
	}
}

func (s Service) refuses(t *testing.T) {
	t.Parallel()
	domain, elsewhere := s.Domains[0], "Incorrect domain for url. It must belong to "+strings.Join(s.Domains, ", ")+"."
	for _, tt := range []struct{ name, url, message string }{
		{"no url", "", "Missing url."},
		{"no host", "https://", "The url is not valid."},
		{"clear text", "http://" + s.Host + "/hook", "The url must begin with https://."},
		{"another domain", "https://example.com/hook", elsewhere},
		{"the domain as a suffix only", "https://evil-" + domain + "/", elsewhere},
		{"the domain below another", "https://" + domain + ".example.com/", elsewhere},
		{"a user name", "https://" + domain + "@example.com/", "The url must not contain a user name."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := s.make(t, d, nil)
			req := request(t, tt.url)
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

func (s Service) domains(t *testing.T) {
	t.Parallel()
	for _, domain := range s.Domains {
		for _, host := range []string{domain, "abc." + domain, "abc.eu1." + domain, strings.ToUpper(domain)} {
			d := actiontest.NewDestination(t)
			i := s.make(t, d, nil)
			if _, err := i.Execute(t.Context(), request(t, "https://"+host+"/")); err != nil {
				t.Errorf("%s: %v", host, err)
			}
		}
	}
}

// Limits of the service are named in words.
func (s Service) limits(t *testing.T) {
	t.Parallel()
	name := strings.TrimSuffix(s.Label, " Webhook URL")
	rate := name + " returned 429 Too Many Requests."
	if s.Rate != "" {
		rate = name + " is rate limiting requests. It accepts " + s.Rate + ". Try again later."
	}
	for _, tt := range []struct {
		name    string
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		{
			"too large",
			actiontest.Reply{Status: 413},
			action.TooLarge,
			"The data is too large: " + name + " accepts " + s.Size + " in one request. Select fewer rows or columns.",
		},
		{"too often", actiontest.Reply{Status: 429}, action.RateLimited, rate},
		{
			"deleted",
			actiontest.Reply{Status: 410},
			action.NotFound,
			name + " returned 410 Gone. The webhook may have been deleted. Check its URL.",
		},
		{
			"moved",
			actiontest.Reply{Status: 308, Header: map[string]string{"Location": "https://example.com/"}},
			action.Invalid,
			name + " returned 308 Permanent Redirect. Redirects are not followed. Enter the target URL of the redirect.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			_, err := s.make(t, d, nil).Execute(t.Context(), request(t, s.hook()))
			if kind := action.KindOf(err); kind != tt.kind {
				t.Errorf("kind %v, want %v", kind, tt.kind)
			}
			if message := action.MessageOf(err); message != tt.message {
				t.Errorf("message %q, want %q", message, tt.message)
			}
		})
	}
}

// A workflow does not run without a result. The reference refuses an attachment without bytes, too.
func (s Service) withoutData(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]http.HandlerFunc{
		"an empty download": func(http.ResponseWriter, *http.Request) {},
		"no attachment":     nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			req := actiontest.Query(nil, map[string]string{"url": s.hook()})
			want := "The request came without data."
			if serve != nil {
				req, want = actiontest.Download(t, req, serve), "Looker sent no data."
			}
			_, err := s.make(t, d, nil).Execute(t.Context(), req)
			if got := action.MessageOf(err); got != want {
				t.Errorf("message %q, want %q", got, want)
			}
			if n := len(d.Requests()); n != 0 {
				t.Errorf("%d calls", n)
			}
		})
	}
	t.Run("an empty attachment", func(t *testing.T) {
		t.Parallel()
		d := actiontest.NewDestination(t)
		req := actiontest.Inline(t, actiontest.Query(nil, map[string]string{"url": s.hook()}), "application/json", "json", nil)
		_, err := s.make(t, d, nil).Execute(t.Context(), req)
		if kind := action.KindOf(err); kind != action.Invalid {
			t.Errorf("error %v", err)
		}
		if n := len(d.Requests()); n != 0 {
			t.Errorf("%d calls", n)
		}
	})
}

func (s Service) extraDomains(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	i := s.make(t, d, map[string]string{s.ExtraDomains: "hooks.example.com,example.net"})
	req := request(t, "https://a.example.net/")
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
}

func (s Service) destinationFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		reply actiontest.Reply
		kind  action.Kind
	}{
		{"not found", actiontest.Reply{Status: 404, Body: "secret-body"}, action.NotFound},
		{"rate limited", actiontest.Reply{Status: 429}, action.RateLimited},
		{"unavailable", actiontest.Reply{Status: 503}, action.Unavailable},
		{"redirects", actiontest.Reply{Status: 307, Header: map[string]string{"Location": "https://example.com/"}}, action.Invalid},
		{"cuts the connection", actiontest.Reply{Reset: true}, action.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			i := s.make(t, d, nil)
			req := request(t, s.hook()+"?token=s3cret")
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

func (s Service) downloadBreaksOff(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	i := s.make(t, d, nil)
	req := actiontest.Download(t, actiontest.Query(nil, map[string]string{"url": s.hook()}), actiontest.BrokenDownload(result))
	_, err := i.Execute(t.Context(), req)
	if action.MessageOf(err) != "The download from Looker ended before the data was complete." {
		t.Errorf("error %v", err)
	}
	if whole := d.Complete(); len(whole) != 0 {
		t.Errorf("the destination saw %d whole requests", len(whole))
	}
}
