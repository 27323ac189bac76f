package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A manager whose policy cannot be read does not start: it would run with laxer rules than its
// administrator wrote.
func TestUnreadablePolicy(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte("default: {host: []}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{file: "unknown field", file + ".missing": "no such file"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "--hub-image", "hub:test", "--policy", path)
		cmd.Env = append(os.Environ(), "BE_THE_MANAGER=yes")
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Errorf("a manager with the policy %s started", path)
		}
		for _, want := range []string{"reading the policy", want} {
			if !strings.Contains(string(out), want) {
				t.Errorf("output %q, want %q", out, want)
			}
		}
	}
}
