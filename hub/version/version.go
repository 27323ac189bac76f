// Package version identifies the running build.
package version

import (
	"cmp"
	"runtime/debug"
)

// Set by release builds with
//
//	-ldflags '-X integrationhub.dev/hub/version.release=v1.2.3 -X integrationhub.dev/hub/version.commit=…'
//
// They are needed only for builds without the repository's history, as in an image.
var release, commit string

// Info identifies a build. Its zero value is an unknown build.
type Info struct {
	// Version is a release such as v1.2.3, Go's pseudo-version between releases, or "dev".
	Version string `json:"version"`
	// Commit is the full hash, with "-dirty" for modified sources; "" if it is unknown.
	Commit string `json:"commit"`
}

// Current returns the build of this program.
func Current() Info {
	build, _ := debug.ReadBuildInfo()
	return current(release, commit, build)
}

// current prefers the release's values to Go's build information, which may be nil.
func current(release, commit string, build *debug.BuildInfo) Info {
	if build == nil {
		build = &debug.BuildInfo{}
	}
	found := build.Main.Version
	if found == "(devel)" {
		found = ""
	}
	var revision, dirty string
	for _, s := range build.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if revision != "" {
		revision += dirty
	}
	return Info{Version: cmp.Or(release, found, "dev"), Commit: cmp.Or(commit, revision)}
}

func (i Info) String() string {
	if i.Commit == "" {
		return i.Version
	}
	return i.Version + " (" + i.Commit + ")"
}
