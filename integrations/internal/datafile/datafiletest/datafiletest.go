// Package datafiletest helps to test destinations of files that can be encrypted.
package datafiletest

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Key is a key for encryption.
type Key struct {
	// Public is the public key in its text format.
	Public  string
	private *openpgp.Entity
}

// NewKey makes a key. It is also valid in a bubble of synctest, where the year is 2000.
func NewKey(t testing.TB) Key {
	t.Helper()
	key, err := openpgp.NewEntity("Edda", "", "edda@example.com", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Curve: packet.Curve25519,
		Time: func() time.Time { return time.Date(1999, time.January, 1, 0, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Serialize(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return Key{b.String(), key}
}

// Decrypt decrypts a file in the binary format.
func (k Key) Decrypt(t testing.TB, file io.Reader) string {
	t.Helper()
	m, err := openpgp.ReadMessage(file, openpgp.EntityList{k.private}, nil, nil)
	if err != nil {
		t.Fatalf("decrypting: %v", err)
	}
	plain, err := io.ReadAll(m.UnverifiedBody)
	if err != nil {
		t.Fatalf("decrypting: %v", err)
	}
	return string(plain)
}
