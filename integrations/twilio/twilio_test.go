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
	csv      = "day,orders\n2026-11-23,17\n"
	account  = "AC0123456789abcdef0123456789abcdef"
	template = "HX0123456789abcdef0123456789abcdef"

	head = "Orders by day:\nhttps://looker.example.com/looks/1\n"
)

func params() map[string]string {
	return map[string]string{"accountSid": account, "authToken": "t0ken", "from": "+15005550006"}
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
	want := &action.Form{Fields: []action.Field{
		{Name: "to", Label: "Destination Phone Number", Type: action.String, Required: true},
		{
			Name: "content_sid", Label: "Content SID", Type: action.String,
			Description: "To send a content template (HX…) instead of the text. WhatsApp requires one, unless the recipient wrote in the last 24 hours.",
		},
		{
			Name: "content_variables", Label: "Content Variables", Type: action.Textarea,
			Description: `The template's variables as JSON, such as {"1": "{title}", "2": "{link}"}. Placeholders: {title}, {link}, {date}.`,
		},
	}}
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
	if got, want := r.Method+" "+r.Host+r.Path, "POST api.twilio.com/2010-04-01/Accounts/"+account+"/Messages.json"; got != want {
		t.Errorf("arrived as %s, want %s", got, want)
	}
	for name, want := range map[string]string{
		"Authorization": "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjp0MGtlbg==",
		"Content-Type":  "application/x-www-form-urlencoded",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
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
			"This is not a phone number. Enter it with a plus sign and the country code, such as +1 500 555 0006.", true,
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
			compareError(t, err, action.Invalid, tt.message)
			e, ok := err.(*action.Error) //nolint:errorlint // Looker gets the outermost error
			if !ok {
				t.Fatalf("error %v", err)
			}
			if got := e.Fields["to"] == tt.message; got != tt.field {
				t.Errorf("fields %v", e.Fields)
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
		"a wrong token": {actiontest.Reply{Status: 401, Body: `{"code":20003,"message":"Authenticate"}`}, action.Unauthenticated, "Twilio rejected the credentials (error 20003). " +
			"Use the account's SID and auth token, or an API key (SK…:secret) as the auth token. They must belong to the region us1."},
		"free text to WhatsApp after a day": {
			actiontest.Reply{Status: 400, Body: `{"code":63016,"message":"Failed to send freeform message because you are outside the allowed window."}`},
			action.Invalid, "WhatsApp accepts free text only within 24 hours after the recipient's last message. Enter the SID of an approved " +
				"template as Content SID (error 63016).",
		},
		"a bad number": {
			actiontest.Reply{Status: 400, Body: `{"code":21211,"message":"Invalid 'To' Phone Number: 15005550001"}`},
			action.Invalid, "Twilio reported: Invalid 'To' Phone Number: *********01 (error 21211)",
		},
		"a web page":  {actiontest.Reply{Body: "<html>"}, action.Unavailable, "Unexpected response from Twilio." + doubt},
		"unavailable": {actiontest.Reply{Status: 503}, action.Unavailable, "Twilio returned 503 Service Unavailable." + doubt},
		"a reset":     {actiontest.Reply{Reset: true}, action.Unavailable, "The connection to Twilio failed." + doubt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			i := actiontest.New(t, twilio.New, actiontest.Deps(t, d, nil))
			_, err := i.Execute(t.Context(), query(t))
			compareError(t, err, tt.kind, tt.message)
			for _, hidden := range []string{"t0ken", "5550001"} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("the error contains %s: %v", hidden, err)
				}
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
	if got, want := action.MessageOf(err), "The download from Looker ended before the data was complete."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if n := len(d.Requests()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestAnswersLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, twilio.New, action.Deps{HTTP: actiontest.Late()})
		start := time.Now()
		_, err := i.Execute(t.Context(), query(t))
		const want = "Twilio did not respond in time. The message may already have been sent. Check before retrying."
		compareError(t, err, action.Timeout, want)
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

// messages are the forms that arrived.
func messages(t *testing.T, d *actiontest.Destination) []url.Values {
	t.Helper()
	var all []url.Values
	for _, r := range d.Requests() {
		form, err := url.ParseQuery(string(r.Body))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, form)
	}
	return all
}

// A template has no text of its own (https://www.twilio.com/docs/api/errors/63016).
func TestTemplate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sid, variables string
		want           url.Values
	}{
		"without variables": {template, "", url.Values{"ContentSid": {template}}},
		"with variables": {
			" " + template + "\u200b", `{"1": "{title}:\n{link}", "name": "Ann"}`,
			url.Values{
				"ContentSid":       {template},
				"ContentVariables": {`{"1":"Orders by day: https://looker.example.com/looks/1","name":"Ann"}`},
			},
		},
		"with typographic quotes": {
			template, `{“1”: “x”}`,
			url.Values{"ContentSid": {template}, "ContentVariables": {`{"1":"x"}`}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(created())
			i := actiontest.New(t, twilio.New, actiontest.Deps(t, d, nil))
			req := query(t)
			req.Params["from"] = "whatsapp:+15005550006"
			req.Form["to"], req.Form["content_sid"], req.Form["content_variables"] = "WhatsApp:+1 500 555 0001", tt.sid, tt.variables
			if _, err := i.Execute(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			tt.want.Set("From", "whatsapp:+15005550006")
			tt.want.Set("To", "whatsapp:+15005550001")
			if diff := cmp.Diff([]url.Values{tt.want}, messages(t, d)); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTemplateRefused(t *testing.T) {
	t.Parallel()
	const badVariables = `"content_variables" must be a JSON object with a text for each variable, such as {"1": "{title}", "2": "{link}"}.`
	for name, tt := range map[string]struct{ sid, variables, field, message string }{
		"another SID":          {"HX123", "", "content_sid", `"content_sid" must be HX and 32 digits, as Twilio's Content Template Builder shows it.`},
		"a list":               {template, `["x"]`, "content_variables", badVariables},
		"not JSON":             {template, "1=x", "content_variables", badVariables},
		"null":                 {template, "null", "content_variables", badVariables},
		"an empty variable":    {template, `{"1":" "}`, "content_variables", badVariables},
		"variables without it": {"", `{"1":"x"}`, "content_sid", "Content variables need a content SID."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := actiontest.New(t, twilio.New, actiontest.Deps(t, d, nil))
			req := query(t)
			req.Form["content_sid"], req.Form["content_variables"] = tt.sid, tt.variables
			_, err := i.Execute(t.Context(), req)
			if diff := cmp.Diff(error(action.InvalidField(tt.field, "%s", tt.message)), err); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// Credentials belong to a region, whose host contains an edge location.
func TestRegion(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env  map[string]string
		host string
	}{
		"the US":            {nil, "api.twilio.com"},
		"Ireland":           {map[string]string{"TWILIO_REGION": "ie1"}, "api.dublin.ie1.twilio.com"},
		"Australia":         {map[string]string{"TWILIO_REGION": "au1"}, "api.sydney.au1.twilio.com"},
		"another edge":      {map[string]string{"TWILIO_REGION": "ie1", "TWILIO_EDGE": "frankfurt"}, "api.frankfurt.ie1.twilio.com"},
		"an edge of the US": {map[string]string{"TWILIO_EDGE": "sao-paulo"}, "api.sao-paulo.us1.twilio.com"},
		"Japan":             {map[string]string{"TWILIO_REGION": "jp1"}, "api.tokyo.jp1.twilio.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(created())
			i := actiontest.New(t, twilio.New, actiontest.Deps(t, d, tt.env))
			if _, err := i.Execute(t.Context(), query(t)); err != nil {
				t.Fatal(err)
			}
			if got := d.Requests()[0].Host; got != tt.host {
				t.Errorf("called %s, want %s", got, tt.host)
			}
		})
	}
}

func TestRegionRefused(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]map[string]string{
		"a country":                    {"TWILIO_REGION": "Ireland"},
		"a host":                       {"TWILIO_REGION": "ie1.example.com/"},
		"an edge with a host":          {"TWILIO_REGION": "ie1", "TWILIO_EDGE": "dublin.example.com/"},
		"a new region without an edge": {"TWILIO_REGION": "xx9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := twilio.New(actiontest.Deps(t, nil, env)); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestRejectedCredentialsNameTheRegion(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: 401, Body: `{"code":20003,"message":"Authenticate"}`})
	i := actiontest.New(t, twilio.New, actiontest.Deps(t, d, map[string]string{"TWILIO_REGION": "ie1"}))
	_, err := i.Execute(t.Context(), query(t))
	compareError(t, err, action.Unauthenticated, "Twilio rejected the credentials (error 20003). Use the account's SID and auth token, or an API key "+
		"(SK…:secret) as the auth token. They must belong to the region ie1.")
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
