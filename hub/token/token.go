// Package token mints and checks the tokens with which Looker authenticates itself:
// "<nonce>/<hex HMAC-SHA512(secret, nonce)>", as the reference makes them. The hub keeps no
// list of tokens; all that were minted from a secret are good until the secret goes.
package token

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrNoSecret says that there is nothing to mint from.
var ErrNoSecret = errors.New("minting a token: the secret is empty")

// New mints a token.
func New(secret []byte) (string, error) {
	if len(secret) == 0 {
		return "", ErrNoSecret
	}
	nonce := make([]byte, 32)
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	text := hex.EncodeToString(nonce)
	return text + "/" + digest(secret, text), nil
}

// Secret is a service secret as a file or a Kubernetes Secret holds it, without the end of
// line that editors and echo leave. Whoever mints and whoever checks must agree on it.
func Secret(text []byte) []byte { return bytes.TrimRight(text, "\r\n") }

// MinSecret is the least number of characters of a service secret. Whoever has one token can try
// secrets offline, as fast as SHA-512 is.
const MinSecret = 16

// ErrShortSecret says that a service secret could be guessed.
var ErrShortSecret = fmt.Errorf("the service secret has fewer than %d characters", MinSecret)

// Check refuses secrets that are too short, not counting blanks around them.
func Check(secret string) error {
	if utf8.RuneCountInString(strings.TrimSpace(secret)) < MinSecret {
		return ErrShortSecret
	}
	return nil
}

// Valid reports, in time that does not depend on the secrets, whether the token was minted
// from one of them. What follows a second slash is ignored, as in the reference.
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
