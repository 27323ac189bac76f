package sshauth

import (
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"integrationhub.dev/hub/action"
)

// preferred are the types of key to request if the server's are not known, in OpenSSH's order.
var preferred = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
}

// certificates are the types of host certificates, in the same order. A certificate authority may sign keys of any type.
var certificates = []string{
	ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01, ssh.CertAlgoRSASHA512v01,
	ssh.CertAlgoRSASHA256v01,
}

// algorithmsOf returns the signature algorithms for types of keys, without those that the library calls insecure: DSA, and RSA with
// SHA-1.
func algorithmsOf(types []string) []string {
	var all []string
	for _, t := range types {
		if t == ssh.KeyAlgoRSA {
			all = append(all, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		} else if slices.Contains(ssh.SupportedAlgorithms().HostKeys, t) {
			all = append(all, t)
		}
	}
	return all
}

// keyExchanges are all that the library implements and calls secure, since its defaults are fewer: some servers allow only
// group 16 or group exchange. Group 14 with SHA-1 is last. It is among the library's defaults, and old servers have nothing else.
func keyExchanges() []string {
	return append(ssh.SupportedAlgorithms().KeyExchanges, ssh.InsecureKeyExchangeDH14SHA1)
}

// outdated are parts of the names of algorithms that OpenSSH disabled because they are weak:
// https://www.openssh.org/legacy.html
var outdated = []string{
	"-cbc", "arcfour", "group1-sha1", "group14-sha1", "group-exchange-sha1", "rsa1024-sha1", "hmac-md5", "hmac-sha1", "ripemd", "ssh-dss",
}

func isOutdated(algorithm string) bool {
	return algorithm == ssh.KeyAlgoRSA || algorithm == "none" ||
		slices.ContainsFunc(outdated, func(part string) bool { return strings.Contains(algorithm, part) })
}

// maxOffered limits how many of the server's algorithms a message names.
const maxOffered = 8

// offered returns the algorithms that the server offers, without the names that only signal extensions (RFC 8308;
// OpenSSH's PROTOCOL, section 1.10). The server's text is shown to the user.
func offered(e *ssh.AlgorithmNegotiationError) []string {
	var names []string
	for _, name := range e.RequestedAlgorithms {
		plain := strings.Map(func(r rune) rune {
			if r > ' ' && r < 0x7f && r != '<' && r != '>' {
				return r
			}
			return -1
		}, name)
		if plain != "" && len(plain) <= 64 && !strings.HasPrefix(plain, "ext-info-") && !strings.HasPrefix(plain, "kex-strict-") {
			names = append(names, plain)
		}
	}
	return names
}

// ExplainNegotiation converts the error for a server without a common algorithm.
func ExplainNegotiation(e *ssh.AlgorithmNegotiationError) error {
	what := e.What
	for _, kind := range []string{"cipher", "MAC", "compression"} { // it is named for both directions
		if strings.HasSuffix(what, kind) {
			what = kind
		}
	}
	names := offered(e)
	list := strings.Join(names[:min(len(names), maxOffered)], ", ")
	switch {
	case len(names) == 0:
		return action.Wrap(e, action.Invalid, "The SFTP server offers no %s algorithm. Its administrator must check its configuration.", what)
	case !slices.ContainsFunc(names, func(name string) bool { return !isOutdated(name) }):
		return action.Wrap(e, action.Invalid, "The SFTP server is out of date: the only %s algorithms that it offers are insecure (%s). Its "+
			"administrator must enable a current one.", what, list)
	case what == "host key":
		return action.Wrap(e, action.Invalid, "The SFTP server has no host key of the expected type. Its types are %s. Enter one "+
			"of these keys as the host key in the action's settings in Looker.", list)
	}
	return action.Wrap(e, action.Invalid, "The SFTP server and the hub have no %s algorithm in common. The server offers %s. Its "+
		"administrator must enable another one.", what, list)
}
