package pastedkey

import (
	"encoding/json"
	"regexp"
	"strings"
)

// KeyFile is what is needed of a Google service account's key file:
// https://docs.cloud.google.com/iam/docs/keys-create-delete#creating
type KeyFile struct {
	Email string `json:"client_email"`
	Key   string `json:"private_key"`
}

// The members of a key file that is no JSON any more: with quotes of Python or of a shell, escaped quotes, or line
// breaks within the key.
var (
	emailMember = regexp.MustCompile(`["']client_email\\*["']\s*:\s*\\*["']([^"'\\]+)`)
	keyMember   = regexp.MustCompile(`(?s)["']private_key\\*["']\s*:\s*\\*[brfu]?["'](.*?PRIVATE KEY-----.*?PRIVATE KEY-----)`)
)

// ParseKeyFile reads a key file. ok is false if the text is no JSON object or anything like one; then it may be
// a key alone. The file's members are empty if it has none of these names, as in the files of other credentials.
func ParseKeyFile(text string) (file KeyFile, ok bool) {
	text = Unquote(text)
	if inner, encoded := fromBase64(text); encoded {
		text = Unquote(inner)
	}
	if !strings.HasPrefix(text, "{") {
		return file, false
	}
	if json.Unmarshal([]byte(text), &file) == nil {
		return file, true
	}
	file = KeyFile{}
	if email := emailMember.FindStringSubmatch(text); email != nil {
		file.Email = strings.TrimSpace(email[1])
	}
	if key := keyMember.FindStringSubmatch(text); key != nil {
		file.Key = key[1]
	}
	return file, true
}
