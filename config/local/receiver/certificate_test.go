package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
)

// A renewed certificate is served at once, and half a change is not.
func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := &certificate{certFile: filepath.Join(dir, "tls.crt"), keyFile: filepath.Join(dir, "tls.key")}
	if pair, err := c.current(nil); err == nil {
		t.Errorf("without files there is the certificate %v", pair)
	}
	write := func(path string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	serves := func(want int64) {
		t.Helper()
		pair, err := c.current(nil)
		if err != nil || pair.Leaf.SerialNumber.Int64() != want {
			t.Errorf("serving %+v, %v, want number %d", pair, err, want)
		}
	}
	cert, key := keyPair(t, 1)
	write(c.certFile, cert)
	write(c.keyFile, key)
	serves(1)
	cert, key = keyPair(t, 2)
	write(c.certFile, cert)
	serves(1)
	write(c.keyFile, key)
	serves(2)
}

func keyPair(t *testing.T, number int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(number)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded})
}
