package hub_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
)

func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A hub that is told to stop lets its deliveries end.
func TestDrain(t *testing.T) {
	t.Parallel()
	began, finish := make(chan struct{}), make(chan struct{})
	i := &fake{definition: definition("a"), execute: func(ctx context.Context, _ *action.Request) (*action.Response, error) {
		close(began)
		select {
		case <-finish:
			return &action.Response{Message: "Sent."}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	cfg, err := config.Load(map[string]string{
		"ACTION_HUB_BASE_URL": "http://localhost", "ACTION_HUB_LABEL": "x", "ACTION_HUB_SECRET": serviceSecret,
		"ACTION_HUB_LISTEN_ADDRESS": "127.0.0.1:0", "ACTION_HUB_ADMIN_ADDRESS": "127.0.0.1:0",
		"ACTION_HUB_DRAIN_DELAY": "10ms", "ACTION_HUB_DRAIN_TIMEOUT": "1m",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	address, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- hub.Run(ctx, hub.Options{
			Config: cfg, Integrations: []action.Registration{entry(i)}, Log: slog.New(slog.DiscardHandler), Started: func(a net.Addr) { address <- a },
		})
	}()
	at := "http://" + (<-address).String()
	answer := make(chan string, 1)
	go func() {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, at+"/actions/a/execute", strings.NewReader(`{"type":"query","data":{"key":"k"}}`))
		req.Header.Set("Authorization", `Token token="`+goodToken+`"`)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answer <- string(b)
	}()
	<-began
	stop()
	select {
	case err := <-ended:
		t.Fatalf("the hub ended with a delivery under way: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	close(finish)
	if got := <-answer; !strings.Contains(got, `"message":"Sent."`) {
		t.Errorf("the delivery was answered with %s", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("the hub ended with %v", err)
	}
}
