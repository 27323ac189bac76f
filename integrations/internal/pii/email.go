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

// GoogleEmail returns an email address in Google's form: without spaces and, at gmail.com and
// googlemail.com only, without dots and without what follows a plus sign:
// https://developers.google.com/data-manager/api/devguides/concepts/formatting
func GoogleEmail(text string) (string, bool) {
	text, ok := Email(strings.Join(strings.Fields(text), ""))
	user, host, _ := strings.Cut(text, "@")
	if host == "gmail.com" || host == "googlemail.com" {
		user, _, _ = strings.Cut(user, "+")
		user = strings.ReplaceAll(user, ".", "")
		return user + "@" + host, ok && user != ""
	}
	return text, ok
}
