package firebase_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/firebase"
)

// env is made once: keys take their time.
var env = sync.OnceValue(func() map[string]string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return map[string]string{
		"FIREBASE_PROJECT_ID": "my-project", "FIREBASE_CLIENT_EMAIL": "hub@my-project.iam.gserviceaccount.com",
		"FIREBASE_PRIVATE_KEY": strings.ReplaceAll(text, "\n", `\n`),
	}
})

func form() map[string]string {
	return map[string]string{
		"data":      `{"alert_id":17,"dashboard_name":"Sales","dashboard_id":"d1","flag":true,"none":null}`,
		"title":     "Orders fell",
		"deviceIds": `[[{"device_id":"phone-1","user_id":5},{"device_id":"phone-2","user_id":"5"}],[{"device_id":"phone-3","user_id":"6"}]]`,
	}
}

func sent() actiontest.Reply {
	return actiontest.Reply{Body: `{"name":"projects/my-project/messages/1"}`}
}

// refused is FCM's answer with an error code of its own.
func refused(status int, code, message string) actiontest.Reply {
	return actiontest.Reply{Status: status, Body: fmt.Sprintf(
		`{"error":{"code":%d,"message":%q,"details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":%q}]}}`, status, message, code)}
}

// fcm hands out a token and answers messages by their device.
func fcm(answer func(device string) actiontest.Reply) func(actiontest.Recorded) actiontest.Reply {
	return func(r actiontest.Recorded) actiontest.Reply {
		if r.Host == "oauth2.googleapis.com" {
			return actiontest.Reply{Header: map[string]string{"Content-Type": "application/json"}, Body: `{"access_token":"t0ken","token_type":"Bearer","expires_in":3600}`}
		}
		var body struct{ Message struct{ Token string } }
		if json.Unmarshal(r.Body, &body) != nil {
			return actiontest.Reply{Status: http.StatusBadRequest}
		}
		return answer(body.Message.Token)
	}
}

func integration(t *testing.T, d *actiontest.Destination) action.Integration {
	t.Helper()
	return actiontest.New(t, firebase.New, actiontest.Deps(t, d, env()))
}

func messages(d *actiontest.Destination) []actiontest.Recorded {
	return slices.DeleteFunc(d.Requests(), func(r actiontest.Recorded) bool { return r.Host != "fcm.googleapis.com" })
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := firebase.New(actiontest.Deps(t, nil, nil))
	missing, ok := errors.AsType[*action.MissingSettingsError](err)
	if !ok || !cmp.Equal(missing.Keys, []string{"FIREBASE_CLIENT_EMAIL", "FIREBASE_PRIVATE_KEY", "FIREBASE_PROJECT_ID"}) {
		t.Errorf("error %v", err)
	}
	for _, key := range []string{"s3cret", "-----BEGIN PRIVATE KEY-----\nczNjcmV0\n-----END PRIVATE KEY-----\n"} {
		bad := maps.Clone(env())
		bad["FIREBASE_PRIVATE_KEY"] = key
		if _, err := firebase.New(actiontest.Deps(t, nil, bad)); err == nil || !strings.Contains(err.Error(), "FIREBASE_PRIVATE_KEY") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("error %v", err)
		}
	}
}

// The calls as they go over the wire.
func TestWire(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(fcm(func(string) actiontest.Reply { return sent() }))
	res, err := integration(t, d).Execute(t.Context(), actiontest.Query(nil, form()))
	if err != nil || res.Message != "3 notifications sent." {
		t.Fatalf("%+v, %v", res, err)
	}
	signIns := 0
	for _, r := range d.Requests() {
		if r.Host == "oauth2.googleapis.com" {
			signIns++
			body, err := url.ParseQuery(string(r.Body))
			if err != nil || body.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || strings.Count(body.Get("assertion"), ".") != 2 {
				t.Errorf("signed in with %s", r.Body)
			}
		}
	}
	if signIns != 1 {
		t.Errorf("signed in %d times", signIns)
	}
	ids := map[string]bool{}
	users := map[string]string{}
	for _, r := range messages(d) {
		if r.Method != http.MethodPost || r.Path != "/v1/projects/my-project/messages:send" || r.Header.Get("Authorization") != "Bearer t0ken" {
			t.Errorf("%s %s %v", r.Method, r.Path, r.Header)
		}
		var body struct {
			Message struct {
				Token        string
				Notification map[string]string
				Data         map[string]string
				Android      map[string]string
				APNS         struct {
					Headers map[string]string
					Payload map[string]map[string]int
				}
			}
		}
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		m := body.Message
		users[m.Token] = m.Data["user_id"]
		ids[m.Data["id"]] = true
		delete(m.Data, "id")
		delete(m.Data, "user_id")
		if diff := cmp.Diff(map[string]string{"alert_id": "17", "dashboard_name": "Sales", "dashboard_id": "d1", "flag": "true", "none": ""}, m.Data); diff != "" {
			t.Errorf("data (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]string{"title": "Orders fell", "body": "On Sales"}, m.Notification); diff != "" {
			t.Errorf("notification (-want +got):\n%s", diff)
		}
		if m.Android["priority"] != "high" || m.Android["ttl"] != "86400s" || m.APNS.Headers["apns-priority"] != "10" || len(m.APNS.Headers["apns-expiration"]) != 10 ||
			m.APNS.Payload["aps"]["content-available"] != 1 || m.APNS.Payload["aps"]["mutable-content"] != 1 {
			t.Errorf("options %+v %+v", m.Android, m.APNS)
		}
	}
	if diff := cmp.Diff(map[string]string{"phone-1": "5", "phone-2": "5", "phone-3": "6"}, users); diff != "" || len(ids) != 3 {
		t.Errorf("%d ids, users (-want +got):\n%s", len(ids), diff)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(map[string]string)
		message string
	}{
		"no data":               {func(f map[string]string) { delete(f, "data") }, "Need valid notification data."},
		"no alert":              {func(f map[string]string) { f["data"] = `{"dashboard_name":"x"}` }, "Need Valid AlertId."},
		"a null alert":          {func(f map[string]string) { f["data"] = `{"alert_id":null}` }, "Need Valid AlertId."},
		"data of another kind":  {func(f map[string]string) { f["data"] = `text` }, "Need Valid AlertId."},
		"no title":              {func(f map[string]string) { delete(f, "title") }, "Needs a valid title."},
		"devices as one object": {func(f map[string]string) { f["deviceIds"] = `{"device_id":"x"}` }, "The list of devices cannot be read."},
		"devices cut off":       {func(f map[string]string) { f["deviceIds"] = `[[{"device_id":` }, "The list of devices cannot be read."},
		"a device without user": {func(f map[string]string) { f["deviceIds"] = `[[{"device_id":"x"}]]` }, "A device has no id, or no user."},
		"no device":             {func(f map[string]string) { f["deviceIds"] = `[[null]]` }, "A device has no id, or no user."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(fcm(func(string) actiontest.Reply { return sent() }))
			f := form()
			tt.change(f)
			if _, err := integration(t, d).Execute(t.Context(), actiontest.Query(nil, f)); err == nil || action.MessageOf(err) != tt.message {
				t.Errorf("error %v, want %q", err, tt.message)
			}
			if len(d.Requests()) != 0 {
				t.Error("Firebase was called")
			}
		})
	}
}

func TestNobodyToTell(t *testing.T) {
	t.Parallel()
	for _, devices := range []string{"", "[]", "[[],[]]", "null"} {
		d := actiontest.NewDestination(t).Handle(fcm(func(string) actiontest.Reply { return sent() }))
		f := form()
		f["deviceIds"] = devices
		res, err := integration(t, d).Execute(t.Context(), actiontest.Query(nil, f))
		if err != nil || res.Message != "0 notifications sent." || len(d.Requests()) != 0 {
			t.Errorf("%q: %+v, %v, %d calls", devices, res, err, len(d.Requests()))
		}
	}
}

func TestNoDashboard(t *testing.T) {
	t.Parallel()
	d := actiontest.NewDestination(t).Handle(fcm(func(string) actiontest.Reply { return sent() }))
	f := form()
	f["data"] = `{"alert_id":"a"}`
	if _, err := integration(t, d).Execute(t.Context(), actiontest.Query(nil, f)); err != nil {
		t.Fatal(err)
	}
	if body := string(messages(d)[0].Body); !strings.Contains(body, `"notification":{"title":"Orders fell"}`) {
		t.Errorf("sent %s", body)
	}
}

// One device keeps no other from being told.
func TestDevicesFail(t *testing.T) {
	t.Parallel()
	const doubt = " Some of these notifications may have been sent all the same."
	for name, tt := range map[string]struct {
		reply   actiontest.Reply
		kind    action.Kind
		message string
	}{
		"gone":               {refused(404, "UNREGISTERED", "phone-2 is gone"), action.NotFound, "The app is no longer installed on a device, or is not signed in there."},
		"another project's":  {refused(403, "SENDER_ID_MISMATCH", "x"), action.Forbidden, "A device belongs to another Firebase project."},
		"not a device":       {refused(400, "INVALID_ARGUMENT", "The token phone-2 is not valid."), action.Invalid, "Firebase refused a notification: The token … is not valid."},
		"out of order":       {actiontest.Reply{Status: 500}, action.Unavailable, "Firebase answered 500 Internal Server Error." + doubt},
		"a reset":            {actiontest.Reply{Reset: true}, action.Unavailable, "The connection to Firebase failed." + doubt},
		"limited for long":   {actiontest.Reply{Status: 429, Header: map[string]string{"Retry-After": "3600"}}, action.RateLimited, "Firebase answered 429 Too Many Requests."},
		"not for long":       {actiontest.Reply{Status: 503, Header: map[string]string{"Retry-After": "3600"}}, action.RateLimited, "Firebase takes no more notifications for now (503)."},
		"without confirming": {actiontest.Reply{Body: `{}`}, action.Unavailable, "Firebase answered, but did not confirm that it took a notification." + doubt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(fcm(func(device string) actiontest.Reply {
				if device == "phone-2" {
					return tt.reply
				}
				return sent()
			}))
			_, err := integration(t, d).Execute(t.Context(), actiontest.Query(nil, form()))
			if want := "2 of 3 notifications delivered, 1 failed. " + tt.message; action.MessageOf(err) != want || action.KindOf(err) != tt.kind {
				t.Errorf("message %q (%v), want %q", action.MessageOf(err), action.KindOf(err), want)
			}
			if strings.Contains(fmt.Sprint(err), "phone-2") || strings.Contains(fmt.Sprint(err), "t0ken") {
				t.Errorf("the error tells too much: %v", err)
			}
			if n := len(messages(d)); n != 3 {
				t.Errorf("%d messages: none is sent twice", n)
			}
		})
	}
}

// A limit that passes is waited for.
func TestLimited(t *testing.T) {
	t.Parallel()
	calls := 0
	d := actiontest.NewDestination(t).Handle(fcm(func(string) actiontest.Reply {
		if calls++; calls == 1 {
			return actiontest.Reply{Status: 429, Header: map[string]string{"Retry-After": "1"}}
		}
		return sent()
	}))
	if _, err := integration(t, d).Execute(t.Context(), actiontest.Query(nil, form())); err != nil {
		t.Fatal(err)
	}
	if n := len(messages(d)); n != 4 {
		t.Errorf("%d messages, want 4", n)
	}
}

// Without access nothing is tried for each device.
func TestNoAccess(t *testing.T) {
	t.Parallel()
	devices := make([]string, 500)
	for i := range devices {
		devices[i] = fmt.Sprintf(`[{"device_id":"d%d","user_id":"u"}]`, i)
	}
	f := form()
	f["deviceIds"] = "[" + strings.Join(devices, ",") + "]"
	for name, tt := range map[string]struct {
		handle  func(actiontest.Recorded) actiontest.Reply
		kind    action.Kind
		message string
	}{
		"the sign-in refuses": {
			func(actiontest.Recorded) actiontest.Reply {
				return actiontest.Reply{Status: 400, Body: `{"error":"invalid_grant"}`}
			},
			action.Unauthenticated, "Google does not take the hub's service account for Firebase. Ask the hub's administrator.",
		},
		"the sign-in is out of order": {
			func(actiontest.Recorded) actiontest.Reply { return actiontest.Reply{Status: 500} },
			action.Unavailable, "Google's sign-in answered 500.",
		},
		"the sign-in is cut off": {
			func(actiontest.Recorded) actiontest.Reply { return actiontest.Reply{Reset: true} },
			action.Unavailable, "The connection to Google's sign-in failed.",
		},
		"no permission": {
			fcm(func(string) actiontest.Reply {
				return actiontest.Reply{Status: 403, Body: `{"error":{"message":"no"}}`}
			}),
			action.Forbidden, "The hub's service account may not send notifications by Firebase. Ask the hub's administrator.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(tt.handle)
			_, err := integration(t, d).Execute(t.Context(), actiontest.Query(nil, f))
			if action.KindOf(err) != tt.kind || !strings.Contains(action.MessageOf(err), tt.message) {
				t.Errorf("error %v (%v)", err, action.KindOf(err))
			}
			if n := len(d.Requests()); n > 100 {
				t.Errorf("%d calls", n)
			}
		})
	}
}
