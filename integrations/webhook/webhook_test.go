package webhook_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/datafile"
	"integrationhub.dev/integrations/webhook"
)

const (
	hook   = "https://hooks.example.com/in/t0ken?key=k3y"
	secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	other  = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY="
	csv    = "day,orders\n2026-11-23,17\n"
)

type settings = map[string]string

func query(t *testing.T, params, form settings) *action.Request {
	t.Helper()
	return actiontest.Inline(t, actiontest.Query(params, form), "text/csv", "csv", []byte(csv))
}

func TestForm(t *testing.T) {
	t.Parallel()
	url := action.Field{Name: "url", Label: "Webhook URL", Description: "A URL that begins with https://.", Type: action.String, Required: true}
	method := action.Field{
		Name: "method", Label: "Method", Type: action.Select, Default: "POST", Required: true,
		Options: []action.Option{{Name: "POST", Label: "POST"}, {Name: "PUT", Label: "PUT"}},
	}
	filename := action.Field{Name: "filename", Label: "Filename", Description: "The file name in the request. The plan's title if empty.", Type: action.String}
	for name, tt := range map[string]struct {
		params settings
		want   []action.Field
	}{
		"all open":       {nil, []action.Field{url, method, filename}},
		"a fixed url":    {settings{"webhook_url": hook, "bearer_token": "b"}, []action.Field{method, filename}},
		"a fixed method": {settings{"method": "put"}, []action.Field{url, filename}},
		"both":           {settings{"webhook_url": hook, "method": "POST"}, []action.Field{filename}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := actiontest.New(t, webhook.New, actiontest.Deps(t, nil, nil))
			got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(tt.params, nil))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&action.Form{Fields: append(tt.want, datafile.Fields()...)}, got); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWire(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		params, form settings
		method       string
		header       map[string]string
	}{
		"the user's address": {
			nil,
			settings{"url": " " + hook + "#fragment ", "method": "PUT", "filename": "mine"},
			"PUT",
			map[string]string{"Content-Disposition": "attachment; filename=mine.csv"},
		},
		"no method": {nil, settings{"url": hook}, "POST", nil},
		"the administrator's": {
			settings{"webhook_url": hook, "method": "put", "bearer_token": "b3arer\n"},
			settings{"url": "https://evil.example.org/", "method": "POST"},
			"PUT",
			map[string]string{"Authorization": "Bearer b3arer"},
		},
		"a token that was pasted with its scheme": {
			settings{"webhook_url": hook, "bearer_token": "\u200bBearer b3arer"},
			nil, "POST",
			map[string]string{"Authorization": "Bearer b3arer"},
		},
		"a pasted address": {nil, settings{"url": "[hook](" + hook + ")"}, "POST", nil},
		"basic authentication": {
			settings{"webhook_url": hook, "username": "jo", "password": " pass "},
			nil, "POST",
			map[string]string{"Authorization": "Basic am86IHBhc3Mg"},
		},
		"headers": {
			settings{"webhook_url": hook, "headers": `{"x-api-key":"k, 1","Authorization":"Key 2"}`},
			nil, "POST",
			map[string]string{"X-Api-Key": "k, 1", "Authorization": "Key 2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: 202})
			i := actiontest.New(t, webhook.New, actiontest.Deps(t, d, nil))
			if _, err := i.Execute(t.Context(), query(t, tt.params, tt.form)); err != nil {
				t.Fatal(err)
			}
			requests := d.Requests()
			if len(requests) != 1 {
				t.Fatalf("%d requests arrived, want 1", len(requests))
			}
			r := requests[0]
			if got, want := r.Method+" "+r.Host+r.Path+"?"+r.Query.Encode(), tt.method+" hooks.example.com/in/t0ken?key=k3y"; got != want {
				t.Errorf("arrived as %s, want %s", got, want)
			}
			if string(r.Body) != csv {
				t.Errorf("body %q", r.Body)
			}
			if id := r.Header.Get("Webhook-Id"); len(id) < 20 {
				t.Errorf("id %q", id)
			}
			want := http.Header{
				"Content-Type": {"text/csv"}, "Content-Length": {"25"}, "User-Agent": {"IntegrationHub/dev"}, "Accept-Encoding": {"gzip"},
				"Content-Disposition": {`attachment; filename="Orders by day.csv"`},
			}
			for name, value := range tt.header {
				want.Set(name, value)
			}
			r.Header.Del("Webhook-Id")
			r.Header.Del("Webhook-Timestamp")
			if diff := cmp.Diff(want, r.Header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
}

// The scheme's own library verifies what arrives, also with each of two secrets, and not with
// another.
func TestSignature(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // past what the spool keeps in memory
	for name, tt := range map[string]struct {
		keys      string
		good, bad []string
		body      []byte
	}{
		"one secret":  {secret, []string{secret}, []string{other}, []byte(csv)},
		"two secrets": {secret + "  " + other + "\n", []string{secret, other}, nil, []byte(csv)},
		"in quotes":   {"\u200b\"" + secret + "\"", []string{secret}, nil, []byte(csv)},
		"no prefix":   {strings.TrimPrefix(secret, "whsec_"), []string{secret}, nil, []byte(csv)},
		"a file":      {secret, []string{secret}, nil, large},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := actiontest.New(t, webhook.New, actiontest.Deps(t, d, nil))
			req := actiontest.Download(t, actiontest.Query(settings{"signing_secret": tt.keys}, settings{"url": hook}), func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(tt.body)
			})
			if _, err := i.Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			r := d.Requests()[0]
			if !bytes.Equal(r.Body, tt.body) {
				t.Errorf("%d bytes arrived, want %d", len(r.Body), len(tt.body))
			}
			for _, key := range tt.good {
				if err := verify(t, key, r.Body, r.Header); err != nil {
					t.Error(err)
				}
				if verify(t, key, append(r.Body, '!'), r.Header) == nil {
					t.Error("a changed body is verified")
				}
			}
			for _, key := range tt.bad {
				if verify(t, key, r.Body, r.Header) == nil {
					t.Error("another secret verifies the body")
				}
			}
		})
	}
}

// Clear text goes where the hub's administrator allows it, and nowhere else (see TestRefused).
func TestClearText(t *testing.T) {
	t.Parallel()
	var hosts []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hosts = append(hosts, r.Host) }))
	deps := actiontest.Deps(t, nil, settings{"WEBHOOK_HTTP_DOMAINS": "Svc.cluster.local, 127.0.0.1"})
	deps.HTTP = server.Client()
	i := actiontest.New(t, webhook.New, deps)
	for _, params := range []settings{nil, {"webhook_url": server.URL}} {
		if _, err := i.Execute(t.Context(), query(t, params, settings{"url": server.URL})); err != nil {
			t.Fatal(err)
		}
	}
	server.Close()
	if want := strings.TrimPrefix(server.URL, "http://"); !slices.Equal(hosts, []string{want, want}) {
		t.Errorf("arrived at %v, want %s twice", hosts, want)
	}
}

func verify(t *testing.T, key string, body []byte, h http.Header) error {
	t.Helper()
	w, err := standard.NewWebhook(key)
	if err != nil {
		t.Fatal(err)
	}
	return w.Verify(body, h)
}

// Data at a download address comes without a type: its format tells.
func TestContentType(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	i := actiontest.New(t, webhook.New, actiontest.Deps(t, d, nil))
	req := actiontest.Download(t, actiontest.Query(nil, settings{"url": hook, "format": "wysiwyg_pdf"}), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("%PDF"))
	})
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	h := d.Requests()[0].Header
	if h.Get("Content-Type") != "application/pdf" || h.Get("Content-Disposition") != `attachment; filename="Orders by day.pdf"` {
		t.Errorf("header %v", h)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const fixed = "Credentials and headers in the action's settings need a webhook URL there too, so that they are sent only to that URL."
	const domains = "The hub allows webhooks at these domains only: example.com, example.net."
	for name, tt := range map[string]struct {
		params, form   settings
		field, message string
	}{
		"no address":            {nil, nil, "url", "Missing url."},
		"clear text elsewhere":  {nil, settings{"url": "http://svc.example.org/"}, "url", "The url must begin with https://."},
		"a name as a suffix":    {nil, settings{"url": "http://evil-plain.example.com/"}, "url", "The url must begin with https://."},
		"clear text":            {nil, settings{"url": "http://hooks.example.com/"}, "url", "The url must begin with https://."},
		"a user name":           {nil, settings{"url": "https://example.com@example.org/"}, "url", "The url must not contain a user name."},
		"another domain":        {nil, settings{"url": "https://evil-example.com/"}, "url", domains},
		"a domain below":        {nil, settings{"url": "https://example.com.example.org/"}, "url", domains},
		"a fixed clear text":    {settings{"webhook_url": "http://example.com"}, nil, "", "The webhook URL in the action's settings cannot be used: The url must begin with https://."},
		"a fixed other domain":  {settings{"webhook_url": "https://example.org/"}, nil, "", domains},
		"another method":        {nil, settings{"url": hook, "method": "DELETE"}, "method", `"method" must be POST or PUT.`},
		"a token for everybody": {settings{"bearer_token": "s3cret"}, settings{"url": hook}, "", fixed},
		"a name for everybody":  {settings{"username": "s3cret"}, settings{"url": hook}, "", fixed},
		"headers for everybody": {settings{"headers": `{"X-Key":"s3cret"}`}, settings{"url": hook}, "", fixed},
		"two credentials": {
			settings{"webhook_url": hook, "bearer_token": "s3cret", "username": "jo"},
			nil, "",
			"The action's settings contain both a bearer token and a user name. Remove one of them.",
		},
		"half a credential":  {settings{"webhook_url": hook, "password": "s3cret"}, nil, "", "The action's settings contain a password, but no user name."},
		"headers, no JSON":   {settings{"webhook_url": hook, "headers": "X-Key: s3cret"}, nil, "", `"headers" must be a JSON object of strings, such as {"X-Api-Key": "…"}.`},
		"two lines":          {settings{"webhook_url": hook, "headers": `{"x-key":"s3cret\r\nX: y"}`}, nil, "", `"headers" contains a value for X-Key that is not valid for a header.`},
		"an odd name":        {settings{"webhook_url": hook, "headers": `{"x key":"s3cret"}`}, nil, "", `"headers" contains a name that is not valid for a header.`},
		"a header of ours":   {settings{"webhook_url": hook, "headers": `{"content-length":"1"}`}, nil, "", `"headers" must not contain Content-Length.`},
		"a header twice":     {settings{"webhook_url": hook, "headers": `{"x-a":"1","X-A":"1"}`}, nil, "", `"headers" contains X-A twice.`},
		"no base64":          {settings{"signing_secret": "whsec_s3cret!"}, settings{"url": hook}, "", `"signing_secret" must be whsec_ and base64.`},
		"a short secret":     {settings{"signing_secret": "whsec_c2hvcnQ="}, settings{"url": hook}, "", `"signing_secret" must hold 24 to 64 bytes.`},
		"an expected error":  {settings{"expected_status": "200,404"}, settings{"url": hook}, "", `"expected_status" must be numbers from 200 to 299, separated by commas.`},
		"an expected letter": {settings{"expected_status": "any"}, settings{"url": hook}, "", `"expected_status" must be numbers from 200 to 299, separated by commas.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := actiontest.New(t, webhook.New, actiontest.Deps(t, d, settings{"WEBHOOK_ALLOWED_DOMAINS": "Example.com, .example.net", "WEBHOOK_HTTP_DOMAINS": "plain.example.com"}))
			_, err := i.Execute(t.Context(), query(t, tt.params, tt.form))
			e, ok := err.(*action.Error) //nolint:errorlint // Looker gets the outermost error
			if !ok {
				t.Fatalf("error %v, want %q", err, tt.message)
			}
			compareError(t, err, action.Invalid, tt.message)
			if got := e.Fields[tt.field] != ""; got != (tt.field != "") {
				t.Errorf("fields %v, want %q", e.Fields, tt.field)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error tells too much: %v", err)
			}
			if len(d.Requests()) != 0 {
				t.Error("the webhook was called")
			}
		})
	}
}

func TestReceiverFails(t *testing.T) {
	t.Parallel()
	const doubt = " It may already have accepted the data. Check before retrying."
	for name, tt := range map[string]struct {
		params  settings
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		"refuses the token":   {nil, actiontest.Reply{Status: 401, Body: "s3cret"}, action.Unauthenticated, "hooks.example.com returned 401 Unauthorized."},
		"is gone":             {nil, actiontest.Reply{Status: 410, Body: "s3cret"}, action.NotFound, "hooks.example.com returned 410 Gone. The webhook may have been deleted. Check its URL."},
		"takes no such size":  {nil, actiontest.Reply{Status: 413}, action.TooLarge, "hooks.example.com returned 413 Request Entity Too Large. The data is too large for it. Select fewer rows or columns."},
		"leads away":          {nil, actiontest.Reply{Status: 308, Header: settings{"Location": "https://example.org/"}}, action.Invalid, "hooks.example.com returned 308 Permanent Redirect. Redirects are not followed. Enter the target URL of the redirect."},
		"is unavailable":      {nil, actiontest.Reply{Status: 500, Body: "s3cret"}, action.Unavailable, "hooks.example.com returned 500 Internal Server Error." + doubt},
		"cuts the connection": {nil, actiontest.Reply{Reset: true}, action.Unavailable, "The connection to hooks.example.com failed." + doubt},
		"answers otherwise": {
			settings{"expected_status": "201, 202"},
			actiontest.Reply{Status: 200},
			action.Invalid, "hooks.example.com returned 200 OK, which the action's settings do not expect.",
		},
		"wants too long a pause": {nil, actiontest.Reply{Status: 429, Header: settings{"Retry-After": "3600"}}, action.RateLimited, "hooks.example.com returned 429 Too Many Requests."},
		"wants it of a signed one": {
			settings{"signing_secret": secret},
			actiontest.Reply{Status: 503, Header: settings{"Retry-After": "3600"}},
			action.Unavailable, "hooks.example.com returned 503 Service Unavailable.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			i := actiontest.New(t, webhook.New, actiontest.Deps(t, d, nil))
			_, err := i.Execute(t.Context(), query(t, tt.params, settings{"url": hook}))
			compareError(t, err, tt.kind, tt.message)
			for _, hidden := range []string{"s3cret", "t0ken", "k3y"} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("the error tells too much: %v", err)
				}
			}
			if n := len(d.Requests()); n != 1 {
				t.Errorf("%d calls, want 1", n)
			}
		})
	}
}

// What may be sent twice is, under one id and with a signature of its own; what may not is
// sent again only after a refusal for its rate.
func TestSentAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		params, form settings
		first        actiontest.Reply
	}{
		"signed, unavailable": {settings{"signing_secret": secret}, settings{"url": hook}, actiontest.Reply{Status: 500}},
		"signed, reset":       {settings{"signing_secret": secret}, settings{"url": hook}, actiontest.Reply{Reset: true}},
		"put":                 {nil, settings{"url": hook, "method": "PUT"}, actiontest.Reply{Status: 502}},
		"post, its rate":      {nil, settings{"url": hook}, actiontest.Reply{Status: 429, Header: settings{"Retry-After": "1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.first, actiontest.Reply{Status: 204})
			i := actiontest.New(t, webhook.New, actiontest.Deps(t, d, nil))
			if _, err := i.Execute(t.Context(), query(t, tt.params, tt.form)); err != nil {
				t.Fatal(err)
			}
			r := d.Requests()
			if len(r) != 2 {
				t.Fatalf("%d calls, want 2", len(r))
			}
			if diff := cmp.Diff([]string{csv, csv}, []string{string(r[0].Body), string(r[1].Body)}); diff != "" {
				t.Errorf("bodies (-want +got):\n%s", diff)
			}
			if first, second := r[0].Header.Get("Webhook-Id"), r[1].Header.Get("Webhook-Id"); first != second {
				t.Errorf("ids %q and %q", first, second)
			}
			if tt.params["signing_secret"] != "" {
				if err := verify(t, secret, r[1].Body, r[1].Header); err != nil {
					t.Errorf("the second signature: %v", err)
				}
			}
		})
	}
}

func TestAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, webhook.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := i.Execute(t.Context(), query(t, nil, settings{"url": hook}))
		const want = "hooks.example.com did not respond in time. It may already have accepted the data. Check before retrying."
		compareError(t, err, action.Timeout, want)
		if took := time.Since(start); took != time.Minute {
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
			i := actiontest.New(t, webhook.New, actiontest.Deps(t, d, nil))
			req := actiontest.Query(nil, settings{"url": hook})
			if tt.serve != nil {
				actiontest.Download(t, req, tt.serve)
			}
			_, err := i.Execute(t.Context(), req)
			if got := action.MessageOf(err); got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			if n := len(d.Requests()); n != 0 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// Dates in a file's name are replaced, and a CSV file can begin with a byte order mark.
func TestFileOptions(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: 202})
	i := actiontest.New(t, webhook.New, actiontest.Deps(t, d, nil))
	req := query(t, nil, settings{"url": hook, "filename": "orders-{date}", "byte_order_mark": "yes", "time_zone": "Asia/Tokyo"})
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	r := d.Requests()[0]
	if got := r.Header.Get("Content-Disposition"); !regexp.MustCompile(`filename=orders-\d{4}-\d\d-\d\d\.csv$`).MatchString(got) {
		t.Errorf("the file arrived as %s", got)
	}
	if string(r.Body) != "\ufeff"+csv {
		t.Errorf("the file is %q", r.Body)
	}
}

// compareError compares an error's kind and message.
func compareError(t *testing.T, err error, kind action.Kind, message string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if got := action.KindOf(err); got != kind {
		t.Errorf("kind %v, want %v", got, kind)
	}
	if got := action.MessageOf(err); got != message {
		t.Errorf("message %q, want %q", got, message)
	}
}
