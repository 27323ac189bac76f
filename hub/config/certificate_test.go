package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"integrationhub.dev/hub/config"
)

func TestCertificateChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := selfSigned(t, "first"), selfSigned(t, "second")
	cert, key := writeFile(t, dir, "tls.crt", first.cert), writeFile(t, dir, "tls.key", first.key)
	c, err := config.LoadCertificate(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	served := func() string {
		got, err := c.TLS().GetCertificate(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return got.Leaf.Subject.CommonName
	}
	writeFile(t, dir, "tls.crt", second.cert) // in the middle of a change the pair does not fit
	if err := c.Reload(); err == nil || served() != "first" {
		t.Errorf("a pair that does not fit: %v, serving %s", err, served())
	}
	writeFile(t, dir, "tls.key", second.key)
	if err := c.Reload(); err != nil || served() != "second" {
		t.Errorf("after the change: %v, serving %s", err, served())
	}
}

type pair struct{ cert, key string }

func selfSigned(t *testing.T, name string) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pair{
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	}
}

func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
