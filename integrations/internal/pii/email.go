package pii

import (
	"strings"
	"unicode"
)

// Email returns an email address in lowercase, without surrounding spaces.
func Email(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	user, host, found := strings.Cut(text, "@")
	plausible := found && user != "" && strings.Contains(host, ".") &&
		!strings.Contains(host, "@") && !strings.ContainsFunc(text, unicode.IsSpace)
	return text, plausible
}

// GoogleEmail returns an email address in Google's form: Gmail addresses have no dots before the @.
func GoogleEmail(text string) (string, bool) {
	text, ok := Email(text)
	user, host, _ := strings.Cut(text, "@")
	if host == "gmail.com" || host == "googlemail.com" {
		user = strings.ReplaceAll(user, ".", "")
		return user + "@" + host, ok && user != ""
	}
	return text, ok
}
