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

const account = "AC0123456789abcdef0123456789abcdef"

func TestSend(t *testing.T) {
	t.Parallel()
	const service = "MG0123456789abcdef0123456789abcdef"
	for name, tt := range map[string]struct {
		from string
		want url.Values
	}{
		"from a number":                {" +15005550006", url.Values{"From": {"+15005550006"}, "To": {"+15005550001"}, "Body": {"Hi & <bye>"}}},
		"from a number with blanks":    {"+1 (500) 555-0006\u200b", url.Values{"From": {"+15005550006"}, "To": {"+15005550001"}, "Body": {"Hi & <bye>"}}},
		"from WhatsApp":                {"whatsapp:+1 500 555 0006", url.Values{"From": {"whatsapp:+15005550006"}, "To": {"+15005550001"}, "Body": {"Hi & <bye>"}}},
		"from a name":                  {"MGmt", url.Values{"From": {"MGmt"}, "To": {"+15005550001"}, "Body": {"Hi & <bye>"}}},
		"from a messaging service":     {service, url.Values{"MessagingServiceSid": {service}, "To": {"+15005550001"}, "Body": {"Hi & <bye>"}}},
		"from what is too short a one": {service[:33], url.Values{"From": {service[:33]}, "To": {"+15005550001"}, "Body": {"Hi & <bye>"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: http.StatusCreated, Body: `{"sid":"SM1"}`})
			a := twilio.Account{HTTP: actiontest.Deps(t, d, nil).HTTP, SID: account, Token: "t0ken"}
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
			if got, want := r.Host+r.Path, "api.twilio.com/2010-04-01/Accounts/"+account+"/Messages.json"; got != want {
				t.Errorf("arrived at %s, want %s", got, want)
			}
			if got, want := r.Header.Get("Authorization"), "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjp0MGtlbg=="; got != want {
				t.Errorf("Authorization %q, want %q", got, want)
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
		"with a reason": {actiontest.Reply{Status: 400, Body: `{"code":21211,"message":"Invalid 'To'\nnumber: 15005550002"}`}, action.Invalid, "Twilio reported: Invalid 'To' number: *********02 (error 21211)"},
		"accepted, but failed": {
			actiontest.Reply{Status: 201, Body: `{"sid":"SM1","status":"failed","error_code":63016,"error_message":"x"}`},
			action.Invalid,
			"WhatsApp accepts free text only within 24 hours after the recipient's last message. Enter the SID of an approved template as " +
				"Content SID (error 63016).",
		},
		"accepted, with another code": {
			actiontest.Reply{Status: 201, Body: `{"sid":"SM1","status":"queued","error_code":30007,"error_message":"Filtered"}`},
			action.Invalid,
			"Twilio reported: Filtered (error 30007)",
		},
		"two channels": {
			actiontest.Reply{Status: 400, Body: `{"code":21910,"message":"x"}`},
			action.Invalid,
			"Sender and recipient must be in the same channel: a message to whatsapp:+… needs a sender such as whatsapp:+15005550006 (error 21910).",
		},
		"a web page":       {actiontest.Reply{Body: "<html>"}, action.Unavailable, unexpected},
		"no sid":           {actiontest.Reply{Body: "{}"}, action.Unavailable, unexpected},
		"without a reason": {actiontest.Reply{Status: 401, Body: "<html>"}, action.Unauthenticated, "Twilio returned 401 Unauthorized."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Reply(tt.reply)
			a := twilio.Account{HTTP: actiontest.Deps(t, d, nil).HTTP, SID: account, Token: "t0ken"}
			err := a.Send(t.Context(), "+15005550006", "15005550002", "Hi")
			if kind := action.KindOf(err); kind != tt.kind {
				t.Errorf("kind %v, want %v", kind, tt.kind)
			}
			if message := action.MessageOf(err); message != tt.message {
				t.Errorf("message %q, want %q", message, tt.message)
			}
			if strings.Contains(err.Error(), "5550002") {
				t.Errorf("the error contains the number: %v", err)
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

// An API key and its secret take the place of the auth token (https://www.twilio.com/docs/iam/api-keys).
func TestCredentials(t *testing.T) {
	t.Parallel()
	const key = "SK0123456789abcdef0123456789abcdef"
	for token, want := range map[action.Secret]string{
		"t0ken":                    account + ":t0ken",
		" \"t0ken\"\u200b\n":       account + ":t0ken",
		key + ":s3cret":            key + ":s3cret",
		" " + key + " : s3cret\n":  key + ":s3cret",
		key + "\r\ns3cret":         key + ":s3cret",
		"\u200b" + key + " s3cret": key + ":s3cret",
	} {
		d := actiontest.NewDestination(t).Reply(actiontest.Reply{Status: http.StatusCreated, Body: `{"sid":"SM1","error_code":null}`})
		a := twilio.Account{HTTP: actiontest.Deps(t, d, nil).HTTP, SID: account, Token: token}
		if err := a.Send(t.Context(), "+15005550006", "+15005550001", "Hi"); err != nil {
			t.Fatal(err)
		}
		r := http.Request{Header: d.Requests()[0].Header}
		user, password, _ := r.BasicAuth()
		if got := user + ":" + password; got != want {
			t.Errorf("%q sends %q, want %q", token.Reveal(), got, want)
		}
		if path := d.Requests()[0].Path; !strings.Contains(path, account) {
			t.Errorf("path %s", path)
		}
	}
}

func TestKeyWithoutSecret(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t)
	a := twilio.Account{HTTP: actiontest.Deps(t, d, nil).HTTP, SID: account, Token: "SK0123456789abcdef0123456789abcdef"}
	err := a.Send(t.Context(), "+15005550006", "+15005550001", "Hi")
	if got, want := action.MessageOf(err), "An API key needs its secret. Enter both as the auth token, with a colon between them: SK…:secret."; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if n := len(d.Requests()); n != 0 {
		t.Errorf("%d calls", n)
	}
}
