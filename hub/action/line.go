package action

import (
	"strings"
	"unicode"
)

// maxLine is the number of characters that are shown of one text.
const maxLine = 300

// Line returns a text of another party, such as a destination, in a form that can be shown to the Looker user: on one
// line, without control characters, and shortened.
func Line(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > maxLine {
		text = string(r[:maxLine]) + "…"
	}
	return text
}
