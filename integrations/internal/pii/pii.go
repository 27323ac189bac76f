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
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
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

// EncodedHash returns a value that is such a hash, or one in Base64, as hexadecimal digits. Databases
// have functions for both, and Google accepts both.
func EncodedHash(text string) (string, bool) {
	if hash, ok := Hashed(text); ok {
		return hash, true
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(strings.TrimSpace(text), "="))
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(b) != sha256.Size {
		return "", false
	}
	return hex.EncodeToString(b), true
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

// romanLetters returns the letters a to z in lowercase. Other Roman letters are replaced, which Meta
// recommends, and everything else is left out.
func romanLetters(text string) (string, bool) {
	text = otherRoman.Replace(strings.ToLower(withoutAccents(text)))
	text = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, text)
	return text, text != ""
}

// otherRoman replaces Roman letters that Unicode does not take for a letter with an accent.
var otherRoman = strings.NewReplacer(
	"ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ħ", "h", "ı", "i",
)

// withoutAccents returns a text whose letters have no accents.
func withoutAccents(text string) string {
	accents := transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC)
	if plain, _, err := transform.String(accents, text); err == nil {
		return plain
	}
	return text
}
