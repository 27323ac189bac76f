package hub_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/deliver"
)

// sentryProject records the envelopes that it is sent.
type sentryProject struct {
	*httptest.Server
	mu        sync.Mutex
	envelopes []string
}

func newSentryProject(t *testing.T) *sentryProject {
	t.Helper()
	p := &sentryProject{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			if z, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
				body, _ = io.ReadAll(z)
			}
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.envelopes = append(p.envelopes, r.URL.Path+"\n"+string(body))
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *sentryProject) dsn() string {
	return strings.Replace(p.URL, "http://", "http://public@", 1) + "/7"
}

// event is what a test looks at.
type event struct {
	Transaction, Release, Environment string
	Tags                              map[string]string
	Exception                         []struct {
		Type, Value string
		Stacktrace  struct{ Frames []struct{ Function string } }
	}
	raw string
}

func (p *sentryProject) events(t *testing.T) []event {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var events []event
	for _, envelope := range p.envelopes {
		for line := range strings.Lines(envelope) {
			if !strings.Contains(line, `"exception"`) {
				continue
			}
			e := event{raw: envelope}
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			events = append(events, e)
		}
	}
	return events
}

// Bugs are reported, with nothing of what they were about; what others do wrong is not.
func TestBugsAreReported(t *testing.T) {
	t.Parallel()
	const secret = "s3cret"
	p := newSentryProject(t)
	name := "ACTION_HUB_RAVEN_DSN" // the reference's
	h := runHub(t, map[string]string{name: p.dsn(), "SENTRY_ENVIRONMENT": "staging"},
		made("crash", func(_ context.Context, _ action.Deps, r *action.Request) error {
			var none []string
			_ = none[len(r.Params["key"])]
			return nil
		}),
		made("panic", func(_ context.Context, _ action.Deps, r *action.Request) error {
			panic("what to do with " + r.Params["key"] + "?")
		}),
		made("batch", func(ctx context.Context, _ action.Deps, r *action.Request) error { // on another goroutine
			items := func(yield func(int, error) bool) { yield(1, nil) }
			return deliver.Batches(ctx, items, deliver.Options[int]{Size: 1}, func(context.Context, []int) error {
				panic("what to do with " + r.Params["key"] + "?")
			}).Err("rows")
		}),
		made("unforeseen", func(_ context.Context, _ action.Deps, r *action.Request) error {
			_, err := strconv.Atoi(r.Params["key"])
			return fmt.Errorf("reading %s: %w", r.Params["key"], errors.Join(err, io.EOF))
		}),
		made("foreseen", func(_ context.Context, _ action.Deps, r *action.Request) error {
			return action.Errorf(action.Unavailable, "There is closed to %s.", r.Params["key"])
		}),
	)
	body := `{"type":"query","data":{"key":"` + secret + `"},"scheduled_plan":{"title":"` + secret + `","url":"https://looker.example.com/` + secret + `"}}`
	for _, name := range []string{"crash", "panic", "batch", "unforeseen", "foreseen"} {
		h.post("/actions/"+name+"/execute?q="+secret, body, "X-Looker-Webhook-Id", secret, "X-Looker-Instance", secret, "X-Other", secret, "Cookie", "c="+secret)
	}
	h.post("/actions/crash/execute", `{`)                              // not JSON
	h.post("/actions/crash/execute", `{"type":"query"}`)               // lacks a setting
	h.post("/actions/crash/execute", body, "Authorization", "Token x") // not Looker
	if err := h.stop(); err != nil {                                   // sends what has not been sent yet
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range p.events(t) {
		if !slices.ContainsFunc(h.log.lines(t, "request"), func(l map[string]any) bool { return l["request_id"] == e.Tags["request_id"] }) {
			t.Errorf("nothing in the log has the request_id of %v", e.Tags)
		}
		if e.Transaction != "/actions/{name}/execute" {
			t.Errorf("reported for the transaction %q", e.Transaction)
		}
		if e.Release != "integration-hub@v1.2.3" || e.Environment != "staging" {
			t.Errorf("reported for %q in %q", e.Release, e.Environment)
		}
		if len(e.Tags) != 2 {
			t.Errorf("tags %v, want the request's ID and the integration only", e.Tags)
		}
		where := "nowhere"
		if frames := e.Exception[0].Stacktrace.Frames; len(frames) > 0 {
			where = frames[len(frames)-1].Function
		}
		got[e.Tags["integration"]] = e.Exception[0].Type + ": " + e.Exception[0].Value + " in " + where
	}
	want := map[string]string{
		"crash":      "panic: runtime error: index out of range [6] with length 0 in TestBugsAreReported.func1",
		"panic":      "panic: string in TestBugsAreReported.func2",
		"batch":      "panic: string in TestBugsAreReported.func3.2",
		"unforeseen": "*errors.errorString: *fmt.wrapError: *errors.joinError: *strconv.NumError: *errors.errorString: *errors.errorString in nowhere",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	for _, envelope := range p.envelopes {
		if !strings.HasPrefix(envelope, "/api/7/") || strings.Contains(envelope, secret) || strings.Contains(envelope, goodToken[:32]) {
			t.Errorf("the project was sent %s", envelope)
		}
	}
	if log := h.log.String(); !strings.Contains(log, "hub/sentry_test.go") {
		t.Errorf("the log does not say where it panicked:\n%s", log)
	}
}

// An address that is none is refused, and not quoted: it is a credential.
func TestBadSentryDSN(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(map[string]string{
		"ACTION_HUB_BASE_URL": "http://localhost", "ACTION_HUB_LABEL": "x", "ACTION_HUB_SECRET": serviceSecret, "SENTRY_DSN": "s3cret:\x7f",
	})
	if err != nil {
		t.Fatal(err)
	}
	err = hub.Run(t.Context(), hub.Options{Config: cfg, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "SENTRY_DSN") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the hub ended with %v", err)
	}
}
