package vendorapi

import (
	"maps"
	"regexp"
	"strconv"
	"strings"
)

// ParseStone parses what the checks need of Stone, Dropbox's language for its API
// (https://github.com/dropbox/stone/blob/main/docs/lang_ref.rst): the routes that a host serves, "api"
// or "content", and the types.
func ParseStone(host string, documents ...[]byte) (*Description, error) {
	c := &stoneConverter{schemas: object{}, references: map[string]bool{}, types: map[string]*stoneType{}}
	for _, text := range documents {
		c.read(string(text))
	}
	for name, t := range c.types {
		if t.union {
			c.schemas[name] = c.union(t)
		} else {
			c.schemas[name] = c.structure(t)
		}
	}
	paths := object{}
	for _, r := range c.routes {
		if r.host == host {
			paths["/2/"+r.namespace+"/"+r.name] = object{"post": c.operation(r)}
		}
	}
	for name := range c.references {
		if c.schemas[name] == nil {
			c.schemas[name] = object{"nullable": true} // of a namespace that was not given
		}
	}
	return parse(object{
		"openapi": "3.0.3", "info": object{"title": "Dropbox", "version": "2"}, "paths": paths,
		"components": object{"schemas": c.schemas, "securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}}},
		"security":   []any{object{"token": []any{}}},
	})
}

// stoneConverter has all that documents declare. Names are "namespace.Name".
type stoneConverter struct {
	namespace string
	schemas   object
	// references are the types that others refer to.
	references map[string]bool
	types      map[string]*stoneType
	routes     []*stoneRoute
}

type stoneType struct {
	namespace, parent string
	union             bool
	members           []*stoneMember
}

type stoneMember struct {
	name, kind           string
	optional, deprecated bool
}

type stoneRoute struct {
	namespace, name, arg, host, style string
	deprecated                        bool
}

var (
	stoneDeclaration = regexp.MustCompile(`^(struct|union|union_closed) (\w+)(?: extends ([\w.]+))?`)
	stoneAlias       = regexp.MustCompile(`^alias (\w+) = (.+)$`)
	stoneRouteLine   = regexp.MustCompile(`^route ([\w/]+)(?::(\d+))? ?\(([\w.]+),[^)]*\)( deprecated)?`)
	stoneAttribute   = regexp.MustCompile(`^        (host|style) = "(\w+)"`)
	stoneMemberLine  = regexp.MustCompile(`^    (\w+)\*?(?: (.+))?$`)
)

// read reads a document line by line. Its blocks are indented.
func (c *stoneConverter) read(text string) {
	var (
		current *stoneType
		route   *stoneRoute
	)
	for _, line := range withoutDocs(text) {
		switch {
		case strings.HasPrefix(line, "namespace "):
			c.namespace = strings.TrimPrefix(line, "namespace ")
		case stoneAlias.MatchString(line):
			m := stoneAlias.FindStringSubmatch(line)
			c.schemas[c.namespace+"."+m[1]] = c.schema(c.namespace, m[2])
		case stoneDeclaration.MatchString(line):
			m := stoneDeclaration.FindStringSubmatch(line)
			current, route = &stoneType{namespace: c.namespace, union: m[1] != "struct"}, nil
			if m[3] != "" {
				current.parent = qualified(c.namespace, m[3])
			}
			c.types[c.namespace+"."+m[2]] = current
		case stoneRouteLine.MatchString(line):
			m := stoneRouteLine.FindStringSubmatch(line)
			route, current = &stoneRoute{namespace: c.namespace, name: m[1], arg: m[3], host: "api", deprecated: m[4] != ""}, nil
			if m[2] != "" {
				route.name += "_v" + m[2]
			}
			c.routes = append(c.routes, route)
		case route != nil:
			route.attribute(line)
		case current != nil:
			current.member(line)
		}
	}
}

// withoutDocs returns the lines that are not documentation, which is a text of one or more lines.
func withoutDocs(text string) []string {
	var lines []string
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		content := strings.TrimSpace(line)
		if !inside && !strings.HasPrefix(content, `"`) {
			lines = append(lines, line)
			continue
		}
		quotes := strings.Count(content, `"`) - strings.Count(content, `\"`)
		if quotes%2 == 1 {
			inside = !inside
		}
	}
	return lines
}

func (r *stoneRoute) attribute(line string) {
	switch m := stoneAttribute.FindStringSubmatch(line); {
	case m == nil:
	case m[1] == "host":
		r.host = m[2]
	default:
		r.style = m[2]
	}
}

func (t *stoneType) member(line string) {
	if strings.HasPrefix(line, "        @") && strings.HasSuffix(line, "Deprecated") && len(t.members) > 0 {
		t.members[len(t.members)-1].deprecated = true
	}
	m := stoneMemberLine.FindStringSubmatch(line)
	if m == nil || m[1] == "example" || m[1] == "union" || m[1] == "union_closed" || !t.union && m[2] == "" {
		return
	}
	kind, _, hasDefault := strings.Cut(m[2], " = ")
	t.members = append(t.members, &stoneMember{name: m[1], kind: kind, optional: hasDefault || strings.HasSuffix(kind, "?")})
}

func qualified(namespace, name string) string {
	if strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

var stonePrimitives = map[string]string{
	"Boolean": "boolean", "String": "string", "Bytes": "string", "Timestamp": "string",
	"Int32": "integer", "Int64": "integer", "UInt32": "integer", "UInt64": "integer", "Float32": "number", "Float64": "number",
}

var stoneArguments = regexp.MustCompile(`(min_length|max_length|pattern)=("(?:[^"\\]|\\.)*"|\d+)`)

// schema converts a reference to a type, such as List(Name, max_items=5)?.
func (c *stoneConverter) schema(namespace, kind string) object {
	kind, nullable := strings.CutSuffix(strings.TrimSpace(kind), "?")
	name, arguments, _ := strings.Cut(strings.TrimSuffix(kind, ")"), "(")
	s := object{}
	switch primitive := stonePrimitives[name]; {
	case primitive != "":
		s["type"] = primitive
		if name == "String" {
			restrict(s, arguments)
		}
	case name == "List":
		item, _, _ := strings.Cut(arguments, ",")
		s["type"], s["items"] = "array", c.schema(namespace, item)
	case name == "Map" || name == "Void":
		s["nullable"] = true
	default:
		c.references[qualified(namespace, name)] = true
		s["allOf"] = []any{object{"$ref": schemaPrefix + qualified(namespace, name)}}
	}
	if nullable {
		s["nullable"] = true
	}
	return s
}

// restrict adds the arguments of a string. A pattern is of the whole text.
func restrict(s object, arguments string) {
	for _, m := range stoneArguments.FindAllStringSubmatch(arguments, -1) {
		if m[1] != "pattern" {
			n, err := strconv.Atoi(m[2])
			if err == nil {
				s[map[string]string{"min_length": "minLength", "max_length": "maxLength"}[m[1]]] = n
			}
			continue
		}
		pattern := "^(?:" + strings.NewReplacer(`\\`, `\`, `\/`, `/`, `\"`, `"`).Replace(strings.Trim(m[2], `"`)) + ")$"
		if _, err := regexp.Compile(pattern); err == nil {
			s["pattern"] = pattern
		}
	}
}

// inherited are a type's members with those of what it extends.
func (c *stoneConverter) inherited(t *stoneType) []*stoneMember {
	if parent := c.types[t.parent]; parent != nil {
		return append(c.inherited(parent), t.members...)
	}
	return t.members
}

func (c *stoneConverter) structure(t *stoneType) object {
	properties, required := object{}, []any{}
	for _, m := range c.inherited(t) {
		s := c.schema(t.namespace, m.kind)
		if m.deprecated {
			s["deprecated"] = true
		}
		properties[m.name] = s
		if !m.optional {
			required = append(required, m.name)
		}
	}
	s := object{"type": "object", "properties": properties}
	if len(properties) == 0 {
		s["additionalProperties"] = false
	}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// union converts a union. A tag without a value may be a text; another is in the member .tag, beside
// the members of a struct, or beside the value, which has the tag's name.
func (c *stoneConverter) union(t *stoneType) object {
	var texts, alternatives []any
	for _, m := range c.inherited(t) {
		properties, required := object{".tag": object{"type": "string", "enum": []any{m.name}}}, []any{".tag"}
		if m.kind == "" || strings.HasSuffix(m.kind, "?") {
			texts = append(texts, m.name)
		}
		if m.kind != "" {
			kind := strings.TrimSuffix(m.kind, "?")
			if s := c.types[qualified(t.namespace, kind)]; s != nil && !s.union {
				inner := c.structure(s)
				fields, _ := inner["properties"].(object)
				maps.Copy(properties, fields)
				if more, ok := inner["required"].([]any); ok {
					required = append(required, more...)
				}
			} else {
				properties[m.name] = c.schema(t.namespace, m.kind)
			}
		}
		alternatives = append(alternatives, object{"type": "object", "properties": properties, "required": required})
	}
	if len(texts) > 0 {
		alternatives = append(alternatives, object{"type": "string", "enum": texts})
	}
	return object{"anyOf": alternatives}
}

// operation converts a route. The argument is the body, or JSON in a header if the body is a file
// (https://www.dropbox.com/developers/documentation/http/documentation#formats).
func (c *stoneConverter) operation(r *stoneRoute) object {
	parameters := []any{}
	if _, ok := c.types["common.PathRoot"]; ok {
		parameters = append(parameters, jsonHeader("Dropbox-API-Path-Root", object{"$ref": schemaPrefix + "common.PathRoot"}, false))
	}
	o := object{"responses": anyResponse, "deprecated": r.deprecated}
	switch {
	case r.style == "upload":
		o["requestBody"] = object{"content": object{"application/octet-stream": object{}}}
		fallthrough
	case r.style == "download":
		parameters = append(parameters, jsonHeader("Dropbox-API-Arg", c.schema(r.namespace, r.arg), true))
	case r.arg != "Void":
		o["requestBody"] = object{
			"required": true, "content": object{"application/json": object{"schema": c.schema(r.namespace, r.arg)}},
		}
	}
	o["parameters"] = parameters
	return o
}

func jsonHeader(name string, schema object, required bool) object {
	return object{"name": name, "in": "header", "required": required, "content": object{"application/json": object{"schema": schema}}}
}
