package vendorapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Description is a vendor's description of an API, parsed.
type Description struct {
	doc        *openapi3.T
	operations []*operation
}

type operation struct {
	method   string
	template *template
	item     *openapi3.PathItem
	spec     *openapi3.Operation
	bodies   map[*openapi3.MediaType]*body
}

// ParseOpenAPI parses an OpenAPI document of version 3.
func ParseOpenAPI(text []byte) (*Description, error) {
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("parsing an OpenAPI document: %w", err)
	}
	compiler, err := newCompiler(doc, text)
	if err != nil {
		return nil, err
	}
	d := &Description{doc: doc}
	for path, item := range doc.Paths.Map() {
		t, err := newTemplate(basePath(doc) + path)
		if err != nil {
			return nil, err
		}
		for method, spec := range item.Operations() {
			bodies, err := compiler.bodies(path, method, spec)
			if err != nil {
				return nil, err
			}
			d.operations = append(d.operations, &operation{method, t, item, spec, bodies})
		}
	}
	// A path without parameters precedes one with parameters that matches it, too.
	slices.SortFunc(d.operations, func(a, b *operation) int {
		return cmp.Or(cmp.Compare(len(a.template.names), len(b.template.names)), -cmp.Compare(len(a.template.text), len(b.template.text)),
			cmp.Compare(a.method, b.method))
	})
	return d, nil
}

// basePath is the path of the document's server, such as /api/v10. The host is up to the table of
// descriptions.
func basePath(doc *openapi3.T) string {
	if len(doc.Servers) == 0 {
		return ""
	}
	server, err := url.Parse(doc.Servers[0].URL)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(server.Path, "/")
}

// Knows reports whether the description has a path, with any method.
func (d *Description) Knows(path string) bool {
	return slices.ContainsFunc(d.operations, func(o *operation) bool {
		_, ok := o.template.match(path)
		return ok
	})
}

// Check compares a request with the description.
func (d *Description) Check(r Request) []Finding {
	methods := map[string]bool{}
	for _, o := range d.operations {
		params, ok := o.template.match(r.Path)
		if ok && o.method == r.Method {
			return d.check(o, params, r)
		}
		if ok {
			methods[o.method] = true
		}
	}
	f := Finding{Kind: UnknownPath, Operation: r.Method + " " + r.Path}
	if len(methods) > 0 {
		f.Kind = UnknownMethod
		f.Detail = "the path has " + strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
	}
	return []Finding{f}
}

func (d *Description) check(o *operation, params map[string]string, r Request) []Finding {
	c := &collector{operation: o.method + " " + o.template.text}
	if o.spec.Deprecated {
		c.add(Deprecated, "", "")
	}
	d.checkParameters(c, o, params, r)
	if !r.Broken {
		o.checkBody(c, r)
	}
	return c.findings
}

// parameters are those of an operation and of its path.
func (o *operation) parameters() []*openapi3.Parameter {
	var all []*openapi3.Parameter
	for _, list := range []openapi3.Parameters{o.spec.Parameters, o.item.Parameters} {
		for _, p := range list {
			if !slices.ContainsFunc(all, func(q *openapi3.Parameter) bool { return q.In == p.Value.In && q.Name == p.Value.Name }) {
				all = append(all, p.Value)
			}
		}
	}
	return all
}

func (d *Description) checkParameters(c *collector, o *operation, params map[string]string, r Request) {
	known := map[string]bool{}
	if d.doc.Components != nil {
		for _, s := range d.doc.Components.SecuritySchemes {
			if s.Value.In == openapi3.ParameterInQuery {
				known[s.Value.Name] = true
			}
		}
	}
	for _, p := range o.parameters() {
		sent := false
		switch p.In {
		case openapi3.ParameterInQuery:
			known[p.Name] = true
			sent = r.Query.Has(p.Name)
		case openapi3.ParameterInHeader:
			sent = r.Header.Get(p.Name) != ""
		}
		if sent && p.Deprecated {
			c.add(Deprecated, p.In+" "+p.Name, "")
		}
		if sent && p.Content != nil {
			c.contentParameter(p, r)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Query)) {
		if !known[name] {
			c.add(UnknownParameter, "query "+name, "")
		}
	}
	c.addErrors(openapi3filter.ValidateRequest(context.Background(), d.input(o, params, r)))
}

// contentParameter checks the members of a parameter that is JSON.
func (c *collector) contentParameter(p *openapi3.Parameter, r Request) {
	for _, m := range p.Content {
		text := r.Header.Get(p.Name)
		if p.In == openapi3.ParameterInQuery {
			text = r.Query.Get(p.Name)
		}
		var value any
		if err := json.Unmarshal([]byte(text), &value); err == nil { // the error is reported with the parameter
			c.members(p.In+" "+p.Name, nil, value, m.Schema)
		}
	}
}

// input is a request for the checks of parameters and of credentials.
func (d *Description) input(o *operation, params map[string]string, r Request) *openapi3filter.RequestValidationInput {
	return &openapi3filter.RequestValidationInput{
		Request: &http.Request{
			Method: r.Method, Host: r.Host, Header: r.Header.Clone(), Body: http.NoBody,
			URL: &url.URL{Scheme: "https", Host: r.Host, Path: r.Path, RawQuery: r.Query.Encode()},
		},
		PathParams: params,
		Route: &routers.Route{
			Spec: d.doc, Path: o.template.text, PathItem: o.item, Method: o.method, Operation: o.spec,
		},
		Options: &openapi3filter.Options{
			ExcludeRequestBody: true, MultiError: true, SkipSettingDefaults: true, AuthenticationFunc: hasCredentials,
		},
	}
}

var errNoCredentials = errors.New("the request has no credentials")

// hasCredentials checks that a request has credentials of a kind, not that they are right.
func hasCredentials(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	s, req := in.SecurityScheme, in.RequestValidationInput.Request
	scheme, _, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	found := scheme != ""
	switch s.Type {
	case "http":
		found = strings.EqualFold(scheme, s.Scheme)
	case "oauth2", "openIdConnect":
		found = strings.EqualFold(scheme, "bearer")
	case "apiKey":
		found = s.In == openapi3.ParameterInHeader && req.Header.Get(s.Name) != "" ||
			s.In == openapi3.ParameterInQuery && req.URL.Query().Has(s.Name)
	}
	if !found {
		return errNoCredentials
	}
	return nil
}

// Body checks.

func (o *operation) checkBody(c *collector, r Request) {
	if o.spec.RequestBody == nil {
		if len(bytes.TrimSpace(r.Body)) > 0 {
			c.add(Invalid, "body", "the operation has no body")
		}
		return
	}
	spec := o.spec.RequestBody.Value
	if len(r.Body) == 0 {
		if spec.Required {
			c.add(Missing, "body", "")
		}
		return
	}
	mediaType := spec.Content.Get(r.Header.Get("Content-Type"))
	if mediaType == nil {
		c.add(Invalid, "header Content-Type", fmt.Sprintf("%q is none of %s", r.Header.Get("Content-Type"),
			strings.Join(slices.Sorted(maps.Keys(spec.Content)), ", ")))
		return
	}
	if b := o.bodies[mediaType]; b != nil {
		b.check(c, r)
	}
}
