package twilio

import (
	"strings"
	"unicode/utf16"
)

// MaxMessage is the maximum length of a message in UTF-16 units:
// https://www.twilio.com/docs/messaging/api/message-resource (Body).
const MaxMessage = 1600

// Cut shortens a text to at most n UTF-16 units: to the end of a line if it has several lines, and
// never within a character.
func Cut(text string, n int) string {
	units := utf16.Encode([]rune(text))
	if len(units) <= n {
		return text
	}
	units = units[:n]
	if last := units[n-1]; utf16.IsSurrogate(rune(last)) && last < 0xDC00 {
		units = units[:n-1]
	}
	short := string(utf16.Decode(units))
	if i := strings.LastIndexByte(short, '\n'); i > 0 {
		return short[:i+1]
	}
	return short
}
