// Package sshauth signs in at SSH servers: it checks the server's host key, and prepares the user's
// credentials.
package sshauth

import (
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"

	"integrationhub.dev/hub/action"
)

// Credentials are a user's password, private key, or both.
type Credentials struct {
	Password action.Secret
	// PrivateKey is in PEM format, and Passphrase is its passphrase, if it has one.
	PrivateKey, Passphrase action.Secret
}

// Methods returns the ways to sign in. Many servers accept the password by keyboard-interactive only
// (RFC 4256).
func (c Credentials) Methods() ([]ssh.AuthMethod, error) {
	var methods []ssh.AuthMethod
	if text := strings.TrimSpace(c.PrivateKey.Reveal()); text != "" {
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
					if !echos[n] {
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
	pem := []byte(strings.ReplaceAll(text, `\n`, "\n") + "\n")
	signer, err := ssh.ParsePrivateKey(pem)
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		if passphrase == "" {
			return nil, action.Errorf(action.Invalid, "The private key has a passphrase. Enter it in the action's settings in Looker.")
		}
		if signer, err = ssh.ParsePrivateKeyWithPassphrase(pem, []byte(passphrase)); err != nil {
			return nil, action.Errorf(action.Invalid, "The passphrase is not that of the private key. Check both in the action's "+
				"settings in Looker.")
		}
	}
	if err != nil {
		return nil, action.Errorf(action.Invalid, "The private key cannot be read. Enter it as it is in its file, with its first "+
			"and last line, in the action's settings in Looker.")
	}
	return signer, nil
}
