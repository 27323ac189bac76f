// Package servingcert serves the certificate that is in two files, also after its renewal.
package servingcert

import (
	"crypto/tls"
	"sync"
)

// Certificate is read for each connection, because it is renewed while the program runs.
type Certificate struct {
	certFile, keyFile string

	mu   sync.Mutex
	last *tls.Certificate
}

// New returns the certificate in two PEM files.
func New(certFile, keyFile string) *Certificate {
	return &Certificate{certFile: certFile, keyFile: keyFile}
}

// Current returns the pair in the files, or the last one while they do not match, as in the middle
// of a renewal. It is a GetCertificate of [tls.Config].
func (c *Certificate) Current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil && c.last == nil {
		return nil, err
	}
	if err == nil {
		c.last = &pair
	}
	return c.last, nil
}
