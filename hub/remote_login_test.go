package hub_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
)

// visitor is a browser that follows no redirects, and keeps cookies.
type visitor struct {
	*http.Client
	t *testing.T
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{&http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, t}
}

func (b *visitor) open(address string) (status int, location, text string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	res, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body) // a broken body is not the expected one
	return res.StatusCode, res.Header.Get("Location"), string(body)
}

// The reference's sign-in with its cookie: the browser is led to the provider and back to Looker by this hub,
// which passes nothing else.
func TestRemoteLoginOfTheReference(t *testing.T) {
	t.Parallel()
	up := newReference(t)
	s := before(t, map[string]string{"ACTION_HUB_BASE_URL": "http://hub.example.com"}, upstreamConfig(t, up.Server, upstreamToken))
	const nonce = "0123456789abcdef0123456789abcdef"
	up.answer = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the token is sent for a request without one")
		}
		for _, c := range r.Cookies() {
			if c.Value != nonce {
				t.Errorf("the upstream gets the cookie %s", c)
			}
		}
		q := r.URL.Query()
		switch {
		case strings.HasSuffix(r.URL.Path, "/oauth"):
			http.SetCookie(w, &http.Cookie{Name: "action_hub_state", Value: nonce, Path: "/", HttpOnly: true, MaxAge: 3600})
			http.SetCookie(w, &http.Cookie{Name: "action_hub_session", Value: "theirs", Path: "/"})
			http.Redirect(w, r, "https://provider.example.com/auth?state="+nonce+"."+url.QueryEscape(q.Get("state")), http.StatusFound)
		case q.Get("code") == "page":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html><script>window.close()</script><body>You may now close this tab.</body></html>")
		case q.Get("code") == "script":
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, "<script>alert(1)</script>")
		case q.Get("code") == "where":
			w.Header().Set("Location", "javascript:alert(1)")
			w.WriteHeader(http.StatusFound)
		default:
			c, err := r.Cookie("action_hub_state")
			if err != nil || !strings.HasPrefix(q.Get("state"), c.Value+".") {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, "CSRF validation failed.")
				return
			}
			http.Redirect(w, r, "https://looker.example.com/redir?state=sealed", http.StatusFound)
		}
	}
	for _, base := range []string{s.URL + "/upstreams/legacy/actions/files/", s.URL + "/actions/old_files/"} {
		b := newVisitor(t)
		at, _ := url.Parse(s.URL)
		b.Jar.SetCookies(at, []*http.Cookie{{Name: "action_hub_session", Value: "ours"}})
		status, to, _ := b.open(base + "oauth?state=a%2Bb")
		if status != http.StatusFound || to != "https://provider.example.com/auth?state="+nonce+".a%2Bb" {
			t.Fatalf("%s: %d, to %s", base, status, to)
		}
		for _, c := range b.Jar.Cookies(at) {
			if c.Value == "theirs" {
				t.Errorf("the upstream sets the cookie %s of this hub", c.Name)
			}
		}
		state := "oauth_redirect?state=" + nonce + ".a%2Bb&code="
		if status, to, text := b.open(base + state + "good"); status != http.StatusFound || to != "https://looker.example.com/redir?state=sealed" {
			t.Errorf("%s: %d, to %s: %s", base, status, to, text)
		}
		if status, _, text := newVisitor(t).open(base + state + "good"); status != http.StatusForbidden || !strings.Contains(text, "CSRF validation failed.") {
			t.Errorf("another browser: %d %s", status, text)
		}
		if status, _, text := b.open(base + state + "page"); status != http.StatusOK || !strings.Contains(text, "You may now close this tab.") || strings.Contains(text, "<body>") {
			t.Errorf("the last page: %d %s", status, text)
		}
		if status, _, text := b.open(base + state + "script"); status != http.StatusBadRequest || strings.Contains(text, "<") {
			t.Errorf("an error with HTML: %d %s", status, text)
		}
		if status, to, _ := b.open(base + state + "where"); status != http.StatusBadGateway || to != "" {
			t.Errorf("a redirect to a script: %d, to %s", status, to)
		}
	}
	requests := len(up.requests)
	for path, want := range map[string]int{
		"/upstreams/legacy/actions/rows/oauth?state=1": 400, "/upstreams/legacy/actions/none/oauth?state=1": 404, "/upstreams/none/actions/files/oauth?state=1": 404,
		"/upstreams/legacy/actions/files/oauth": 400, "/actions/old_rows/oauth_redirect?state=1": 400, "/upstreams/legacy/actions/files/execute": 404,
	} {
		if status, _, text := newVisitor(t).open(s.URL + path); status != want {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	if len(up.requests) != requests {
		t.Error("a request that ends the reference was passed")
	}
}

// A sign-in at an upstream of our own kind whose base URL is below this hub's.
func TestRemoteLoginOfOurKind(t *testing.T) {
	t.Parallel()
	stored := make(chan string, 1)
	looker := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a broken body is not the expected one
		stored <- string(body)
	}))
	defer looker.Close()
	var link string
	d := definition("drive")
	d.Params = nil
	drive := withLogin{withForm{&fake{definition: d, execute: ok, form: func(_ context.Context, req *action.Request) (*action.Form, error) {
		return &action.Form{Fields: []action.Field{{Name: "login", Type: action.OAuthLink, OAuthURL: req.LoginURL}}}, nil
	}}}}
	up := httptest.NewTLSServer(newHandler(t, map[string]string{
		"ACTION_HUB_BASE_URL": "http://hub.example.com/upstreams/legacy", "TEST_INSECURE": "1",
	}, entry(drive)))
	defer up.Close()
	s := before(t, map[string]string{"ACTION_HUB_BASE_URL": "http://hub.example.com"}, upstreamConfig(t, up, goodToken))
	_, form := s.post("/actions/old_drive/form", `{"state_url":"`+looker.URL+`/store"}`)
	var fields struct {
		Fields []struct {
			OAuthURL string `json:"oauth_url"`
		}
	}
	if err := json.Unmarshal([]byte(form), &fields); err != nil || len(fields.Fields) != 1 {
		t.Fatalf("form %s: %v", form, err)
	}
	link = strings.Replace(fields.Fields[0].OAuthURL, "http://hub.example.com", s.URL, 1)
	if !strings.HasPrefix(link, s.URL+"/upstreams/legacy/actions/drive/oauth?state=") {
		t.Fatalf("link %s", link)
	}
	b := newVisitor(t)
	status, to, text := b.open(link)
	provider, err := url.Parse(to)
	if status != http.StatusFound || err != nil || provider.Host != "provider.example.com" {
		t.Fatalf("%d, to %s: %s", status, to, text)
	}
	callback, ok := strings.CutPrefix(provider.Query().Get("redirect_uri"), "http://hub.example.com")
	if !ok {
		t.Fatalf("redirect URI %s", provider.Query().Get("redirect_uri"))
	}
	callback += "?code=good&state=" + url.QueryEscape(provider.Query().Get("state"))
	if status, _, text := newVisitor(t).open(s.URL + callback); status != http.StatusForbidden {
		t.Errorf("another browser: %d %s", status, text)
	}
	if status, _, text := b.open(s.URL + callback); status != http.StatusOK {
		t.Fatalf("callback: %d %s", status, text)
	}
	if got := <-stored; got != `{"token":"t0ken"}` {
		t.Errorf("Looker got %s", got)
	}
}

// Browsers without a token, whom a slow upstream keeps waiting, take nothing from Looker's forms.
func TestRemoteLoginLimit(t *testing.T) {
	t.Parallel()
	up := newReference(t)
	waiting, release := make(chan struct{}, 100), make(chan struct{})
	up.answer = func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.WriteString(w, `{"fields":[]}`)
			return
		}
		waiting <- struct{}{}
		<-release
		http.Redirect(w, r, "https://provider.example.com/", http.StatusFound)
	}
	s := before(t, map[string]string{"ACTION_HUB_MAX_FORMS": "1"}, upstreamConfig(t, up.Server, upstreamToken))
	statuses := make(chan int, 32)
	for range 32 {
		go func() {
			status, _, _ := newVisitor(t).open(s.URL + "/actions/old_files/oauth?state=x")
			statuses <- status
		}()
	}
	for range 32 {
		<-waiting
	}
	if status, _, text := newVisitor(t).open(s.URL + "/actions/old_files/oauth?state=x"); status != http.StatusServiceUnavailable {
		t.Errorf("one more: %d %s", status, text)
	}
	if status, body := s.post("/actions/old_files/form", "{}"); status != http.StatusOK || body != `{"fields":[]}` {
		t.Errorf("a form: %d %s", status, body)
	}
	close(release)
	for range 32 {
		if status := <-statuses; status != http.StatusFound {
			t.Errorf("one that waited: %d", status)
		}
	}
}
