package hub_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// made is an entry whose integration is made with what the hub gives it.
func made(name string, execute func(context.Context, action.Deps, *action.Request) error) action.Registration {
	return action.Registration{Name: name, New: func(d action.Deps) (action.Integration, error) {
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
