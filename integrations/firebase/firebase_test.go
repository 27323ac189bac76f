package firebase_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/integrations/firebase"
)

type answers = map[string]string

var privateKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return strings.ReplaceAll(text, "\n", `\n`) // as in an environment variable
})

func settings() answers {
	return answers{
		"FIREBASE_PROJECT_ID": "looker-app", "FIREBASE_CLIENT_EMAIL": "hub@looker-app.iam.gserviceaccount.com",
		"FIREBASE_PRIVATE_KEY": privateKey(), "FIREBASE_DATABASE": "https://looker-app.firebaseio.com",
	}
}

// phones is a fake of Google. It issues a token and responds to notifications.
func phones(t *testing.T, reply func(device string, r actiontest.Recorded) actiontest.Reply) *actiontest.Destination {
	t.Helper()
	return actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
		if r.Host == "oauth2.googleapis.com" {
			return actiontest.Reply{Header: answers{"Content-Type": "application/json"}, Body: `{"access_token":"t0ken","expires_in":3600,"token_type":"Bearer"}`}
		}
		var sent struct {
			Message struct {
				FID   string `json:"fid"`
				Token string `json:"token"`
			} `json:"message"`
		}
		_ = json.Unmarshal(r.Body, &sent)
		// A message has one target, and an installation's ID belongs into fid: token is deprecated for it
		// (schema Message in fcm-api.json of google.golang.org/api/fcm/v1).
		if target := sent.Message.FID + sent.Message.Token; (sent.Message.FID == target) != isFID(target) {
			return actiontest.Reply{Status: 400, Body: `{"error":{"message":"Invalid target","details":[{"errorCode":"INVALID_ARGUMENT"}]}}`}
		}
		return reply(sent.Message.FID+sent.Message.Token, r)
	})
}

// isFID reports whether a device's ID is that of a Firebase installation.
func isFID(id string) bool {
	return len(id) == 22 && strings.ContainsAny(id[:1], "cdef") && !strings.Contains(id, ":")
}

func accepted(string, actiontest.Recorded) actiontest.Reply {
	return actiontest.Reply{Body: `{"name":"projects/looker-app/messages/1"}`}
}

func notifications(d *actiontest.Destination) []actiontest.Recorded {
	return slices.DeleteFunc(d.Requests(), func(r actiontest.Recorded) bool { return r.Host != "fcm.googleapis.com" })
}

func form(devices string) answers {
	return answers{"title": " Orders fell ", "data": `{"alert_id":7,"dashboard_name":"Sales","nested":{"a":[1]},"none":null}`, "deviceIds": devices}
}

const twoDevices = `[[{"device_id":"d1","user_id":"u1"},{"device_id":"d2","user_id":2}],[{"device_id":"d1","user_id":"u1"},{"device_id":"","user_id":"x"},{"device_id":"y"}],[]]`

func newIntegration(t *testing.T, d *actiontest.Destination) action.Integration {
	t.Helper()
	return actiontest.New(t, firebase.New, actiontest.Deps(t, d, settings()))
}

// Each device gets the alert once.
func TestWire(t *testing.T) {
	t.Parallel()
	d := phones(t, accepted)
	res, err := newIntegration(t, d).Execute(t.Context(), actiontest.Query(nil, form(twoDevices)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&action.Response{Message: "2 notifications sent."}, res); diff != "" {
		t.Error(diff)
	}
	got, ids := map[string]string{}, map[string]bool{}
	for _, r := range notifications(d) {
		if got, want := r.Method, http.MethodPost; got != want {
			t.Errorf("method %q, want %q", got, want)
		}
		if got, want := r.Path, "/v1/projects/looker-app/messages:send"; got != want {
			t.Errorf("path %q, want %q", got, want)
		}
		if got, want := r.Header.Get("Authorization"), "Bearer t0ken"; got != want {
			t.Errorf("Authorization %q, want %q", got, want)
		}
		if got, want := r.Header.Get("Content-Type"), "application/json"; got != want {
			t.Errorf("Content-Type %q, want %q", got, want)
		}
		var sent struct {
			Message struct {
				Token string            `json:"token"`
				Data  map[string]string `json:"data"`
				APNS  struct {
					Headers map[string]string `json:"headers"`
				} `json:"apns"`
			} `json:"message"`
		}
		if err := json.Unmarshal(r.Body, &sent); err != nil {
			t.Fatal(err)
		}
		id, until := sent.Message.Data["id"], sent.Message.APNS.Headers["apns-expiration"]
		if uuid.Validate(id) != nil || ids[id] {
			t.Errorf("id %q", id)
		}
		ids[id] = true
		var unix int64
		_, err := fmt.Sscan(until, &unix)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Until(time.Unix(unix, 0)); got < 23*time.Hour {
			t.Errorf("time to expiry %v, want at least %v", got, 23*time.Hour)
		}
		if got := time.Until(time.Unix(unix, 0)); got > 24*time.Hour {
			t.Errorf("time to expiry %v, want at most %v", got, 24*time.Hour)
		}
		got[sent.Message.Token] = strings.NewReplacer(id, "ID", until, "UNTIL").Replace(string(r.Body))
	}
	const wire = `{"message":{"token":"%s","notification":{"title":"Orders fell","body":"On Sales"},` +
		`"data":{"alert_id":"7","dashboard_name":"Sales","id":"ID","nested":"{\"a\":[1]}","none":"","user_id":"%s"},"android":{"priority":"HIGH","ttl":"86400s"},` +
		`"apns":{"headers":{"apns-expiration":"UNTIL","apns-priority":"10"},"payload":{"aps":{"content-available":1,"mutable-content":1}}}}}`
	want := map[string]string{"d1": fmt.Sprintf(wire, "d1", "u1"), "d2": fmt.Sprintf(wire, "d2", "2")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notifications (-want +got):\n%s", diff)
	}
	if n := len(d.Requests()) - len(notifications(d)); n != 1 {
		t.Errorf("%d tokens were fetched", n)
	}
}

// Looker's app may register an installation ID, which has a field of its own, or a registration token.
func TestTarget(t *testing.T) {
	t.Parallel()
	const fid = "cXyZ0123456789_-abcDEF"
	for name, tt := range map[string]struct{ id, member string }{
		"an installation":              {fid, "fid"},
		"a registration token":         {fid + ":APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx", "token"},
		"a token without a colon":      {strings.Repeat("A", 152), "token"},
		"another first character":      {"a" + fid[1:], "token"},
		"a character that is none":     {fid[:21] + "+", "token"},
		"one character less":           {fid[:21], "token"},
		"one character more":           {fid + "a", "token"},
		"a line end behind the letter": {fid[:21] + "\\n", "token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := actiontest.NewDestination(t).Handle(func(r actiontest.Recorded) actiontest.Reply {
				if r.Host == "oauth2.googleapis.com" {
					return actiontest.Reply{Header: answers{"Content-Type": "application/json"}, Body: `{"access_token":"t0ken","expires_in":3600,"token_type":"Bearer"}`}
				}
				return accepted("", r)
			})
			if _, err := newIntegration(t, d).Execute(t.Context(), actiontest.Query(nil, form(`[[{"device_id":"`+tt.id+`","user_id":"u"}]]`))); err != nil {
				t.Fatal(err)
			}
			var sent struct {
				Message map[string]any `json:"message"`
			}
			if err := json.Unmarshal(notifications(d)[0].Body, &sent); err != nil {
				t.Fatal(err)
			}
			target := map[string]any{}
			for _, member := range []string{"fid", "token", "topic", "condition"} {
				if value, ok := sent.Message[member]; ok {
					target[member] = value
				}
			}
			if diff := cmp.Diff(map[string]any{tt.member: strings.ReplaceAll(tt.id, "\\n", "\n")}, target); diff != "" {
				t.Errorf("target (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAlert(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  answers
		message string // of the error, or of the response
		fails   bool
	}{
		"no data":                  {answers{"data": ""}, "Need valid notification data.", true},
		"data without an alert":    {answers{"data": `{"a":1}`}, "Need Valid AlertId.", true},
		"data in a string":         {answers{"data": `"{\"alert_id\":1}"`}, "Need Valid AlertId.", true},
		"an alert without an id":   {answers{"data": `{"alert_id":null}`}, "Need Valid AlertId.", true},
		"no title":                 {answers{"title": " "}, "Needs a valid title.", true},
		"no devices":               {answers{"deviceIds": ""}, "No devices to notify.", false},
		"an empty list":            {answers{"deviceIds": "[]"}, "No devices to notify.", false},
		"devices that are no JSON": {answers{"deviceIds": "d1"}, "The devices must be a list of lists of objects with a device_id and a user_id.", true},
		"devices that are no list": {answers{"deviceIds": `{"device_id":"d1"}`}, "The devices must be a list of lists of objects with a device_id and a user_id.", true},
		"a list of names":          {answers{"deviceIds": `["d1"]`}, "The devices must be a list of lists of objects with a device_id and a user_id.", true},
		"a flat list":              {answers{"deviceIds": `[{"device_id":"d1","user_id":"u"}]`}, "1 notifications sent.", false},
		"no dashboard":             {answers{"data": `{"alert_id":"x"}`}, "2 notifications sent.", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := phones(t, accepted)
			f := form(twoDevices)
			maps.Copy(f, tt.change)
			res, err := newIntegration(t, d).Execute(t.Context(), actiontest.Query(nil, f))
			got := action.MessageOf(err)
			if err == nil {
				got = res.Message
			}
			if got != tt.message {
				t.Errorf("%q, want %q", got, tt.message)
			}
			if failed := err != nil; failed != tt.fails {
				t.Errorf("error %v, want an error: %t", err, tt.fails)
			}
			if kind := action.KindOf(err); err != nil && kind != action.Invalid {
				t.Errorf("kind %q, want %q", kind, action.Invalid)
			}
			if calls := len(d.Requests()); err != nil && calls != 0 {
				t.Errorf("%d calls, want none", calls)
			}
			for _, r := range notifications(d) {
				if strings.Contains(string(r.Body), "undefined") || name == "no dashboard" && strings.Contains(string(r.Body), `"body"`) {
					t.Errorf("sent %s", r.Body)
				}
			}
		})
	}
}

// Each device is counted, and none gets an alert twice.
func TestFailedDevices(t *testing.T) {
	t.Parallel()
	const (
		devices = `[[{"device_id":"good","user_id":"1"},{"device_id":"bad","user_id":"2"}]]`
		gone    = `{"error":{"code":404,"message":"Requested entity was not found.","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"UNREGISTERED"}]}}`
		invalid = `{"error":{"code":400,"message":"The registration token is not a valid FCM registration token","details":[{"errorCode":"INVALID_ARGUMENT"}]}}`
	)
	for name, tt := range map[string]struct {
		bad     []actiontest.Reply // in order; the last one is repeated
		devices string
		message string
		fails   bool
		calls   int
	}{
		"an app that is gone":       {[]actiontest.Reply{{Status: 404, Body: gone}}, devices, "1 notifications sent. The app is no longer installed on 1 devices.", false, 2},
		"no app left":               {[]actiontest.Reply{{Status: 404, Body: gone}}, `[[{"device_id":"bad","user_id":"2"}]]`, "The app is uninstalled on all 1 devices.", true, 1},
		"a token that is none":      {[]actiontest.Reply{{Status: 400, Body: invalid}}, devices, "1 of 2 notifications delivered, 1 rejected. Firebase returned 400 Bad Request. Firebase reported: The registration token is not a valid FCM registration token", true, 2},
		"a project that is unknown": {[]actiontest.Reply{{Status: 404, Body: "<html>"}}, devices, "1 of 2 notifications delivered, 1 rejected. Firebase returned 404 Not Found.", true, 2},
		"its rate":                  {[]actiontest.Reply{{Status: 429, Header: answers{"Retry-After": "1"}}, accepted("", actiontest.Recorded{})}, devices, "2 notifications sent.", false, 3},
		"temporarily unavailable":   {[]actiontest.Reply{{Status: 503}, accepted("", actiontest.Recorded{})}, devices, "2 notifications sent.", false, 3},
		"a web page": {
			[]actiontest.Reply{{Body: "<html>"}, accepted("", actiontest.Recorded{})},
			devices,
			"1 of 2 notifications delivered, 1 failed. Unexpected response from Firebase. A notification may already have been sent.", true, 2,
		},
		"a broken connection": {
			[]actiontest.Reply{{Reset: true}},
			devices,
			"1 of 2 notifications delivered, 1 failed. The connection to Firebase failed. A notification may already have been sent.", true, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			d := phones(t, func(device string, r actiontest.Recorded) actiontest.Reply {
				if device != "bad" {
					return accepted(device, r)
				}
				n++
				return tt.bad[min(n, len(tt.bad))-1]
			})
			res, err := newIntegration(t, d).Execute(t.Context(), actiontest.Query(nil, form(tt.devices)))
			got := action.MessageOf(err)
			if err == nil {
				got = res.Message
			}
			if got != tt.message {
				t.Errorf("%q, want %q", got, tt.message)
			}
			if failed := err != nil; failed != tt.fails {
				t.Errorf("error %v, want an error: %t", err, tt.fails)
			}
			if got, want := len(notifications(d)), tt.calls; got != want {
				t.Errorf("%d calls, want %d", got, want)
			}
		})
	}
}

func TestRejectedAccount(t *testing.T) {
	t.Parallel()
	env := settings() // the key is generated outside of the bubble
	for status, want := range map[int]struct {
		requests int
		kind     action.Kind
		message  string
	}{
		400: {1, action.Unauthenticated, "Google rejected the hub's service account for Firebase. The hub's administrator must check FIREBASE_CLIENT_EMAIL and FIREBASE_PRIVATE_KEY."},
		503: {4, action.Unavailable, "Google issues no tokens now. Try again later."},
	} {
		synctest.Test(t, func(t *testing.T) {
			google := &tokens{status: status, failures: 9}
			i := actiontest.New(t, firebase.New, action.Deps{HTTP: &http.Client{Transport: google}, Env: env})
			_, err := i.Execute(t.Context(), actiontest.Query(nil, form(`[[{"device_id":"d","user_id":"u"}]]`)))
			if action.MessageOf(err) != want.message {
				t.Errorf("%d: error %v, want %v", status, action.MessageOf(err), want.message)
			}
			if action.KindOf(err) != want.kind {
				t.Errorf("%d: kind %v, want %v", status, action.KindOf(err), want.kind)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%d: the error contains %q: %s", status, "s3cret", err.Error())
			}
			if google.requests != want.requests {
				t.Errorf("%d: %d requests for a token, want %d", status, google.requests, want.requests)
			}
		})
	}
}

// tokens is a Google that issues a token after some failures, and accepts each notification.
type tokens struct{ status, failures, requests int }

func (g *tokens) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	switch {
	case r.Host == "fcm.googleapis.com":
		_, _ = answer.WriteString(accepted("", actiontest.Recorded{}).Body)
		return answer.Result(), nil
	case g.requests < g.failures:
		answer.WriteHeader(g.status)
		_, _ = answer.WriteString(`{"error":"invalid_grant","error_description":"Invalid JWT s3cret"}`)
	default:
		_, _ = answer.WriteString(`{"access_token":"t0ken","token_type":"Bearer","expires_in":3600}`)
	}
	g.requests++
	return answer.Result(), nil
}

// A failure of Google's token service does not fail the delivery at once.
func TestTokenAfterFailure(t *testing.T) {
	t.Parallel()
	env := settings() // the key is generated outside of the bubble
	synctest.Test(t, func(t *testing.T) {
		google := &tokens{status: http.StatusServiceUnavailable, failures: 2}
		i := actiontest.New(t, firebase.New, action.Deps{HTTP: &http.Client{Transport: google}, Env: env})
		res, err := i.Execute(t.Context(), actiontest.Query(nil, form(`[[{"device_id":"d","user_id":"u"}]]`)))
		if err != nil || res.Message != "1 notifications sent." {
			t.Errorf("response %+v, error %v", res, err)
		}
	})
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	env := settings() // the key is generated outside of the bubble
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, firebase.New, action.Deps{HTTP: actiontest.Late(), Env: env})
		start := time.Now()
		_, err := i.Execute(t.Context(), actiontest.Query(nil, form(`[[{"device_id":"d","user_id":"u"}]]`)))
		if took, limit := time.Since(start), 5*time.Minute; took > limit {
			t.Errorf("it took %v, the limit is %v", took, limit)
		}
		if got, want := action.MessageOf(err), "The connection to Google failed."; got != want {
			t.Errorf("message %q, want %q", got, want)
		}
	})
}

// limited is a Firebase that takes no notification within a minute of the first one, and whose answers have no Retry-After.
type limited struct{ first time.Time }

func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	switch {
	case r.Host != "fcm.googleapis.com":
		_, _ = answer.WriteString(`{"access_token":"t0ken","token_type":"Bearer","expires_in":3600}`)
	case l.first.IsZero():
		l.first = time.Now()
		fallthrough
	case time.Since(l.first) < time.Minute:
		answer.WriteHeader(http.StatusTooManyRequests)
		_, _ = answer.WriteString(`{"error":{"message":"Quota exceeded","details":[{"errorCode":"QUOTA_EXCEEDED"}]}}`)
	default:
		_, _ = answer.WriteString(`{"name":"projects/looker-app/messages/1"}`)
	}
	return answer.Result(), nil
}

// The quota is one of a minute.
func TestRate(t *testing.T) {
	t.Parallel()
	env := settings() // the key is generated outside of the bubble
	synctest.Test(t, func(t *testing.T) {
		i := actiontest.New(t, firebase.New, action.Deps{HTTP: &http.Client{Transport: &limited{}}, Env: env})
		res, err := i.Execute(t.Context(), actiontest.Query(nil, form(`[[{"device_id":"d","user_id":"u"}]]`)))
		if err != nil || res.Message != "1 notifications sent." {
			t.Errorf("response %+v, error %v", res, err)
		}
	})
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ setting, value, want string }{
		"no project":    {"FIREBASE_PROJECT_ID", "", "FIREBASE_PROJECT_ID"},
		"no key":        {"FIREBASE_PRIVATE_KEY", "", "FIREBASE_PRIVATE_KEY"},
		"half a key":    {"FIREBASE_PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----", "it is not a PEM block"},
		"a certificate": {"FIREBASE_PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----\\nczNjcmV0\\n-----END PRIVATE KEY-----\\n", "it is not an RSA private key"},
	} {
		env := settings()
		env[tt.setting] = tt.value
		_, err := firebase.New(actiontest.Deps(t, nil, env))
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		if got, want := err.Error(), tt.want; !strings.Contains(got, want) {
			t.Errorf("%s: error %q, want text with %q", name, got, want)
		}
		if strings.Contains(err.Error(), "czNj") {
			t.Errorf("%s: the error contains %q: %s", name, "czNj", err.Error())
		}
	}
}
