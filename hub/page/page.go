// Package page renders the hub's status page: what the hub is, how to connect Looker, and which
// integrations are available. The page is one document that loads nothing else and works without
// JavaScript.
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

// Hub is the content of the page.
type Hub struct {
	// Label is the hub's name in Looker.
	Label string
	// URL is the base URL that is configured in Looker.
	URL string
	// Build is the version of the running hub.
	Build version.Info
	// Integrations are the available ones. Both lists are shown in their order.
	Integrations []Integration
	Unavailable  []Unavailable
}

// Unavailable is an integration that is not available.
type Unavailable struct {
	Name string
	// Icon is a data URI, or "".
	Icon string
	// Reason names the missing settings, never the value of a setting.
	Reason string
}

// BaseStyle is the style sheet that the hub's pages share. Their own rules follow it.
//
//go:embed base.css
var BaseStyle string

var (
	//go:embed page.html
	source string
	//go:embed page.css
	ownStyle string
	//go:embed page.js
	script string

	parsed = template.Must(template.New("page").Funcs(template.FuncMap{
		"style":  func() template.CSS { return template.CSS(style) },         //nolint:gosec // our own file
		"script": func() template.JS { return template.JS(script) },          //nolint:gosec // our own file
		"icon":   func(uri string) template.URL { return template.URL(uri) }, //nolint:gosec // icons are the hub's own, and an img runs no script
	}).Parse(source))
)

var style = BaseStyle + ownStyle

// Policy is the Content-Security-Policy (CSP Level 3) of the page. It allows only its own style
// and script, by their hashes, and embedded images.
var Policy = fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; img-src data:; "+
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'", hash(style), hash(script))

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
