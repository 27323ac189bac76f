package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
)

// OpenLegacy decrypts the reference's format: a version digit, the lengths of the encrypted data key
// and of the IV (three digits each), then the IV, the data key encrypted with the master key, and the
// text encrypted with the data key, each in base64url. Both use AES-256-CTR with the same IV and
// without authentication, so the result may have been manipulated. It is only used for state that
// Looker stores.
func (b *Box) OpenLegacy(text string) ([]byte, error) {
	const head = 1 + 3 + 3
	if len(b.legacy) != 32 || len(text) < head || text[0] != '1' {
		return nil, ErrInvalid
	}
	keyLen, err1 := strconv.ParseUint(text[1:4], 10, 16)
	ivLen, err2 := strconv.ParseUint(text[4:7], 10, 16)
	rest := text[head:]
	if err1 != nil || err2 != nil || uint64(len(rest)) < keyLen+ivLen {
		return nil, ErrInvalid
	}
	iv, err1 := base64.RawURLEncoding.DecodeString(rest[:ivLen])
	sealedKey, err2 := base64.RawURLEncoding.DecodeString(rest[ivLen : ivLen+keyLen])
	data, err3 := base64.RawURLEncoding.DecodeString(rest[ivLen+keyLen:])
	if err1 != nil || err2 != nil || err3 != nil || len(iv) != aes.BlockSize || len(sealedKey) != 32 {
		return nil, ErrInvalid
	}
	if err := ctr(b.legacy, iv, sealedKey); err != nil {
		return nil, err
	}
	if err := ctr(sealedKey, iv, data); err != nil {
		return nil, err
	}
	return data, nil
}

// SealLegacy encrypts a text in the reference's format, for a team that may go back to it. The format
// has no authentication.
func (b *Box) SealLegacy(plain []byte) (string, error) {
	if len(b.legacy) != 32 {
		return "", ErrNoKey
	}
	random := make([]byte, 32+aes.BlockSize)
	_, _ = rand.Read(random) // never fails
	key, iv := random[:32], random[32:]
	data := slices.Clone(plain)
	if err := ctr(key, iv, data); err != nil {
		return "", err
	}
	if err := ctr(b.legacy, iv, key); err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf("1%03d%03d%s%s%s", len(encode(key)), len(encode(iv)), encode(iv), encode(key), encode(data)), nil
}

// LegacyKeyID identifies the reference's key: the reference finds it in the state's "cid".
func (b *Box) LegacyKeyID() string {
	sum := sha256.Sum256(b.legacy)
	return hex.EncodeToString(sum[:])
}

func ctr(key, iv, data []byte) error {
	block, err := aes.NewCipher(key)
	if err != nil {
		return ErrInvalid
	}
	cipher.NewCTR(block, iv).XORKeyStream(data, data)
	return nil
}
