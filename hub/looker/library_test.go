package looker_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/looker"
)

// A developer's simulator calls a hub over plain HTTP, and serves no API without the document.
func TestWithoutDocument(t *testing.T) {
	t.Parallel()
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"label":"x","integrations":[{"name":"a","label":"A","supported_action_types":["query"],"icon_data_uri":"data:,","url":"http://`+r.Host+`"}]}`)
	}))
	t.Cleanup(hub.Close)
	o := looker.Options{URL: "http://127.0.0.1:1", AllowHTTP: true, Users: []looker.User{{ID: admin, Permissions: []looker.Permission{looker.Admin}}}}
	l, err := looker.New(o)
	if err != nil {
		t.Fatal(err)
	}
	id, err := l.AddHub(t.Context(), hub.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := l.Definition(id + "::a"); !ok || d.Icon != "data:," || len(l.Definitions(id)) != 1 {
		t.Errorf("the definition is %+v, %v; the hub lists %+v", d, ok, l.Definitions(id))
	}
	if _, ok := l.Definition(id + "::b"); ok || len(l.Definitions("9")) > 0 {
		t.Error("there is an integration that no hub lists")
	}
	w := httptest.NewRecorder()
	l.ServeHTTP(w, httptest.NewRequest(http.MethodGet, looker.APIPath+"/integrations", http.NoBody))
	if w.Code != http.StatusForbidden {
		t.Errorf("the API answers %d without its document", w.Code)
	}
	o.AllowHTTP = false
	if _, err := looker.New(o); err == nil {
		t.Error("http:// is accepted although it is not allowed")
	}
}

// The journal has the headers of a call without its secrets, and how long it took.
func TestJournalHeaders(t *testing.T) {
	t.Parallel()
	hub := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "session=s3cret")
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		w.Header().Set("X-Long", strings.Repeat("x", 2000))
		_, _ = io.WriteString(w, `{"integrations":[]}`)
	}))
	t.Cleanup(hub.Close)
	i := newInstance(t, nil)
	i.addHub(hub.URL, "token-of-the-hub")
	call := i.Calls(0)[0]
	if got := call.Header.Get("Authorization"); got != `Token token="(redacted)"` {
		t.Errorf("Authorization is recorded as %q", got)
	}
	if got := call.Header.Get("User-Agent"); got != "LookerOutgoingWebhook/26.12.0" {
		t.Errorf("User-Agent is recorded as %q", got)
	}
	for name, want := range map[string]string{"Set-Cookie": "(redacted)", "X-Echo": `Token token="(redacted)"`, "X-Long": strings.Repeat("x", 1024) + "…"} {
		if got := call.ResponseHeader.Get(name); got != want {
			t.Errorf("%s is recorded as %q, want %q", name, got, want)
		}
	}
}

// The journal keeps as many entries as it may.
func TestJournalEntries(t *testing.T) {
	t.Parallel()
	hub := respond(t, 200, `{"integrations":[]}`)
	i := newInstance(t, func(o *looker.Options) { o.JournalEntries = 2 })
	id := i.addHub(hub.URL, "")
	for range 4 {
		if err := i.RefreshHub(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if calls := i.Calls(0); len(calls) != 2 || calls[1].Number-calls[0].Number != 1 {
		t.Errorf("the journal has %+v", calls)
	}
}

// A delivery can be watched, whichever way its data takes.
func TestProgress(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	i := newInstance(t, nil)
	hub := i.addHub(h.URL, h.token)
	data := []byte(strings.Repeat("0123456789\n", 1000))
	for name, downloaded := range map[string]int64{"drive": 0, "bucket": int64(len(data))} {
		i.enable(hub+"::"+name, nil)
		var p looker.Progress
		result, err := i.Run(t.Context(), looker.Action{User: analyst, Integration: hub + "::" + name, Format: "csv", Data: data, Progress: &p})
		if err != nil || !result.Success {
			t.Fatalf("%+v, %v", result, err)
		}
		got := p.Transferred()
		if got.Sent != got.Total || got.Sent == 0 || got.Downloaded != downloaded || got.Answered == 0 {
			t.Errorf("%s: %+v, want %d downloaded bytes", name, got, downloaded)
		}
		if (got.Sent > int64(len(data))) != (downloaded == 0) {
			t.Errorf("%s: %d bytes were sent", name, got.Sent)
		}
	}
	var none *looker.Progress
	if diff := cmp.Diff(looker.Transferred{}, none.Transferred()); diff != "" {
		t.Error(diff)
	}
}

// A developer can send what Looker would not: in a format, or a way, that the integration does not list.
func TestForce(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	i := newInstance(t, nil)
	id := i.addHub(h.URL, h.token) + "::bucket"
	i.enable(id, nil)
	a := looker.Action{User: analyst, Integration: id, Format: "txt", Data: []byte("a"), Download: "push"}
	if result, err := i.Run(t.Context(), a); err == nil {
		t.Errorf("without force: %+v", result)
	}
	a.Force = true
	if result, err := i.Run(t.Context(), a); err != nil || !result.Success {
		t.Errorf("%+v, %v", result, err)
	}
	if got := h.received(); len(got) != 1 || got[0].Data != "a" {
		t.Errorf("the hub received %+v", got)
	}
	a.Download = "pigeon"
	if result, err := i.Run(t.Context(), a); err == nil {
		t.Errorf("a way that does not exist: %+v", result)
	}
}

// A user attribute can be added to a running instance.
func TestAddUserAttribute(t *testing.T) {
	t.Parallel()
	i := newInstance(t, nil)
	if err := i.SetUserAttribute(analyst, "region", "eu"); err == nil {
		t.Error("an attribute that does not exist has a value")
	}
	i.AddUserAttribute("region")
	i.AddUserAttribute("region")
	if err := i.SetUserAttribute(analyst, "region", "eu"); err != nil {
		t.Error(err)
	}
}

// A hub gets a new token, and settings have the values that the hub will get.
func TestSetHubToken(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	i := newInstance(t, nil)
	hub := i.addHub(h.URL, "wrong")
	if _, err := i.Params(analyst, hub+"::crm"); err == nil {
		t.Error("an integration of a hub that refuses the token has params")
	}
	if err := i.SetHubToken(t.Context(), hub, h.token); err != nil {
		t.Fatal(err)
	}
	i.enable(hub+"::crm", map[string]string{"api_key": "key-of-the-crm"})
	got, err := i.Params(analyst, hub+"::crm")
	if diff := cmp.Diff(map[string]string{"api_key": "key-of-the-crm"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if err := i.SetHubToken(t.Context(), "9", ""); err == nil {
		t.Error("a hub that does not exist has a token")
	}
}

// A program that runs for long refreshes the states that are due, and stops when it ends.
func TestRefreshEvery(t *testing.T) {
	t.Parallel()
	forms := make(chan struct{}, 1)
	form := respondWith(t, func() string {
		select {
		case forms <- struct{}{}:
		default:
		}
		return `[]`
	})
	list := respond(t, 200, `{"label":"x","integrations":[{"name":"a","label":"A","supported_action_types":["query"],"url":"https://x/","form_url":"`+form.URL+`"}]}`)
	i := newInstance(t, nil)
	id := i.addHub(list.URL, "") + "::a"
	if err := i.SetState(analyst, id, "state-of-the-user", 10*time.Minute); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		i.RefreshEvery(ctx, time.Millisecond)
		close(ended)
	}()
	i.now.Advance(11 * time.Minute)
	<-forms
	cancel()
	<-ended
}
