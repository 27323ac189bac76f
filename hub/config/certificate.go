package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync/atomic"
)

// Certificate is the hub's TLS certificate, which can be reloaded.
type Certificate struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]
}

// LoadCertificate reads a certificate and its key from PEM files.
func LoadCertificate(certFile, keyFile string) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile}
	return c, c.Reload()
}

// NewCertificate returns a certificate that does not change.
func NewCertificate(t tls.Certificate) *Certificate {
	c := &Certificate{}
	c.current.Store(&t)
	return c
}

// Reload reads the files again. The previous certificate stays in use if the certificate and the
// key do not match, for example while they are being replaced.
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

// Leaf returns the certificate that is currently served.
func (c *Certificate) Leaf() *x509.Certificate { return c.current.Load().Leaf }

// TLS returns the server's TLS configuration. New connections use the current certificate.
func (c *Certificate) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current.Load(), nil
		},
	}
}
