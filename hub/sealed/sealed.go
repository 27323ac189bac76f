// Package sealed encrypts what the hub hands to browsers and to Looker for safe-keeping,
// so that it comes back unread and unchanged: sign-ins on their way, and users' tokens.
package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Box seals and opens with keys that may change while the hub runs: the first one seals,
// all of them open.
type Box struct {
	secrets func() [][]byte
	legacy  []byte
	now     func() time.Time
}

// New makes a box. secrets returns the secrets to derive keys from, newest first; legacy is
// the 32-byte key of texts in the reference's format, or nil.
func New(secrets func() [][]byte, legacy []byte) *Box {
	return &Box{secrets: secrets, legacy: legacy, now: time.Now}
}

// The reasons why a text does not open. They say nothing about the text.
var (
	ErrInvalid = errors.New("the sealed text was not made by this hub, or not for this purpose")
	ErrExpired = errors.New("the sealed text is too old")
	ErrNoKey   = errors.New("there is no key to seal with")
)

// version marks this package's format: "2", then base64url of nonce, ciphertext and tag of
// AES-256-GCM over the time of sealing (Unix seconds, 8 bytes) and the plain text.
const version = "2"

// maxSkew is how far the clocks of two replicas may differ. A text from further in the future
// would outlive its age.
const maxSkew = time.Minute

// label separates these keys from others derived from the same secret (RFC 5869, info).
const label = "integration-hub sealed v2"

func aead(secret []byte) (cipher.AEAD, []byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, label, 32)
	if err != nil {
		return nil, nil, fmt.Errorf("deriving a key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, fmt.Errorf("making a cipher: %w", err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	return gcm, key, err
}

// Seal encrypts a text for one purpose; it opens only for the same purpose.
func (b *Box) Seal(plain []byte, purpose string) (string, error) {
	secrets := b.secrets()
	if len(secrets) == 0 {
		return "", ErrNoKey
	}
	gcm, _, err := aead(secrets[0])
	if err != nil {
		return "", err
	}
	stamped := binary.BigEndian.AppendUint64(nil, uint64(b.now().Unix())) //nolint:gosec // the clock is past 1970
	stamped = append(stamped, plain...)
	return version + base64.RawURLEncoding.EncodeToString(gcm.Seal(nil, nil, stamped, []byte(purpose))), nil //nolint:gosec // the cipher makes the nonce
}

// Open decrypts a text sealed for the purpose, not longer than maxAge ago; 0 means that it
// keeps for ever.
func (b *Box) Open(text, purpose string, maxAge time.Duration) ([]byte, error) {
	if len(text) < 1 || text[:1] != version {
		return nil, ErrInvalid
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text[1:])
	if err != nil {
		return nil, ErrInvalid
	}
	for _, secret := range b.secrets() {
		gcm, _, err := aead(secret)
		if err != nil {
			return nil, err
		}
		stamped, err := gcm.Open(nil, nil, sealed, []byte(purpose))
		if err != nil || len(stamped) < 8 {
			continue
		}
		at := time.Unix(int64(binary.BigEndian.Uint64(stamped)), 0) //nolint:gosec // written by Seal
		if maxAge > 0 && b.now().Sub(at) > maxAge {
			return nil, ErrExpired
		}
		if maxAge > 0 && at.Sub(b.now()) > maxSkew {
			return nil, ErrInvalid
		}
		return stamped[8:], nil
	}
	return nil, ErrInvalid
}

// KeyID names the sealing key without giving it away.
func (b *Box) KeyID() string {
	secrets := b.secrets()
	if len(secrets) == 0 {
		return ""
	}
	_, key, err := aead(secrets[0])
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:])
}
