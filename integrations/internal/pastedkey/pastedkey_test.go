package pastedkey_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"integrationhub.dev/integrations/internal/pastedkey"
)

const passphrase = "correct horse"

// keys returns keys in every format that programs write.
func keys(t *testing.T) map[string]string {
	t.Helper()
	must := func(b *pem.Block, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(b))
	}
	block := func(kind string, der []byte, err error) (*pem.Block, error) {
		return &pem.Block{Type: kind, Bytes: der}, err
	}
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
	ecDER, err := x509.MarshalECPrivateKey(ecKey)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PrivateKey(rsaKey)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	encrypt := func(cipher x509.PEMCipher) string {
		//nolint:staticcheck // the format is weak, and in use
		return must(x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", pkcs1, []byte(passphrase), cipher))
	}
	return map[string]string{
		"RSA PKCS #1":          must(block("RSA PRIVATE KEY", pkcs1, nil)),
		"RSA PKCS #8":          must(block("PRIVATE KEY", pkcs8, nil)),
		"EC":                   must(block("EC PRIVATE KEY", ecDER, nil)),
		"OpenSSH Ed25519":      must(ssh.MarshalPrivateKey(edKey, "looker@example.com")),
		"OpenSSH RSA":          must(ssh.MarshalPrivateKey(rsaKey, "")),
		"OpenSSH, encrypted":   must(ssh.MarshalPrivateKeyWithPassphrase(edKey, "", []byte(passphrase))),
		"RSA, encrypted":       encrypt(x509.PEMCipherAES256),
		"RSA, encrypted, 3DES": encrypt(x509.PEMCipher3DES),
	}
}

func fingerprint(t *testing.T, key []byte) string {
	t.Helper()
	signer, err := ssh.ParsePrivateKey(key)
	if err != nil {
		signer, err = ssh.ParsePrivateKeyWithPassphrase(key, []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return ssh.FingerprintSHA256(signer.PublicKey())
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What becomes of a key between its file and the hub.
func TestPEM(t *testing.T) {
	t.Parallel()
	replace := func(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }
	ways := map[string]func(string) string{
		"as it is":                func(s string) string { return s },
		"line breaks lost":        replace("\n", ""),
		"line breaks to spaces":   func(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "\n", " ") },
		"line breaks to tabs":     replace("\n", "\t"),
		"CRLF":                    replace("\n", "\r\n"),
		"CR":                      replace("\n", "\r"),
		"blank lines between":     replace("\n", "\n\n"),
		`\n`:                      replace("\n", `\n`),
		`\r\n`:                    replace("\n", `\r\n`),
		`\\n`:                     replace("\n", `\\n`),
		"a backslash per line":    replace("\n", "\\\n"),
		"indented":                func(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") },
		"indented, no-break":      replace("\n", "\n\u00a0\u00a0"),
		"byte order mark":         func(s string) string { return "\ufeff" + s },
		"zero-width spaces":       replace("\n", "\u200b\n"),
		"no last line break":      strings.TrimSpace,
		"JSON string":             func(s string) string { return quoted(t, s) },
		"JSON string, twice":      func(s string) string { return quoted(t, quoted(t, s)) },
		"single quotes":           func(s string) string { return "'" + strings.ReplaceAll(s, "\n", `\n`) + "'" },
		"base64":                  func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64 of 76 characters": func(s string) string { return wrap(base64.StdEncoding.EncodeToString([]byte(s)), 76) },
		"Python literals": func(s string) string {
			return `"` + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\\n\"\n\"") + `\n"`
		},
		"dashes of a word processor": func(s string) string {
			return strings.ReplaceAll(s, "-----", "\u2014\u2013-")
		},
		"text around it": func(s string) string { return "Bag Attributes\n    localKeyID: 01\n" + s + "Kind regards\n" },
		"parameters before it": func(s string) string {
			return "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + s
		},
	}
	for format, key := range keys(t) {
		for way, change := range ways {
			got, err := pastedkey.PEM(change(key))
			if err != nil {
				t.Errorf("%s, %s: %v", format, way, err)
				continue
			}
			if diff := cmp.Diff(key, string(got)); diff != "" {
				t.Errorf("%s, %s: key (-want +got):\n%s", format, way, diff)
			}
		}
	}
}

func wrap(text string, width int) string {
	var lines []string
	for len(text) > width {
		lines, text = append(lines, text[:width]), text[width:]
	}
	return strings.Join(append(lines, text), "\n")
}

// Without its first and last line a key can still be recognized, unless it is encrypted.
func TestPEMWithoutFirstAndLastLine(t *testing.T) {
	t.Parallel()
	for format, key := range keys(t) {
		lines := strings.Split(strings.TrimSpace(key), "\n")
		got, err := pastedkey.PEM(strings.Join(lines[1:len(lines)-1], "\n"))
		if strings.HasPrefix(format, "RSA, encrypted") {
			if err == nil {
				t.Errorf("%s: no error", format)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		if diff := cmp.Diff(fingerprint(t, []byte(key)), fingerprint(t, got)); diff != "" {
			t.Errorf("%s: fingerprint (-want +got):\n%s", format, diff)
		}
	}
}

func TestPEMErrors(t *testing.T) {
	t.Parallel()
	all := keys(t)
	lines := strings.SplitAfter(all["RSA PKCS #8"], "\n")
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":                {"", "it is not a PEM block"},
		"nonsense":               {"s3cret", "it is not a PEM block"},
		"last line missing":      {strings.Join(lines[:len(lines)-2], ""), "it is not a PEM block: its last line, which begins with -----END, is missing"},
		"last line missing, END": {"-----BEGIN PRIVATE KEY-----\nMIIEND", "it is not a PEM block: its last line, which begins with -----END, is missing"},
		"first line missing":     {strings.Join(lines[1:], ""), "it is not a PEM block: its first line, which begins with -----BEGIN, is missing"},
		"other characters":       {lines[0] + "*" + strings.Join(lines[1:], ""), "some of its characters are missing or changed"},
		"masked":                 {"-----BEGIN PRIVATE KEY-----\n********\n-----END PRIVATE KEY-----", "some of its characters are missing or changed"},
		"empty":                  {"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", "some of its characters are missing or changed"},
		"encrypted, cut":         {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n-----END RSA PRIVATE KEY-----", "some of its characters are missing or changed"},
		"PuTTY":                  {"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none", "it is in PuTTY's format. Open it in PuTTYgen and choose Conversions > Export OpenSSH key, or run puttygen key.ppk -O private-openssh -o key"},
		"PuTTY, line break lost": {"PuTTY-User-Key-File-2: ssh-rsa Encryption: aes256-cbc", "it is in PuTTY's format. Open it in PuTTYgen and choose Conversions > Export OpenSSH key, or run puttygen key.ppk -O private-openssh -o key"},
		"ssh.com":                {"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAAA\n---- END SSH2 ENCRYPTED PRIVATE KEY ----", "it is in the format of ssh.com. Convert it with ssh-keygen -i -f key"},
		"public key":             {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE me@example.com", "it is a public key. Enter the private key, which begins with -----BEGIN and says PRIVATE KEY"},
		"public key, PEM":        {"-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----", "it is a public key. Enter the private key, which begins with -----BEGIN and says PRIVATE KEY"},
		"public key, RFC 4716":   {"---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3\n---- END SSH2 PUBLIC KEY ----", "it is a public key. Enter the private key, which begins with -----BEGIN and says PRIVATE KEY"},
		"certificate":            {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "it is a certificate. Enter its private key"},
		"PGP":                    {"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ\n-----END PGP PRIVATE KEY BLOCK-----", "it is a PGP key"},
		"key ID":                 {"0123456789abcdef0123456789abcdef01234567", "it is the key's ID. Enter the key itself, which begins with -----BEGIN PRIVATE KEY-----"},
	} {
		_, err := pastedkey.PEM(tt.text)
		if err == nil {
			t.Errorf("%s: no error, want %q", name, tt.want)
			continue
		}
		if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
			t.Errorf("%s: error (-want +got):\n%s", name, diff)
		}
	}
}

func FuzzPEM(f *testing.F) {
	f.Add("-----BEGIN RSA PRIVATE KEY----- Proc-Type: 4,ENCRYPTED DEK-Info: AES-128-CBC,00 AA== -----END RSA PRIVATE KEY-----")
	f.Add(`{"private_key": "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----"}`)
	f.Fuzz(func(t *testing.T, text string) {
		key, err := pastedkey.PEM(text)
		if err == nil {
			if b, rest := pem.Decode(key); b == nil || len(rest) > 0 {
				t.Errorf("%q: %q is not one PEM block", text, key)
			}
		}
		_, _ = pastedkey.ParseKeyFile(text)
	})
}
