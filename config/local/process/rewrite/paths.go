// Package rewrite adapts a container's arguments and environment to a process that shares
// its machine's files and addresses: paths below a volume's mount path become paths in the
// volume's folder, and listen addresses that mean "all addresses" become the pod's own.
package rewrite

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// Mount says which folder or file stands for a path of the container.
type Mount struct {
	Path   string // in the container, absolute
	Source string // on this machine, absolute
}

// Paths replaces mount paths in text. The zero value replaces nothing.
type Paths struct{ mounts []Mount }

// NewPaths makes a Paths in which the longest mount path wins, as with real mounts.
func NewPaths(mounts ...Mount) Paths {
	list := slices.Clone(mounts)
	for i := range list {
		list[i].Path = path.Clean(list[i].Path)
	}
	list = slices.DeleteFunc(list, func(m Mount) bool { return m.Path == "/" || !path.IsAbs(m.Path) })
	slices.SortStableFunc(list, func(a, b Mount) int { return cmp.Compare(len(b.Path), len(a.Path)) })
	return Paths{mounts: list}
}

// Bounds of a path within an argument or a variable's value, such as --cert=/tls/tls.crt,
// /secrets/a,/secrets/b or 'cat /tls/tls.crt'. Text before or after a path that is none of
// these, as the host in https://example.com/tls, makes it another path.
const (
	before = " \t\n\"'=,:;([{<>|&"
	after  = " \t\n\"',:;)]}<>|&/"
)

// In replaces every mount path in the text that stands there as a path of its own or as the
// beginning of one.
func (p Paths) In(text string) string {
	var out strings.Builder
	for at := 0; at < len(text); {
		if m, ok := p.at(text, at); ok {
			out.WriteString(m.Source)
			at += len(m.Path)
			continue
		}
		out.WriteByte(text[at])
		at++
	}
	return out.String()
}

func (p Paths) at(text string, at int) (Mount, bool) {
	if text[at] != '/' || at > 0 && !strings.ContainsRune(before, rune(text[at-1])) && !strings.HasSuffix(text[:at], "file://") {
		return Mount{}, false
	}
	for _, m := range p.mounts {
		rest, ok := strings.CutPrefix(text[at:], m.Path)
		if ok && (rest == "" || strings.ContainsRune(after, rune(rest[0]))) {
			return m, true
		}
	}
	return Mount{}, false
}

// Of maps one path. What lies below no mount stays as it is.
func (p Paths) Of(name string) (string, bool) {
	name = path.Clean(name)
	for _, m := range p.mounts {
		rest, ok := strings.CutPrefix(name, m.Path)
		if ok && (rest == "" || rest[0] == '/') {
			return m.Source + rest, true
		}
	}
	return name, false
}
