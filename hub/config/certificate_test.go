package config_test

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"testing"

	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/selfsigned"
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
	c, err := selfsigned.New(name)
	if err != nil {
		t.Fatal(err)
	}
	return pair{string(c.CertPEM), string(c.KeyPEM)}
}

func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
