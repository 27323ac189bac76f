package pii

import "strings"

// MetaName returns a first or last name in lowercase, without punctuation. Letters of every script
// are kept.
func MetaName(text string) (string, bool) { return letters(text) }

// MetaInitial returns the first letter of a first name.
func MetaInitial(text string) (string, bool) {
	name, ok := letters(text)
	for _, r := range name {
		return string(r), ok
	}
	return "", false
}

// GoogleName returns a first or last name in lowercase, without surrounding spaces.
func GoogleName(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	return text, text != ""
}
