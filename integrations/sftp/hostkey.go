package sftp

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"integrationhub.dev/hub/action"
)

// hostKeys are the keys of which a server must show one.
type hostKeys struct {
	keys         []ssh.PublicKey
	fingerprints []string
}

func (h *hostKeys) set() bool { return len(h.keys)+len(h.fingerprints) > 0 }

// UnmarshalText takes public keys, with or without the host name before them that ssh-keyscan
// prints, and fingerprints, separated by commas or line breaks.
func (h *hostKeys) UnmarshalText(text []byte) error {
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

func (h *hostKeys) hold(key ssh.PublicKey) bool {
	return slices.Contains(h.fingerprints, ssh.FingerprintSHA256(key)) ||
		slices.ContainsFunc(h.keys, func(k ssh.PublicKey) bool { return same(k, key) })
}

func same(a, b ssh.PublicKey) bool { return string(a.Marshal()) == string(b.Marshal()) }

// hostKeyError says that the server did not show a key that the hub knows.
func hostKeyError(format string, args ...any) error {
	return action.Errorf(action.Forbidden, format, args...)
}

// verify returns how a server's key is checked, and which kinds of key to ask it for: a server
// has several keys, of which not all may be known.
func (i *Integration) verify(s server) (check ssh.HostKeyCallback, algorithms []string, err error) {
	at := s.Address.hostPort()
	if s.HostKey.set() {
		if algorithms = preferred; len(s.HostKey.fingerprints) == 0 {
			algorithms = algorithmsOf(s.HostKey.keys)
		}
		return func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if !s.HostKey.hold(key) {
				return hostKeyError("The server's host key is %s %s, which is not the one in the action's settings in Looker. Somebody "+
					"may be between the hub and the server: nothing was sent.", key.Type(), ssh.FingerprintSHA256(key))
			}
			return nil
		}, algorithms, nil
	}
	known := unknown
	if i.settings.KnownHosts != "" {
		// It is read each time, since Kubernetes may replace it.
		if known, err = knownhosts.New(i.settings.KnownHosts); err != nil {
			return nil, nil, action.Wrap(fmt.Errorf("reading known hosts: %w", err), action.Internal, "The hub's list of known hosts "+
				"cannot be read. The hub's administrator must look at SFTP_KNOWN_HOSTS_FILE.")
		}
		algorithms = algorithmsOf(knownKeys(known, at))
	}
	if len(algorithms) == 0 {
		algorithms = preferred
	}
	return func(host string, remote net.Addr, key ssh.PublicKey) error {
		return i.checkKnown(known, host, remote, key)
	}, algorithms, nil
}

// unknown is a list of hosts without any.
func unknown(string, net.Addr, ssh.PublicKey) error { return &knownhosts.KeyError{} }

// checkKnown goes by the hub's list of hosts and, for hosts that are not on it, by what was
// seen first, if the administrator wants that.
func (i *Integration) checkKnown(known ssh.HostKeyCallback, host string, remote net.Addr, key ssh.PublicKey) error {
	err := known(host, remote, key)
	if err == nil {
		return nil
	}
	fingerprint := ssh.FingerprintSHA256(key)
	if e, ok := errors.AsType[*knownhosts.KeyError](err); !ok || len(e.Want) > 0 {
		return hostKeyError("The server's host key is %s %s, which is not the one that the hub knows. Somebody may be between the "+
			"hub and the server: nothing was sent.", key.Type(), fingerprint)
	}
	if !i.settings.TrustOnFirstUse {
		return hostKeyError("The server's host key is not known to the hub. If its fingerprint is %s, enter it as the host key in "+
			"the action's settings in Looker.", fingerprint)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	first, ok := i.seen[host]
	switch {
	case !ok:
		i.seen[host] = key
		i.deps.Log.Warn("an SFTP server's host key is trusted because it is the first one seen", "host", host, "fingerprint", fingerprint)
	case !same(first, key):
		return hostKeyError("The server's host key is %s %s, which is not the one that it showed first. Somebody may be between the "+
			"hub and the server: nothing was sent.", key.Type(), fingerprint)
	}
	return nil
}

// knownKeys asks a list of hosts which keys it has for one, by a key that none has.
func knownKeys(known ssh.HostKeyCallback, hostPort string) []ssh.PublicKey {
	nobodys, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil
	}
	e, ok := errors.AsType[*knownhosts.KeyError](known(hostPort, &net.TCPAddr{}, nobodys))
	if !ok {
		return nil
	}
	var keys []ssh.PublicKey
	for _, want := range e.Want {
		keys = append(keys, want.Key)
	}
	return keys
}

// preferred are the kinds of key to ask a server for where nobody knows which it has, in
// OpenSSH's order.
var preferred = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
}

// algorithmsOf are the signatures that keys make. RSA's with SHA-1 are not among them.
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
