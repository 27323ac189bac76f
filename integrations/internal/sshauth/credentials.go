// Package sshauth signs in at SSH servers: it checks the server's host key, and prepares the user's
// credentials.
package sshauth

import (
	"encoding/pem"
	"errors"
	"slices"
	"strings"

	"github.com/youmark/pkcs8"
	"golang.org/x/crypto/ssh"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/pastedkey"
)

// Credentials are a user's password, private key, or both.
type Credentials struct {
	User     string
	Password action.Secret
	// PrivateKey is in PEM format, and Passphrase is its passphrase, if it has one.
	PrivateKey, Passphrase action.Secret
}

// Config returns a client's configuration for a sign-in, without the check of the host key.
func (c Credentials) Config() (*ssh.ClientConfig, *SignIn, error) {
	methods, err := c.methods()
	if err != nil {
		return nil, nil, err
	}
	s := &SignIn{password: c.Password != "", key: strings.TrimSpace(c.PrivateKey.Reveal()) != ""}
	config := &ssh.ClientConfig{User: strings.TrimSpace(c.User), Auth: methods, AuthCallback: s.record}
	config.KeyExchanges = keyExchanges()
	return config, s, nil
}

// methods returns the ways to sign in. Many servers accept the password by keyboard-interactive only
// (RFC 4256).
func (c Credentials) methods() ([]ssh.AuthMethod, error) {
	var methods []ssh.AuthMethod
	if text := c.PrivateKey.Reveal(); strings.TrimSpace(text) != "" {
		signer, err := parseKey(text, c.Passphrase.Reveal())
		if err != nil {
			return nil, err
		}
		methods = append(methods, ssh.PublicKeys(signer))
	}
	if password := c.Password.Reveal(); password != "" {
		methods = append(methods, ssh.Password(password), ssh.KeyboardInteractive(
			func(_, _ string, questions []string, echos []bool) ([]string, error) {
				answers := make([]string, len(questions))
				for n := range questions {
					// Some servers ask for the password alone and set the echo by mistake.
					if !echos[n] || len(questions) == 1 {
						answers[n] = password
					}
				}
				return answers, nil
			}))
	}
	return methods, nil
}

// parseKey reads a private key. The library's errors are dropped, because they do not help the user.
func parseKey(text, passphrase string) (ssh.Signer, error) {
	key, err := pastedkey.PEM(text)
	switch {
	case errors.Is(err, pastedkey.ErrUnreadable):
		return nil, errUnreadableKey
	case err != nil:
		return nil, action.Errorf(action.Invalid, "The private key cannot be used: %v.", err)
	}
	signer, err := ssh.ParsePrivateKey(key)
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok || isEncryptedPKCS8(key) {
		if passphrase == "" {
			return nil, action.Errorf(action.Invalid, "The private key has a passphrase. Enter it in the action's settings in Looker.")
		}
		if signer, err = decrypt(key, passphrase); err != nil {
			return nil, action.Errorf(action.Invalid, "The passphrase is not that of the private key. Check both in the action's "+
				"settings in Looker.")
		}
	}
	if err != nil {
		return nil, errUnreadableKey
	}
	return signer, nil
}

var errUnreadableKey = action.Errorf(action.Invalid, "The private key cannot be read. Enter it exactly as in its file, with its first "+
	"and last line, in the action's settings in Looker.")

const encryptedPKCS8 = "ENCRYPTED PRIVATE KEY" // RFC 7468, section 11

func isEncryptedPKCS8(key []byte) bool {
	block, _ := pem.Decode(key)
	return block != nil && block.Type == encryptedPKCS8
}

// decrypt reads a key with a passphrase. golang.org/x/crypto/ssh does not support encrypted PKCS #8, which OpenSSL writes.
func decrypt(key []byte, passphrase string) (ssh.Signer, error) {
	if !isEncryptedPKCS8(key) {
		return ssh.ParsePrivateKeyWithPassphrase(key, []byte(passphrase))
	}
	block, _ := pem.Decode(key)
	private, err := pkcs8.ParsePKCS8PrivateKey(block.Bytes, []byte(passphrase))
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(private)
}

// SignIn records which methods a server offers, because the library's error does not say it.
type SignIn struct {
	password, key            bool
	offered, accepted, tried []string
}

// record implements [ssh.ClientAuthCallback]. It leaves the choice of the method to the library.
func (s *SignIn) record(ctx *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	s.offered, s.accepted, s.tried = ctx.AllowedMethods, ctx.PartialSuccessMethods, ctx.TriedMethods
	return nil, nil
}

// Refused is the error for a sign-in that the server did not accept.
func (s *SignIn) Refused() error {
	err := errors.New("signing in: rejected")
	names := methodNames(s.offered)
	switch {
	case len(s.accepted) > 0 && len(s.tried) <= 1: // "none" is always tried
		return action.Wrap(err, action.Unauthenticated, "The SFTP server accepted the %s and requires another method as well: %s.",
			methodNames(s.accepted), names)
	case len(s.tried) > 1 || len(s.offered) == 0:
		return action.Wrap(err, action.Unauthenticated, "The SFTP server does not accept this user name with this password or key.")
	case s.password && !s.key:
		return action.Wrap(err, action.Unauthenticated, "The SFTP server does not allow signing in with a password, only with: %s.%s",
			names, s.advice())
	case s.key && !s.password:
		return action.Wrap(err, action.Unauthenticated, "The SFTP server does not allow signing in with a private key, only with: %s.%s",
			names, s.advice())
	}
	return action.Wrap(err, action.Unauthenticated, "The SFTP server offers to sign in neither with a password nor with a private key, "+
		"only with: %s.", names)
}

// advice says what to enter for a method that the hub supports.
func (s *SignIn) advice() string {
	switch {
	case slices.Contains(s.offered, "publickey"):
		return " Enter a private key in the action's settings in Looker."
	case slices.Contains(s.offered, "password"), slices.Contains(s.offered, "keyboard-interactive"):
		return " Enter a password."
	}
	return ""
}

// methodNames returns the users' words for authentication methods (RFC 4252, RFC 4256, RFC 4462).
func methodNames(methods []string) string {
	var names []string
	for _, m := range methods {
		switch m {
		case "publickey":
			m = "private key"
		case "keyboard-interactive":
			m = "keyboard-interactive questions"
		case "gssapi-with-mic", "gssapi-keyex":
			m = "Kerberos"
		case "hostbased":
			m = "host-based authentication"
		case "password":
		default:
			continue // unknown names are the server's text
		}
		if !slices.Contains(names, m) {
			names = append(names, m)
		}
	}
	if len(names) == 0 {
		return "a method that the hub does not support"
	}
	return strings.Join(names, ", ")
}
