package twilio_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/internal/twilio"
)

func TestSend(t *testing.T) {
	t.Parallel()
	const service = "MG0123456789abcdef0123456789abcdef"
	for name, tt := range map[string]struct {
		from string
		want url.Values
	}{
		"from a number":                {" +15005550006", url.Values{"From": {"+15005550006"}, "To": {"+15005550001"}, "Body": {"Hi & <bye>"}}},
		"from a name":                  {"MGmt", url.Values{"From": {"MGmt"}, "To": {"+15005550001"}, "Body": {"Hi & <bye>"}}},
		"from a messaging service":     {service, url.Values{"MessagingServiceSid": {service}, "To": {"+15005550001"}, "Body": {"Hi & <bye>"}}},
		"from what is too short a one": {service[:33], url.Values{"From": {service[:33]}, "To": {"+15005550001"}, "Body": {"Hi & <bye>"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: http.StatusCreated, Body: `{"sid":"SM1"}`})
			a := twilio.Account{HTTP: actiontest.Deps(t, d, nil).HTTP, SID: "AC0123", Token: "t0ken"}
			if err := a.Send(t.Context(), tt.from, "+15005550001 ", "Hi & <bye>"); err != nil {
				t.Fatal(err)
			}
			r := d.Requests()[0]
			got, err := url.ParseQuery(string(r.Body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
			if r.Host != "api.twilio.com" || r.Path != "/2010-04-01/Accounts/AC0123/Messages.json" || r.Header.Get("Authorization") != "Basic QUMwMTIzOnQwa2Vu" {
				t.Errorf("arrived at %s%s with %v", r.Host, r.Path, r.Header)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const unexpected = "Unexpected response from Twilio. Twilio may already have accepted the request. Check before retrying."
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		"with a reason":    {actiontest.Reply{Status: 400, Body: `{"code":21211,"message":"Invalid 'To'\nnumber: 15005550002"}`}, action.Invalid, "Twilio says: Invalid 'To' number: *********02 (error 21211)"},
		"a web page":       {actiontest.Reply{Body: "<html>"}, action.Unavailable, unexpected},
		"no sid":           {actiontest.Reply{Body: "{}"}, action.Unavailable, unexpected},
		"without a reason": {actiontest.Reply{Status: 401, Body: "<html>"}, action.Unauthenticated, "Twilio answered 401 Unauthorized."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			a := twilio.Account{HTTP: actiontest.Deps(t, d, nil).HTTP, SID: "AC0123", Token: "t0ken"}
			err := a.Send(t.Context(), "+15005550006", "15005550002", "Hi")
			if action.KindOf(err) != tt.kind || action.MessageOf(err) != tt.message || strings.Contains(err.Error(), "5550002") {
				t.Errorf("error %v (%v), want %q (%v)", err, action.KindOf(err), tt.message, tt.kind)
			}
		})
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"as long as can be":      {"12345678", "12345678"},
		"at a line":              {"ab\ncd\nefgh", "ab\ncd\n"},
		"without a line":         {"123456789", "12345678"},
		"a line break at first":  {"\n23456789", "\n2345678"},
		"not through an emoji":   {"1😀😀😀😀", "1😀😀😀"},
		"a whole emoji at last":  {"😀😀😀😀😀", "😀😀😀😀"},
		"letters of other lands": {"ääääääääää", "ääääääää"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := twilio.Cut(tt.text, 8); got != tt.want {
				t.Errorf("Cut(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestAccountSID(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		"AC0123456789abcdef0123456789abcdef": true, "AC": true, "SK0123": false, "": false, "AC/../x": false, "AC%2e": false, "AC" + strings.Repeat("0", 63): false,
	} {
		var sid twilio.AccountSID
		if err := sid.UnmarshalText([]byte(text)); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
