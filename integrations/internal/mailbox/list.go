package mailbox

import (
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	errNoAddress = errors.New("it contains no address")
	errName      = errors.New("the name contains another address")
)

// PartError is the part of a text that is not an address.
type PartError struct {
	// Part is as it was entered, without invisible characters.
	Part string
	Err  error
}

func (e *PartError) Error() string { return "reading one of several addresses: " + e.Err.Error() }

func (e *PartError) Unwrap() error { return e.Err }

// ParseList reads addresses as people paste them: with commas, semicolons, tabs or lines between them, and
// as Outlook copies them, with commas within names: "Doe, Jane <jane@example.com>; ...". Its error is a
// [*PartError], except if there are no addresses at all.
func ParseList(text string) ([]*mail.Address, error) {
	text = strings.Trim(clean(text), separators+" ")
	if list, ok := parseStrictly(text); ok {
		return list, nil
	}
	var list []*mail.Address
	name := "" // what stands before a comma, which can be the beginning of a name
	for _, p := range pieces(withoutLinks(text)) {
		if name != "" {
			p.text = name + ", " + p.text
		}
		if name = ""; p.before == ',' && len(p.text) < maxEnclosed && !strings.Contains(p.text, "@") {
			name = p.text
			continue
		}
		found, err := parsePiece(p.text)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	if name != "" {
		return nil, &PartError{name, errNoAddress}
	}
	if len(list) == 0 {
		return nil, errNoAddress
	}
	return list, nil
}

// parseStrictly reads a list as mail programs write it (RFC 5322, section 3.4).
func parseStrictly(text string) ([]*mail.Address, bool) {
	list, err := mail.ParseAddressList(text)
	if err != nil {
		return nil, false
	}
	for n, a := range list {
		if list[n], err = normalize(a); err != nil {
			return nil, false
		}
	}
	return list, true
}

// clean removes the invisible characters that come with text from web pages and mail programs, and writes
// blanks, line ends and quotation marks in one way.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune("\r\v\f\u0085\u2028\u2029", r):
			return '\n'
		case unicode.Is(unicode.Zs, r):
			return ' '
		case strings.ContainsRune("“”„‟＂", r):
			return '"'
		// Zero width and bidirectional characters, byte order marks, soft hyphens, fillers.
		case unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
}

// link is the address of a link, as programs write it behind the link's text.
var link = regexp.MustCompile(`(?i)([^\s<>,;"]+@[^\s<>,;"]+)\s?<mailto:([^<>?]*)(?:\?[^<>]*)?>`)

// withoutLinks removes links to the address that stands before them.
func withoutLinks(text string) string {
	return link.ReplaceAllStringFunc(text, func(match string) string {
		parts := link.FindStringSubmatch(match)
		if strings.EqualFold(parts[1], parts[2]) {
			return parts[1]
		}
		return match
	})
}

// separators are what can stand between two addresses, also in the fullwidth forms of East Asian keyboards.
const separators = ",;\t\n，；、"

// piece is a text between two separators.
type piece struct {
	text string
	// before is the separator behind the piece: the one that it stands before.
	before rune
}

// pieces splits a text at the separators that are outside of quotes, angle brackets and comments, and behind
// each closing angle bracket.
func pieces(text string) []piece {
	var all []piece
	start := 0
	end := func(at int, separator rune, next int) {
		if t := strings.TrimSpace(text[start:at]); t != "" {
			all = append(all, piece{t, separator})
		}
		start = next
	}
	for at := 0; at < len(text); {
		if length := enclosed(text[at:]); length > 0 {
			closed := text[at] == '<'
			if at += length; closed {
				end(at, 0, at)
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(text[at:])
		if strings.ContainsRune(separators, r) {
			if r == '，' {
				r = ','
			}
			end(at, r, at+size)
		}
		at += size
	}
	end(len(text), 0, len(text))
	return all
}

// maxEnclosed bounds names, and how far the end of what is enclosed is looked for, so that the time for a text does not grow
// with the square of its length.
const maxEnclosed = 2000

// enclosed returns the length of what text begins with, if that is quoted, in angle brackets or a comment.
func enclosed(text string) int {
	text = text[:min(len(text), maxEnclosed)]
	switch text[0] {
	case '"':
		for at := 1; at < len(text); at++ {
			switch text[at] {
			case '\\':
				at++
			case '"':
				return at + 1
			}
		}
	case '<':
		return strings.IndexByte(text, '>') + 1
	case '(':
		// An address does not stand within a comment: the parenthesis then has no end.
		if end := strings.IndexByte(text, ')'); end > 0 && !strings.ContainsAny(text[:end], "@<") {
			return end + 1
		}
	}
	return 0
}

// parsePiece reads an address, with or without a name, or several that are separated by blanks.
func parsePiece(text string) ([]*mail.Address, error) {
	if a, err := Parse(text); err == nil {
		return []*mail.Address{a}, nil
	}
	name, address, hasName := cutAddress(text)
	if !hasName {
		return parseBare(text)
	}
	a, err := normalize(&mail.Address{Name: displayName(name), Address: unwrap(address)})
	if err != nil {
		return nil, &PartError{text, err}
	}
	if strings.EqualFold(a.Name, a.Address) {
		a.Name = ""
	}
	if strings.Contains(name, "@") && !strings.HasPrefix(name, `"`) && a.Name != "" {
		return nil, &PartError{text, errName}
	}
	return []*mail.Address{a}, nil
}

// cutAddress splits "name <address>".
func cutAddress(text string) (name, address string, ok bool) {
	if !strings.HasSuffix(text, ">") {
		return "", "", false
	}
	for at := 0; at < len(text); at++ {
		if text[at] == '<' {
			return strings.TrimSpace(text[:at]), text[at+1 : len(text)-1], true
		}
		at += max(enclosed(text[at:])-1, 0)
	}
	return "", "", false
}

// parseBare reads addresses without names.
func parseBare(text string) ([]*mail.Address, error) {
	text = unquote(text)
	if strings.Contains(text, `"`) { // a quoted local part can contain blanks
		return nil, &PartError{text, errLocalPart}
	}
	var list []*mail.Address
	for part := range strings.FieldsSeq(text) {
		if !strings.Contains(part, "@") { // a word too many: which address it belongs to is not certain
			return nil, &PartError{text, errNoAddress}
		}
		a, err := normalize(&mail.Address{Address: unwrap(part)})
		if err != nil {
			return nil, &PartError{part, err}
		}
		list = append(list, a)
	}
	if len(list) == 0 {
		return nil, &PartError{text, errNoAddress}
	}
	return list, nil
}

// unwrap removes what programs write around an address.
func unwrap(address string) string {
	address = strings.TrimSpace(address)
	if rest, ok := cutPrefixFold(address, "mailto:"); ok {
		address, _, _ = strings.Cut(rest, "?")
	}
	address = strings.NewReplacer("’", "'", "‘", "'").Replace(address)
	if inner, ok := strings.CutPrefix(address, "'"); ok && strings.HasSuffix(inner, "'") {
		address = strings.TrimSuffix(inner, "'")
	}
	return strings.TrimSuffix(address, ".") // of the end of a sentence, or of a complete domain name
}

func cutPrefixFold(text, prefix string) (string, bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

// unquote removes the quotation marks around a text.
func unquote(text string) string {
	for _, mark := range []string{`"`, "'"} {
		if inner, ok := strings.CutPrefix(text, mark); ok && len(inner) > 1 && strings.HasSuffix(inner, mark) {
			text = strings.TrimSuffix(inner, mark)
		}
	}
	return text
}

// displayName removes quotation marks, escapes and control characters from a name.
func displayName(name string) string {
	name = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(unquote(name))
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, name)
	return strings.Join(strings.Fields(name), " ")
}

// ParseOne reads the only address of a text as people paste it.
func ParseOne(text string) (*mail.Address, error) {
	list, err := ParseList(text)
	if err != nil {
		return nil, err
	}
	if len(list) > 1 {
		return nil, fmt.Errorf("reading an address: there are %d", len(list))
	}
	return list[0], nil
}
