package action

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a Looker version. The zero value means that it is not known.
type Version struct {
	Major, Minor, Patch int
}

// V makes a version from its three numbers.
func V(major, minor, patch int) Version { return Version{major, minor, patch} }

// Known reports whether Looker told its version.
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

// userAgent is the product token with which Looker calls a hub.
const userAgent = "LookerOutgoingWebhook/"

// ParseUserAgent reads Looker's version from a User-Agent header such as
// "LookerOutgoingWebhook/24.20.41". Anything that is not three numbers is unknown, as is
// the case for the reference: then nothing is filtered by version.
func ParseUserAgent(header string) Version {
	_, text, ok := strings.Cut(header, userAgent)
	if !ok {
		return Version{}
	}
	parts := strings.SplitN(strings.TrimPrefix(strings.TrimSpace(text), "v"), ".", 3)
	if len(parts) != 3 {
		return Version{}
	}
	// A pre-release or build suffix belongs to the last number.
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
