package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"integrationhub.dev/hub/selfsigned"
)

// certificate is what the hub, the receiver and Looker's download address all show, and
// what all of them trust.
type certificate struct {
	certFile, keyFile string
	pair              tls.Certificate
	roots             *x509.CertPool
}

func newCertificate(dir string) (*certificate, error) {
	made, err := selfsigned.New(slices.Concat([]string{"localhost"}, vendorHosts, rowHosts, augerHosts)...)
	if err != nil {
		return nil, err
	}
	c := &certificate{
		certFile: filepath.Join(dir, "cert.pem"), keyFile: filepath.Join(dir, "key.pem"), pair: made.Pair, roots: x509.NewCertPool(),
	}
	for file, text := range map[string][]byte{c.certFile: made.CertPEM, c.keyFile: made.KeyPEM} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return nil, fmt.Errorf("writing the certificate: %w", err)
		}
	}
	c.roots.AppendCertsFromPEM(made.CertPEM)
	return c, nil
}
