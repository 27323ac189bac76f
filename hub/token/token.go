// Package token creates and validates Looker's tokens: "<nonce>/<hex HMAC-SHA512(secret, nonce)>", as
// in the reference. The hub stores no tokens; all tokens of a secret are valid until the secret is
// removed.
package token

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrNoSecret means that the secret is empty.
var ErrNoSecret = errors.New("creating a token: the secret is empty")

// New creates a token.
func New(secret []byte) (string, error) {
	if len(secret) == 0 {
		return "", ErrNoSecret
	}
	nonce := make([]byte, 32)
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	text := hex.EncodeToString(nonce)
	return text + "/" + digest(secret, text), nil
}

// Secret trims the line break that editors and echo add to a service secret. Creating and validating
// tokens must trim in the same way.
func Secret(text []byte) []byte { return bytes.TrimRight(text, "\r\n") }

// MinSecret is the minimum length of a service secret. With a token, an attacker can try secrets
// offline.
const MinSecret = 16

// ErrShortSecret means that a service secret is too short.
var ErrShortSecret = fmt.Errorf("the service secret has fewer than %d characters", MinSecret)

// Check returns an error for secrets that are too short without surrounding white space.
func Check(secret string) error {
	if utf8.RuneCountInString(strings.TrimSpace(secret)) < MinSecret {
		return ErrShortSecret
	}
	return nil
}

// Valid reports, in constant time, whether the token belongs to one of the secrets. Like the
// reference, it ignores what follows a second slash.
func Valid(token string, secrets ...[]byte) bool {
	parts := strings.SplitN(token, "/", 3)
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return false
	}
	valid := false
	for _, secret := range secrets {
		if len(secret) > 0 && hmac.Equal([]byte(parts[1]), []byte(digest(secret, parts[0]))) {
			valid = true
		}
	}
	return valid
}

func digest(secret []byte, nonce string) string {
	mac := hmac.New(sha512.New, secret)
	mac.Write([]byte(nonce))
	return hex.EncodeToString(mac.Sum(nil))
}

// Proof proves the knowledge of a service secret for one challenge, without revealing a token: it has
// another algorithm than tokens, and no token has its prefix. The operator asks pods with it whether
// they have loaded a changed secret.
func Proof(secret []byte, challenge string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("integration-hub service secret\n" + challenge))
	return hex.EncodeToString(mac.Sum(nil))
}

// ValidProof reports, in constant time, whether the proof is of one of the secrets.
func ValidProof(proof, challenge string, secrets ...[]byte) bool {
	valid := false
	for _, secret := range secrets {
		if len(secret) > 0 && challenge != "" && hmac.Equal([]byte(proof), []byte(Proof(secret, challenge))) {
			valid = true
		}
	}
	return valid
}
