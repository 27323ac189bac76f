package hub_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/custom"
)

// A file with a no-code integration, which sends its version to a destination.
func versionFile(t *testing.T, dir, url, version string) {
	t.Helper()
	text := "apiVersion: hub.integrationhub.dev/v1alpha1\nkind: HTTPIntegration\nmetadata: {name: echo}\nspec:\n  label: Echo\n" +
		"  request: {url: '" + url + "/', body: {json: {version: '" + version + "', title: '${plan.title}'}}}\n"
	file := filepath.Join(dir, "echo.yaml")
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// A hub reloads its no-code integrations: a running delivery ends with the version that it began with, the next
// one has the new version, and a version that is not valid changes nothing but the status.
func TestCustomIntegrations(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan string, 10), make(chan struct{})
	destination := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a broken body is not the expected one
		arrived <- string(body)
		if strings.Contains(string(body), "slow") {
			<-release
		}
	}))
	defer destination.Close()
	dir := t.TempDir()
	versionFile(t, dir, destination.URL, "one")
	h := runHub(t, map[string]string{"ACTION_HUB_INTEGRATIONS_DIR": dir})
	if _, list := h.post("/", ""); !strings.Contains(list, `"name":"custom_echo"`) {
		t.Fatalf("list %s", list)
	}
	deliver := func(title string) string {
		_, body := h.post("/actions/custom_echo/execute", `{"type":"query","scheduled_plan":{"title":"`+title+`"},"attachment":{"mimetype":"text/csv","data":"a"}}`)
		return body
	}
	slow := make(chan string, 1)
	go func() { slow <- deliver("slow") }()
	if got, want := <-arrived, `{"version":"one","title":"slow"}`; got != want {
		t.Fatalf("arrived %s, want %s", got, want)
	}
	status := func() custom.Status {
		_, text := h.adminGet("/status")
		var s struct{ Custom []custom.Status }
		if err := json.Unmarshal([]byte(text), &s); err != nil || len(s.Custom) != 1 {
			t.Fatalf("status %s: %v", text, err)
		}
		return s.Custom[0]
	}
	wait := func(what string, reached func(custom.Status) bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			if reached(status()) {
				return
			}
		}
		t.Fatalf("%s: %+v", what, status())
	}
	first := status()
	if first.Name != "custom_echo" || len(first.Digest) != 64 || first.Problem != "" {
		t.Errorf("status %+v", first)
	}
	versionFile(t, dir, destination.URL, "two")
	wait("the second version", func(s custom.Status) bool { return s.Digest != first.Digest })
	second := status()
	if body := deliver("quick"); !strings.Contains(body, `"success":true`) {
		t.Errorf("answer %s", body)
	}
	if got, want := <-arrived, `{"version":"two","title":"quick"}`; got != want {
		t.Errorf("arrived %s, want %s", got, want)
	}
	close(release)
	if body := <-slow; !strings.Contains(body, `"success":true`) {
		t.Errorf("the running delivery: %s", body)
	}
	versionFile(t, dir, destination.URL, "${broken")
	wait("the problem", func(s custom.Status) bool { return s.Problem != "" })
	if s := status(); s.Digest != second.Digest || s.FailedDigest == "" || s.Problem != "echo.yaml:6: spec.request.body.json.version: "+
		"An expression begins with ${ and does not end with }. For a literal ${, write $${." {
		t.Errorf("status %+v", s)
	}
	if body := deliver("still"); !strings.Contains(body, `"success":true`) {
		t.Errorf("answer %s", body)
	}
	if _, metrics := h.adminGet("/metrics"); !strings.Contains(metrics, `integrationhub_deliveries_total{integration="custom_echo",outcome="delivered"} 3`) ||
		!strings.Contains(metrics, `integrationhub_reloads_total{outcome="failed",what="integrations"}`) {
		t.Error("the metrics lack the deliveries or the reloads")
	}
	if log := h.log.lines(t, "reloading failed; the previous content stays in use"); len(log) != 1 {
		t.Errorf("%d lines in the log, want 1", len(log))
	}
}

// A built-in integration that is enabled keeps its name.
func TestCustomNameIsTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := "apiVersion: hub.integrationhub.dev/v1alpha1\nkind: HTTPIntegration\nmetadata: {name: a}\nspec:\n  name: slack\n  label: Ours\n" +
		"  request: {url: 'https://example.com/'}\n"
	if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for disabled, want := range map[string]string{"": "Simple", "slack": "Ours"} {
		h := runHub(t, map[string]string{"ACTION_HUB_INTEGRATIONS_DIR": dir, "ACTION_HUB_DISABLED_INTEGRATIONS": disabled}, entry(&fake{definition: action.Definition{Name: "slack", Label: "Simple"}, execute: ok}))
		if _, list := h.post("/", ""); !strings.Contains(list, fmt.Sprintf(`"label":%q,"name":"slack"`, want)) || strings.Count(list, `"name":"slack"`) != 1 {
			t.Errorf("disabled %q: list %s", disabled, list)
		}
		if _, status := h.adminGet("/status"); !strings.Contains(status, `"off":{}`) {
			t.Errorf("disabled %q: status %s", disabled, status)
		}
	}
}
