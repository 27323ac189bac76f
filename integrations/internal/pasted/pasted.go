// Package pasted cleans what people paste into settings and forms: URLs, tokens and IDs that were copied from a
// chat, an e-mail or a web page, with what stands around them there.
package pasted

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// pairs are marks that stand around a copied text.
var pairs = [][2]string{
	{`"`, `"`},
	{"'", "'"},
	{"`", "`"},
	{"“", "”"},
	{"„", "“"},
	{"‘", "’"},
	{"«", "»"},
	{"<", ">"},
}

// IsInvisible reports whether a character cannot be seen, such as a zero-width space or a byte order mark.
func IsInvisible(r rune) bool { return unicode.Is(unicode.Cf, r) }

// Visible returns a text without invisible characters.
func Visible(text string) string {
	return strings.Map(func(r rune) rune {
		if IsInvisible(r) {
			return -1
		}
		return r
	}, text)
}

// Text returns a text without the white space around it, without marks around it, and without invisible characters
// such as a zero-width space or a byte order mark.
func Text(text string) string {
	text = strings.TrimSpace(Visible(text))
	for _, p := range pairs {
		inner, opened := strings.CutPrefix(text, p[0])
		if inner, closed := strings.CutSuffix(inner, p[1]); opened && closed && inner != "" {
			return Text(inner)
		}
	}
	return text
}

// link is a link in Markdown: [label](https://example.com "title").
var link = regexp.MustCompile(`^!?\[[^\]]*\]\(\s*<?([^\s<>]+?)>?(?:\s+["'(][^"')]*["')])?\s*\)$`)

// URL returns the URL in a text: also that of a link in Markdown, or of Slack's form <https://example.com|label>. A line
// break within it comes from a mail program that wraps lines, and &amp; from the source of a page.
func URL(text string) string {
	text = Text(text)
	if found := link.FindStringSubmatch(text); found != nil {
		text = Text(found[1])
	} else if address, _, labelled := strings.Cut(text, "|"); labelled && strings.Contains(address, "://") {
		text = address
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
	return strings.ReplaceAll(strings.TrimSpace(text), "&amp;", "&")
}

// schemes are the words before a token in an example of a request.
var schemes = []string{"authorization:", "authorization:bearer", "bearer", "token"}

// Token returns a token or a key, which contains no white space: also if it was copied with the scheme of its header, as
// in "Authorization: Bearer abc".
func Token(text string) string {
	words := strings.Fields(Text(text))
	for len(words) > 1 && slices.Contains(schemes, strings.ToLower(words[0])) {
		words = words[1:]
	}
	return Text(strings.Join(words, ""))
}
