package vendorapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ParseDiscovery parses a discovery document of Google's
// (https://developers.google.com/discovery/v1/reference/apis).
func ParseDiscovery(text []byte) (*Description, error) {
	var doc discoveryDocument
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("parsing a discovery document: %w", err)
	}
	c := &discoveryConverter{doc: doc, paths: object{}}
	schemas := object{}
	for name, s := range doc.Schemas {
		schemas[name] = s.convert()
	}
	c.resource(doc.discoveryResource)
	components := object{"schemas": schemas}
	document := object{
		"openapi": "3.0.3", "info": object{"title": doc.Title, "version": doc.Version}, "paths": c.paths, "components": components,
	}
	if doc.Auth.OAuth2 != nil {
		components["securitySchemes"] = object{"token": object{"type": "http", "scheme": "bearer"}}
		document["security"] = []any{object{"token": []any{}}}
	}
	return parse(document)
}

type discoveryDocument struct {
	Title, Version, ServicePath string
	Auth                        struct{ OAuth2 object }
	Parameters                  map[string]discoveryParameter
	Schemas                     map[string]discoverySchema
	discoveryResource
}

type discoveryResource struct {
	Methods   map[string]discoveryMethod
	Resources map[string]discoveryResource
}

type discoveryMethod struct {
	ID, HTTPMethod string
	// FlatPath has a parameter for each segment: several methods have the same Path, "v1/{+name}".
	Path, FlatPath string
	Deprecated     bool
	Parameters     map[string]discoveryParameter
	Request        struct {
		Ref string `json:"$ref"`
	}
	MediaUpload struct {
		Protocols map[string]struct{ Path string }
	}
}

type discoveryParameter struct {
	Location           string
	Required, Repeated bool
	discoverySchema
}

type discoverySchema struct {
	Ref                         string `json:"$ref"`
	Type, Format, Pattern       string
	Enum                        []string
	Deprecated, ReadOnly        bool
	Properties                  map[string]discoverySchema
	Items, AdditionalProperties *discoverySchema
	Annotations                 struct{ Required []string }
}

type discoveryConverter struct {
	doc   discoveryDocument
	paths object
}

func (c *discoveryConverter) resource(r discoveryResource) {
	for _, m := range r.Methods {
		c.method(m)
	}
	for _, child := range r.Resources {
		c.resource(child)
	}
}

func (c *discoveryConverter) method(m discoveryMethod) {
	path := "/" + c.doc.ServicePath + cmp.Or(m.FlatPath, m.Path)
	operation := object{"parameters": c.parameters(path, m), "responses": anyResponse}
	if m.Deprecated {
		operation["deprecated"] = true
	}
	if m.Request.Ref != "" {
		operation["requestBody"] = object{"content": object{"application/json": object{"schema": c.request(m)}}}
	}
	c.add(path, m.HTTPMethod, operation)
	for _, protocol := range m.MediaUpload.Protocols {
		c.upload(protocol.Path, m, operation)
	}
}

var anyResponse = object{"default": object{"description": "any"}}

func (c *discoveryConverter) add(path, method string, operation object) {
	item, ok := c.paths[path].(object)
	if !ok {
		item = object{}
		c.paths[path] = item
	}
	item[strings.ToLower(method)] = operation
}

// upload adds the operations of an upload: all at once, in two parts, or in a session, to whose URL
// pieces are then sent (https://developers.google.com/workspace/drive/api/guides/manage-uploads).
func (c *discoveryConverter) upload(path string, m discoveryMethod, operation object) {
	begin := maps.Clone(operation)
	schema := c.request(m)
	begin["requestBody"] = object{"content": object{
		"application/json": object{"schema": schema}, "multipart/related": object{"schema": schema}, "*/*": object{},
	}}
	begin["parameters"] = slices.Concat(c.parameters(path, m), uploadParameters)
	c.add(path, m.HTTPMethod, begin)
	piece := maps.Clone(begin)
	piece["requestBody"] = object{"content": object{"*/*": object{}}}
	for _, method := range []string{"PUT", "DELETE"} {
		if method != m.HTTPMethod {
			c.add(path, method, piece)
		}
	}
}

var uploadParameters = []any{
	object{"name": "uploadType", "in": "query", "schema": object{"type": "string", "enum": []any{"media", "multipart", "resumable"}}},
	object{"name": "upload_id", "in": "query", "schema": object{"type": "string"}},
}

func (c *discoveryConverter) parameters(path string, m discoveryMethod) []any {
	var all []any
	for _, match := range placeholder.FindAllStringSubmatch(path, -1) {
		name := match[1]
		p, ok := m.Parameters[name]
		if !ok { // a segment of a parameter
			p = discoveryParameter{discoverySchema: discoverySchema{Type: "string"}}
		}
		p.Location = "path"
		all = append(all, p.convert(name))
	}
	for _, list := range []map[string]discoveryParameter{m.Parameters, c.doc.Parameters} {
		for _, name := range slices.Sorted(maps.Keys(list)) {
			p := list[name]
			if p.Location == "query" && (name != "uploadType" || len(m.MediaUpload.Protocols) == 0) {
				all = append(all, p.convert(name))
			}
		}
	}
	return all
}

func (p discoveryParameter) convert(name string) object {
	schema := p.discoverySchema.convert()
	if p.Repeated {
		schema = object{"type": "array", "items": schema}
	}
	return object{
		"name": name, "in": p.Location, "required": p.Required || p.Location == "path", "deprecated": p.Deprecated, "schema": schema,
	}
}

// request is the schema of a method's body. Members may be required by some methods only.
func (c *discoveryConverter) request(m discoveryMethod) object {
	if m.Request.Ref == "" {
		return object{}
	}
	schema := object{"$ref": schemaPrefix + m.Request.Ref}
	var required []any
	for name, p := range c.doc.Schemas[m.Request.Ref].Properties {
		if slices.Contains(p.Annotations.Required, m.ID) {
			required = append(required, name)
		}
	}
	if len(required) == 0 {
		return schema
	}
	return object{"allOf": []any{schema, object{"type": "object", "required": required}}}
}

// checkedFormats are the formats that OpenAPI has, too. Google's bytes may be in either alphabet of
// Base64.
var checkedFormats = []string{"int32", "int64", "double", "float", "date", "date-time"}

func (s discoverySchema) convert() object {
	o := object{}
	switch {
	case s.Ref != "":
		o["allOf"] = []any{object{"$ref": schemaPrefix + s.Ref}}
	case s.Type == "string" && (s.Format == "int64" || s.Format == "uint64"):
		// A number beyond the precision of JavaScript: Google reads it as a number, too.
		o["anyOf"] = []any{object{"type": "string", "pattern": "^-?[0-9]+$"}, object{"type": "integer"}}
	case s.Type == "" || s.Type == "any":
		o["nullable"] = true
	default:
		o["type"] = s.Type
		if slices.Contains(checkedFormats, s.Format) {
			o["format"] = s.Format
		}
	}
	if s.Pattern != "" {
		o["pattern"] = s.Pattern
	}
	if len(s.Enum) > 0 {
		o["enum"] = s.Enum
	}
	if s.Deprecated {
		o["deprecated"] = true
	}
	if s.ReadOnly {
		o["readOnly"] = true
	}
	s.convertChildren(o)
	return o
}

// convertChildren adds the schemas that an object or a list consists of.
func (s discoverySchema) convertChildren(o object) {
	if len(s.Properties) > 0 {
		properties := object{}
		for name, p := range s.Properties {
			properties[name] = p.convert()
		}
		o["properties"] = properties
	}
	if s.Items != nil {
		o["items"] = s.Items.convert()
	}
	if s.AdditionalProperties != nil {
		o["additionalProperties"] = s.AdditionalProperties.convert()
	}
}
