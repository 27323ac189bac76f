// Package controlplane starts Kubernetes' control plane as processes.
package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// life is how long certificates are good for: a local cluster does not get old.
const life = 30 * 24 * time.Hour

// authority signs the cluster's certificates and writes them into a folder.
type authority struct {
	folder string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	pem    []byte
}

func newAuthority(folder string) (*authority, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("making the certificates' folder: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the authority's key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "local-cluster"},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(life),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the authority: %w", err)
	}
	a := &authority{folder: folder, key: key, pem: block("CERTIFICATE", der)}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("making the authority: %w", err)
	}
	return a, a.write("ca", a.pem, key)
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func (a *authority) file(name string) string { return filepath.Join(a.folder, name) }

func (a *authority) write(name string, cert []byte, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encoding the key of %s: %w", name, err)
	}
	if err := os.WriteFile(a.file(name+".key"), block("PRIVATE KEY", der), 0o600); err != nil {
		return fmt.Errorf("writing the key of %s: %w", name, err)
	}
	if err := os.WriteFile(a.file(name+".crt"), cert, 0o600); err != nil {
		return fmt.Errorf("writing the certificate of %s: %w", name, err)
	}
	return nil
}

// issue writes NAME.crt and NAME.key: for a client and, with hosts, for a server too.
func (a *authority) issue(name string, subject pkix.Name, hosts ...string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making the key of %s: %w", name, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making the certificate of %s: %w", name, err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: subject, NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if len(hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making the certificate of %s: %w", name, err)
	}
	if err := a.write(name, block("CERTIFICATE", der), key); err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(block("CERTIFICATE", der), readKey(key))
}

func readKey(key *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err) // it was encoded before
	}
	return block("PRIVATE KEY", der)
}

// accounts writes the key pair that service accounts' tokens are signed with.
func (a *authority) accounts() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making the key of service accounts: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("making the key of service accounts: %w", err)
	}
	if err := os.WriteFile(a.file("sa.key"), readKey(key), 0o600); err != nil {
		return fmt.Errorf("writing the key of service accounts: %w", err)
	}
	if err := os.WriteFile(a.file("sa.pub"), block("PUBLIC KEY", der), 0o600); err != nil {
		return fmt.Errorf("writing the key of service accounts: %w", err)
	}
	return nil
}

// kubeconfig issues a certificate and writes a kubeconfig that holds it.
func (a *authority) kubeconfig(file, server, name string, subject pkix.Name) error {
	if _, err := a.issue(name, subject); err != nil {
		return err
	}
	encoded := func(file string) string {
		text, _ := os.ReadFile(a.file(file)) // written just now
		return base64.StdEncoding.EncodeToString(text)
	}
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: local, cluster: {server: "%s", certificate-authority-data: %s}}]
users: [{name: %[3]s, user: {client-certificate-data: %s, client-key-data: %s}}]
contexts: [{name: local, context: {cluster: local, user: %[3]s}}]
current-context: local
`, server, base64.StdEncoding.EncodeToString(a.pem), name, encoded(name+".crt"), encoded(name+".key"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return nil
}

// server is a TLS configuration that takes only clients with one of the names.
func (a *authority) server(own tls.Certificate, clients ...string) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		VerifyConnection: func(s tls.ConnectionState) error {
			got := s.PeerCertificates[0].Subject.CommonName
			if slices.Contains(clients, got) {
				return nil
			}
			return fmt.Errorf("client %q may not connect", got)
		},
	}
}
