// Package sealed encrypts and authenticates what the hub lets browsers and Looker store: the state of
// sign-ins and users' tokens.
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

// Box seals with the first key and opens with all keys, which may change while the hub runs.
type Box struct {
	secrets func() [][]byte
	legacy  []byte
	now     func() time.Time
}

// New creates a box. secrets returns the secrets from which keys are derived, newest first; legacy is
// the 32-byte key of the reference's format, or nil.
func New(secrets func() [][]byte, legacy []byte) *Box {
	return &Box{secrets: secrets, legacy: legacy, now: time.Now}
}

// The errors of [Box]. They contain nothing of the text.
var (
	ErrInvalid = errors.New("the sealed text was not created by this hub or not for this purpose")
	ErrExpired = errors.New("the sealed text has expired")
	ErrNoKey   = errors.New("no key is configured")
)

// version is the prefix of this package's format, followed by base64url of the nonce, ciphertext and
// tag of AES-256-GCM over the time of sealing (Unix seconds, 8 bytes) and the plain text.
const version = "2"

// maxSkew is the maximum clock difference of two replicas. A text from further in the future would
// be valid for too long.
const maxSkew = time.Minute

// label distinguishes these keys from others of the same secret (RFC 5869, info).
const label = "integration-hub sealed v2"

func aead(secret []byte) (cipher.AEAD, []byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, label, 32)
	if err != nil {
		return nil, nil, fmt.Errorf("deriving a key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, fmt.Errorf("creating a cipher: %w", err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	return gcm, key, err
}

// Seal encrypts a text, which opens only for the same purpose.
func (b *Box) Seal(plain []byte, purpose string) (string, error) {
	secrets := b.secrets()
	if len(secrets) == 0 {
		return "", ErrNoKey
	}
	gcm, _, err := aead(secrets[0])
	if err != nil {
		return "", err
	}
	stamped := binary.BigEndian.AppendUint64(nil, uint64(b.now().Unix())) //nolint:gosec // the time is after 1970
	stamped = append(stamped, plain...)
	ciphertext := gcm.Seal(nil, nil, stamped, []byte(purpose)) //nolint:gosec // the cipher creates the nonce
	return version + base64.RawURLEncoding.EncodeToString(ciphertext), nil
}

// Open decrypts a text for the purpose, sealed at most maxAge ago; 0 means that it does not expire.
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

// KeyID identifies the sealing key without revealing it.
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
