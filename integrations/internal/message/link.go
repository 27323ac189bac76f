package message

import (
	"net/url"
	"strings"
)

// Link returns an http or https URL, escaped for use inside a Markdown link, or "" if the text is
// not such a URL.
func Link(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C", "(", "%28", ")", "%29", "`", "%60", " ", "%20", `"`, "%22").Replace(u.String())
}
