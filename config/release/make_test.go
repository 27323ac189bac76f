package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is missing is named before anything is downloaded or compiled.
func TestMakeNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	home := "HOME=" + t.TempDir()
	for name, test := range map[string]struct {
		target, variable, want string
	}{
		"release without a version":        {"release", home, "release: set VERSION, as in make release VERSION=v0.2.0 REGISTRY="},
		"release-verify without a version": {"release-verify", home, "release-verify: set VERSION, as in make release-verify "},
		"publish without a version":        {"publish", home, "publish: set VERSION, as in make publish "},
		"no home":                          {"release", "HOME=", "HOME is not set"},
		"a home with a space":              {"release", home + "/a b", "Set INTEGRATION_HUB_CACHE to another one"},
	} {
		cmd := exec.CommandContext(t.Context(), "make", "-C", filepath.Join("..", ".."), test.target)
		cmd.Env = []string{test.variable, "PATH=/usr/bin:/bin"} // without Go
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), test.want) {
			t.Errorf("%s: %v, want %q:\n%s", name, err, test.want, out)
		}
	}
}
