package plaintext

import (
	"net/url"
	"strings"
)

// Link is an address of the web, fit to stand inside a link of Markdown and its relatives, or
// nothing where the text is none.
func Link(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C", "(", "%28", ")", "%29", "`", "%60", " ", "%20", `"`, "%22").Replace(u.String())
}
