package lookerclient

import (
	"strings"
	"unicode"

	"integrationhub.dev/controllers/statustext"
)

// maxText bounds a text of Looker's.
const maxText = 512

// Clean prepares a text of Looker's for a status or an event: bounded, valid UTF-8, in one line.
func Clean(text string) string {
	text = statustext.WithoutLocalAddress(strings.ToValidUTF8(text, ""))
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	return statustext.Truncate(strings.Join(strings.Fields(text), " "), maxText)
}
