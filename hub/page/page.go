// Package page renders what a hub shows to people who open its address in a browser: what
// it is, how to connect Looker with it, and which integrations it offers. The page is one
// document that loads nothing, and works without its script.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"fmt"
	"html/template"

	"integrationhub.dev/hub/version"
)

// Hub is what the page tells.
type Hub struct {
	// Label is the hub's name in Looker.
	Label string
	// URL is the hub's address, as Looker is told it.
	URL string
	// Build is the version that runs.
	Build version.Info
	// Integrations are on offer; they are shown in this order, as the withheld ones are.
	Integrations []Integration
	Withheld     []Withheld
}

// Withheld is an integration that is not on offer.
type Withheld struct {
	Name string
	// Icon is a data URI, or "".
	Icon string
	// Reason names what is missing. It never holds a setting's value.
	Reason string
}

var (
	//go:embed page.html
	source string
	//go:embed page.css
	style string
	//go:embed page.js
	script string

	parsed = template.Must(template.New("page").Funcs(template.FuncMap{
		"style":  func() template.CSS { return template.CSS(style) },         //nolint:gosec // our own file
		"script": func() template.JS { return template.JS(script) },          //nolint:gosec // our own file
		"icon":   func(uri string) template.URL { return template.URL(uri) }, //nolint:gosec // icons are the hub's own, and an img runs no script
	}).Parse(source))
)

// Policy is the Content-Security-Policy (CSP Level 3) under which the page works: its own
// style and script, known by their hashes, pictures that it carries with it, and nothing else.
var Policy = fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	hash(style), hash(script))

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Render returns the page as HTML in UTF-8. It must be served with [Policy].
func Render(h Hub) ([]byte, error) {
	var b bytes.Buffer
	if err := parsed.Execute(&b, h); err != nil {
		return nil, fmt.Errorf("rendering the page: %w", err)
	}
	return b.Bytes(), nil
}
