// Package pii brings what is known of a person into the one form in which advertising
// platforms compare it, and hashes it. A hash of anything else matches nobody, and no error
// says so.
//
// The rules are the vendors' own:
//
//   - Meta: https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences
//     and https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters
//   - Google: https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/get-started
//
// Functions whose name begins with a vendor's follow that vendor's rule; the others are the
// same for both. Each returns false for text that it cannot make sense of, which is then
// better left out than sent.
package pii

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
)

// Hash is the SHA-256 of text as 64 lower-case hexadecimal digits.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Hashed returns a value that is such a hash already, in lower case.
func Hashed(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	b, err := hex.DecodeString(text)
	return text, err == nil && len(b) == sha256.Size
}

// letters keeps what belongs to a name in any script, in lower case: no blanks, punctuation
// or digits. Marks belong to their letters.
func letters(text string) (string, bool) {
	text = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsMark(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
	return text, text != ""
}
