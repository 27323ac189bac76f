package inputs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"integrationhub.dev/config/inputs"
)

// The test binary's log for the test cache has each folder, and a file that is named.
func TestLogOfTheCache(t *testing.T) {
	if dir := os.Getenv("INPUTS_TEST_DIR"); dir != "" {
		inputs.Of(t, filepath.Join(dir, "folder"), filepath.Join(dir, "file"))
		return
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "folder", "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "log")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLogOfTheCache$", "-test.testlogfile="+log)
	cmd.Env = append(os.Environ(), "INPUTS_TEST_DIR="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"open " + dir + "/folder", "open " + dir + "/folder/a", "open " + dir + "/folder/a/b", "stat " + dir + "/file"} {
		if !strings.Contains("\n"+string(text), "\n"+want+"\n") {
			t.Errorf("the log has no line %q:\n%s", want, text)
		}
	}
}
