package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"slices"

	"integrationhub.dev/hub/selfsigned"
)

// selfSigned makes a certificate for this machine and writes it to a file for clients to trust,
// after those in another file if that is named.
func selfSigned(file, others string) (tls.Certificate, error) {
	c, err := selfsigned.New("localhost")
	if err != nil {
		return tls.Certificate{}, err
	}
	var text []byte
	if others != "" {
		if text, err = os.ReadFile(others); err != nil {
			return tls.Certificate{}, fmt.Errorf("reading ACTION_HUB_CA_FILE: %w", err)
		}
	}
	text = slices.Concat(text, []byte("\n"), c.CertPEM)
	if err := os.WriteFile(file, text, 0o600); err != nil { //nolint:gosec // in a folder that this program made
		return tls.Certificate{}, fmt.Errorf("writing the certificate: %w", err)
	}
	return c.Pair, nil
}
