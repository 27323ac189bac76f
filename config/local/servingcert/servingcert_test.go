package servingcert_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"integrationhub.dev/config/local/servingcert"
	"integrationhub.dev/hub/selfsigned"
)

// A renewed certificate is served at once, and half a change is not.
func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	certFile, keyFile := filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	c := servingcert.New(certFile, keyFile)
	if pair, err := c.Current(nil); err == nil {
		t.Errorf("without files there is the certificate %v", pair)
	}
	write := func(path string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var pairs [2]selfsigned.Certificate
	for i := range pairs {
		var err error
		if pairs[i], err = selfsigned.New("localhost"); err != nil {
			t.Fatal(err)
		}
	}
	serves := func(want selfsigned.Certificate) {
		t.Helper()
		if got, err := c.Current(nil); err != nil || !bytes.Equal(got.Certificate[0], want.Pair.Certificate[0]) {
			t.Errorf("another certificate is served: %v", err)
		}
	}
	write(certFile, pairs[0].CertPEM)
	write(keyFile, pairs[0].KeyPEM)
	serves(pairs[0])
	write(certFile, pairs[1].CertPEM)
	serves(pairs[0])
	write(keyFile, pairs[1].KeyPEM)
	serves(pairs[1])
}
