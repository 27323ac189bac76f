package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync/atomic"
)

// Certificate is the hub's own, which changes while it runs.
type Certificate struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]
}

// LoadCertificate reads a certificate and its key from PEM files.
func LoadCertificate(certFile, keyFile string) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile}
	return c, c.Reload()
}

// NewCertificate holds a certificate that does not change.
func NewCertificate(t tls.Certificate) *Certificate {
	c := &Certificate{}
	c.current.Store(&t)
	return c
}

// Reload reads the files again. A pair that does not fit together, as in the middle of a
// change, leaves the old one in place.
func (c *Certificate) Reload() error {
	if c.certFile == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("loading the certificate: %w", err)
	}
	c.current.Store(&pair)
	return nil
}

// Leaf is the certificate that is served now.
func (c *Certificate) Leaf() *x509.Certificate { return c.current.Load().Leaf }

// TLS is the server's configuration: connections that are open keep their certificate, new
// ones get the current.
func (c *Certificate) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current.Load(), nil
		},
	}
}
