// Package version tells which build of the program is running.
package version

import (
	"cmp"
	"runtime/debug"
)

// What a release sets when it is built, with
//
//	-ldflags '-X integrationhub.dev/hub/version.release=v1.2.3 -X integrationhub.dev/hub/version.commit=…'
//
// It needs to say so only where Go cannot see for itself: a build without the repository's
// history, as in an image.
var release, commit string

// Info is a build. Its zero value is one of which nothing is known.
type Info struct {
	// Version is a release such as v1.2.3, Go's pseudo-version between releases, or "dev".
	Version string `json:"version"`
	// Commit is the full hash of the source, with "-dirty" when it was changed since; "" when
	// it is not known.
	Commit string `json:"commit"`
}

// Current is the build of this program.
func Current() Info {
	build, _ := debug.ReadBuildInfo()
	return current(release, commit, build)
}

// current prefers what the release says to what Go found out. build may be nil.
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
