package lookerclient

import (
	"regexp"
	"strings"
	"unicode"
)

// maxText bounds a text of Looker's.
const maxText = 512

// localAddress is the near end of a connection in an error of the network. Its port changes with every
// attempt, and a condition would never settle.
var localAddress = regexp.MustCompile(`\S+:\d+->`)

// Clean prepares a text of Looker's for a status or an event: bounded, valid UTF-8, in one line.
func Clean(text string) string {
	text = localAddress.ReplaceAllString(strings.ToValidUTF8(text, ""), "")
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxText {
		return text
	}
	const mark = "…"
	return strings.ToValidUTF8(text[:maxText-len(mark)], "") + mark
}
