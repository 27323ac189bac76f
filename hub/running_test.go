package hub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/telemetry"
)

// hubRun is a whole hub that runs until the test ends or stops it.
type hubRun struct {
	*server
	admin string
	log   *logText
	// stop tells the hub to stop, and returns how it ended.
	stop func() error
}

// runHub runs a hub as the program does, with a log that says everything.
func runHub(t *testing.T, env map[string]string, entries ...action.Registration) *hubRun {
	t.Helper()
	all := map[string]string{
		"ACTION_HUB_BASE_URL": "http://localhost", "ACTION_HUB_LABEL": "x", "ACTION_HUB_SECRET": serviceSecret,
		"ACTION_HUB_LISTEN_ADDRESS": "127.0.0.1:0", "ACTION_HUB_ADMIN_ADDRESS": "127.0.0.1:0",
		"ACTION_HUB_DRAIN_DELAY": "0s", "ACTION_HUB_LOG_LEVEL": "debug", "ACTION_HUB_SPOOL_DIR": t.TempDir(),
	}
	maps.Copy(all, env)
	cfg, err := config.Load(all)
	if err != nil {
		t.Fatal(err)
	}
	log := &logText{}
	ctx, cancel := context.WithCancel(t.Context())
	address, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- hub.Run(ctx, hub.Options{
			Config: cfg, Env: all, Integrations: entries, AllowLoopback: true, Version: "v1.2.3",
			Log: telemetry.NewLogger(log, cfg), Started: func(a net.Addr) { address <- a },
		})
	}()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = stop() })
	select {
	case err := <-ended:
		ended <- err
		t.Fatalf("the hub did not start: %v", err)
	case a := <-address:
		r := &hubRun{server: &server{&httptest.Server{URL: "http://" + a.String()}, t}, log: log, stop: stop}
		r.admin = "http://" + log.lines(t, "listening")[0]["admin_address"].(string)
		return r
	}
	return nil
}

// adminGet asks at the admin address.
func (r *hubRun) adminGet(path string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.admin+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// logText is a log that a test reads.
type logText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// lines are those with a message.
func (l *logText) lines(t *testing.T, message string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for text := range strings.Lines(l.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("log line %s: %v", text, err)
		}
		if line["msg"] == message {
			found = append(found, line)
		}
	}
	return found
}
