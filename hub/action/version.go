package action

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a version of Looker. The zero value is an unknown version.
type Version struct {
	Major, Minor, Patch int
}

// V returns a version.
func V(major, minor, patch int) Version { return Version{major, minor, patch} }

// Known reports whether the version is known.
func (v Version) Known() bool { return v != Version{} }

// AtLeast reports whether v is w or newer.
func (v Version) AtLeast(w Version) bool {
	if v.Major != w.Major {
		return v.Major > w.Major
	}
	if v.Minor != w.Minor {
		return v.Minor > w.Minor
	}
	return v.Patch >= w.Patch
}

func (v Version) String() string {
	if !v.Known() {
		return "unknown"
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// userAgent is the product token of Looker's requests.
const userAgent = "LookerOutgoingWebhook/"

// ParseUserAgent reads Looker's version from a User-Agent header such as
// "LookerOutgoingWebhook/24.20.41". Anything but three numbers is an unknown version, as in the
// reference, which then does not filter by version.
func ParseUserAgent(header string) Version {
	_, text, ok := strings.Cut(header, userAgent)
	if !ok {
		return Version{}
	}
	parts := strings.SplitN(strings.TrimPrefix(strings.TrimSpace(text), "v"), ".", 3)
	if len(parts) != 3 {
		return Version{}
	}
	// The last number may have a pre-release or build suffix.
	if i := strings.IndexAny(parts[2], "-+"); i > 0 {
		parts[2] = parts[2][:i]
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 31)
		if err != nil {
			return Version{}
		}
		n[i] = int(v)
	}
	return Version{n[0], n[1], n[2]}
}
