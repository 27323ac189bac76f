// Package page renders the hub's status page: the health of the hub, how to connect Looker, and every
// integration, with what it needs and how to enable it. Each document loads nothing else and works
// without JavaScript.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"integrationhub.dev/hub/version"
)

// Site is what all pages of a hub have in common.
type Site struct {
	// Label is the hub's name in Looker.
	Label string
	// URL is the base URL that is configured in Looker.
	URL string
	// Name and Namespace are those of the IntegrationHub, or empty.
	Name, Namespace string
	// Build is the version of the running hub.
	Build version.Info
	// Private means that readers have signed in.
	Private bool
	// Shared is the documentation of what several integrations have in common, as HTML.
	Shared string
}

// Base is the path of the base URL, before which the hub's own paths stand.
func (s Site) Base() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.EscapedPath(), "/")
}

// Hub is the name of the IntegrationHub, or a placeholder.
func (s Site) Hub() string {
	if s.Name == "" {
		return "NAME"
	}
	return s.Name
}

// In is its namespace, or a placeholder.
func (s Site) In() string {
	if s.Namespace == "" {
		return "NAMESPACE"
	}
	return s.Namespace
}

// BaseStyle is the style sheet that the hub's pages share. Their own rules follow it.
//
//go:embed base.css
var BaseStyle string

var (
	//go:embed page.css
	ownStyle string
	//go:embed page.js
	script string
	//go:embed *.html
	templates embed.FS

	parsed = template.Must(template.New("").Funcs(template.FuncMap{
		"style":   func() template.CSS { return template.CSS(style) },         //nolint:gosec // our own file
		"script":  func() template.JS { return template.JS(script) },          //nolint:gosec // our own file
		"icon":    func(uri string) template.URL { return template.URL(uri) }, //nolint:gosec // icons are the hub's own, and an img runs no script
		"rfc3339": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"date":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
		"count":   Count,
		"snippet": func(id, label, text string) snippet { return snippet{id, label, text} },
	}).ParseFS(templates, "*.html"))
)

// snippet is a text with a button that copies it.
type snippet struct{ ID, Label, Text string }

var style = BaseStyle + ownStyle

// The Content-Security-Policies (CSP Level 3) of the pages. They allow only their own style and script,
// by their hashes, embedded images, and requests for the live status. Forms are sent only where readers
// sign in or out.
var (
	Policy        = fmt.Sprintf(policy, hash(style), hash(script), "'none'")
	PrivatePolicy = fmt.Sprintf(policy, hash(style), hash(script), "'self'")
)

const policy = "default-src 'none'; style-src %s; script-src %s; img-src data:; connect-src 'self'; " +
	"base-uri 'none'; form-action %s; frame-ancestors 'none'"

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// render renders a template as HTML in UTF-8.
func render(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := parsed.ExecuteTemplate(&b, name, data); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// Index is the content of the first page.
type Index struct {
	Site
	Live Live
	// Integrations are all of them, in order of their names.
	Integrations []Integration
	// Notices are problems of the configuration that belong to no single integration.
	Notices []string
}

// RenderIndex returns the first page. It must be served with a policy of this package.
func RenderIndex(i Index) ([]byte, error) { return render("index.html", i) }

// IntegrationPage is the content of an integration's page.
type IntegrationPage struct {
	Site
	Integration
	Live Live
}

// RenderIntegration returns an integration's page.
func RenderIntegration(i IntegrationPage) ([]byte, error) { return render("integration.html", i) }

// RenderShared returns the page about what several integrations have in common.
func RenderShared(s Site) ([]byte, error) {
	return render("shared.html", struct {
		Site
		Text template.HTML
	}{s, template.HTML(s.Shared)}) //nolint:gosec // made from our own READMEs, without HTML in them
}

// RenderStranger returns the page for those who have not signed in: it has nothing but the label.
func RenderStranger(s Site) ([]byte, error) {
	return render("stranger.html", Site{Label: s.Label, URL: s.URL})
}

// SignIn is the content of the form in which readers present Looker's token.
type SignIn struct {
	Label, URL string
	// Next is the path to go to afterwards.
	Next string
	// Problem is why the last attempt failed, or empty.
	Problem string
}

// RenderSignIn returns the form.
func RenderSignIn(s SignIn) ([]byte, error) {
	return render("sign_in.html", struct {
		Site
		Next, Problem string
	}{Site{Label: s.Label, URL: s.URL}, s.Next, s.Problem})
}
