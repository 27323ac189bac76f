package hub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
)

// send sends a request without following redirects.
func (s *server) send(method, path, body string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res, string(b)
}

const formType = "application/x-www-form-urlencoded"

// presentToken presents a token as the form does.
func (s *server) presentToken(token, next string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	return s.send(http.MethodPost, "/sign-in", url.Values{"token": {token}, "next": {next}}.Encode(), append([]string{"Content-Type", formType}, headers...)...)
}

// session is the cookie of a reader who has signed in.
func (s *server) session() string {
	s.t.Helper()
	res, body := s.presentToken(goodToken, "/")
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 1 {
		s.t.Fatalf("%d %v %s", res.StatusCode, res.Cookies(), body)
	}
	return res.Cookies()[0].Name + "=" + res.Cookies()[0].Value
}

// Without a token, only the label and that the hub runs can be seen, whatever is asked for and how.
func TestWhoSeesTheStatusPage(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, entry(&fake{definition: definition("acme_crm")}), lacking("zapier", "ZAPIER_KEY"))
	readers := map[string][]string{
		"with a token":   {"Authorization", `Token token="` + goodToken + `"`},
		"with a session": {"Cookie", s.session()},
	}
	strangers := map[string][]string{
		"stranger":            nil,
		"with a wrong token":  {"Authorization", `Token token="a/b"`},
		"with another cookie": {"Cookie", "__Host-action_hub_session=2AAAA"},
		// A wrong token does not fall back to a session.
		"with a wrong token and a session": append([]string{"Authorization", `Token token="a/b"`}, readers["with a session"]...),
	}
	for _, tt := range []struct {
		path, reader, stranger string
		status                 int // for strangers
	}{
		{"/", "/integrations/zapier", "Running", http.StatusOK},
		{"/status", `"off":{"zapier":`, `{"label":"Golden <Hub>","status":"running"}`, http.StatusOK},
		{"/status/live", `"state":"ready"`, "requires the token for Looker", http.StatusForbidden},
		{"/integrations", "Shared options", "", http.StatusSeeOther},
		{"/integrations/acme_crm", "acme_crm", "", http.StatusSeeOther},
		{"/integrations/zapier", "ZAPIER_KEY", "", http.StatusSeeOther},
	} {
		tags := map[string]string{}
		for name, headers := range readers {
			res, body := s.send(http.MethodGet, tt.path, "", append([]string{"Accept", browserAccept}, headers...)...)
			if res.StatusCode != http.StatusOK || !strings.Contains(body, tt.reader) {
				t.Errorf("%s %s: %d %s", tt.path, name, res.StatusCode, body)
			}
			checkPrivate(t, tt.path+" "+name, res)
			tags[res.Header.Get("ETag")] = name
		}
		if len(tags) != 1 || tags[""] != "" {
			t.Errorf("%s: tags %v", tt.path, tags)
		}
		for name, headers := range strangers {
			for tag := range tags {
				headers = append([]string{"Accept", browserAccept, "If-None-Match", tag}, headers...)
			}
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				res, body := s.send(method, tt.path, "", headers...)
				if res.StatusCode != tt.status || method == http.MethodGet && !strings.Contains(body, tt.stranger) {
					t.Errorf("%s %s %s: %d %s", method, tt.path, name, res.StatusCode, body)
				}
				for _, secret := range []string{"ZAPIER", "acme", "version\"", "commit\"", "on\":"} {
					if strings.Contains(body, secret) && tt.status != http.StatusSeeOther {
						t.Errorf("%s %s: %q is in %s", tt.path, name, secret, body)
					}
				}
				if tags[res.Header.Get("ETag")] != "" {
					t.Errorf("%s %s: the tag of the readers' page", tt.path, name)
				}
				checkPrivate(t, tt.path+" "+name, res)
			}
		}
	}
	// Strangers cannot find out what exists.
	known, _ := s.send(http.MethodGet, "/integrations/acme_crm", "", "Accept", browserAccept)
	unknown, _ := s.send(http.MethodGet, "/integrations/nothing", "", "Accept", browserAccept)
	if known.StatusCode != unknown.StatusCode || unknown.Header.Get("Location") != "/sign-in?next=%2Fintegrations%2Fnothing" {
		t.Errorf("%d %s, %d %s", known.StatusCode, known.Header, unknown.StatusCode, unknown.Header)
	}
	if res, _ := s.send(http.MethodGet, "/integrations/acme_crm", "", "Accept", "application/json"); res.StatusCode != http.StatusForbidden {
		t.Errorf("a program without a token: %d", res.StatusCode)
	}
}

// checkPrivate reports a response that a proxy may store for others.
func checkPrivate(t *testing.T, what string, res *http.Response) {
	t.Helper()
	vary := strings.Join(res.Header["Vary"], ", ")
	if res.Header.Get("Cache-Control") != "private, no-cache" || !strings.Contains(vary, "Authorization, Cookie") {
		t.Errorf("%s: Cache-Control %q, Vary %q", what, res.Header.Get("Cache-Control"), vary)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newServer(t, map[string]string{"ACTION_HUB_BASE_URL": "https://hub.example.com/Hub"}, entry(&fake{definition: definition("plain")}))
	res, body := s.presentToken(goodToken, "/integrations/plain")
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/Hub/integrations/plain" || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", res.StatusCode, res.Header, body)
	}
	c := res.Cookies()[0]
	if c.Name != "__Host-action_hub_session" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 12*3600 {
		t.Errorf("cookie %s", c)
	}
	if strings.Contains(c.Value, goodToken) || strings.Contains(c.Value, serviceSecret) {
		t.Errorf("the cookie has a secret: %s", c.Value)
	}
	for _, next := range []string{"https://evil.example.com", "//evil.example.com", "/\\evil.example.com", "/sign-out", "/integrations/../x", "", "/integrations/a?b"} {
		if res, _ := s.presentToken(goodToken, next); res.Header.Get("Location") != "/Hub/" {
			t.Errorf("%q leads to %s", next, res.Header.Get("Location"))
		}
	}
	res, body = s.presentToken("a/b", "/integrations/plain")
	if res.StatusCode != http.StatusForbidden || len(res.Cookies()) != 0 || !strings.Contains(body, "not a token of this hub") || !strings.Contains(body, `value="/integrations/plain"`) {
		t.Errorf("a wrong token: %d %v %s", res.StatusCode, res.Cookies(), body)
	}
	if strings.Contains(body, "a/b") {
		t.Errorf("the form repeats the token: %s", body)
	}
}

// A changed cookie, one of another hub, and an old session give no access.
func TestSessions(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, entry(&fake{definition: definition("plain")}))
	other := newServer(t, map[string]string{"ACTION_HUB_SECRET": "another-secret-of-a-hub"})
	good := s.session()
	at := strings.IndexByte(good, '=') + 10
	changed := good[:at] + string(good[at]^1) + good[at+1:]
	foreign := good[:strings.IndexByte(good, '=')+1] + "2AAAA"
	for name, tt := range map[string]struct {
		server *server
		cookie string
		want   int
	}{
		"good": {s, good, http.StatusOK}, "changed": {s, changed, http.StatusForbidden},
		"foreign": {s, foreign, http.StatusForbidden}, "at another hub": {other, good, http.StatusForbidden},
	} {
		if res, _ := tt.server.send(http.MethodGet, "/status/live", "", "Cookie", tt.cookie); res.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, tt.want)
		}
	}
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	if _, body := s.send(http.MethodGet, "/", "", "Accept", browserAccept, "Cookie", s.session()); !strings.Contains(body, `action="/sign-out"`) {
		t.Errorf("the page has no way to sign out: %s", body)
	}
	res, _ := s.send(http.MethodPost, "/sign-out", "", "Cookie", s.session())
	if res.StatusCode != http.StatusSeeOther || res.Cookies()[0].MaxAge >= 0 || res.Cookies()[0].Value != "" || res.Header.Get("Clear-Site-Data") != `"cache"` {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	if res, _ := s.send(http.MethodGet, "/sign-out", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("a link signs out: %d", res.StatusCode)
	}
}

// Other sites cannot sign anybody in or out.
func TestSignInFromAnotherSite(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example.com"}} {
		if res, _ := s.presentToken(goodToken, "/", headers...); res.StatusCode != http.StatusForbidden || len(res.Cookies()) != 0 {
			t.Errorf("%v: %d %v", headers, res.StatusCode, res.Cookies())
		}
		if res, _ := s.send(http.MethodPost, "/sign-out", "", headers...); res.StatusCode != http.StatusForbidden {
			t.Errorf("signing out, %v: %d", headers, res.StatusCode)
		}
	}
}

// Tokens can be tried ten times at once. Then even the right one has to wait, but sessions go on.
func TestGuessing(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	session := s.session() // one attempt
	var statuses []int
	for n := range 10 {
		res, _ := s.presentToken(fmt.Sprintf("a/%d", n), "/")
		statuses = append(statuses, res.StatusCode)
	}
	want := slices.Repeat([]int{http.StatusForbidden}, 9)
	if !slices.Equal(statuses, append(want, http.StatusTooManyRequests)) {
		t.Errorf("wrong tokens: %v", statuses)
	}
	res, body := s.presentToken(goodToken, "/")
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" || len(res.Cookies()) != 0 || !strings.Contains(body, "Too many attempts") {
		t.Errorf("the right token: %d %v %s", res.StatusCode, res.Header, body)
	}
	if res, _ := s.send(http.MethodGet, "/status/live", "", "Cookie", session); res.StatusCode != http.StatusOK {
		t.Errorf("a session: %d", res.StatusCode)
	}
}

// The form is not read without a limit.
func TestSignInIsLimited(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	if res, _ := s.presentToken(strings.Repeat("a", 1<<20), "/"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a form of a megabyte: %d", res.StatusCode)
	}
}

// liveStatus is what the test reads of the live status.
type liveStatus struct {
	State      string
	Running    int
	Slots      int
	Queued     int
	Deliveries map[string][]struct {
		Outcome string
		Count   int
		Last    time.Time
	}
}

// awaitLive asks for the live status until it is as it should be: it may be a second old.
func (s *server) awaitLive(ok func(liveStatus) bool) (liveStatus, string) {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		res, body := s.get("/status/live")
		var got liveStatus
		if err := json.Unmarshal([]byte(body), &got); err != nil || res.StatusCode != http.StatusOK {
			s.t.Fatalf("%d %s: %v", res.StatusCode, body, err)
		}
		if ok(got) {
			return got, body
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the live status stays as it is: %s", body)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// The live status counts deliveries by outcome. It and the pages have nothing of what was delivered,
// and no secret.
func TestLiveStatus(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	plain := &fake{definition: definition("plain"), execute: func(ctx context.Context, req *action.Request) (*action.Response, error) {
		switch req.Params["key"] {
		case "wait-for-release":
			select {
			case <-release:
			case <-ctx.Done():
			}
		case "fail-this-one":
			return nil, action.Errorf(action.RateLimited, "Ann's rows were refused by https://secret.example.com.")
		}
		return &action.Response{}, nil
	}}
	s := newServer(t, with(map[string]string{"PLAIN_SECRET": "s3cret-of-plain", "ACTION_HUB_MAX_DELIVERIES": "7"}, public),
		entry(plain), lacking("zapier", "ZAPIER_KEY"))
	before, _ := s.get("/", "Accept", browserAccept)
	deliver := func(key string) {
		if status, body := s.post("/actions/plain/execute", `{"type":"query","data":{"key":"`+key+`","name":"Ann"},"attachment":{"mimetype":"text/plain","data":"a-row-of-data"}}`); status != http.StatusOK {
			t.Errorf("%d %s", status, body)
		}
	}
	deliver("deliver-this-one")
	deliver("deliver-this-one")
	deliver("fail-this-one")
	waiting := make(chan struct{})
	go func() { defer close(waiting); deliver("wait-for-release") }()
	got, body := s.awaitLive(func(l liveStatus) bool { return l.Running == 1 && len(l.Deliveries["plain"]) == 2 })
	if o := got.Deliveries["plain"]; got.State != "ready" || got.Slots != 7 || got.Queued != 0 ||
		o[0].Outcome != "delivered" || o[0].Count != 2 || o[1].Outcome != "rate_limited" || o[1].Count != 1 || time.Since(o[1].Last) > time.Minute {
		t.Error(body)
	}
	close(release)
	<-waiting
	_, body = s.awaitLive(func(l liveStatus) bool { return l.Running == 0 && l.Deliveries["plain"][0].Count == 3 })
	index, html := s.get("/", "Accept", browserAccept)
	if index.Header.Get("ETag") == before.Header.Get("ETag") || !strings.Contains(html, "3 delivered, 1 failed") {
		t.Errorf("the page is as before: %s", html)
	}
	_, own := s.get("/integrations/plain", "Accept", browserAccept)
	if !strings.Contains(own, "<code>rate_limited</code></td><td>1</td>") {
		t.Errorf("the integration's page has no outcomes: %s", own)
	}
	_, status := s.get("/status")
	for name, text := range map[string]string{"live status": body, "index": html, "page": own, "status": status} {
		for _, secret := range []string{serviceSecret, goodToken, "s3cret", "deliver-this-one", "a-row-of-data", "Ann", "secret.example.com"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s has %q: %s", name, secret, text)
			}
		}
	}
	// Nothing has changed, so nothing is rendered again.
	if again, _ := s.get("/", "Accept", browserAccept, "If-None-Match", index.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("the same page is sent again: %d", again.StatusCode)
	}
}
