package sshauth

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"integrationhub.dev/hub/action"
)

func same(a, b ssh.PublicKey) bool { return string(a.Marshal()) == string(b.Marshal()) }

// mismatch is the error for a host key other than the expected one, which the text describes.
func mismatch(key ssh.PublicKey, expected string) error {
	return action.Errorf(action.Forbidden, "The server's host key is %s %s, which is not %s. The connection may have been "+
		"intercepted. Nothing was sent.", key.Type(), ssh.FingerprintSHA256(key), expected)
}

// OtherKeyError is the error for a host key that differs from a configured fingerprint, which does not say the type of
// its key: the server may have another key, of another type, that is the configured one.
type OtherKeyError struct {
	// Algorithms are those of the key that the server presented.
	Algorithms []string
	err        error
}

func (e *OtherKeyError) Error() string { return e.err.Error() }

// Unwrap implements what [errors.As] asks for.
func (e *OtherKeyError) Unwrap() error { return e.err }

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
		configured = configured.of(hostPort)
		if algorithms = configured.algorithms(); len(algorithms) == 0 {
			return nil, nil, action.Errorf(action.Invalid, "The host key in the action's settings in Looker is of a type that the hub does "+
				"not support. Enter the server's Ed25519, ECDSA or RSA key.")
		}
		return func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if configured.contains(key) {
				return nil
			}
			err := mismatch(key, "the one in the action's settings in Looker")
			if configured.ofAnyType() {
				return &OtherKeyError{algorithmsOf([]string{key.Type()}), err}
			}
			return err
		}, algorithms, nil
	}
	known := unknown
	if v.knownHosts != "" {
		// The file is read each time, because Kubernetes may replace it.
		if known, err = knownhosts.New(v.knownHosts); err != nil {
			return nil, nil, unreadable(err)
		}
		if algorithms, err = v.knownAlgorithms(known, hostPort); err != nil {
			return nil, nil, err
		}
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
		return mismatch(key, "the one that is configured in the hub")
	}
	fingerprint := ssh.FingerprintSHA256(key)
	if !v.trustOnFirstUse {
		return action.Errorf(action.Forbidden, "The hub does not know the server's host key. If its fingerprint is %s, enter it as "+
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

// knownAlgorithms returns the algorithms of a host's keys in the list, none if it has none.
func (v *Verifier) knownAlgorithms(known ssh.HostKeyCallback, hostPort string) ([]string, error) {
	file, err := os.ReadFile(v.knownHosts)
	if err != nil {
		return nil, unreadable(err)
	}
	lines := strings.Split(string(file), "\n")
	var types []string
	for _, k := range knownKeys(known, hostPort) {
		if k.Line <= len(lines) && strings.HasPrefix(strings.TrimSpace(lines[k.Line-1]), "@cert-authority") {
			types = append(certificates, types...) // first, as in OpenSSH: the host's own key may be unknown
			continue
		}
		types = append(types, k.Key.Type())
	}
	return algorithmsOf(types), nil
}

func unreadable(err error) error {
	return action.Wrap(fmt.Errorf("reading known hosts: %w", err), action.Internal, "The hub's list of known hosts cannot be read. The "+
		"hub's administrator must check SFTP_KNOWN_HOSTS_FILE.")
}

// knownKeys returns the keys of a host in a list. The list reports them for a key that no host has.
func knownKeys(known ssh.HostKeyCallback, hostPort string) []knownhosts.KnownKey {
	unused, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil
	}
	e, ok := errors.AsType[*knownhosts.KeyError](known(hostPort, &net.TCPAddr{}, unused))
	if !ok {
		return nil
	}
	return e.Want
}
