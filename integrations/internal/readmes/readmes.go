// Package readmes has the READMEs of the integrations as HTML, for the hub's status page. "make
// generate" makes them: a Markdown library in the hub would be three times their size.
package readmes

import (
	"embed"
	"strings"
)

//go:embed *.html
var files embed.FS

// Shared is the name of what several integrations have in common.
const Shared = "shared"

// HTML returns the README of an integration without its title, or "".
func HTML(name string) string {
	text, err := files.ReadFile(name + ".html")
	if err != nil {
		return ""
	}
	_, html, _ := strings.Cut(string(text), "\n") // says that the file is generated
	return html
}
