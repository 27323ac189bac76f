package twilio_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/twilio"
)

const (
	csv  = "day,orders\n2026-11-23,17\n"
	head = "Orders by day:\nhttps://looker.example.com/looks/1\n"
)

func params() map[string]string {
	return map[string]string{"accountSid": "AC0123", "authToken": "t0ken", "from": "+15005550006"}
}

func query(t *testing.T) *action.Request {
	t.Helper()
	return actiontest.Inline(t, actiontest.Query(params(), map[string]string{"to": "+15005550001"}), "text/csv", "csv", []byte(csv))
}

func created() actiontest.Reply {
	return actiontest.Reply{Status: http.StatusCreated, Body: `{"sid":"SM1"}`}
}

func TestForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, twilio.New, actiontest.Deps(t, nil, nil))
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Form{Fields: []action.Field{{Name: "to", Label: "Destination Phone Number", Type: action.String, Required: true}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

func TestWire(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(created())
	i := actiontest.New(t, twilio.New, actiontest.Deps(t, d, nil))
	res, err := i.Execute(t.Context(), query(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&action.Response{}, res); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	requests := d.Requests()
	if len(requests) != 1 {
		t.Fatalf("%d messages, want 1", len(requests))
	}
	r := requests[0]
	got, err := url.ParseQuery(string(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"From": {"+15005550006"}, "To": {"+15005550001"}, "Body": {head + csv}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if r.Method != http.MethodPost || r.Host != "api.twilio.com" || r.Path != "/2010-04-01/Accounts/AC0123/Messages.json" ||
		r.Header.Get("Authorization") != "Basic QUMwMTIzOnQwa2Vu" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("arrived as %s %s%s %v", r.Method, r.Host, r.Path, r.Header)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	x := func(n int) string { return strings.Repeat("x", n) }
	lines := func(n int) string { return strings.Repeat("a,b\n", n) }
	for name, tt := range map[string]struct {
		data, want string
		change     func(*action.Request)
	}{
		"ten lines":                   {lines(10), head + lines(10), nil},
		"the first ten lines":         {lines(11), head + lines(10), nil},
		"no line break at the end":    {"a,b", head + "a,b", nil},
		"whole lines only":            {x(800) + "\n" + x(700) + "\n" + x(700) + "\n", head + x(800) + "\n" + x(700) + "\n", nil},
		"the beginning of a line":     {x(5000), head + x(1600-len(head)), nil},
		"as much as fits":             {x(1600-len(head)-1) + "\n" + "y", head + x(1600-len(head)-1) + "\n", nil},
		"no title":                    {csv, "https://looker.example.com/looks/1\n" + csv, func(r *action.Request) { r.Plan.Title = "" }},
		"no plan":                     {csv, csv, func(r *action.Request) { r.Plan = action.Plan{} }},
		"a title that leaves no room": {csv, x(1600), func(r *action.Request) { r.Plan.Title = x(1700) }},
		"letters of three bytes":      {strings.Repeat("日", 2000), head + strings.Repeat("日", 1600-len(head)), nil},
		"an emoji at the end":         {"x" + strings.Repeat("😀", 900), head + "x" + strings.Repeat("😀", (1600-len(head)-1)/2), nil},
		"not UTF-8":                   {"a\xffb\n", head + "a\uFFFDb\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(created())
			i := actiontest.New(t, twilio.New, actiontest.Deps(t, d, nil))
			req := actiontest.Download(t, actiontest.Query(params(), map[string]string{"to": "+15005550001"}), func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(tt.data))
			})
			if tt.change != nil {
				tt.change(req)
			}
			if _, err := i.Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			form, err := url.ParseQuery(string(d.Requests()[0].Body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, form.Get("Body")); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*action.Request)
		message string
		field   bool
	}{
		"no number": {func(r *action.Request) { r.Form["to"] = " " }, "Need a destination phone number.", true},
		"a bad number": {
			func(r *action.Request) { r.Form["to"] = "+1 500" },
			"This is not a phone number. Write it with a plus and the country code, such as +1 500 555 0006.", true,
		},
		"an odd sid": {func(r *action.Request) { r.Params["accountSid"] = "AC/../x" }, `"accountSid" must begin with AC and contain letters and digits only.`, false},
		"no token":   {func(r *action.Request) { delete(r.Params, "authToken") }, `"authToken" is required.`, false},
		"no data":    {func(r *action.Request) { r.Data = actiontest.Query(nil, nil).Data }, "Couldn't get data from attachment.", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := actiontest.New(t, twilio.New, actiontest.Deps(t, d, nil))
			req := query(t)
			tt.change(req)
			_, err := i.Execute(t.Context(), req)
			e, ok := err.(*action.Error) //nolint:errorlint // Looker gets the outermost error
			if !ok || e.Kind != action.Invalid || e.Message != tt.message || tt.field != (e.Fields["to"] == tt.message) {
				t.Errorf("error %v, want %q", err, tt.message)
			}
			if len(d.Requests()) != 0 {
				t.Error("Twilio was called")
			}
		})
	}
}

func TestTwilioFails(t *testing.T) {
	t.Parallel()
	const doubt = " The message may already have been sent. Check before retrying."
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		"a wrong token": {actiontest.Reply{Status: 401, Body: `{"code":20003,"message":"Authenticate"}`}, action.Unauthenticated, "Twilio says: Authenticate (error 20003)"},
		"a bad number": {
			actiontest.Reply{Status: 400, Body: `{"code":21211,"message":"Invalid 'To' Phone Number: 15005550001"}`},
			action.Invalid, "Twilio says: Invalid 'To' Phone Number: *********01 (error 21211)",
		},
		"a web page":  {actiontest.Reply{Body: "<html>"}, action.Unavailable, "Unexpected response from Twilio." + doubt},
		"unavailable": {actiontest.Reply{Status: 503}, action.Unavailable, "Twilio answered 503 Service Unavailable." + doubt},
		"a reset":     {actiontest.Reply{Reset: true}, action.Unavailable, "The connection to Twilio failed." + doubt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			i := actiontest.New(t, twilio.New, actiontest.Deps(t, d, nil))
			_, err := i.Execute(t.Context(), query(t))
			if err == nil || action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message || strings.Contains(err.Error(), "t0ken") || strings.Contains(err.Error(), "5550001") {
				t.Errorf("error %v (%v), want %q (%v)", err, action.KindOf(err), tt.message, tt.kind)
			}
			if n := len(d.Requests()); n != 1 {
				t.Errorf("%d messages: none may be sent twice", n)
			}
		})
	}
}

// A message that was refused for its rate was not sent.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: 429, Header: map[string]string{"Retry-After": "1"}}, created())
	i := actiontest.New(t, twilio.New, actiontest.Deps(t, d, nil))
	if _, err := i.Execute(t.Context(), query(t)); err != nil || len(d.Requests()) != 2 {
		t.Errorf("%d calls, %v", len(d.Requests()), err)
	}
}

func TestDownloadBreaksOff(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	i := actiontest.New(t, twilio.New, actiontest.Deps(t, d, nil))
	req := actiontest.Download(t, actiontest.Query(params(), map[string]string{"to": "+15005550001"}), actiontest.BrokenDownload(csv))
	_, err := i.Execute(t.Context(), req)
	if got, want := action.MessageOf(err), "The download from Looker broke off before the data was complete."; got != want || len(d.Requests()) != 0 {
		t.Errorf("message %q, want %q; %d calls", got, want, len(d.Requests()))
	}
}

func TestAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, twilio.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := i.Execute(t.Context(), query(t))
		const want = "Twilio did not answer in time. The message may already have been sent. Check before retrying."
		if took := time.Since(start); action.MessageOf(err) != want || action.KindOf(err) != action.Timeout || took != time.Minute {
			t.Errorf("error %v (%v) after %v, want %q", err, action.KindOf(err), took, want)
		}
	})
}
