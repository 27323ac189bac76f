package pii

import (
	"strings"
	"unicode"
)

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

// PlainGoogleName is [GoogleName] without punctuation, as the Data Manager API asks for:
// https://developers.google.com/data-manager/api/reference/rest/v1/UserData#AddressInfo
func PlainGoogleName(text string) (string, bool) {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPunct(r) || unicode.IsSymbol(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	return text, text != ""
}
