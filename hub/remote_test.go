package hub_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/action/actiontest"
)

const query = `{"type":"query","scheduled_plan":{"download_url":"https://looker.example.com/once?token=x","query":{"kept":[1]}},"data":{"state_json":"{\"cid\":\"x\"}"}}`

// A delivery reaches the upstream unchanged, with the upstream's token, and the outcome reaches Looker.
func TestRemoteDelivery(t *testing.T) {
	t.Parallel()
	up := newReference(t)
	s := before(t, nil, upstreamConfig(t, up.Server, upstreamToken))
	const outcome = `{"looker":{"message":"Stored <it>.","refresh_query":true,"success":true,"validation_errors":{},"state":{"data":"{\"cid\":\"x\",\"payload\":\"y\"}","refreshTime":600}}}`
	up.answer = says("\n\n" + outcome)
	for name, chunked := range map[string]bool{"chunked": true, "with its length": false} {
		var body io.Reader = strings.NewReader(query)
		if chunked {
			body = io.MultiReader(body) // net/http does not see its length
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/actions/old_files/execute", body)
		if err != nil {
			t.Fatal(err)
		}
		for header, value := range map[string]string{
			"Authorization": `Token token="` + goodToken + `"`, "User-Agent": "LookerOutgoingWebhook/24.20.41", "Content-Type": "application/json; charset=utf-8",
			"X-Looker-Webhook-Id": "wh-1", "X-Looker-Instance": "in-1", "Cookie": "c=1",
		} {
			req.Header.Set(header, value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body) // a broken body is not the expected one
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || string(got) != outcome {
			t.Errorf("%s: %d %s", name, res.StatusCode, got)
		}
		length := int64(len(query))
		if chunked {
			length = -1
		}
		passed := up.last()
		if agent := action.ParseUserAgent(passed.Agent); agent != action.V(24, 20, 41) {
			t.Errorf("%s: the upstream sees Looker %s", name, agent)
		}
		passed.Agent = ""
		if diff := cmp.Diff(passedRequest{
			Method: "POST", Path: "/actions/files/execute", Token: `Token token="` + upstreamToken + `"`, Webhook: "wh-1", Instance: "in-1",
			Body: query, Length: length,
		}, passed); diff != "" {
			t.Errorf("%s: the upstream's request (-want +got):\n%s", name, diff)
		}
	}
}

// Whatever an upstream does, a delivery is reported as a success only if the upstream confirmed it completely.
func TestRemoteFailures(t *testing.T) {
	t.Parallel()
	const doubt = " The data may already have been delivered. Check before retrying."
	const confirmed = `{"looker":{"success":true,"refresh_query":false,"validation_errors":{}}}`
	status := func(code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, text)
		}
	}
	hangUp := func(text string, length int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if length > 0 {
				w.Header().Set("Content-Length", fmt.Sprint(length))
			}
			_, _ = io.WriteString(w, text)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	}
	for name, tt := range map[string]struct {
		answer  http.HandlerFunc
		message string
		code    int
	}{
		"success and hang-up, chunked":        {hangUp(confirmed, 0), "The connection to Action Hub legacy failed." + doubt, 503},
		"success and hang-up, Content-Length": {hangUp(confirmed, 1000), "The connection to Action Hub legacy failed." + doubt, 503},
		"killed before an answer":             {hangUp("", 0), "The connection to Action Hub legacy failed." + doubt, 503},
		"killed within the answer":            {hangUp(`{"looker":{"success":tr`, 0), "The connection to Action Hub legacy failed." + doubt, 503},
		"half an answer":                      {says(`{"looker":{"success":true}`), "Unexpected response from Action Hub legacy." + doubt, 503},
		"two answers":                         {says(confirmed + confirmed), "Unexpected response from Action Hub legacy." + doubt, 503},
		"no outcome":                          {says(`{"success":true}`), "Unexpected response from Action Hub legacy." + doubt, 503},
		"no success":                          {says(`{"looker":{"message":"x"}}`), "Unexpected response from Action Hub legacy." + doubt, 503},
		"success as text":                     {says(`{"looker":{"success":"true"}}`), "Unexpected response from Action Hub legacy." + doubt, 503},
		"nothing":                             {says(""), "Unexpected response from Action Hub legacy." + doubt, 503},
		"only newlines":                       {says("\n\n\n"), "Unexpected response from Action Hub legacy." + doubt, 503},
		"a web page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, confirmed)
		}, "Unexpected response from Action Hub legacy." + doubt, 503},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			for _, err := io.WriteString(w, `{"looker":{"success":true,"message":"`); err == nil; {
				_, err = io.WriteString(w, strings.Repeat("x", 64<<10))
			}
		}, "The response from Action Hub legacy is too large." + doubt, 503},
		"endless newlines": {func(w http.ResponseWriter, _ *http.Request) {
			for _, err := io.WriteString(w, "\n"); err == nil; {
				_, err = io.WriteString(w, strings.Repeat("\n", 64<<10))
			}
		}, "The response from Action Hub legacy is too large." + doubt, 503},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, "Action Hub legacy returned 307 Temporary Redirect.", 400},
		"not delivered": {
			status(404, `{"success":false,"error":"Required setting \"Key\" not specified in action settings."}`),
			`Action Hub legacy returned an error: Required setting "Key" not specified in action settings.`, 400,
		},
		"broken integration": {status(500, `{"success":false,"error":"Internal server error."}`), "Action Hub legacy returned an error: Internal server error." + doubt, 503},
		"too large":          {status(413, "<html>"), "Action Hub legacy returned 413 Request Entity Too Large.", 413},
		"at its limit":       {status(503, `{"success":false,"error":"Busy."}`), "Action Hub legacy returned an error: Busy.", 503},
		"another token":      {status(401, upstreamToken), "Action Hub legacy rejected this hub's token. Ask the hub's administrator.", 401},
		"a quoted token":     {status(400, `{"error":"x `+upstreamToken+` y"}`), "Action Hub legacy returned an error: x … y", 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := newReference(t)
			up.answer = tt.answer
			s := before(t, nil, upstreamConfig(t, up.Server, upstreamToken))
			code, body := s.post("/actions/old_rows/execute", query)
			var got struct {
				Looker struct {
					Success bool
					Message string
					Error   struct {
						HTTPCode int `json:"http_code"`
					}
				}
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil || code != http.StatusOK {
				t.Fatalf("%d %s: %v", code, body, err)
			}
			if got.Looker.Success {
				t.Error("it is reported as a success")
			}
			if got.Looker.Message != tt.message || got.Looker.Error.HTTPCode != tt.code {
				t.Errorf("message %q of code %d, want %q of %d", got.Looker.Message, got.Looker.Error.HTTPCode, tt.message, tt.code)
			}
		})
	}
}

// The upstream's own failures and secrets in its messages.
func TestRemoteOutcome(t *testing.T) {
	t.Parallel()
	up := newReference(t)
	s := before(t, nil, upstreamConfig(t, up.Server, upstreamToken))
	up.answer = says(`{"looker":{"success":false,"message":"No, ` + upstreamToken + `.","validation_errors":{"a":"b"},"state":{"data":"reset"}}}`)
	_, body := s.post("/actions/old_rows/execute", query)
	if want := `{"looker":{"success":false,"message":"No, ….","validation_errors":{"a":"b"},"state":{"data":"reset"}}}`; body != want {
		t.Errorf("outcome %s, want %s", body, want)
	}
}

// A request that ends early never looks complete to the upstream.
func TestRemoteTruncated(t *testing.T) {
	t.Parallel()
	for name, framing := range map[string]string{
		"chunked":        "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n", len(query), query),
		"Content-Length": fmt.Sprintf("Content-Length: %d\r\n\r\n", len(query)+1) + query,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := newReference(t)
			ended := make(chan struct{}, 1)
			up.answer = func(http.ResponseWriter, *http.Request) { t.Error("the upstream took a part for the whole") }
			inner := up.Config.Handler
			up.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				inner.ServeHTTP(w, r)
				if r.URL.Path != "/" {
					ended <- struct{}{}
				}
			})
			s := before(t, nil, upstreamConfig(t, up.Server, upstreamToken))
			c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.WriteString(c, "POST /actions/old_rows/execute HTTP/1.1\r\nHost: hub\r\nAuthorization: Token token=\""+goodToken+"\"\r\n"+framing)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			answer, _ := io.ReadAll(c) // the connection is closed after the answer
			_ = c.Close()
			<-ended
			if got := up.last(); got.Err == nil || !strings.HasPrefix(query, got.Body) {
				t.Errorf("the upstream read %q with error %v", got.Body, got.Err)
			}
			if !bytes.Contains(answer, []byte("400 Bad Request")) {
				t.Errorf("answer %s", answer)
			}
		})
	}
}

// An upstream that refuses a request early gets no more of it, and Looker gets the answer.
func TestRemoteEarlyAnswer(t *testing.T) {
	t.Parallel()
	up := newReference(t)
	up.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			up.serve(w, r)
			return
		}
		_, _ = r.Body.Read(make([]byte, 1)) // it only has to begin
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	s := before(t, nil, upstreamConfig(t, up.Server, upstreamToken))
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// Less than the hub would wait for the rest of the body.
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(c, "POST /actions/old_rows/execute HTTP/1.1\r\nHost: hub\r\nAuthorization: Token token=\""+goodToken+"\"\r\n"+
		"Transfer-Encoding: chunked\r\n\r\n10\r\n{\"type\":\"query\",\r\n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Contains(got, []byte("Action Hub legacy returned 413 Request Entity Too Large.")) {
		t.Errorf("answer %s, %v", got, err)
	}
}

// A request beyond the hub's limit is not completed at the upstream.
func TestRemoteBodyLimit(t *testing.T) {
	t.Parallel()
	up := newReference(t)
	up.answer = func(http.ResponseWriter, *http.Request) { t.Error("the upstream took a part for the whole") }
	s := before(t, map[string]string{"ACTION_HUB_MAX_BODY_BYTES": "20"}, upstreamConfig(t, up.Server, upstreamToken))
	for _, path := range []string{"execute", "form"} {
		if status, body := s.post("/actions/old_rows/"+path, query); status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// A large request passes without being held in memory or in the spool, and a slow answer keeps Looker's
// connection alive.
func TestRemoteLargeAndSlow(t *testing.T) {
	t.Parallel()
	const size = 200 << 20
	up := newReference(t)
	var heap, start atomic.Uint64
	release := make(chan struct{})
	up.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			up.serve(w, r)
			return
		}
		n, err := io.CopyN(io.Discard, r.Body, size/2)
		heap.Store(actiontest.LiveHeap())
		rest, err2 := io.Copy(io.Discard, r.Body)
		if err := errors.Join(err, err2); err != nil || n+rest != size {
			t.Errorf("%d bytes: %v", n+rest, err)
		}
		_, _ = io.WriteString(w, "\n")
		_ = http.NewResponseController(w).Flush()
		<-release
		_, _ = io.WriteString(w, `{"looker":{"success":true}}`)
	})
	s := before(t, map[string]string{"ACTION_HUB_JSON_KEEPALIVE_SEC": "1", "ACTION_HUB_SPOOL_BYTES": "1"}, upstreamConfig(t, up.Server, upstreamToken))
	start.Store(actiontest.LiveHeap())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/actions/old_rows/execute", io.LimitReader(spaces{}, size))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", `Token token="`+goodToken+`"`)
	res, err := http.DefaultClient.Do(req) // answers with the first newline
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	if line != "\n" || err != nil {
		t.Errorf("before the answer: %q, %v", line, err)
	}
	close(release)
	rest, err := io.ReadAll(res.Body)
	if err != nil || strings.TrimSpace(string(rest)) != `{"looker":{"success":true}}` {
		t.Errorf("answer %q, %v", rest, err)
	}
	if grown := int64(heap.Load()) - int64(start.Load()); grown > 32<<20 {
		t.Errorf("the heap grew by %d MB in the middle of the request", grown>>20)
	}
}

// spaces is an endless reader.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// Forms, token exchanges and checks pass in the same way.
func TestRemoteForms(t *testing.T) {
	t.Parallel()
	up := newReference(t)
	s := before(t, nil, upstreamConfig(t, up.Server, upstreamToken))
	for name, tt := range map[string]struct {
		method, path, passed string
		answer               http.HandlerFunc
		status               int
		want                 string
	}{
		"form":          {"POST", "form", "form", says("\n" + `{"fields":[{"name":"a"}],"state":{}}`), 200, `{"fields":[{"name":"a"}],"state":{}}`},
		"form as array": {"POST", "form", "form", says(`[{"name":"a"}]`), 200, `[{"name":"a"}]`},
		"form error":    {"POST", "form", "form", says(`{"error":"No."}`), 200, `{"error":"No."}`},
		"no form": {"POST", "form", "form", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"success":false,"error":"No form defined for action."}`)
		}, 200, `{"error":"Action Hub legacy returned an error: No form defined for action."}`},
		"form as page":  {"POST", "form", "form", says("<html>"), 200, `{"error":"Unexpected response from Action Hub legacy."}`},
		"form as text":  {"POST", "form", "form", says(`"x"`), 200, `{"error":"Unexpected response from Action Hub legacy."}`},
		"tokens":        {"POST", "oauth_token", "oauth_token", says(`{"tokens":{"a":"b"},"redirect":"c"}`), 200, `{"tokens":{"a":"b"},"redirect":"c"}`},
		"no tokens":     {"POST", "oauth_token", "oauth_token", says(`null`), 502, `{"success":false,"error":"The sign-in failed and nothing was stored. Unexpected response from Action Hub legacy."}`},
		"signed in":     {"GET", "oauth_check", "oauth_check", says("true"), 200, "true"},
		"not signed in": {"GET", "oauth_check", "oauth_check", says("false"), 200, "false"},
		"no check":      {"GET", "oauth_check", "oauth_check", says("<html>"), 502, `{"success":false,"error":"Unexpected response from Action Hub legacy."}`},
	} {
		up.answer = tt.answer
		status, body := s.ask(tt.method, "/actions/old_files/"+tt.path, query)
		if status != tt.status || body != tt.want {
			t.Errorf("%s: %d %s, want %d %s", name, status, body, tt.status, tt.want)
		}
		if got := up.last(); got.Path != "/actions/files/"+tt.passed || got.Body != query || got.Token != `Token token="`+upstreamToken+`"` {
			t.Errorf("%s: passed %+v", name, got)
		}
	}
	for method, path := range map[string]string{"POST": "oauth_token", "GET": "oauth_check"} { // the reference would never answer
		requests := len(up.requests)
		if status, body := s.ask(method, "/actions/old_rows/"+path, query); status != http.StatusNotFound {
			t.Errorf("%s without OAuth: %d %s", path, status, body)
		}
		if len(up.requests) != requests {
			t.Errorf("%s without OAuth was passed", path)
		}
	}
}

// A new token is used with the next request, also while the list cannot be fetched.
func TestRemoteTokenRotation(t *testing.T) {
	t.Parallel()
	up := newReference(t)
	up.answer = says(`{"looker":{"success":true}}`)
	c := upstreamConfig(t, up.Server, upstreamToken)
	s := before(t, nil, c)
	for _, tt := range []struct{ token, want string }{
		{"0011223344/an-outdated-token", "rejected this hub's token"}, {upstreamToken + "\n", `{"looker":{"success":true}}`}, {"", "token for Action Hub legacy is not available"},
	} {
		if err := os.WriteFile(c.TokenFile, []byte(tt.token), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, body := s.post("/actions/old_rows/execute", query); !strings.Contains(body, tt.want) {
			t.Errorf("with token %q: %s", tt.token, body)
		}
	}
}

// An upstream of our own kind: its list, form, deliveries and their failures.
func TestRemoteOfOurKind(t *testing.T) {
	t.Parallel()
	rows := make(chan string, 10)
	d := definition("sink")
	other := &fake{
		definition: d,
		form: func(context.Context, *action.Request) (*action.Form, error) {
			return &action.Form{Fields: []action.Field{{Name: "a", Label: "A"}}}, nil
		},
		execute: func(ctx context.Context, req *action.Request) (*action.Response, error) {
			r, err := req.Data.Open(ctx)
			if err != nil {
				return nil, err
			}
			defer r.Close()
			text, err := io.ReadAll(r)
			rows <- string(text)
			if req.Form["fail"] != "" {
				return nil, action.Errorf(action.RateLimited, "Slow down.")
			}
			return &action.Response{Message: "Stored."}, err
		},
	}
	up := httptest.NewTLSServer(newHandler(t, nil, entry(withForm{other})))
	defer up.Close()
	s := before(t, nil, upstreamConfig(t, up, goodToken))
	if status, body := s.post("/actions/old_sink", ""); status != 200 || !strings.Contains(body, `"url":"https://hub.example.com/actions/old_sink/execute"`) {
		t.Errorf("definition: %d %s", status, body)
	}
	if status, body := s.post("/actions/old_sink/form", `{"data":{"key":"k"}}`); status != 200 || body != `{"fields":[{"name":"a","label":"A"}]}` {
		t.Errorf("form: %d %s", status, body)
	}
	const push = `{"type":"query","data":{"key":"k"},"form_params":{"fail":%q},"attachment":{"mimetype":"text/csv;base64","extension":"csv","data":"YSxiCjEsMgo="}}`
	if _, body := s.post("/actions/old_sink/execute", fmt.Sprintf(push, "")); body != `{"looker":{"message":"Stored.","refresh_query":false,"success":true,"validation_errors":{}}}` {
		t.Errorf("outcome %s", body)
	}
	if got := <-rows; got != "a,b\n1,2\n" {
		t.Errorf("delivered %q", got)
	}
	_, body := s.post("/actions/old_sink/execute", fmt.Sprintf(push, "yes"))
	if !strings.Contains(body, `"success":false`) || !strings.Contains(body, `"http_code":429`) || !strings.Contains(body, `"message":"Slow down."`) {
		t.Errorf("failure %s", body)
	}
	if status, body := s.post("/actions/old_sink/execute", `{"type":"cell"}`); status != 200 || !strings.Contains(body, `Action Hub legacy returned an error: This action does not support requests of type`) {
		t.Errorf("an unsupported type: %d %s", status, body)
	}
}

// An upstream that is down keeps this hub neither from starting nor from serving.
func TestRemoteDown(t *testing.T) {
	t.Parallel()
	up := newReference(t)
	up.answer = says(`{"looker":{"success":true}}`)
	c := upstreamConfig(t, up.Server, upstreamToken)
	upstreams, err := json.Marshal([]any{c, map[string]string{"name": "gone", "url": "https://127.0.0.1:1", "tokenFile": c.TokenFile, "prefix": "gone_"}})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	h := runHub(t, map[string]string{"ACTION_HUB_UPSTREAMS": string(upstreams)}, entry(&fake{definition: definition("own"), execute: ok}))
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("the start took %s", took)
	}
	_, list := h.post("/", "")
	for _, name := range []string{"own", "old_rows", "old_files"} {
		if !strings.Contains(list, `"name":"`+name+`"`) {
			t.Errorf("%s is not in the list %s", name, list)
		}
	}
	if status, body := h.post("/actions/old_rows/execute", query); status != 200 || !strings.Contains(body, `"success":true`) {
		t.Errorf("delivery: %d %s", status, body)
	}
	if status, body := h.post("/actions/gone_x/execute", query); status != http.StatusServiceUnavailable || !strings.Contains(body, "Action Hub gone, which has not responded yet") {
		t.Errorf("an integration of the hub that is down: %d %s", status, body)
	}
	if status, _ := h.post("/actions/none/execute", query); status != http.StatusNotFound {
		t.Errorf("an unknown integration: %d", status)
	}
	up.Close()
	if status, body := h.post("/actions/old_rows/execute", query); status != 200 || !strings.Contains(body, "The connection to Action Hub legacy failed.") || strings.Contains(body, "may already") {
		t.Errorf("delivery to a hub that went down: %d %s", status, body)
	}
	_, metrics := h.adminGet("/metrics")
	for _, want := range []string{
		`integrationhub_deliveries_total{integration="old_rows",outcome="delivered"} 1`, `integrationhub_deliveries_total{integration="old_rows",outcome="unavailable"} 1`,
		`integrationhub_upstream_list_timestamp_seconds{upstream="gone"} 0`, `integrationhub_outbound_requests_total{integration="old_rows",outcome="ok",peer="upstream"} 1`,
		`integrationhub_data_bytes_total{integration="old_rows"} ` + fmt.Sprint(len(query)),
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// An upstream that accepts connections and never answers delays the start by seconds at most.
func TestRemoteHangs(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	up := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer up.Close()
	defer close(release)
	upstreams, err := json.Marshal([]any{upstreamConfig(t, up, upstreamToken)})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	h := runHub(t, map[string]string{"ACTION_HUB_UPSTREAMS": string(upstreams)}, entry(&fake{definition: definition("own"), execute: ok}))
	if took := time.Since(start); took > 20*time.Second { // less than the time that a list may take
		t.Errorf("the start took %s", took)
	}
	if _, list := h.post("/", ""); !strings.Contains(list, `"name":"own"`) {
		t.Errorf("list %s", list)
	}
	if status, body := h.post("/actions/old_rows/form", "{}"); status != http.StatusServiceUnavailable || !strings.Contains(body, "has not responded yet") {
		t.Errorf("an integration of the hub that hangs: %d %s", status, body)
	}
}
