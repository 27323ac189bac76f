package hub_test

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/token"
)

// A hub that cannot store what it is sent does not start, and says so when that happens later.
func TestSpoolFolderIsGone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h := runHub(t, map[string]string{"ACTION_HUB_SPOOL_DIR": dir}, entry(&fake{definition: definition("a"), execute: ok}))
	if status, body := h.adminGet("/readyz"); status != http.StatusOK {
		t.Fatalf("ready: %d %s", status, body)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if status, body := h.adminGet("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "spool") {
		t.Errorf("ready without a spool: %d %s", status, body)
	}
	large := `{"type":"query","data":{"key":"k"},"attachment":{"mimetype":"text/csv","data":"` + strings.Repeat("x", 1<<20) + `"}}`
	if status, body := h.post("/actions/a/execute", large); status != http.StatusServiceUnavailable || !strings.Contains(body, "Try again later") {
		t.Errorf("a delivery without a spool: %d %s", status, body)
	}

	cfg, err := config.Load(map[string]string{
		"ACTION_HUB_BASE_URL": "http://localhost", "ACTION_HUB_LABEL": "x", "ACTION_HUB_SECRET": serviceSecret, "ACTION_HUB_SPOOL_DIR": dir,
		"ACTION_HUB_LISTEN_ADDRESS": "127.0.0.1:0", "ACTION_HUB_ADMIN_ADDRESS": "127.0.0.1:0",
	})
	if err != nil {
		t.Fatal(err)
	}
	err = hub.Run(t.Context(), hub.Options{Config: cfg, Log: telemetry.NewLogger(&logText{}, cfg)})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "ACTION_HUB_SPOOL_DIR") {
		t.Errorf("a hub without a spool: %v", err)
	}
}

// The admin port says whether the hub accepts a service secret to those who know it.
func TestAcceptsServiceSecret(t *testing.T) {
	t.Parallel()
	h := runHub(t, map[string]string{}, entry(&fake{definition: definition("a"), execute: ok}))
	for secret, want := range map[string]string{serviceSecret: "true", "another service secret": "false"} {
		path := "/service-secret?challenge=c&proof=" + token.Proof([]byte(secret), "c")
		if status, body := h.adminGet(path); status != http.StatusOK || !strings.Contains(body, `"accepted":`+want) {
			t.Errorf("%d %s, want %s", status, body, want)
		}
	}
}
