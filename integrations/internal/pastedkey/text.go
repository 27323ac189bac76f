package pastedkey

import (
	"encoding/json"
	"strings"
	"unicode"

	"integrationhub.dev/integrations/internal/pasted"
)

// IsSpace reports whether a character separates words, including those that cannot be seen, such as the byte
// order mark.
func IsSpace(r rune) bool { return unicode.IsSpace(r) || pasted.IsInvisible(r) }

// Unescape removes invisible characters and the quotes around a text, and makes line breaks of \n and \r.
func Unescape(text string) string {
	return lineBreaks.Replace(Unquote(text))
}

// The longest form is first. Text may be escaped twice, as when JSON is quoted within JSON.
var lineBreaks = strings.NewReplacer(
	`\\r\\n`, "\n", `\\n`, "\n", `\r\n`, "\n", `\n`, "\n", `\r`, "\n", "\r\n", "\n", "\r", "\n",
)

// Unquote removes invisible characters and the quotes around a text, and the escapes of a JSON string.
func Unquote(text string) string {
	text = strings.TrimSpace(pasted.Visible(text))
	for len(text) > 1 && strings.ContainsRune("\"'`", rune(text[0])) && text[len(text)-1] == text[0] {
		var inner string
		if json.Unmarshal([]byte(text), &inner) != nil {
			inner = text[1 : len(text)-1]
		}
		text = strings.TrimSpace(inner)
	}
	return text
}
