package twiliomessage_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/twiliomessage"
)

const (
	account  = "AC0123456789abcdef0123456789abcdef"
	template = "HX0123456789abcdef0123456789abcdef"
)

func params() map[string]string {
	return map[string]string{"accountSid": account, "authToken": "t0ken", "from": "+15005550006"}
}

// numbers is a result with a field tagged phone, among others.
func numbers(values ...string) string {
	rows := make([]string, len(values))
	for i, v := range values {
		rows[i] = fmt.Sprintf(`{"u.name":{"value":"n"},"u.phone":{"value":%s}}`, v)
	}
	return `{"fields":{"measures":null,"dimensions":[{"name":"u.name"},{"name":"u.phone","tags":["x","phone"]}]},"data":[` + strings.Join(rows, ",") + `]}`
}

func query(t *testing.T, message, result string) *action.Request {
	t.Helper()
	return actiontest.JSONDetail(t, actiontest.Query(params(), map[string]string{"message": message}), result)
}

func created() actiontest.Reply {
	return actiontest.Reply{Status: http.StatusCreated, Body: `{"sid":"SM1"}`}
}

// sent are the recipients and the texts of what arrived.
func sent(t *testing.T, d *actiontest.Destination) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, r := range d.Requests() {
		form, err := url.ParseQuery(string(r.Body))
		if err != nil {
			t.Fatal(err)
		}
		got[form.Get("To")] = form.Get("Body")
	}
	return got
}

func TestForm(t *testing.T) {
	t.Parallel()
	i := actiontest.New(t, twiliomessage.New, actiontest.Deps(t, nil, nil))
	got, err := action.Resolve(i).Form.Form(t.Context(), actiontest.Query(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := &action.Form{Fields: []action.Field{
		{Name: "message", Label: "Message", Type: action.Textarea, Required: true},
		{
			Name: "content_sid", Label: "Content SID", Type: action.String,
			Description: "To send a content template (HX…) instead of the text. WhatsApp requires one, unless the recipient wrote in the last 24 hours.",
		},
		{
			Name: "content_variables", Label: "Content Variables", Type: action.Textarea,
			Description: `The template's variables as JSON, such as {"1": "{title}", "2": "{link}"}. Placeholders: {title}, {link}, {date}, {message}.`,
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(created())
	i := actiontest.New(t, twiliomessage.New, actiontest.Deps(t, d, nil))
	res, err := i.Execute(t.Context(), query(t, "Hello & goodbye", numbers(`"+15005550001"`, `15005550002`, `" +15005550003 "`)))
	if err != nil || res.Message != "3 messages sent." {
		t.Fatalf("%+v, %v", res, err)
	}
	want := map[string]string{"+15005550001": "Hello & goodbye", "15005550002": "Hello & goodbye", "+15005550003": "Hello & goodbye"}
	if diff := cmp.Diff(want, sent(t, d)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	r := d.Requests()[0]
	if got, want := r.Method+" "+r.Host+r.Path, "POST api.twilio.com/2010-04-01/Accounts/"+account+"/Messages.json"; got != want {
		t.Errorf("arrived as %s, want %s", got, want)
	}
	if got, want := r.Header.Get("Authorization"), "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjp0MGtlbg=="; got != want {
		t.Errorf("Authorization %q, want %q", got, want)
	}
}

// Nobody gets the same text twice, however a number is written, and what is no number is told
// without a call.
func TestNumbers(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(created())
	i := actiontest.New(t, twiliomessage.New, actiontest.Deps(t, d, nil))
	res, err := i.Execute(t.Context(), query(t, strings.Repeat("x", 1601), numbers(`"+15005550001"`, `"+1 (500) 555-0001"`, `"+15005550002"`, `"+15005550001"`)))
	if err != nil {
		t.Fatal(err)
	}
	const want = "2 messages sent. 2 rows were skipped because their number already had its message. The text was cut to Twilio's limit of 1600 characters."
	if res.Message != want {
		t.Errorf("message %q, want %q", res.Message, want)
	}
	if n := len(d.Requests()); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
	_, err = i.Execute(t.Context(), query(t, "Hi", numbers(`"ann"`, `"+1500"`, `null`, `null`, `"+15005550001"`)))
	if got := action.MessageOf(err); !strings.HasPrefix(got, "1 of 5 messages delivered, 4 rejected.") || len(d.Requests()) != 3 {
		t.Errorf("%d calls, %q", len(d.Requests()), got)
	}
}

func TestCell(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(created())
	i := actiontest.New(t, twiliomessage.New, actiontest.Deps(t, d, nil))
	req := actiontest.Query(params(), map[string]string{"message": "Hi"})
	req.Type = action.TypeCell
	if _, err := i.Execute(t.Context(), req); action.MessageOf(err) != "Couldn't get data from cell." {
		t.Errorf("without a value: %v", err)
	}
	req.Params["value"] = "+15005550001"
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"+15005550001": "Hi"}, sent(t, d)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestLongMessages(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ message, want string }{
		"as long as can be":     {strings.Repeat("x", 1600), strings.Repeat("x", 1600)},
		"cut":                   {strings.Repeat("x", 1700), strings.Repeat("x", 1600)},
		"cut at a line":         {"first\n" + strings.Repeat("x", 1700), "first\n"},
		"not through an emoji":  {"x" + strings.Repeat("😀", 900), "x" + strings.Repeat("😀", 799)},
		"a whole emoji at last": {strings.Repeat("😀", 900), strings.Repeat("😀", 800)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(created())
			i := actiontest.New(t, twiliomessage.New, actiontest.Deps(t, d, nil))
			if _, err := i.Execute(t.Context(), query(t, tt.message, numbers(`"15005550001"`))); err != nil {
				t.Fatal(err)
			}
			if got := sent(t, d)["15005550001"]; got != tt.want {
				t.Errorf("%d bytes arrived, want %d", len(got), len(tt.want))
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*action.Request)
		result  string
		message string
	}{
		"no message":    {func(r *action.Request) { delete(r.Form, "message") }, numbers(`"15005550001"`), `"message" is required.`},
		"an odd sid":    {func(r *action.Request) { r.Params["accountSid"] = "AC/../x" }, numbers(`"15005550001"`), `"accountSid" must begin with AC and contain letters and digits only.`},
		"another's sid": {func(r *action.Request) { r.Params["accountSid"] = "SK1" }, numbers(`"15005550001"`), `"accountSid" must begin with AC and contain letters and digits only.`},
		"no phone tag":  {func(*action.Request) {}, `{"fields":{"dimensions":[{"name":"a"}]},"data":[]}`, "Query requires a field tagged phone."},
		"no result":     {func(*action.Request) {}, `<html>`, "The data is not a complete result in Looker's json_detail format."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t)
			i := actiontest.New(t, twiliomessage.New, actiontest.Deps(t, d, nil))
			req := query(t, "Hi", tt.result)
			tt.change(req)
			if _, err := i.Execute(t.Context(), req); action.MessageOf(err) != tt.message || action.KindOf(err) != action.Invalid {
				t.Errorf("error %v", err)
			}
			if len(d.Requests()) != 0 {
				t.Error("Twilio was called")
			}
		})
	}
	i := actiontest.New(t, twiliomessage.New, actiontest.Deps(t, nil, nil))
	if _, err := i.Execute(t.Context(), actiontest.Query(params(), map[string]string{"message": "Hi"})); action.MessageOf(err) != "Couldn't get data from attachment." {
		t.Errorf("without data: %v", err)
	}
}

// Each number is accounted for, and none is sent twice.
func TestPartialFailure(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		if strings.Contains(string(r.Body), "5550002") {
			return actiontest.Reply{Status: 400, Body: `{"code":21211,"message":"Invalid 'To' Phone Number: 15005550002"}`}
		}
		return created()
	})
	i := actiontest.New(t, twiliomessage.New, actiontest.Deps(t, d, nil))
	_, err := i.Execute(t.Context(), query(t, "Hi", numbers(`"15005550001"`, `"15005550002"`, `null`, `"15005550004"`)))
	got := action.MessageOf(err)
	for _, want := range []string{"2 of 4 messages delivered, 2 rejected.", "A row has no phone number.", "Twilio reported: Invalid 'To' Phone Number: *********02 (error 21211)"} {
		if !strings.Contains(got, want) {
			t.Errorf("message %q, want it to contain %q", got, want)
		}
	}
	if strings.Contains(err.Error(), "5550002") || strings.Contains(err.Error(), "t0ken") {
		t.Errorf("the error tells too much: %v", err)
	}
	if n := len(d.Requests()); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
}

func TestTwilioFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		replies []actiontest.Reply
		kind    action.Kind
		calls   int
	}{
		"a wrong token stops": {[]actiontest.Reply{{Status: 401}}, action.Unauthenticated, 8},
		"unavailable, once":   {[]actiontest.Reply{{Status: 503}}, action.Unavailable, 1},
		"a reset, once":       {[]actiontest.Reply{{Reset: true}}, action.Unavailable, 1},
		"busy, then not":      {[]actiontest.Reply{{Status: 429, Header: map[string]string{"Retry-After": "1"}}, created()}, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.replies...)
			i := actiontest.New(t, twiliomessage.New, actiontest.Deps(t, d, nil))
			result := numbers(`"15005550001"`)
			if tt.kind == action.Unauthenticated {
				var many []string
				for n := range 500 {
					many = append(many, fmt.Sprintf(`"+1500555%04d"`, n))
				}
				result = numbers(many...)
			}
			_, err := i.Execute(t.Context(), query(t, "Hi", result))
			if tt.kind == 0 && err != nil || tt.kind != 0 && action.KindOf(err) != tt.kind {
				t.Errorf("error %v (%v)", err, action.KindOf(err))
			}
			if n := len(d.Requests()); tt.calls == 8 && n > 32 || tt.calls != 8 && n != tt.calls {
				t.Errorf("%d calls, want %d", n, tt.calls)
			}
		})
	}
}

func TestDataBreaksOff(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(created())
	i := actiontest.New(t, twiliomessage.New, actiontest.Deps(t, d, nil))
	whole := numbers(`"15005550001"`, `"15005550002"`, `"15005550003"`)
	_, err := i.Execute(t.Context(), query(t, "Hi", whole[:len(whole)-20]))
	if got := action.MessageOf(err); !strings.Contains(got, "2 of 2 messages delivered, 0 failed. The data ended before the result was complete.") {
		t.Errorf("message %q", got)
	}
}

// A template is sent instead of the message, which can be one of its variables.
func TestTemplate(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Reply(created())
	i := actiontest.New(t, twiliomessage.New, actiontest.Deps(t, d, map[string]string{"TWILIO_REGION": "au1"}))
	req := query(t, "Hello\nall", numbers(`"whatsapp:+1 500 555 0001"`, `"＋1 500 555 0002"`))
	req.Form["content_sid"], req.Form["content_variables"] = template, `{"1":"{message}"}`
	if _, err := i.Execute(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	got := map[string]url.Values{}
	for _, r := range d.Requests() {
		form, err := url.ParseQuery(string(r.Body))
		if err != nil {
			t.Fatal(err)
		}
		got[r.Host+" "+form.Get("To")] = form
	}
	want := map[string]url.Values{}
	for _, to := range []string{"whatsapp:+15005550001", "+15005550002"} {
		want["api.sydney.au1.twilio.com "+to] = url.Values{
			"To": {to}, "From": {"+15005550006"}, "ContentSid": {template}, "ContentVariables": {`{"1":"Hello all"}`},
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}
