// Package pii normalizes and hashes personal data the way advertising platforms match it. A hash of
// a value in any other form matches no one, without an error.
//
// The rules are the vendors' own:
//
//   - Meta: https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences
//     and https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters
//   - Google: https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/get-started
//
// Functions with a vendor's name follow that vendor's rule, the others apply to both. They return
// false for invalid text, which must not be sent.
package pii

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
)

// Hash returns the SHA-256 hash of text as 64 lowercase hexadecimal digits.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Hashed returns a value that is such a hash, in lowercase.
func Hashed(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	b, err := hex.DecodeString(text)
	return text, err == nil && len(b) == sha256.Size
}

// letters returns the letters of any script in lowercase, without spaces, punctuation or digits.
func letters(text string) (string, bool) {
	text = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsMark(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
	return text, text != ""
}
