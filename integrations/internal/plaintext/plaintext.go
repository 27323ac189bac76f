// Package plaintext makes what another party says fit to be shown to Looker's user.
package plaintext

import (
	"strings"
	"unicode"
)

// longest is how many characters of one text are shown.
const longest = 300

// Line is a text on one line, without control characters and not too long.
func Line(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > longest {
		text = string(r[:longest]) + "…"
	}
	return text
}
