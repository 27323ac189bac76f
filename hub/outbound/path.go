package outbound

import (
	"net/url"
	"strings"
)

// Path joins segments to a path that begins with a slash. Each segment is escaped, so that a
// value with a slash, a question mark or a percent sign stays one segment.
func Path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String()
}

// WithQuery adds an escaped query to a path or URL that has none.
func WithQuery(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// hasDotSegment reports whether a URL's path has a "." or ".." segment, plain or escaped, which
// servers resolve: it would lead to another resource than the one that was asked for.
func hasDotSegment(u *url.URL) bool {
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
