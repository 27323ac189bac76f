package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"integrationhub.dev/hub/cmd/hub/internal/migrate"
	"integrationhub.dev/integrations"
)

// Every variable of the reference has a value that must not be printed.
func TestMigrateCheck(t *testing.T) {
	t.Parallel()
	const secret = "sEcReT-0123456789"
	var file strings.Builder
	for name := range strings.FieldsSeq(referenceEnvironment) {
		file.WriteString(name + "=\"" + secret + "\" # a comment\n")
	}
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"migrate", "check", path}, {"migrate", "check", path, "-o", "json"}} {
		got := runHub(t, nil, "", args...)
		if got.Status != exitFailed {
			t.Errorf("hub %s: status %d, want %d", args, got.Status, exitFailed)
		}
		if strings.Contains(got.Out+got.Err, secret) {
			t.Errorf("hub %s prints the value of a setting:\n%s%s", args, got.Out, got.Err)
		}
		if !strings.Contains(got.Out, "ACTION_HUB_BASE_URL must be a URL") {
			t.Errorf("hub %s does not name ACTION_HUB_BASE_URL:\n%s", args, got.Out)
		}
	}

	// All integrations of the reference are there, with its own settings alone.
	text := `ACTION_HUB_BASE_URL=https://hub.example.com
ACTION_HUB_LABEL=Hub
ACTION_HUB_SECRET=a-secret-of-the-hub
`
	got := runHub(t, nil, text, "migrate", "check", "-", "--output", "json")
	var report migrate.Report
	if err := json.Unmarshal([]byte(got.Out), &report); err != nil {
		t.Fatalf("%v:\n%+v", err, got)
	}
	if len(report.Integrations) != 27 {
		t.Errorf("the reference offers %d integrations without settings, want 27", len(report.Integrations))
	}
	for _, i := range report.Integrations {
		if !i.Offered && i.Name != "kloudio" { // which the reference offers without the settings that it needs
			t.Errorf("%s is not offered: %+v", i.Name, i.Findings)
		}
	}
	if got := runHub(t, nil, "", "migrate", "check", "-"); got.Status != exitFailed || !strings.Contains(got.Err, "no line is such as ACTION_HUB_LABEL=…") {
		t.Errorf("an empty file: %+v", got)
	}
	if got := runHub(t, nil, text+"ACTION_WHITELIST=slack,tray\n", "migrate", "check", "-"); got.Status != 0 || !strings.Contains(got.Out, "There are no blockers") {
		t.Errorf("an environment without blockers: %+v", got)
	}
	if got := runHub(t, nil, text+"ACTION_WHITELIST=tray,webhook\n", "migrate", "check", "-"); !strings.Contains(got.Out, "New in Looker: webhook.\nTo enable only the integrations of the reference, remove these names from ACTION_WHITELIST") {
		t.Errorf("an integration that the reference does not know in ACTION_WHITELIST: %+v", got)
	}
}

// A name in the table of differences that no integration has would never be compared.
func TestMigrateKnowsIntegrations(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, r := range integrations.All() {
		names[r.Name] = true
	}
	all := migrate.References()
	for _, name := range all {
		if !names[name] {
			t.Errorf("the reference's %s is not an integration here", name)
		}
	}
	if len(all) != 38 {
		t.Errorf("%d integrations of the reference, want 38: 36 for users, debug and queue_action", len(all))
	}
}
