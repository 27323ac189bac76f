package main

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"integrationhub.dev/hub/cmd/hub/internal/doctor"
)

// The exit status tells whether Looker would be content.
func TestDoctor(t *testing.T) {
	t.Parallel()
	h := startDevHub(t, nil)
	got := runHub(t, h.env, "", "doctor", h.env["HUB_URL"])
	if got.Status != 0 || strings.Count(got.Out, "\n") != 9 || !strings.Contains(got.Out, "\nok       token        the hub accepts the token\n") {
		t.Errorf("a healthy hub: %+v", got)
	}
	broken := maps.Clone(h.env)
	broken["HUB_TOKEN"] = "a/b"
	got = runHub(t, broken, "", "doctor", "--output", "json")
	var report []doctor.Check
	if err := json.Unmarshal([]byte(got.Out), &report); err != nil {
		t.Fatalf("a wrong token: %v: %s", err, got.Out)
	}
	if doctor.Healthy(report) {
		t.Errorf("a wrong token is reported as healthy: %+v", report)
	}
	if got.Status != exitFailed || got.Err != "" {
		t.Errorf("a wrong token: exit status %d, stderr %q", got.Status, got.Err)
	}
	for args, want := range map[string]string{"doctor": "URL is missing: pass the hub's URL, or set HUB_URL", "doctor a b": "hub doctor accepts only one URL"} {
		if got := runHub(t, nil, "", strings.Fields(args)...); got.Status != exitUsage || !strings.HasPrefix(got.Err, "hub: "+want+"\n") {
			t.Errorf("hub %s: got %+v, want %q", args, got, want)
		}
	}
}
