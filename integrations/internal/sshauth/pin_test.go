package sshauth_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"integrationhub.dev/integrations/internal/sshauth"
)

func newEd25519(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer(t, private)
}

func newRSA(t *testing.T) ssh.Signer {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return signer(t, private)
}

func signer(t *testing.T, private any) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func line(k ssh.Signer) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.PublicKey())))
}

const (
	host    = "files.example.com:22"
	noPin   = "must be the server's public key, such as ssh-ed25519 AAAA…, or its fingerprint, such as SHA256:…"
	scanned = "# files.example.com:22 SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3"
	dsa     = "ssh-dss AAAAB3NzaC1kc3MAAACBAAAA"
)

// accepts reports whether a server's key is accepted. Unknown servers would be trusted.
func accepts(keys sshauth.HostKeys, hostPort string, server ssh.Signer) bool {
	check, _, err := sshauth.NewVerifier(slog.New(slog.DiscardHandler), "", true).Verify(hostPort, keys)
	return err == nil && check(hostPort, &net.TCPAddr{}, server.PublicKey()) == nil
}

// The forms in which a host key is entered. Each is read, and accepts the server's key and no other.
func TestPins(t *testing.T) {
	t.Parallel()
	server, second, other := newEd25519(t), newRSA(t), newEd25519(t)
	sum := sha256.Sum256(server.PublicKey().Marshal())
	fingerprint := ssh.FingerprintSHA256(server.PublicKey())
	blob := strings.Fields(line(server))[1]
	for name, text := range map[string]string{
		"public key":                        line(server),
		"with a comment":                    line(server) + " root@files",
		"with a byte order mark":            "\ufeff" + line(server),
		"in quotes":                         `"` + line(server) + `"`,
		"base64 alone":                      blob,
		"ssh-keyscan":                       "files.example.com " + line(server),
		"ssh-keyscan, non-default port":     "[files.example.com]:2222 " + line(server),
		"ssh-keyscan of an IP address":      "10.0.0.1 " + line(server),
		"ssh-keyscan, hashed":               knownhosts.HashHostname("files.example.com") + " " + line(server),
		"ssh-keyscan with its comment":      scanned + "\nfiles.example.com " + line(server) + "\n",
		"ssh-keyscan with CRLF":             scanned + "\r\nfiles.example.com " + line(server) + "\r\n\r\n",
		"ssh-keyscan, old Mac line breaks":  scanned + "\rfiles.example.com " + line(server),
		"ssh-keyscan, escaped line breaks":  scanned + `\nfiles.example.com ` + line(server) + `\n`,
		"ssh-keyscan, line breaks lost":     scanned + " files.example.com " + line(server),
		"ssh-keyscan, two keys, lines lost": scanned + " files.example.com " + line(second) + " " + scanned + " files.example.com " + line(server),
		"several on lines":                  line(second) + "\n" + line(server),
		"several with commas":               line(second) + ", " + line(server),
		"several names":                     "files.example.com,10.0.0.1 " + line(server),
		"several names and keys":            "files.example.com,10.0.0.1 " + line(second) + ",files.example.com,10.0.0.1 " + line(server),
		"blank lines and comments":          "\n# one\n\n  # two\n" + line(server) + "\n#\n",
		"a comment after the key":           line(server) + " # old: " + line(other),
		"tabs and no-break spaces":          "files.example.com\t" + strings.ReplaceAll(line(server), " ", "\u00a0"),
		"a whole known_hosts file":          "other.example.com " + line(other) + "\nfiles.example.com " + line(server),
		"a whole hashed known_hosts file": knownhosts.HashHostname("other.example.com") + " " + line(other) + "\n" +
			knownhosts.HashHostname("files.example.com") + " " + line(server),
		"beside a key of an old type":        "files.example.com " + dsa + "\nfiles.example.com " + line(server),
		"beside a revoked key":               "@revoked files.example.com " + line(other) + "\nfiles.example.com " + line(server),
		"fingerprint":                        fingerprint,
		"fingerprint with padding":           fingerprint + "=",
		"fingerprint in lowercase":           "sha256:" + strings.TrimPrefix(fingerprint, "SHA256:"),
		"fingerprint without its prefix":     strings.TrimPrefix(fingerprint, "SHA256:"),
		"fingerprint in hexadecimal":         "SHA256:" + hex.EncodeToString(sum[:]),
		"fingerprint of ssh-keygen -l":       "256 " + fingerprint + " root@files (ED25519)",
		"fingerprint of PuTTY":               "ssh-ed25519 255 " + fingerprint,
		"fingerprint of WinSCP":              "ssh-ed25519 255 " + base64.StdEncoding.EncodeToString(sum[:]),
		"fingerprint and the key of another": line(second) + "," + fingerprint,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var keys sshauth.HostKeys
			if err := keys.UnmarshalText([]byte(text)); err != nil {
				t.Fatal(err)
			}
			if !keys.IsSet() {
				t.Error("the keys count as unset")
			}
			if !accepts(keys, host, server) {
				t.Error("the server's key is not accepted")
			}
			if accepts(keys, host, other) {
				t.Error("another key is accepted")
			}
		})
	}
}

// Text from which no key can be read is an error, and never counts as unset.
func TestUnreadablePins(t *testing.T) {
	t.Parallel()
	key := newEd25519(t)
	blob := strings.Fields(line(key))[1]
	const ca = "contains a line with @cert-authority. Enter the server's own key. The hub's administrator can add the line to " +
		"SFTP_KNOWN_HOSTS_FILE instead"
	const md5 = "contains an MD5 fingerprint. Enter the SHA256 fingerprint, as ssh-keygen -l -E sha256 prints it"
	for name, tt := range map[string]struct{ text, want string }{
		"nonsense":                        {"nonsense", noPin},
		"a comment":                       {"# to be filled in", noPin},
		"a comment with a key":            {"# " + line(key), noPin},
		"comments and blank lines":        {"# one\n\n# two\n", noPin},
		"ssh-keyscan without an answer":   {scanned + "\n", noPin},
		"a comma":                         {",", noPin},
		"a byte order mark":               {"\ufeff", noPin},
		"quotes":                          {`""`, noPin},
		"a type":                          {"ssh-ed25519", noPin},
		"a truncated key":                 {"ssh-ed25519 " + blob[:40], noPin},
		"a truncated key with its type":   {blob[:60], noPin},
		"a key of another type":           {"ssh-rsa " + blob, noPin},
		"a key beside nonsense":           {line(key) + ", nonsense", noPin},
		"nonsense beside a key":           {"nonsense, " + line(key), noPin},
		"a key above nonsense":            {line(key) + "\nnonsense", noPin},
		"a fingerprint beside nonsense":   {ssh.FingerprintSHA256(key.PublicKey()) + ",nonsense", noPin},
		"nonsense beside a fingerprint":   {"nonsense," + ssh.FingerprintSHA256(key.PublicKey()), noPin},
		"a truncated fingerprint":         {ssh.FingerprintSHA256(key.PublicKey())[:40], noPin},
		"MD5":                             {"MD5:" + ssh.FingerprintLegacyMD5(key.PublicKey()), md5},
		"MD5 without its prefix":          {ssh.FingerprintLegacyMD5(key.PublicKey()), md5},
		"a certificate authority":         {"@cert-authority *.example.com " + line(key), ca},
		"an authority beside a key":       {line(key) + "\n@cert-authority *.example.com " + line(key), ca},
		"an authority, several names":     {"@cert-authority a.example.com,b.example.com " + line(key), ca},
		"a revoked key":                   {"@revoked files.example.com " + line(key), "contains revoked keys only. Enter the key that the server uses"},
		"an unknown marker":               {"@trusted files.example.com " + line(key), "contains a line with an unknown marker. Only @revoked is supported"},
		"a private key":                   {"-----BEGIN OPENSSH PRIVATE KEY----- b3Bl", "contains a private key. Enter the server's public key, as ssh-keyscan prints it"},
		"a key in the format of RFC 4716": {"---- BEGIN SSH2 PUBLIC KEY ----\n" + blob + "\n---- END SSH2 PUBLIC KEY ----", noPin},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var keys sshauth.HostKeys
			err := keys.UnmarshalText([]byte(tt.text))
			if err == nil {
				t.Fatalf("no error, want %q", tt.want)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// A revoked key is not accepted, even if it is also listed. A key of a type that cannot be checked is no reason to
// accept another.
func TestPinsThatNeverMatch(t *testing.T) {
	t.Parallel()
	server := newEd25519(t)
	for name, text := range map[string]string{
		"revoked and listed":         line(server) + "\n@revoked files.example.com " + line(server),
		"an old type":                dsa,
		"the key of another host":    "files.example.com " + line(newEd25519(t)) + "\nother.example.com " + line(server),
		"revoked under another name": "@revoked other.example.com " + line(server) + "\nfiles.example.com " + line(server),
	} {
		var keys sshauth.HostKeys
		if err := keys.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if accepts(keys, host, server) {
			t.Errorf("%s: the key is accepted", name)
		}
	}
}

// The types of key that are requested from the server: it presents one, which must be one that the hub can check.
func TestRequestedTypes(t *testing.T) {
	t.Parallel()
	ed, rsa := newEd25519(t), newRSA(t)
	all := []string{"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256"}
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"Ed25519":               {line(ed), []string{"ssh-ed25519"}},
		"RSA":                   {line(rsa), []string{"rsa-sha2-512", "rsa-sha2-256"}},
		"a fingerprint":         {ssh.FingerprintSHA256(rsa.PublicKey()), all},
		"a key and fingerprint": {line(rsa) + "," + ssh.FingerprintSHA256(ed.PublicKey()), all},
		"a key of an old type":  {dsa + "\n" + line(ed), []string{"ssh-ed25519"}},
		"a revoked key":         {"@revoked * " + line(rsa) + "\n" + line(ed), []string{"ssh-ed25519"}},
	} {
		var keys sshauth.HostKeys
		if err := keys.UnmarshalText([]byte(tt.text)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, got, err := sshauth.NewVerifier(slog.New(slog.DiscardHandler), "", false).Verify(host, keys)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: algorithms (-want +got):\n%s", name, diff)
		}
	}
}

// A certificate authority in the hub's list is asked for a certificate, and accepts one that it signed for this host.
func TestCertificateAuthority(t *testing.T) {
	t.Parallel()
	authority, server := newRSA(t), newEd25519(t)
	file := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(file, []byte("# comment\n@cert-authority *.example.com "+line(authority)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	check, algorithms, err := sshauth.NewVerifier(slog.New(slog.DiscardHandler), file, true).Verify(host, sshauth.HostKeys{})
	if err != nil {
		t.Fatal(err)
	}
	if len(algorithms) == 0 || algorithms[0] != ssh.CertAlgoED25519v01 {
		t.Errorf("algorithms %q, want those of certificates", algorithms)
	}
	certificate := func(principal string) *ssh.Certificate {
		c := &ssh.Certificate{
			Key: server.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{principal}, ValidBefore: ssh.CertTimeInfinity,
		}
		if err := c.SignCert(rand.Reader, authority); err != nil {
			t.Fatal(err)
		}
		return c
	}
	if err := check(host, &net.TCPAddr{}, certificate("files.example.com")); err != nil {
		t.Errorf("the host's certificate: %v", err)
	}
	if err := check(host, &net.TCPAddr{}, certificate("other.example.com")); err == nil {
		t.Error("another host's certificate is accepted")
	}
	if err := check(host, &net.TCPAddr{}, server.PublicKey()); err == nil {
		t.Error("a key without a certificate is accepted")
	}
}
