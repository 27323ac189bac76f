package sshauth_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/youmark/pkcs8"
	"golang.org/x/crypto/ssh"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/sshauth"
)

const passphrase = "correct horse"

// privateKeys returns keys in the formats that OpenSSH and OpenSSL write, with and without a passphrase.
func privateKeys(t *testing.T) (plain, encrypted map[string]string) {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plain, encrypted = map[string]string{}, map[string]string{}
	add := func(to map[string]string, name string, b *pem.Block, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		to[name] = string(pem.EncodeToMemory(b))
	}
	for name, key := range map[string]any{"RSA": rsaKey, "ECDSA": ecKey, "Ed25519": edKey} {
		b, err := ssh.MarshalPrivateKey(key, "")
		add(plain, "OpenSSH "+name, b, err)
		b, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
		add(encrypted, "OpenSSH "+name, b, err)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		add(plain, "PKCS #8 "+name, &pem.Block{Type: "PRIVATE KEY", Bytes: der}, err)
		der, err = pkcs8.MarshalPrivateKey(key, []byte(passphrase), nil)
		add(encrypted, "PKCS #8 "+name, &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}, err)
	}
	ecDER, err := x509.MarshalECPrivateKey(ecKey)
	add(plain, "SEC 1", &pem.Block{Type: "EC PRIVATE KEY", Bytes: ecDER}, err)
	pkcs1 := x509.MarshalPKCS1PrivateKey(rsaKey)
	add(plain, "PKCS #1", &pem.Block{Type: "RSA PRIVATE KEY", Bytes: pkcs1}, nil)
	//nolint:staticcheck // the format is weak, and in use
	b, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", pkcs1, []byte(passphrase), x509.PEMCipherAES128)
	add(encrypted, "PKCS #1", b, err)
	return plain, encrypted
}

func TestPrivateKeys(t *testing.T) {
	t.Parallel()
	plain, encrypted := privateKeys(t)
	config := func(key, passphrase string) error {
		_, _, err := sshauth.Credentials{User: "looker", PrivateKey: action.Secret(key), Passphrase: action.Secret(passphrase)}.Config()
		return err
	}
	for name, key := range plain {
		for way, change := range map[string]string{"as it is": key, "line breaks lost": strings.ReplaceAll(key, "\n", "")} {
			if err := config(change, ""); err != nil {
				t.Errorf("%s, %s: %v", name, way, err)
			}
			if err := config(change, "not needed"); err != nil {
				t.Errorf("%s, %s, with a passphrase: %v", name, way, err)
			}
		}
	}
	for name, key := range encrypted {
		for way, change := range map[string]string{"as it is": key, "line breaks to spaces": strings.ReplaceAll(key, "\n", " ")} {
			for given, want := range map[string]string{
				passphrase: "",
				"":         "The private key has a passphrase. Enter it in the action's settings in Looker.",
				"wrong":    "The passphrase is not that of the private key. Check both in the action's settings in Looker.",
			} {
				err := config(change, given)
				if want == "" && err != nil {
					t.Errorf("%s, %s: %v", name, way, err)
				}
				if want != "" && action.MessageOf(err) != want {
					t.Errorf("%s, %s, passphrase %q: error %v, want %q", name, way, given, err, want)
				}
			}
		}
	}
}

// The error says what the text is instead of a private key.
func TestPrivateKeyErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ key, want string }{
		"nonsense": {"s3cret", "The private key cannot be read. Enter it exactly as in its file, with its first and last line, in the action's " +
			"settings in Looker."},
		"a damaged key": {"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----", "The private key cannot be read. " +
			"Enter it exactly as in its file, with its first and last line, in the action's settings in Looker."},
		"PuTTY": {"PuTTY-User-Key-File-3: ssh-ed25519", "The private key cannot be used: it is in PuTTY's format. Open it in PuTTYgen and choose " +
			"Conversions > Export OpenSSH key, or run puttygen key.ppk -O private-openssh -o key."},
		"a public key": {line(newEd25519(t)), "The private key cannot be used: it is a public key. Enter the private key, which begins with " +
			"-----BEGIN and says PRIVATE KEY."},
	} {
		_, _, err := sshauth.Credentials{User: "looker", PrivateKey: action.Secret(tt.key)}.Config()
		if action.KindOf(err) != action.Invalid || action.MessageOf(err) != tt.want {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}
