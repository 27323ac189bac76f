package hub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"integrationhub.dev/hub/action"
)

const delivery = `{"type":"query","data":{"key":"k"},"attachment":{"mimetype":"application/json","extension":"json","data":"{\"fields\":{\"dimensions\":[{\"name\":\"a\"}]},\"data\":[{\"a\":{\"value\":1}},{\"a\":{\"value\":2}},{\"a\":{\"value\":3}}]}"}}`

// So many deliveries run, so many wait, the next one is refused, and all that were taken in
// are delivered.
func TestDeliveriesAreBounded(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}, 10), make(chan struct{})
	s := newServer(t, map[string]string{"ACTION_HUB_MAX_DELIVERIES": "1", "ACTION_HUB_MAX_QUEUED_DELIVERIES": "1"},
		entry(&fake{definition: definition("a"), execute: func(context.Context, *action.Request) (*action.Response, error) {
			started <- struct{}{}
			<-release
			return &action.Response{}, nil
		}}))
	var wg sync.WaitGroup
	answers := make(chan string, 2)
	// The first is running; the second has sent its headers, and so has its place, but not yet its body.
	wg.Go(func() {
		_, body := s.post("/actions/a/execute", delivery)
		answers <- body
	})
	<-started
	body, send := io.Pipe()
	wg.Go(func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/actions/a/execute", body)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Authorization", `Token token="`+goodToken+`"`)
		req.Header.Set("Expect", "100-continue")
		res, err := (&http.Transport{ExpectContinueTimeout: time.Minute, DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answers <- string(b)
	})
	// The client sends no byte of it before the hub asks for the body.
	if _, err := io.WriteString(send, delivery[:len(delivery)-1]); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/actions/a/execute", strings.NewReader(delivery))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", `Token token="`+goodToken+`"`)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !strings.Contains(string(b), "Try again later.") {
		t.Errorf("the third was returned %d %s", res.StatusCode, b)
	}
	if _, err := io.WriteString(send, delivery[len(delivery)-1:]); err != nil {
		t.Fatal(err)
	}
	_ = send.Close()
	close(release)
	wg.Wait()
	for range 2 {
		if got := <-answers; !strings.Contains(got, `"success":true`) {
			t.Errorf("answered %s", got)
		}
	}
}

// A delivery whose turn does not come in time is answered as a failure, not left waiting.
func TestTurnDoesNotCome(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}), make(chan struct{})
	s := newServer(t, map[string]string{"ACTION_HUB_MAX_DELIVERIES": "1", "ACTION_HUB_DELIVERY_TIMEOUT": "100ms"},
		entry(&fake{definition: definition("a"), execute: func(context.Context, *action.Request) (*action.Response, error) {
			close(started)
			<-release
			return &action.Response{}, nil
		}}))
	var wg sync.WaitGroup
	wg.Go(func() { s.post("/actions/a/execute", delivery) })
	<-started
	status, got := s.post("/actions/a/execute", delivery)
	if status != http.StatusOK || !strings.Contains(got, `"success":false`) || !strings.Contains(got, "too busy") {
		t.Errorf("%d %s", status, got)
	}
	close(release)
	wg.Wait()
}

func TestRowsAreBounded(t *testing.T) {
	t.Parallel()
	for most, want := range map[string]struct {
		rows    int
		problem string
	}{
		"0": {3, ""}, "3": {3, ""}, "2": {2, "The result has more rows than this hub delivers (2)."},
	} {
		t.Run(most, func(t *testing.T) {
			t.Parallel()
			rows := 0
			s := newServer(t, map[string]string{"ACTION_HUB_MAX_ROWS": most},
				entry(&fake{definition: definition("a"), execute: func(ctx context.Context, req *action.Request) (*action.Response, error) {
					table, err := req.Data.Table(ctx)
					if err != nil {
						return nil, err
					}
					for _, err := range table.Rows() {
						if err != nil {
							return nil, err
						}
						rows++
					}
					return &action.Response{}, nil
				}}))
			_, body := s.post("/actions/a/execute", delivery)
			var got struct {
				Looker struct {
					Success bool
					Message string
				}
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}
			if rows != want.rows || got.Looker.Message != want.problem || got.Looker.Success != (want.problem == "") {
				t.Errorf("%d rows, %s", rows, body)
			}
		})
	}
}

// Forms have places of their own, so that many of them, or a queue of deliveries, do not keep
// the others out.
func TestFormsAreBounded(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}), make(chan struct{})
	d := definition("a")
	d.Params = nil
	s := newServer(t, map[string]string{"ACTION_HUB_MAX_FORMS": "1"},
		entry(withForm{&fake{definition: d, form: func(context.Context, *action.Request) (*action.Form, error) {
			started <- struct{}{}
			<-release
			return &action.Form{}, nil
		}}}))
	var wg sync.WaitGroup
	wg.Go(func() {
		if status, body := s.post("/actions/a/form", "{}"); status != http.StatusOK || !strings.Contains(body, `"fields":[]`) {
			t.Errorf("the first form: %d %s", status, body)
		}
	})
	<-started
	if status, body := s.post("/actions/a/form", "{}"); status != http.StatusServiceUnavailable || !strings.Contains(body, "Try again later.") {
		t.Errorf("a second form: %d %s", status, body)
	}
	close(release)
	wg.Wait()
}

// Settings are bounded as a whole, in a request and in all of them.
func TestSettingsAreBounded(t *testing.T) {
	t.Parallel()
	d := definition("a")
	d.Params = nil
	s := newServer(t, nil, entry(withForm{&fake{definition: d, form: func(context.Context, *action.Request) (*action.Form, error) {
		return &action.Form{}, nil
	}}}))
	mb := strings.Repeat("x", 1<<20)
	for name, tt := range map[string]struct {
		body   string
		status int
	}{
		"three parts":         {`{"state":"` + mb + `","data":{"a":"` + mb + `"},"form_params":{"a":"` + mb + `"}}`, 200},
		"five parts":          {`{"state":"` + mb + `","state_url":"` + mb + `","data":{"a":"` + mb + `"},"form_params":{"a":"` + mb + `"},"scheduled_plan":{"title":"` + mb + `"}}`, 413},
		"one over and over":   {`{"state":"` + strings.Join([]string{mb, mb, mb, mb, mb}, `","state":"`) + `"}`, 413},
		"parts of attachment": {`{"attachment":{"mimetype":"` + mb + mb + mb + `","extension":"` + mb + mb + `"}}`, 413},
		"very many fields":    {`{"form_params":{"a":1` + strings.Repeat(`,"a":1`, 20_000) + `}}`, 413},
	} {
		if status, body := s.post("/actions/a/form", tt.body); status != tt.status {
			t.Errorf("%s: %d %.200s", name, status, body)
		}
	}
}

// Something before the hub may take another length for a request in chunks: what follows on the
// connection is not trusted.
func TestConnectionEndsAfterChunks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, entry(&fake{definition: definition("a"), execute: ok}))
		body := strings.ReplaceAll(delivery, "\n", "")
		c.say(executeHead + "Authorization: Token token=\"" + goodToken + "\"\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" +
			fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body))
		if status, answer := c.answer(t); status != http.StatusOK {
			t.Errorf("answer %d %s", status, answer)
		}
		<-c.hung
	})
}
