package sshauth

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // known_hosts hashes names with it
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"integrationhub.dev/integrations/internal/pastedkey"
)

// HostKeys are a server's configured host keys and fingerprints. It must present one of them.
type HostKeys struct{ pins []pin }

// pin is one configured key or fingerprint.
type pin struct {
	// keyType is empty for a fingerprint, which does not say it.
	keyType     string
	fingerprint string
	// names are the words before the key: in known_hosts and ssh-keyscan's output, the server's names.
	names   []string
	revoked bool
}

// IsSet reports whether a key is configured.
func (h *HostKeys) IsSet() bool { return len(h.pins) > 0 }

var (
	errNoPin = errors.New("must be the server's public key, such as ssh-ed25519 AAAA…, or its fingerprint, such as SHA256:…")
	errMD5   = errors.New("contains an MD5 fingerprint. Enter the SHA256 fingerprint, as ssh-keygen -l -E sha256 prints it")
	errCA    = errors.New("contains a line with @cert-authority. Enter the server's own key. The hub's administrator can add the line to " +
		"SFTP_KNOWN_HOSTS_FILE instead")
	errMarker  = errors.New("contains a line with an unknown marker. Only @revoked is supported")
	errPrivate = errors.New("contains a private key. Enter the server's public key, as ssh-keyscan prints it")
	errRevoked = errors.New("contains revoked keys only. Enter the key that the server uses")
)

// UnmarshalText implements [encoding.TextUnmarshaler]. It accepts public keys, also as lines of
// known_hosts (sshd(8)) and of ssh-keyscan, and fingerprints, separated by commas or line breaks. Looker's
// field is one line, so that line breaks may have become spaces. Text without a key is an error: if it
// counted as unset, any server would be trusted.
func (h *HostKeys) UnmarshalText(text []byte) error {
	clean := strings.TrimSpace(pastedkey.Unescape(string(text)))
	if strings.Contains(clean, "PRIVATE KEY") {
		return errPrivate
	}
	for line := range strings.Lines(clean) {
		words := withoutComment(strings.FieldsFunc(line, pastedkey.IsSpace), !strings.Contains(clean, "\n"))
		if len(words) == 0 {
			continue
		}
		pins, err := parseLine(strings.Join(words, " "))
		if err != nil {
			return err
		}
		h.pins = append(h.pins, pins...)
	}
	switch {
	case len(h.pins) == 0:
		return errNoPin
	case !slices.ContainsFunc(h.pins, func(p pin) bool { return !p.revoked }):
		return errRevoked
	}
	return nil
}

// scanned is how ssh-keyscan's comments begin, as in "# example.com:22 SSH-2.0-OpenSSH_9.2".
var scanned = regexp.MustCompile(`^\S+:\d+ SSH-`)

// withoutComment returns the words before a comment. If the text is one line, ssh-keyscan's comments do not hide
// what follows, since the line breaks were lost.
func withoutComment(words []string, oneLine bool) []string {
	var kept []string
	for n := range words {
		if !strings.HasPrefix(words[n], "#") {
			kept = append(kept, words[n])
			continue
		}
		rest := strings.TrimPrefix(strings.Join(words[n:], " "), "#")
		if !oneLine || !scanned.MatchString(strings.TrimSpace(rest)) {
			return kept
		}
	}
	return kept
}

// parseLine reads the keys of a line. Commas separate keys, and also the names before one key.
func parseLine(line string) ([]pin, error) {
	var pins []pin
	var names []string // from the parts before
	for part := range strings.SplitSeq(line, ",") {
		found, err := parsePart(strings.Fields(part))
		switch {
		case err != nil:
			return nil, err
		case len(found) == 0:
			names = append(names, strings.Fields(part)...)
			continue
		case len(names) > 0 && len(found[0].names) == 0: // not names, as there is no name right before the key
			return nil, errNoPin
		}
		found[0].names = append(names, found[0].names...)
		names = nil
		pins = append(pins, found...)
	}
	if len(names) > 0 {
		return nil, errNoPin
	}
	for n := range pins {
		for _, name := range pins[n].names {
			switch {
			case name == "@cert-authority":
				return nil, errCA
			case name == "@revoked":
				pins[n].revoked = true
			case strings.HasPrefix(name, "@"):
				return nil, errMarker
			}
		}
	}
	return pins, nil
}

// parsePart reads keys, each after any number of other words. Words after the last one are its comment.
func parsePart(words []string) ([]pin, error) {
	var pins []pin
	var names []string
	for n := 0; n < len(words); {
		p, used, err := parsePin(words[n:], len(words) == 1)
		switch {
		case err != nil:
			return nil, err
		case used == 0:
			names = append(names, words[n])
			n++
		default:
			p.names, names = names, nil
			pins = append(pins, p)
			n += used
		}
	}
	return pins, nil
}

var md5Fingerprint = regexp.MustCompile(`^(?i:md5:.*|([0-9a-f]{2}:){15}[0-9a-f]{2})$`)

// parsePin reads the key or fingerprint that the words begin with, and returns how many of them it is. A
// word that stands alone may be a fingerprint without its prefix.
func parsePin(words []string, alone bool) (p pin, used int, err error) {
	word := words[0]
	prefix, fingerprint, _ := strings.Cut(word, ":")
	switch {
	case strings.EqualFold(prefix, "SHA256") && fingerprint != "":
		p.fingerprint, err = parseFingerprint(fingerprint)
		return p, 1, err
	case md5Fingerprint.MatchString(word):
		return p, 0, errMD5
	case slices.Contains(keyTypes, word):
		return parseTyped(words)
	case strings.HasPrefix(word, "AAAA"): // the length of the type's name
		p, err = parseBlob(word)
		return p, 1, err
	case alone:
		if p.fingerprint, err = parseFingerprint(word); err == nil {
			return p, 1, nil
		}
	}
	return pin{}, 0, nil
}

// parseTyped reads a key after its type. WinSCP and PuTTY show "ssh-ed25519 255 " and the fingerprint.
func parseTyped(words []string) (p pin, used int, err error) {
	if len(words) < 2 {
		return p, 0, errNoPin
	}
	if _, notNumber := strconv.Atoi(words[1]); notNumber == nil && len(words) > 2 {
		_, text, prefixed := strings.Cut(words[2], ":")
		if !prefixed {
			text = words[2]
		}
		p.fingerprint, err = parseFingerprint(text)
		return p, 3, err
	}
	if p, err = parseBlob(words[1]); err == nil && p.keyType != words[0] {
		return p, 0, errNoPin
	}
	return p, 2, err
}

// parseBlob reads a public key, which begins with its type (RFC 4253, section 6.6). Keys of unknown types
// are read too: they cannot match, but the text contains a key.
func parseBlob(word string) (pin, error) {
	blob, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(word, "="))
	if err != nil || len(blob) < 4 {
		return pin{}, errNoPin
	}
	size := int64(binary.BigEndian.Uint32(blob))
	if size >= int64(len(blob))-4 {
		return pin{}, errNoPin
	}
	p := pin{keyType: string(blob[4 : 4+size])}
	if slices.Contains(ssh.SupportedAlgorithms().HostKeys, p.keyType) || p.keyType == ssh.KeyAlgoRSA {
		if _, err := ssh.ParsePublicKey(blob); err != nil {
			return pin{}, errNoPin
		}
	}
	sum := sha256.Sum256(blob)
	p.fingerprint = "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
	return p, nil
}

// parseFingerprint reads a SHA-256 fingerprint in base64, or in hexadecimal with or without colons.
func parseFingerprint(text string) (string, error) {
	text = strings.TrimRight(text, "=")
	sum, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(sum) != sha256.Size {
		sum, err = hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	}
	if err != nil || len(sum) != sha256.Size {
		return "", errNoPin
	}
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum), nil
}

// keyTypes are the types of key that OpenSSH's servers have or had.
var keyTypes = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA, "ssh-dss",
	ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256, ssh.KeyAlgoMLDSA44, ssh.KeyAlgoMLDSA65, ssh.KeyAlgoMLDSA87,
}

// of returns the keys of one server. Keys under its name exclude those under other names: a whole known_hosts
// file may be pasted. If no key has the server's name, the names are ignored: the key may have been read
// under an alias or an IP address.
func (h *HostKeys) of(hostPort string) HostKeys {
	var named []pin
	match := false
	for _, p := range h.pins {
		matches := slices.ContainsFunc(p.names, func(name string) bool { return isName(name, knownhosts.Normalize(hostPort)) })
		match = match || matches && !p.revoked
		if matches || p.revoked || len(p.names) == 0 {
			named = append(named, p)
		}
	}
	if match {
		return HostKeys{named}
	}
	return *h
}

// isName reports whether a name in known_hosts is that of the host. It may be hashed:
// |1|salt|HMAC-SHA1 (sshd(8)).
func isName(name, host string) bool {
	parts := strings.Split(name, "|")
	if len(parts) != 4 || parts[0] != "" || parts[1] != "1" {
		return strings.EqualFold(name, host)
	}
	salt, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	mac := hmac.New(sha1.New, salt)
	mac.Write([]byte(host))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil)) == parts[3]
}

// contains reports whether a key is one of the configured ones, and not revoked.
func (h *HostKeys) contains(key ssh.PublicKey) bool {
	fingerprint, found := ssh.FingerprintSHA256(key), false
	for _, p := range h.pins {
		if p.fingerprint != fingerprint {
			continue
		}
		if p.revoked {
			return false
		}
		found = true
	}
	return found
}

// ofAnyType reports whether a key's type is not known.
func (h *HostKeys) ofAnyType() bool {
	return slices.ContainsFunc(h.pins, func(p pin) bool { return p.keyType == "" && !p.revoked })
}

// algorithms returns the host key algorithms to request from the server. A fingerprint may be that of a key
// of any type.
func (h *HostKeys) algorithms() []string {
	if h.ofAnyType() {
		return preferred
	}
	var types []string
	for _, p := range h.pins {
		if !p.revoked {
			types = append(types, p.keyType)
		}
	}
	return algorithmsOf(types)
}
