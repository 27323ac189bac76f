// Package page renders the hub's status page: the health of the hub, how to connect Looker, and every
// integration, with what it needs and how to enable it. Each document loads nothing else and works
// without JavaScript.
package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the style sheets and the script
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"github.com/a-h/templ"

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

// Link is the path of an integration's page.
func (s Site) Link(integration string) string {
	return s.Base() + "/integrations/" + url.PathEscape(integration)
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
)

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

// element is an element with one of our own files, which need no escaping.
func element(name, content string) templ.Component {
	return templ.Raw("<" + name + ">" + content + "</" + name + ">")
}

// render returns HTML in UTF-8. The templates, in the files *.templ, are compiled to Go: libraries that
// interpret templates make the linker keep every method of every type.
func render(c templ.Component) ([]byte, error) {
	var b bytes.Buffer
	if err := c.Render(context.Background(), &b); err != nil {
		return nil, fmt.Errorf("rendering a page: %w", err)
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
func RenderIndex(i Index) ([]byte, error) { return render(i.document()) }

// IntegrationPage is the content of an integration's page.
type IntegrationPage struct {
	Site
	Integration
	Live Live
}

// RenderIntegration returns an integration's page.
func RenderIntegration(i IntegrationPage) ([]byte, error) { return render(i.document()) }

// RenderShared returns the page about what several integrations have in common.
func RenderShared(s Site) ([]byte, error) { return render(s.shared()) }

// RenderStranger returns the page for those who have not signed in: it has nothing but the label.
func RenderStranger(s Site) ([]byte, error) {
	return render(Site{Label: s.Label, URL: s.URL}.stranger())
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
	return render(s.document(Site{Label: s.Label, URL: s.URL}))
}
