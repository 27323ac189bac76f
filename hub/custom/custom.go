// Package custom runs no-code integrations: HTTPIntegrations, which are YAML files in a folder. The
// operator mounts the resources of a cluster there.
//
// [Compile] makes an integration from a file. [Folder] loads all of them, and loads them again when they
// change: what runs continues with the version that it began with, and a file that is not valid never
// replaces a version that is.
package custom

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/time/rate"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/custom/expression"
	"integrationhub.dev/hub/custom/manifest"
	"integrationhub.dev/hub/deliver"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*withForm)(nil)
)

// Options are what no-code integrations share.
type Options struct {
	// Names are the names of the program's own integrations, which one without code can have.
	Names []string
	// SecretsDir is the folder with the hub's secrets: a folder for each Secret with a file for each key.
	SecretsDir string
	// HTTP sends requests. NewClient makes a client that presents a certificate; it has the same egress policy.
	HTTP      *http.Client
	NewClient func(tls.Certificate) *http.Client
}

// Integration is a no-code integration.
type Integration struct {
	spec       httpintegration.Spec
	definition action.Definition
	icon       string
	options    Options

	form     []field
	endpoint endpoint
	item     *expression.Template
	body     *expression.Template
	fields   map[string]*expression.Text
	filename *expression.Text
	key      *expression.Text
	auth     *authentication
	response response

	// needsRows is set if expressions use the result, whose columns must then exist.
	needsRows bool
	columns   map[string][]string
	limiter   *rate.Limiter
	policy    deliver.Policy
}

// withForm is an integration with a form. Looker asks for no form otherwise.
type withForm struct{ *Integration }

// Compile makes an integration from a file. Its error is of type [manifest.Problems].
func Compile(m *manifest.Manifest, o Options) (*Integration, error) {
	c := &compiler{Manifest: m, i: &Integration{spec: m.Spec, options: o}}
	c.name()
	c.scopes()
	c.definition()
	c.formFields()
	c.request()
	c.authentication()
	c.responses()
	c.limits()
	c.sample()
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return c.i, nil
}

// Resolved returns what the hub runs.
func (i *Integration) Resolved() action.Resolved {
	if len(i.form) == 0 {
		return action.Resolve(i)
	}
	return action.Resolve(withForm{i})
}

// Definition implements [action.Integration].
func (i *Integration) Definition() action.Definition { return i.definition }

// Icon is a data URI, or empty.
func (i *Integration) Icon() string { return i.icon }

// Form implements [action.FormBuilder].
func (i withForm) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	return i.buildForm(ctx, req)
}

// compiler compiles the parts of a file and collects its problems.
type compiler struct {
	*manifest.Manifest
	i        *Integration
	problems manifest.Problems

	// The scopes of expressions: those of the form, of a request with or without rows, and of a response.
	formScope, requestScope, responseScope expression.Scope
}

func (c *compiler) problem(field, format string, args ...any) {
	c.problems = append(c.problems, c.Problem(field, format, args...))
}

// text compiles a template of text; an empty one is nil.
func (c *compiler) text(field string, template httpintegration.Template, s expression.Scope) *expression.Text {
	if template == "" {
		return nil
	}
	t, err := expression.CompileText(string(template), s)
	if err != nil {
		c.problem(field, "%s", err)
	}
	return t
}

// texts compiles templates by name.
func (c *compiler) texts(field string, templates map[string]httpintegration.Template, s expression.Scope) map[string]*expression.Text {
	all := map[string]*expression.Text{}
	for name, template := range templates {
		if t := c.text(field+"."+name, template, s); t != nil {
			all[name] = t
		}
	}
	return all
}

// result checks what an expression is evaluated to, as far as that is known before values are.
type result func(*expression.Expression) error

// The results of expressions.
var (
	textResult result = (*expression.Expression).CheckText
	boolResult result = (*expression.Expression).CheckBool
	listResult result = (*expression.Expression).CheckList
)

// expression compiles an expression; an empty one is nil.
func (c *compiler) expression(field string, text httpintegration.Expression, s expression.Scope, check result) *expression.Expression {
	if text == "" {
		return nil
	}
	x, err := expression.Compile(string(text), s)
	if err == nil {
		err = check(x)
	}
	if err != nil {
		c.problem(field, "%s", err)
	}
	return x
}

// name checks the integration's name in Looker.
func (c *compiler) name() {
	name := httpintegration.LookerName(c.Name, &c.Spec)
	if !strings.HasPrefix(name, httpintegration.NamePrefix) && !slices.Contains(c.i.options.Names, name) {
		c.problem("spec.name", "The name must begin with %s, unless it is the name of an integration of the hub.", httpintegration.NamePrefix)
	}
	if len(name) > 63 {
		c.problem("metadata.name", "The name in Looker has more than 63 characters. Set spec.name.")
	}
	c.i.definition.Name = name
}

// The members of variables that are always there.
var (
	planMembers     = []string{"id", "title", "type", "url", "queryId", "model", "view"}
	deliveryMembers = []string{"id", "type", "time", "webhookId", "instanceId"}
)

// scopes determines what expressions can use at each place.
func (c *compiler) scopes() {
	members := map[string][]string{"plan": planMembers, "delivery": deliveryMembers, "request": {"id"}}
	for _, p := range c.Spec.Params {
		members["params"] = append(members["params"], string(p.Name))
	}
	for _, f := range c.Spec.Form {
		members["form"] = append(members["form"], string(f.Name))
	}
	for _, s := range c.Spec.Secrets {
		members["secrets"] = append(members["secrets"], string(s.Name))
	}
	for _, name := range []string{"params", "form", "secrets"} {
		if members[name] == nil {
			members[name] = []string{}
		}
	}
	c.formScope = expression.Scope{Variables: []string{"params", "form", "plan", "delivery"}, Members: members}
	c.requestScope = c.formScope.With("request", "cell")
	c.responseScope = c.formScope.With("status", "body", "text", "headers", "count")
	switch c.Spec.Request.Per {
	case "row":
		c.requestScope = c.requestScope.With("row", "columns")
		c.requestScope.PerRow = true
		c.responseScope.PerRow = true
	case "batch":
		c.requestScope = c.requestScope.With("count")
	default:
		c.requestScope = c.requestScope.With("rows", "columns")
	}
}

// rowFormats are the formats with rows.
var rowFormats = []httpintegration.Format{"json_detail_lite_stream", "json_detail", "json_label", "json"}

// definition describes the integration to Looker.
func (c *compiler) definition() {
	d := &c.i.definition
	d.Label, d.Description, d.MinVersion = c.Spec.Label, string(c.Spec.Description), action.V(5, 5, 0)
	for _, t := range c.Spec.Types {
		d.Types = append(d.Types, action.Type(t))
	}
	if d.Types == nil {
		d.Types = []action.Type{action.TypeQuery}
	}
	d.Download = action.URL
	if slices.Contains(d.Types, action.TypeCell) {
		d.Download = action.Push // a cell has no data to download
	}
	for _, f := range c.Spec.Formats {
		d.Formats = append(d.Formats, action.Format(f))
	}
	for _, tag := range c.Spec.RequiredTags {
		d.RequiredFields = append(d.RequiredFields, action.RequiredField{Tag: string(tag)})
	}
	for _, p := range c.Spec.Params {
		d.Params = append(d.Params, action.Param{
			Name: string(p.Name), Label: cmp.Or(string(p.Label), string(p.Name)), Description: string(p.Description),
			Required: p.Required, Sensitive: p.Sensitive, PerUser: p.UserAttribute != "", UserAttributeName: p.UserAttribute,
		})
	}
	if icon := c.Spec.Icon; icon != nil {
		c.icon(icon)
	}
}

func (c *compiler) icon(icon *httpintegration.Icon) {
	if icon.SVG != "" {
		if err := checkSVG(icon.SVG); err != nil {
			c.problem("spec.icon.svg", "%s", err)
			return
		}
		c.i.icon = "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(icon.SVG))
		return
	}
	if err := checkPNG(icon.PNG); err != nil {
		c.problem("spec.icon.png", "%s", err)
		return
	}
	c.i.icon = "data:image/png;base64," + strings.Join(strings.Fields(icon.PNG), "")
}

// rowsNeeded completes the definition of an integration that uses rows.
func (c *compiler) rowsNeeded() {
	d := &c.i.definition
	if slices.Contains(d.Types, action.TypeDashboard) {
		c.problem("spec.types", "The request uses rows, but a dashboard has no rows.")
	}
	for n, f := range c.Spec.Formats {
		if !slices.Contains(rowFormats, f) {
			c.problem(fmt.Sprintf("spec.formats[%d]", n), "The request uses rows, but the format has no rows.")
		}
	}
	if d.Formats == nil {
		d.FormatsFor = action.RowFormats
	}
	// Values are sent as the database has them, not in the format of a dashboard.
	d.Formattings, d.VisFormattings = []action.Formatting{action.Unformatted}, []action.VisFormatting{action.NoApply}
}
