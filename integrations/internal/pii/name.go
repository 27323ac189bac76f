package pii

import "strings"

// MetaName is a first or last name: lower case, no punctuation. Letters of every script stay
// as they are.
func MetaName(text string) (string, bool) { return letters(text) }

// MetaInitial is the first letter of a first name.
func MetaInitial(text string) (string, bool) {
	name, ok := letters(text)
	for _, r := range name {
		return string(r), ok
	}
	return "", false
}

// GoogleName is a first or last name: lower case, without blanks around it.
func GoogleName(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	return text, text != ""
}
