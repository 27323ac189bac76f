package sshauth

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"integrationhub.dev/hub/action"
)

// HostKeys are a server's configured host keys and fingerprints. It must present one of them.
type HostKeys struct {
	keys         []ssh.PublicKey
	fingerprints []string
}

// IsSet reports whether a key is configured.
func (h *HostKeys) IsSet() bool { return len(h.keys)+len(h.fingerprints) > 0 }

// UnmarshalText implements [encoding.TextUnmarshaler]. It accepts public keys, with or without the host
// name that ssh-keyscan prints before them, and fingerprints, separated by commas or line breaks.
func (h *HostKeys) UnmarshalText(text []byte) error {
	for line := range strings.FieldsFuncSeq(string(text), func(r rune) bool { return r == ',' || r == '\n' }) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "SHA256:") {
			h.fingerprints = append(h.fingerprints, strings.TrimRight(line, "="))
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			_, after, _ := strings.Cut(line, " ")
			key, _, _, _, err = ssh.ParseAuthorizedKey([]byte(after))
		}
		if err != nil {
			return errors.New("must be the server's public key, such as ssh-ed25519 AAAA…, or its fingerprint, such as SHA256:…")
		}
		h.keys = append(h.keys, key)
	}
	return nil
}

func (h *HostKeys) contains(key ssh.PublicKey) bool {
	return slices.Contains(h.fingerprints, ssh.FingerprintSHA256(key)) ||
		slices.ContainsFunc(h.keys, func(k ssh.PublicKey) bool { return same(k, key) })
}

func same(a, b ssh.PublicKey) bool { return string(a.Marshal()) == string(b.Marshal()) }

// mismatch is the error for a host key other than the expected one, which the text describes.
func mismatch(key ssh.PublicKey, expected string) error {
	return action.Errorf(action.Forbidden, "The server's host key is %s %s, which is not %s. The connection may have been "+
		"intercepted. Nothing was sent.", key.Type(), ssh.FingerprintSHA256(key), expected)
}

// Verifier checks host keys. Make it with [NewVerifier].
type Verifier struct {
	log             *slog.Logger
	knownHosts      string
	trustOnFirstUse bool
	// trusted are the host keys that were trusted on first use, by host name and port.
	mu      sync.Mutex
	trusted map[string]ssh.PublicKey
}

// NewVerifier makes a verifier for servers whose host keys are not configured. knownHosts is a file in
// OpenSSH's format (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT); it may be empty. trustOnFirstUse accepts the
// first key of a server that is not in it, and rejects any other key until the hub restarts.
func NewVerifier(log *slog.Logger, knownHosts string, trustOnFirstUse bool) *Verifier {
	return &Verifier{log: log, knownHosts: knownHosts, trustOnFirstUse: trustOnFirstUse, trusted: map[string]ssh.PublicKey{}}
}

// Verify returns the check of a server's host key, and the types of key to request: a server has
// several keys, and the hub may know only some of them. Configured keys take precedence.
func (v *Verifier) Verify(hostPort string, configured HostKeys) (check ssh.HostKeyCallback, algorithms []string, err error) {
	if configured.IsSet() {
		if algorithms = preferred; len(configured.fingerprints) == 0 {
			algorithms = algorithmsOf(configured.keys)
		}
		return func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if !configured.contains(key) {
				return mismatch(key, "the one in the action's settings in Looker")
			}
			return nil
		}, algorithms, nil
	}
	known := unknown
	if v.knownHosts != "" {
		// The file is read each time, because Kubernetes may replace it.
		if known, err = knownhosts.New(v.knownHosts); err != nil {
			return nil, nil, action.Wrap(fmt.Errorf("reading known hosts: %w", err), action.Internal, "The hub's list of known hosts "+
				"cannot be read. The hub's administrator must check SFTP_KNOWN_HOSTS_FILE.")
		}
		algorithms = algorithmsOf(knownKeys(known, hostPort))
	}
	if len(algorithms) == 0 {
		algorithms = preferred
	}
	return func(host string, remote net.Addr, key ssh.PublicKey) error {
		return v.checkKnown(known, host, remote, key)
	}, algorithms, nil
}

// unknown is an empty list of hosts.
func unknown(string, net.Addr, ssh.PublicKey) error { return &knownhosts.KeyError{} }

// checkKnown checks a key against the list of hosts. A host that is not in the list may be trusted on
// first use.
func (v *Verifier) checkKnown(known ssh.HostKeyCallback, host string, remote net.Addr, key ssh.PublicKey) error {
	err := known(host, remote, key)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*knownhosts.KeyError](err); !ok || len(e.Want) > 0 {
		return mismatch(key, "the one that the hub knows")
	}
	fingerprint := ssh.FingerprintSHA256(key)
	if !v.trustOnFirstUse {
		return action.Errorf(action.Forbidden, "The server's host key is not known to the hub. If its fingerprint is %s, enter it as "+
			"the host key in the action's settings in Looker.", fingerprint)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	first, ok := v.trusted[host]
	switch {
	case !ok:
		v.trusted[host] = key
		v.log.Warn("an SFTP server's host key is trusted because it is the first one seen", "host", host, "fingerprint", fingerprint)
	case !same(first, key):
		return mismatch(key, "the one that it presented first")
	}
	return nil
}

// knownKeys returns the keys of a host in a list. The list reports them for a key that no host has.
func knownKeys(known ssh.HostKeyCallback, hostPort string) []ssh.PublicKey {
	unused, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil
	}
	e, ok := errors.AsType[*knownhosts.KeyError](known(hostPort, &net.TCPAddr{}, unused))
	if !ok {
		return nil
	}
	var keys []ssh.PublicKey
	for _, want := range e.Want {
		keys = append(keys, want.Key)
	}
	return keys
}

// preferred are the types of key to request if the server's are not known, in OpenSSH's order.
var preferred = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
}

// algorithmsOf returns the signature algorithms of keys, without RSA with SHA-1.
func algorithmsOf(keys []ssh.PublicKey) []string {
	var all []string
	for _, k := range keys {
		if k.Type() == ssh.KeyAlgoRSA {
			all = append(all, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		} else {
			all = append(all, k.Type())
		}
	}
	return all
}
