package expression

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"integrationhub.dev/hub/outbound"
)

// URL is a compiled template of a URL without a query. A value in its path becomes a part of one segment,
// and its host is constant or one of a list.
type URL struct {
	scheme  string
	host    *Text
	allowed []outbound.HostPattern
	path    []part
	uses    uses
}

// CompileURL compiles a template. A host with an expression needs a list of allowed hosts.
func CompileURL(text string, allowed []outbound.HostPattern, s Scope) (*URL, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	u := &URL{scheme: scheme + "://", allowed: allowed, uses: uses{}}
	chunks, err := split(rest)
	if err != nil {
		return nil, err
	}
	var host strings.Builder
	inPath := false
	for _, c := range chunks {
		switch {
		case c.code != "" && !inPath:
			host.WriteString("${" + c.code + "}")
		case c.code != "":
			x, err := compileText(c.code, s)
			if err != nil {
				return nil, err
			}
			u.uses.merge(x.uses)
			u.path = append(u.path, part{Expression: x})
		default:
			var before string
			path := c.text
			if !inPath {
				var found bool
				if before, path, found = strings.Cut(c.text, "/"); found {
					inPath, path = true, "/"+path
				}
				host.WriteString(before)
			}
			if path == "" {
				continue
			}
			if strings.ContainsAny(path, "?#") {
				return nil, sentence("The URL must not contain ? or #. Use query for parameters.")
			}
			if parsed, err := url.Parse("https://host/" + path); err != nil || parsed.EscapedPath() != "/"+path {
				return nil, sentence("The URL's path contains characters that must be escaped.")
			}
			u.path = append(u.path, part{text: path})
		}
	}
	if u.host, err = CompileText(host.String(), s); err != nil {
		return nil, err
	}
	u.uses.merge(u.host.uses)
	return u, u.checkHost()
}

// checkHost checks what is known of the host before any value is.
func (u *URL) checkHost() error {
	if !u.host.Constant() {
		if len(u.allowed) == 0 {
			return sentence("A URL whose host contains ${…} requires allowedHosts.")
		}
		return nil
	}
	host, err := u.host.Eval(nil)
	if err == nil {
		_, err = u.check(host)
	}
	if err != nil {
		return sentence("The URL is not valid: %v", err)
	}
	return nil
}

// Uses reports whether the URL uses a variable.
func (u *URL) Uses(variable string) bool { return u.uses[variable] != nil }

// hostname is a host with an optional port. Everything else in its place could make it another host.
var hostname = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

func (u *URL) check(host string) (string, error) {
	if !hostname.MatchString(host) {
		return "", &Error{"the host is not valid"}
	}
	parsed, err := url.Parse(u.scheme + host)
	if err != nil || parsed.Hostname() == "" {
		return "", &Error{"the host is not valid"}
	}
	matches := func(p outbound.HostPattern) bool { return p.Matches(parsed.Hostname()) }
	if len(u.allowed) > 0 && !slices.ContainsFunc(u.allowed, matches) {
		return "", &Error{"the host is not in allowedHosts"}
	}
	return host, nil
}

// Eval returns the URL.
func (u *URL) Eval(v Vars) (string, error) {
	host, err := u.host.Eval(v)
	if err == nil {
		host, err = u.check(host)
	}
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(u.scheme + strings.ToLower(host))
	begin := b.Len()
	for _, p := range u.path {
		if p.Expression == nil {
			b.WriteString(p.text)
			continue
		}
		value, err := p.Text(v)
		switch {
		case err != nil:
			return "", err
		case value == "":
			return "", &Error{"a part of the path is empty"}
		case len(value) > maxSegment:
			return "", &Error{"a part of the path is too long"}
		}
		b.WriteString(url.PathEscape(value))
	}
	text := b.String()
	for segment := range strings.SplitSeq(text[begin:], "/") {
		if plain, err := url.PathUnescape(segment); err != nil || plain == "." || plain == ".." {
			return "", &Error{`a part of the path must not be "." or ".."`}
		}
	}
	return text, nil
}

// maxSegment is the maximum length of a value in a path.
const maxSegment = 2048
