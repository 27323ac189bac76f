package main

import (
	"crypto/tls"
	"sync"
)

// certificate is read for each connection, because it is renewed while the program runs.
type certificate struct {
	certFile, keyFile string

	mu   sync.Mutex
	last *tls.Certificate
}

// current returns the pair in the files, or the last one while they do not match, as in the middle
// of a renewal.
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
