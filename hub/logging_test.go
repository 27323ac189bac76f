package hub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
)

// made is an entry whose integration is made with what the hub gives it.
func made(name string, execute func(context.Context, action.Deps, *action.Request) error) hub.Entry {
	return hub.Entry{Name: name, New: func(d action.Deps) (action.Integration, error) {
		return &fake{definition: definition(name), execute: func(ctx context.Context, r *action.Request) (*action.Response, error) {
			return nil, execute(ctx, d, r)
		}}, nil
	}}
}

// Every line that an integration writes says which delivery it belongs to.
func TestLogKnowsItsDelivery(t *testing.T) {
	t.Parallel()
	h := runHub(t, nil, made("a", func(ctx context.Context, d action.Deps, _ *action.Request) error {
		d.Log.InfoContext(ctx, "half way", "rows", 7)
		d.Log.With("attempt", 2).WithGroup("detail").DebugContext(context.WithoutCancel(ctx), "cleaning up")
		return action.Errorf(action.Unavailable, "It is closed.")
	}))
	h.post("/actions/a/execute", `{"type":"query","data":{"key":"k"}}`, "X-Looker-Webhook-Id", "wh-7", "X-Looker-Instance", "inst-1")
	h.post("/actions/a/execute", `{"type":"query","data":{"key":"k"}}`)
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	ids := map[any]int{}
	pick := func(line map[string]any, keys ...string) string {
		var b strings.Builder
		for _, k := range keys {
			fmt.Fprintf(&b, "%s=%v ", k, line[k])
		}
		return strings.TrimSpace(b.String())
	}
	for _, message := range []string{"half way", "request"} {
		lines := h.log.lines(t, message)
		if len(lines) != 2 {
			t.Fatalf("%d lines say %q", len(lines), message)
		}
		for i, want := range []string{"integration=a webhook_id=wh-7 instance_id=inst-1 trace_id=<nil>", "integration=a webhook_id=<nil> instance_id=<nil> trace_id=<nil>"} {
			if got := pick(lines[i], "integration", "webhook_id", "instance_id", "trace_id"); got != want {
				t.Errorf("%q: %s, want %s", message, got, want)
			}
			ids[lines[i]["request_id"]]++
		}
	}
	if len(ids) != 2 || ids[nil] != 0 {
		t.Errorf("request ids of two requests with two lines each: %v", ids)
	}
	if got := h.log.lines(t, "cleaning up")[0]["detail"].(map[string]any)["webhook_id"]; got != "wh-7" {
		t.Errorf("a line with groups belongs to %v", got)
	}
	end := h.log.lines(t, "request")[0]
	if got := pick(end, "level", "route", "status", "outcome", "error"); got != "level=ERROR route=/actions/{name}/execute status=200 outcome=unavailable error=It is closed." {
		t.Errorf("the delivery's line: %s", got)
	}
	if n := strings.Count(h.log.String(), `"integration":"a"`); n != 6 {
		t.Errorf("six lines name the integration %d times:\n%s", n, h.log)
	}
}

func TestLogLevelAndFormat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		env        map[string]string
		debug      bool
		begins     string
		refusedFor string
	}{
		{name: "by default", begins: `{"time":`},
		{name: "the reference's switch", env: map[string]string{"ACTION_HUB_DEBUG": "1"}, debug: true, begins: "{"},
		{name: "the reference's switch, any word", env: map[string]string{"ACTION_HUB_DEBUG": "yes"}, debug: true, begins: "{"},
		{name: "the reference's switch, off", env: map[string]string{"ACTION_HUB_DEBUG": "false"}, begins: "{"},
		{name: "our name wins", env: map[string]string{"ACTION_HUB_DEBUG": "1", "ACTION_HUB_LOG_LEVEL": "info"}, begins: "{"},
		{name: "debug as text", env: map[string]string{"ACTION_HUB_LOG_LEVEL": "debug", "ACTION_HUB_LOG_FORMAT": "text"}, debug: true, begins: "time="},
		{name: "no level", env: map[string]string{"ACTION_HUB_LOG_LEVEL": "loud"}, refusedFor: "loud"},
		{name: "no format", env: map[string]string{"ACTION_HUB_LOG_FORMAT": "xml"}, refusedFor: "ACTION_HUB_LOG_FORMAT must be json or text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"ACTION_HUB_BASE_URL": "http://localhost", "ACTION_HUB_LABEL": "x", "ACTION_HUB_SECRET": serviceSecret}
			maps.Copy(env, tt.env)
			c, err := config.Load(env)
			if tt.refusedFor != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refusedFor) {
					t.Fatalf("read with %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			log := hub.NewLogger(&b, c)
			log.Info("x")
			if !strings.HasPrefix(b.String(), tt.begins) || log.Enabled(t.Context(), slog.LevelDebug) != tt.debug {
				t.Errorf("debug is %v, a line is %s", log.Enabled(t.Context(), slog.LevelDebug), b.String())
			}
		})
	}
}

func TestLogHidesURLs(t *testing.T) {
	t.Parallel()
	parse := func(text string) error {
		_, err := url.Parse(text)
		if err == nil {
			t.Fatalf("%s is a URL", text)
		}
		return err
	}
	var b bytes.Buffer
	log := hub.NewLogger(&b, config.Config{LogFormat: "json"})
	for _, tt := range []struct {
		value any
		want  string
	}{
		{"nothing to hide: a/b?c=d", "nothing to hide: a/b?c=d"},
		{"see https://example.com and http://localhost:8080/", "see https://example.com and http://localhost:8080/"},
		{"at https://hooks.example.com/services/T0/s3cret.", "at https://hooks.example.com/…"},
		{"at https://user:s3cret@example.com:8443", "at https://example.com:8443"},
		{"at https://example.com?token=s3cret", "at https://example.com/…"},
		{"at https://example.com#s3cret", "at https://example.com/…"},
		{"at HTTPS://user:s3cret@Example.com/s3cret, sftp://u:s3cret@h/s3cret", "at HTTPS://Example.com/… sftp://h/…"},
		{"at https://example.com/it's?s3cret (so)", "at https://example.com/… (so)"},
		{`Post "https://example.com/a\"b?s3cret": EOF`, `Post "https://example.com/…": EOF`},
		{"postgres://u:s3cret@[::1]:5432/db", "postgres://[::1]:5432/…"},
		{&url.Error{Op: "Post", URL: "https://example.com/s3cret?a=b", Err: io.EOF}, `Post "https://example.com/…": EOF`},
		{fmt.Errorf("sending: %w", &url.Error{Op: "Post", URL: `https://example.com/a "b"?s3cret`, Err: io.EOF}), `sending: Post "https://example.com/…": EOF`},
		{errors.Join(io.EOF, action.Wrap(&url.Error{Op: "Get", URL: "https://example.com/s3cret", Err: io.EOF}, action.Internal, "No.")), "EOF\nNo: Get \"https://example.com/…\": EOF"},
		{parse("https://example.com/\x7f?s3cret"), `parse "…": net/url: invalid control character in URL`},
		{parse("s3cret/%zz"), `parse "…": invalid URL escape "%zz"`},
	} {
		b.Reset()
		log.Info("m", "v", tt.value)
		quoted := fmt.Sprintf("%q", tt.want)
		if !strings.Contains(b.String(), `"v":`+quoted) || strings.Contains(b.String(), "s3cret") {
			t.Errorf("%v is logged as %swant %s", tt.value, b.String(), quoted)
		}
	}
	b.Reset()
	log.Info("asking https://example.com/s3cret")
	if strings.Contains(b.String(), "s3cret") {
		t.Errorf("a message is logged as %s", b.String())
	}
}

// Whatever goes wrong at the destination, no credential reaches the log: neither the user's
// settings nor what is in an address, also where an integration returns an error as it came.
func TestFailuresLogNoSecret(t *testing.T) {
	t.Parallel()
	const secret = "s3cret"
	dest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case strings.HasSuffix(r.URL.Path, "/cut"):
			panic(http.ErrAbortHandler)
		case strings.HasSuffix(r.URL.Path, "/moved"):
			w.Header().Set("Location", "/"+secret)
			w.WriteHeader(http.StatusFound)
		default:
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write(body) // destinations quote what they were sent
		}
	}))
	dest.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	t.Cleanup(dest.Close)
	host := strings.TrimPrefix(dest.URL, "http://")
	ways := map[string]func(*http.Client, *http.Request) error{
		"explained": func(c *http.Client, req *http.Request) error { return outbound.JSON(c, req, "There", nil) },
		"as it came": func(c *http.Client, req *http.Request) error {
			res, err := c.Do(req)
			if err != nil {
				return fmt.Errorf("sending: %w", err)
			}
			defer res.Body.Close()
			return fmt.Errorf("asking %s answered %s", req.URL, res.Status)
		},
		"as text": func(c *http.Client, req *http.Request) error {
			res, err := c.Do(req)
			if err != nil {
				return errors.New(err.Error())
			}
			defer res.Body.Close()
			panic("unexpected answer from " + req.URL.String())
		},
	}
	addresses := map[string]string{
		"refused":   "http://" + host + "/" + secret + "?token=" + secret,
		"with user": "http://" + secret + ":" + secret + "@" + host + "/cut",
		"moved":     "http://" + host + "/" + secret + "/moved",
		"forbidden": "http://169.254.169.254/" + secret,
		"no server": "http://127.0.0.1:1/" + secret + "#" + secret,
	}
	for way, send := range ways {
		for what, address := range addresses {
			t.Run(what+", "+way, func(t *testing.T) {
				t.Parallel()
				h := runHub(t, nil, made("a", func(ctx context.Context, d action.Deps, r *action.Request) error {
					req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(r.Params["key"]))
					if err != nil {
						return err
					}
					d.Log.DebugContext(ctx, "sending", "to", address)
					return send(d.HTTP, req)
				}))
				_, answer := h.post("/actions/a/execute", `{"type":"query","data":{"key":"`+secret+`"}}`)
				h.post("/actions/a/oauth?code="+secret, "")
				if err := h.stop(); err != nil {
					t.Fatal(err)
				}
				if len(h.log.lines(t, "request")) != 2 || h.log.lines(t, "request")[0]["error"] == nil {
					t.Errorf("the failure was not logged:\n%s", h.log)
				}
				for name, text := range map[string]string{"log": h.log.String(), "answer": answer} {
					if strings.Contains(text, secret) {
						t.Errorf("the %s holds a secret:\n%s", name, text)
					}
				}
			})
		}
	}
}
