package pii

import (
	"strings"
	"unicode"
)

// Email is an address in lower case, without blanks around it.
func Email(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	user, host, found := strings.Cut(text, "@")
	plausible := found && user != "" && strings.Contains(host, ".") &&
		!strings.Contains(host, "@") && !strings.ContainsFunc(text, unicode.IsSpace)
	return text, plausible
}

// GoogleEmail is an address as Google compares it: in those of its own mail service, dots
// before the @ mean nothing.
func GoogleEmail(text string) (string, bool) {
	text, ok := Email(text)
	user, host, _ := strings.Cut(text, "@")
	if host == "gmail.com" || host == "googlemail.com" {
		user = strings.ReplaceAll(user, ".", "")
		return user + "@" + host, ok && user != ""
	}
	return text, ok
}
