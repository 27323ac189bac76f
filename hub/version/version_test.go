package version

import (
	"runtime/debug"
	"testing"
)

func TestCurrent(t *testing.T) {
	t.Parallel()
	built := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123abc"}
	for _, tt := range []struct {
		name            string
		release, commit string
		build           *debug.BuildInfo
		want            string
	}{
		{"nothing known", "", "", nil, "dev"},
		{"without the repository", "", "", built("(devel)"), "dev"},
		{"from the repository", "", "", built("v0.0.0-20261123-0123abc", revision), "v0.0.0-20261123-0123abc (0123abc)"},
		{"from a clean repository", "", "", built("", revision, debug.BuildSetting{Key: "vcs.modified", Value: "false"}), "dev (0123abc)"},
		{"from a changed repository", "", "", built("", revision, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), "dev (0123abc-dirty)"},
		{"a release", "v1.2.3", "", built("(devel)"), "v1.2.3"},
		{"a release that says all", "v1.2.3", "fedcba9", built("v0.0.0-20261123-0123abc", revision), "v1.2.3 (fedcba9)"},
	} {
		if got := current(tt.release, tt.commit, tt.build).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
