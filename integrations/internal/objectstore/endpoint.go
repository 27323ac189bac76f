package objectstore

import (
	"fmt"
	"net/url"
	"strings"
)

// ParseEndpoint checks the http or https URL of a server, without a trailing slash. Parts that would
// be lost, or that could hold credentials, are not allowed. The URL contains the placeholder, such as
// {account}, unless that is empty. The error names an example.
func ParseEndpoint(text, placeholder, example string) (string, error) {
	filled := text
	if placeholder != "" {
		filled = strings.ReplaceAll(text, placeholder, "placeholder")
	}
	u, err := url.Parse(filled)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" || !strings.Contains(text, placeholder) {
		return "", fmt.Errorf("must be a URL such as %s", example)
	}
	return strings.TrimRight(text, "/"), nil
}
