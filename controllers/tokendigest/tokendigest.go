// Package tokendigest remembers which token was written to Looker, which never returns it, without
// storing the token.
package tokendigest

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// algorithm is the prefix of a digest.
const algorithm = "sha256"

// New returns a salted digest of a token. A plain SHA-256 suffices, because a token cannot be guessed: it
// contains 256 random bits and a message authentication code of 512. A slow hash is for passwords. The salt
// keeps two registrations with the same token from looking the same.
func New(token []byte) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails, see crypto/rand
	return strings.Join([]string{algorithm, hex.EncodeToString(salt), sum(salt, token)}, ":")
}

// Matches reports whether a digest is of a token.
func Matches(digest string, token []byte) bool {
	parts := strings.Split(digest, ":")
	if len(parts) != 3 || parts[0] != algorithm {
		return false
	}
	salt, err := hex.DecodeString(parts[1])
	return err == nil && subtle.ConstantTimeCompare([]byte(parts[2]), []byte(sum(salt, token))) == 1
}

func sum(salt, token []byte) string {
	h := sha256.New()
	h.Write(salt)
	h.Write(token)
	return hex.EncodeToString(h.Sum(nil))
}
