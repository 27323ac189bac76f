package message

import (
	"net/url"
	"strings"
)

// linkEscapes are for characters with a meaning in Markdown or HTML.
var linkEscapes = strings.NewReplacer(
	"<", "%3C", ">", "%3E", "|", "%7C", "(", "%28", ")", "%29", "`", "%60", " ", "%20", `"`, "%22",
)

// Link returns an http or https URL, escaped for use inside a Markdown link, or "" if the text is
// not such a URL.
func Link(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return linkEscapes.Replace(u.String())
}
