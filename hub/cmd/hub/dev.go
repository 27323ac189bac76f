package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"integrationhub.dev/hub"
	"integrationhub.dev/hub/token"
)

// devAddress is where a developer's hub listens, unless the environment says otherwise. Only
// this machine reaches it.
const devAddress = "localhost:8443"

// serveDev runs a hub that needs no configuration, and says how to talk to it.
func serveDev(ctx context.Context, o hub.Options, out io.Writer) error {
	secret := rand.Text()
	for name, value := range map[string]string{
		"ACTION_HUB_SECRET":         secret,
		"ACTION_HUB_LABEL":          "Developer's hub",
		"ACTION_HUB_LISTEN_ADDRESS": devAddress,
		"ACTION_HUB_ADMIN_ADDRESS":  "localhost:0",
		"ACTION_HUB_DRAIN_DELAY":    "0s",
		"ACTION_HUB_DRAIN_TIMEOUT":  "10s",
		"ACTION_HUB_LOG_FORMAT":     "text",
	} {
		if o.Env[name] == "" {
			o.Env[name] = value
		}
	}
	if o.Env["ACTION_HUB_BASE_URL"] == "" {
		o.Env["ACTION_HUB_BASE_URL"] = "https://" + o.Env["ACTION_HUB_LISTEN_ADDRESS"]
	}
	var err error
	if o.Config, err = hub.LoadConfig(o.Env); err != nil {
		return err
	}
	minted, err := token.New([]byte(o.Config.Secret.Reveal()))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "integration-hub-dev-")
	if err != nil {
		return fmt.Errorf("making a folder for the certificate: %w", err)
	}
	defer os.RemoveAll(dir)
	ca := filepath.Join(dir, "ca.pem")
	cert, err := selfSigned(ca)
	if err != nil {
		return err
	}
	o.Certificate = hub.NewCertificate(cert)
	o.AllowLoopback = true
	o.Log = hub.NewLogger(os.Stderr, o.Config)
	o.Started = func(a net.Addr) {
		_, _ = fmt.Fprintf(out, "The hub answers at https://%s\n\n  export HUB_URL=https://%s HUB_CA_FILE=%s\n  export HUB_TOKEN=%s\n\nThen, for example:\n\n  hub list\n  hub form tray\n\n",
			hostPort(a), hostPort(a), ca, minted)
	}
	return hub.Run(ctx, o)
}

// selfSigned makes a certificate for this machine that lives for a day, and writes it to a
// file for clients to trust.
func selfSigned(file string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("signing the certificate: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return tls.Certificate{}, fmt.Errorf("writing the certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}
