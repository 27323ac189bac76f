package kloudio_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/kloudio"
)

type answers = map[string]string

const (
	key   = "k3y &x=1"
	sheet = "https://docs.google.com/spreadsheets/d/1aB_c-D/edit#gid=42"
)

var settings = answers{
	"KLOUDIO_SIGNED_URL": `"https://api-test.kloud.io/v1/tools/signed-url-put-object?key="`, "KLOUDIO_API_URL": `'https://api-test.kloud.io/v1/import'`,
}

func query(t *testing.T, form answers) *action.Request {
	t.Helper()
	f := answers{"apiKey": " " + key + "\n", "url": sheet}
	maps.Copy(f, form)
	return actiontest.JSONDetail(t, actiontest.Query(nil, f), `{"fields":{"measures":[{"name":"o.n","label":"Orders N"}],`+
		`"dimensions":[{"name":"o.day","label":"Orders Day"},{"name":"o.who","label":"Orders Who"}]},"data":[`+
		`{"o.n":{"value":1},"o.day":{"value":"2026-11-23","rendered":"23 Nov"},"o.who":{"value":"Zoë \"Z\""}},`+
		`{"o.n":{"value":2},"o.day":{"value":0,"rendered":""},"o.who":{"value":null}},{"o.n":{"value":3}}]}`)
}

const rows = `[["Orders Day","Orders Who"],["23 Nov","Zoë \"Z\""],["",""],["",""]]`

// service has the responses of Kloudio's three endpoints.
type service struct{ sign, put, begin actiontest.Reply }

func good() service {
	return service{
		actiontest.Reply{Body: `{"success":true,"signedURL":"https://store.example.com/bucket/file?sig=s1g"}`},
		actiontest.Reply{},
		actiontest.Reply{Body: `{"success":true,"message":"Import started"}`},
	}
}

func (s service) start(t *testing.T) *actiontest.Destination {
	t.Helper()
	return actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		switch {
		case r.Host == "store.example.com":
			return s.put
		case r.Method == http.MethodGet:
			return s.sign
		}
		return s.begin
	})
}

func TestWire(t *testing.T) {
	t.Parallel()
	d := good().start(t)
	res, err := actiontest.New(t, kloudio.New, actiontest.Deps(t, d, settings)).Execute(t.Context(), query(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&action.Response{Message: "Import started"}, res); diff != "" {
		t.Error(diff)
	}
	r := d.Requests()
	if len(r) != 3 {
		t.Fatalf("%d requests", len(r))
	}
	file := r[0].Query.Get("key")
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\.json$`).MatchString(file) {
		t.Errorf("file %q, want a UUID with .json", file)
	}
	if got, want := r[0].Host+r[0].Path, "api-test.kloud.io/v1/tools/signed-url-put-object"; got != want {
		t.Errorf("requested an upload URL from %s, want %s", got, want)
	}
	if diff := cmp.Diff(url.Values{"key": {file}, "apiKey": {key}}, r[0].Query); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
	if got, want := r[1].Method, http.MethodPut; got != want {
		t.Errorf("method %q, want %q", got, want)
	}
	if got, want := r[1].Path, "/bucket/file"; got != want {
		t.Errorf("path %q, want %q", got, want)
	}
	if got, want := r[1].Query.Get("sig"), "s1g"; got != want {
		t.Errorf("sig %q, want %q", got, want)
	}
	if got, want := string(r[1].Body), rows; got != want {
		t.Errorf("body %v, want %v", got, want)
	}
	if got, want := r[1].Header.Get("Content-Type"), "application/json"; got != want {
		t.Errorf("Content-Type %q, want %q", got, want)
	}
	if got, want := r[1].Header.Get("Content-Length"), fmt.Sprint(len(rows)); got != want {
		t.Errorf("Content-Length %q, want %q", got, want)
	}
	var order map[string]any
	if err := json.Unmarshal(r[2].Body, &order); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"destination": "looker", "apiKey": key, "spreadsheetId": "1aB_c-D", "sheetId": "42", "s3Upload": true, "data": file, "reportName": "Looker Report",
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, want := r[2].Path, "/v1/import"; got != want {
		t.Errorf("path %q, want %q", got, want)
	}
	if got, want := r[2].Header.Get("Content-Type"), "application/json"; got != want {
		t.Errorf("Content-Type %q, want %q", got, want)
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, kloudio.New, actiontest.Deps(t, nil, settings))
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Form{Fields: []action.Field{
		{Name: "apiKey", Label: "API Key", Type: action.String, Required: true},
		{Name: "url", Label: "Google Sheets URL", Type: action.String, Required: true},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	const docs = "https://docs.google.com/spreadsheets"
	for address, want := range map[string]string{
		docs + "/d/a-B_1/edit#gid=0": "a-B_1 0", docs + "/d/a/edit?gid=7#gid=7": "a 7", docs + "/u/1/d/a/edit#gid=3": "a 3", " " + docs + "/d/a/edit#gid=0&range=A1 ": "a 0",
		"<" + docs + "/d/a/edit#gid=0>": "a 0", "\u200b" + docs + "/d/a/edit#gid=0": "a 0", "[sheet](" + docs + "/d/a/edit#gid=0)": "a 0",
		"": "", docs + "/d/a/edit": "", docs + "/d/a/edit#gid=x": "", "http://docs.google.com/spreadsheets/d/a/edit#gid=0": "",
		"https://docs.google.com.evil.example/spreadsheets/d/a/edit#gid=0": "", "https://evil.example/?https://docs.google.com/spreadsheets/d/a/edit#gid=0": "",
		docs + "/d/a%2Fb/edit#gid=0": "", docs + "/d//edit#gid=0": "",
	} {
		d := good().start(t)
		_, err := actiontest.New(t, kloudio.New, actiontest.Deps(t, d, settings)).Execute(t.Context(), query(t, answers{"url": address}))
		got := ""
		if r := d.Requests(); len(r) == 3 {
			var order struct{ SpreadsheetID, SheetID string }
			_ = json.Unmarshal(r[2].Body, &order)
			got = order.SpreadsheetID + " " + order.SheetID
		}
		if got != want {
			t.Errorf("%q is %q, want %q; %v", address, got, want, err)
		}
		if bad := want == ""; bad != (action.KindOf(err) == action.Invalid) {
			t.Errorf("%q: error %v", address, err)
		}
	}
}

// After an error, the next step does not start. The message says what failed.
func TestFailures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*service)
		message string
		kind    action.Kind
		calls   int
	}{
		"a key that is rejected": {
			func(s *service) { s.sign = actiontest.Reply{Status: 401, Body: `{"error":"Bad key ` + key + `"}`} },
			"Kloudio returned 401: Bad key …", action.Unauthenticated, 1,
		},
		"an answer that is no JSON": {
			func(s *service) { s.sign = actiontest.Reply{Body: "<html>"} },
			"Unexpected response from Kloudio.", action.Unavailable, 1,
		},
		"no address": {func(s *service) { s.sign = actiontest.Reply{Body: `{}`} }, "Kloudio rejected the delivery without a reason.", action.Invalid, 1},
		"success that is none": {
			func(s *service) {
				s.sign = actiontest.Reply{Body: `{"success":false,"message":"No plan","signedURL":"https://store.example.com/"}`}
			},
			"Kloudio rejected the delivery: No plan", action.Invalid, 1,
		},
		"an address inside": {
			func(s *service) { s.sign = actiontest.Reply{Body: `{"signedURL":"ftp://store.example.com/"}`} },
			"The connection to Kloudio's store failed.", action.Unavailable, 1,
		},
		"a store that rejects": {
			func(s *service) { s.put = actiontest.Reply{Status: 403, Body: "<Error/>"} },
			"Kloudio's store returned 403 Forbidden.", action.Forbidden, 2,
		},
		"a store that is out of order": {
			func(s *service) { s.put = actiontest.Reply{Status: 503} },
			"Kloudio's store returned 503 Service Unavailable.", action.Unavailable, 4,
		},
		"an import that is rejected": {
			func(s *service) { s.begin = actiontest.Reply{Body: `{"success":false,"message":"No such\nsheet"}`} },
			"Kloudio rejected the delivery: No such sheet", action.Invalid, 3,
		},
		"an import that fails": {
			func(s *service) { s.begin = actiontest.Reply{Status: 500, Body: "oops"} },
			"Kloudio returned 500 Internal Server Error. The data may already have been added. Check before retrying.", action.Unavailable, 3,
		},
		"an import without an answer": {
			func(s *service) { s.begin = actiontest.Reply{Reset: true} },
			"The connection to Kloudio failed. The data may already have been added. Check before retrying.", action.Unavailable, 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good()
			tt.change(&s)
			d := s.start(t)
			_, err := actiontest.New(t, kloudio.New, actiontest.Deps(t, d, settings)).Execute(t.Context(), query(t, nil))
			if got, want := action.MessageOf(err), tt.message; got != want {
				t.Errorf("error %q, want %q", got, want)
			}
			if got, want := action.KindOf(err), tt.kind; got != want {
				t.Errorf("kind %v, want %v", got, want)
			}
			if strings.Contains(err.Error(), "k3y") {
				t.Errorf("the error contains %q: %s", "k3y", err.Error())
			}
			if strings.Contains(err.Error(), "s1g") {
				t.Errorf("the error contains %q: %s", "s1g", err.Error())
			}
			if n := len(d.Requests()); n != tt.calls {
				t.Errorf("%d calls, want %d", n, tt.calls)
			}
		})
	}
}

func TestWithout(t *testing.T) {
	t.Parallel()
	noFields := actiontest.JSONDetail(t, actiontest.Query(nil, answers{"apiKey": key, "url": sheet}), `{"fields":{"measures":[{"name":"n"}]},"data":[{"n":{"value":1}}]}`)
	broken := actiontest.JSONDetail(t, actiontest.Query(nil, answers{"apiKey": key, "url": sheet}), `{"fields":{"dimensions":[{"name":"n"}]},"data":[{"n":{"value":1}},`)
	for name, tt := range map[string]struct {
		req     *action.Request
		message string
	}{
		"data":     {actiontest.Query(nil, answers{"apiKey": key, "url": sheet}), "No attached json."},
		"a key":    {query(t, answers{"apiKey": " "}), "Missing API key"},
		"fields":   {noFields, "Request payload is an invalid format."},
		"the rest": {broken, "The data ended before the result was complete."},
	} {
		d := good().start(t)
		i := actiontest.New(t, kloudio.New, actiontest.Deps(t, d, settings))
		if _, err := i.Execute(t.Context(), tt.req); action.MessageOf(err) != tt.message || len(d.Requests()) > 0 {
			t.Errorf("without %s: %v; %d calls", name, err, len(d.Requests()))
		}
	}
	if _, err := kloudio.New(actiontest.Deps(t, nil, nil)); err == nil || !strings.Contains(err.Error(), "KLOUDIO_API_URL") {
		t.Errorf("without settings: %v", err)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	req := query(t, nil)
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, kloudio.New, action.Deps{HTTP: actiontest.Late(), Env: settings})
		start := time.Now()
		_, err := i.Execute(t.Context(), req)
		took := time.Since(start)
		if got, want := action.MessageOf(err), "Kloudio did not respond in time."; got != want {
			t.Errorf("error %q, want %q", got, want)
		}
		if got, want := action.KindOf(err), action.Timeout; got != want {
			t.Errorf("kind %v, want %v", got, want)
		}
		if took > 5*time.Minute {
			t.Errorf("it took %v, want at most %v", took, 5*time.Minute)
		}
	})
}
