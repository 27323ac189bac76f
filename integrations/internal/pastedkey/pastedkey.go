// Package pastedkey reads private keys as people paste them into forms and settings: with lost or escaped line
// breaks, indented, in quotes, or as base64. Its errors say what is wrong with the text, and never contain any
// part of it.
package pastedkey

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"regexp"
	"strings"
)

// The errors complete a sentence such as "The private key cannot be used: %v.".
var (
	// ErrUnreadable is the error for text that is no key.
	ErrUnreadable = errors.New("it is not a PEM block")
	errTruncated  = errors.New("it is not a PEM block: its last line, which begins with -----END, is missing")
	errHeadless   = errors.New("it is not a PEM block: its first line, which begins with -----BEGIN, is missing")
	errDamaged    = errors.New("some of its characters are missing or changed")
	errPutty      = errors.New("it is in PuTTY's format. Open it in PuTTYgen and choose Conversions > Export OpenSSH key, or run " +
		"puttygen key.ppk -O private-openssh -o key")
	errSSHCom = errors.New("it is in the format of ssh.com. Convert it with ssh-keygen -i -f key")
	errPublic = errors.New("it is a public key. Enter the private key, which begins with -----BEGIN and says PRIVATE KEY")
	errCert   = errors.New("it is a certificate. Enter its private key")
	errPGP    = errors.New("it is a PGP key")
	errID     = errors.New("it is the key's ID. Enter the key itself, which begins with -----BEGIN PRIVATE KEY-----")
)

// block is a PEM block (RFC 7468) whose line breaks may be lost. Word processors replace hyphens by dashes.
var block = regexp.MustCompile(`(?s)[-\x{2010}-\x{2015}\x{2212}]{2,}\s*BEGIN ([A-Z0-9 ]*?PRIVATE KEY)\s*[-\x{2010}-\x{2015}\x{2212}]{2,}` +
	`(.*?)[-\x{2010}-\x{2015}\x{2212}]{2,}\s*END [A-Z0-9 ]*?PRIVATE KEY`)

// encrypted is the header of a block that is encrypted as in RFC 1421.
var encrypted = regexp.MustCompile(`^[\s\p{Z}\\"']*Proc-Type:\s*4,\s*ENCRYPTED[\s\p{Z}\\"']*DEK-Info:\s*([A-Z0-9-]+),\s*`)

// PEM returns the private key in text as a PEM block.
func PEM(text string) ([]byte, error) {
	text = Unescape(text)
	if inner, ok := fromBase64(text); ok {
		text = Unescape(inner)
	}
	if strings.Contains(text, "BEGIN SSH2 ENCRYPTED PRIVATE KEY") {
		return nil, errSSHCom
	}
	found := block.FindStringSubmatch(text)
	if found == nil {
		return fromBody(text)
	}
	b := &pem.Block{Type: found[1]}
	body := found[2]
	if header := encrypted.FindStringSubmatch(body); header != nil {
		body = body[len(header[0]):]
		size := 32 // hexadecimal digits of the initialization vector: that of AES
		if strings.HasPrefix(header[1], "DES") {
			size = 16
		}
		if len(body) < size {
			return nil, errDamaged
		}
		b.Headers = map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": header[1] + "," + body[:size]}
		body = body[size:]
	}
	var ok bool
	if b.Bytes, ok = decode(body); !ok {
		return nil, errDamaged
	}
	return pem.EncodeToMemory(b), nil
}

// fromBody reads a key without its first and last line, or returns why the text is no key.
func fromBody(text string) ([]byte, error) {
	if err := explain(text); err != nil {
		return nil, err
	}
	der, ok := decode(text)
	if !ok {
		return nil, ErrUnreadable
	}
	if strings.HasPrefix(string(der), "openssh-key-v1\x00") {
		return pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: der}), nil
	}
	if _, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
	}
	if _, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der}), nil
	}
	if _, err := x509.ParseECPrivateKey(der); err == nil {
		return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
	}
	return nil, ErrUnreadable
}

var (
	publicKey = regexp.MustCompile(`BEGIN [A-Z0-9 ]*PUBLIC KEY|^\s*(ssh-|ecdsa-sha2-|sk-)\S+ AAAA|^\s*AAAA[BCEI]3`)
	keyID     = regexp.MustCompile(`^\s*[0-9a-f]{40}\s*$`)
	// The words alone can be in a key: one in a hundred has END among its base64.
	firstLine = regexp.MustCompile(`BEGIN [A-Z0-9 ]*PRIVATE KEY`)
	lastLine  = regexp.MustCompile(`END [A-Z0-9 ]*PRIVATE KEY`)
)

// explain returns the error for other things than a private key.
func explain(text string) error {
	switch {
	case strings.Contains(text, "PuTTY-User-Key-File-"):
		return errPutty
	case strings.Contains(text, "BEGIN PGP"):
		return errPGP
	case publicKey.MatchString(text):
		return errPublic
	case strings.Contains(text, "BEGIN CERTIFICATE"):
		return errCert
	case firstLine.MatchString(text) && !lastLine.MatchString(text):
		return errTruncated
	case lastLine.MatchString(text) && !firstLine.MatchString(text):
		return errHeadless
	case keyID.MatchString(text):
		return errID
	}
	return nil
}

// decode decodes base64 with anything between its characters that an editor or a programming language adds.
func decode(text string) ([]byte, bool) {
	text = strings.Map(func(r rune) rune {
		if IsSpace(r) || strings.ContainsRune(`\"',;`, r) {
			return -1
		}
		return r
	}, text)
	der, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	return der, err == nil && len(der) > 0
}

// fromBase64 returns a key or a key file that was encoded as a whole, which is usual in environment variables.
func fromBase64(text string) (string, bool) {
	if strings.Contains(text, "BEGIN") {
		return "", false
	}
	inner, ok := decode(text)
	if !ok || !strings.Contains(string(inner), "BEGIN") && !strings.HasPrefix(strings.TrimSpace(string(inner)), "{") {
		return "", false
	}
	return string(inner), true
}
