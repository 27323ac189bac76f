// Package mailbox parses email addresses. It accepts only those that every mail server interprets in the
// same way.
package mailbox

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

var (
	errLocalPart = errors.New("the local part is not a dot-atom")
	errDomain    = errors.New("the domain is not a host name")
)

// Parse reads one address, with or without a name.
func Parse(text string) (*mail.Address, error) {
	a, err := mail.ParseAddress(text)
	if err != nil {
		return nil, fmt.Errorf("reading an address: %w", err)
	}
	return normalize(a)
}

// normalize writes an internationalized domain as the ASCII name that DNS and SMTP use, and the local part
// in the form that mail systems compare (RFC 6531, section 3.1, and RFC 6532, section 3.1). macOS copies
// letters and their accents as two characters.
func normalize(a *mail.Address) (*mail.Address, error) {
	local, domain := split(a.Address)
	normalized := &mail.Address{Name: a.Name, Address: norm.NFC.String(local) + "@" + DomainToASCII(domain)}
	if err := Check(normalized.Address); err != nil {
		return nil, err
	}
	return normalized, nil
}

// Check rejects an address that is not safe within the angle brackets of an SMTP command. net/mail removes
// the quotes of a local part such as "a> SIZE=1", which would end the path. Quoted local parts and address
// literals are not supported.
func Check(address string) error {
	local, domain := split(address)
	if !isDotAtom(local) {
		return errLocalPart
	}
	if !isHostName(domain) {
		return errDomain
	}
	return nil
}

// NeedsSMTPUTF8 reports whether a server must support SMTPUTF8 to accept the address (RFC 6531).
func NeedsSMTPUTF8(address string) bool { return !isASCII(address) }

// DomainToASCII returns a domain's ASCII form. A domain without one is returned unchanged, and [Check]
// rejects it.
func DomainToASCII(domain string) string {
	if isASCII(domain) {
		return domain
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return domain
	}
	return ascii
}

// Domain returns the part after the last @.
func Domain(address string) string {
	_, domain := split(address)
	return domain
}

func split(address string) (local, domain string) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return "", address
	}
	return address[:at], address[at+1:]
}

// isDotAtom reports whether text is a Dot-string (RFC 5321, section 4.1.2). Letters, marks and
// digits outside of ASCII are atext too (RFC 6531, section 3.3).
func isDotAtom(text string) bool {
	for atom := range strings.SplitSeq(text, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool { return !isAtext(r) }) {
			return false
		}
	}
	return utf8.ValidString(text)
}

func isAtext(r rune) bool {
	if r < utf8.RuneSelf {
		return isLetterOrDigit(r) || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r))
}

// isHostName reports whether every label has letters, digits and inner hyphens only.
func isHostName(domain string) bool {
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(r rune) bool { return r != '-' && !isLetterOrDigit(r) }) {
			return false
		}
	}
	return len(domain) <= 253
}

func isLetterOrDigit(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}
