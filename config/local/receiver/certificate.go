package main

import (
	"crypto/tls"
	"sync"
)

// certificate is read anew for each connection: it is renewed while the receiver runs.
type certificate struct {
	certFile, keyFile string

	mu   sync.Mutex
	last *tls.Certificate
}

// current is the pair in the files, or the one before where they do not fit together, as in
// the middle of a change.
func (c *certificate) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
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
