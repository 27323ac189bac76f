package vendorapi

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// template is a path with parameters, as "/files/{id}" or Google's "/v1/{+name}:send", whose
// parameter may contain slashes.
type template struct {
	text    string
	pattern *regexp.Regexp
	names   []string
}

var placeholder = regexp.MustCompile(`\{\+?([^{}]+)\}`)

func newTemplate(text string) (*template, error) {
	t := &template{text: text}
	var pattern strings.Builder
	end := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		pattern.WriteString(regexp.QuoteMeta(text[end:m[0]]))
		t.names = append(t.names, text[m[2]:m[3]])
		if text[m[0]+1] == '+' {
			pattern.WriteString("(.+?)")
		} else {
			pattern.WriteString("([^/]+?)")
		}
		end = m[1]
	}
	pattern.WriteString(regexp.QuoteMeta(text[end:]))
	var err error
	if t.pattern, err = regexp.Compile("^" + pattern.String() + "$"); err != nil {
		return nil, fmt.Errorf("compiling the path %s: %w", text, err)
	}
	return t, nil
}

// match returns the parameters of an escaped path.
func (t *template) match(path string) (map[string]string, bool) {
	m := t.pattern.FindStringSubmatch(path)
	if m == nil {
		return nil, false
	}
	params := map[string]string{}
	for i, name := range t.names {
		value, err := url.PathUnescape(m[i+1])
		if err != nil {
			return nil, false
		}
		params[name] = value
	}
	return params, true
}
