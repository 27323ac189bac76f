package attack_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"

	"integrationhub.dev/hub/action"
)

// Two hubs stand behind one address under a stream of deliveries: what one seals the other opens,
// and no delivery is lost or doubled, also while one of them is stopped.
func TestTwoHubsBehindOneAddress(t *testing.T) {
	file, cert := certificate(t)
	var mu sync.Mutex
	arrived := map[string]int{}
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		arrived[string(body)]++
	}))
	receiver.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	receiver.StartTLS()
	defer receiver.Close()
	_, port, _ := net.SplitHostPort(receiver.Listener.Addr().String())

	env := map[string]string{
		"ACTION_HUB_CA_FILE": file, "ACTION_HUB_DRAIN_DELAY": "2s",
		"GOOGLE_DRIVE_CLIENT_ID": "drive", "GOOGLE_DRIVE_CLIENT_SECRET": "s3cret",
	}
	one, other := start(t, env), start(t, env)
	behind := &balancer{to: []*process{one, other}}
	both := &process{t: t, url: "http://" + serve(t, behind.pass), token: one.token, log: one.log}

	ctx, stop := context.WithCancel(t.Context())
	var workers sync.WaitGroup
	sent := map[string]bool{}
	for worker := range 4 {
		workers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				data := fmt.Sprintf("n\n%d-%d\n", worker, n)
				got, err := both.deliver(t.Context(), delivery{name: "webhook", form: map[string]string{"url": "https://localhost:" + port + "/x"}, data: data}) //nolint:contextcheck // one that has begun is completed
				if err != nil || !got.Success {
					t.Errorf("delivery %d-%d: %+v, %v", worker, n, got, err)
					return
				}
				mu.Lock()
				sent[data] = true
				mu.Unlock()
			}
		})
	}
	for _, pair := range [][2]*process{{one, other}, {other, one}, {both, both}, {both, both}} {
		pair[0].signInWith(pair[1])
	}
	behind.only(one)
	_ = other.cmd.Process.Signal(syscall.SIGTERM)
	err := <-other.ended
	other.ended <- err
	if err != nil {
		t.Errorf("the hub that was stopped: %v\n%s", err, other.logText())
	}
	both.signInWith(one)
	stop()
	workers.Wait()
	mu.Lock()
	defer mu.Unlock()
	if len(arrived) != len(sent) || len(sent) == 0 {
		t.Errorf("%d different deliveries arrived, %d were answered as delivered", len(arrived), len(sent))
	}
	for data, n := range arrived {
		if n != 1 {
			t.Errorf("%q arrived %d times", data, n)
		}
	}
	t.Logf("%d deliveries", len(sent))
}

// balancer passes connections on to hubs by turns.
type balancer struct {
	mu   sync.Mutex
	to   []*process
	next int
}

// only leaves one hub.
func (b *balancer) only(h *process) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.to = []*process{h}
}

func (b *balancer) pass(from net.Conn) {
	b.mu.Lock()
	h := b.to[b.next%len(b.to)]
	b.next++
	to, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://")) // a hub that was taken out gets no more
	b.mu.Unlock()
	if err != nil {
		return
	}
	defer to.Close()
	go func() { _, _ = io.Copy(to, from) }()
	_, _ = io.Copy(from, to)
}

// ask sends a request, and returns the answer and its body. Redirects are not followed.
func (h *process) ask(method, path, body string, cookies ...*http.Cookie) (*http.Response, string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	h.sign(req)
	for _, c := range cookies {
		req.AddCookie(c)
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res, string(text)
}

// signInWith signs in over two hubs by turns: what each step seals, the other hub opens. There is
// no provider, so the last step says that the sign-in failed, and not that it is invalid.
func (h *process) signInWith(other *process) {
	h.t.Helper()
	const drive, back = "/actions/google_drive/", "https://looker.example.com/signed-in"
	_, text := h.ask(http.MethodPost, drive+"form", `{"data":{"state_redir_url":"`+back+`"}}`)
	var form action.Form
	if err := json.Unmarshal([]byte(text), &form); err != nil || len(form.Fields) == 0 {
		h.t.Fatalf("the form %s: %v", text, err)
	}
	link, err := url.Parse(form.Fields[0].OAuthURL)
	if err != nil {
		h.t.Fatal(err)
	}
	begun, text := other.ask(http.MethodGet, link.RequestURI(), "")
	provider, err := begun.Location()
	if err != nil {
		h.t.Fatalf("the sign-in does not begin: %s %s", begun.Status, text)
	}
	callback := url.Values{"code": {"c0de"}, "state": {provider.Query().Get("state")}}
	ended, text := h.ask(http.MethodGet, drive+"oauth_redirect?"+callback.Encode(), "", begun.Cookies()...)
	looker, err := ended.Location()
	if err != nil || !strings.HasPrefix(looker.String(), back) {
		h.t.Fatalf("the sign-in does not end: %s %s", ended.Status, text)
	}
	grant := looker.Query().Get("state")
	if res, text := other.ask(http.MethodPost, drive+"oauth_token", `{"state":"`+grant+`"}`); res.StatusCode != http.StatusBadGateway ||
		!strings.Contains(text, "The sign-in failed and nothing was stored.") {
		h.t.Errorf("a grant is answered with %s %s", res.Status, text)
	}
	if res, text := other.ask(http.MethodPost, drive+"oauth_token", `{"state":"`+grant[1:]+`"}`); res.StatusCode != http.StatusBadRequest {
		h.t.Errorf("a damaged grant is answered with %s %s", res.Status, text)
	}
}
