package vendorapi

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/types/descriptorpb"
)

// ParseProto parses protocol buffers whose services have HTTP rules, as Google's have
// (https://cloud.google.com/endpoints/docs/grpc/transcoding). The files are not linked: types of files
// that are not given may be anything.
func ParseProto(files map[string][]byte) (*Description, error) {
	c := &protoConverter{schemas: object{}, names: map[string]bool{}, references: map[string]bool{}, paths: object{}}
	var parsed []*descriptorpb.FileDescriptorProto
	for name, text := range files {
		handler := reporter.NewHandler(nil)
		tree, err := parser.Parse(name, bytes.NewReader(text), handler)
		if err != nil {
			return nil, fmt.Errorf("parsing %s: %w", name, err)
		}
		result, err := parser.ResultFromAST(tree, false, handler)
		if err != nil {
			return nil, fmt.Errorf("parsing %s: %w", name, err)
		}
		parsed = append(parsed, result.FileDescriptorProto())
	}
	for _, f := range parsed {
		c.declare("", f.GetMessageType(), f.GetEnumType())
	}
	for _, f := range parsed {
		c.file(f)
	}
	for _, m := range c.methods {
		c.method(m)
	}
	for name := range c.references {
		if c.schemas[name] == nil {
			c.schemas[name] = object{"nullable": true}
		}
	}
	return parse(object{
		"openapi": "3.0.3", "info": object{"title": "Protocol buffers", "version": "1"}, "paths": c.paths,
		"components": object{"schemas": c.schemas, "securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}}},
		"security":   []any{object{"token": []any{}}},
	})
}

// protoConverter has the messages of all files by their simple names, which Google does not repeat
// within an API: references in source need not be complete.
type protoConverter struct {
	schemas    object
	names      map[string]bool
	references map[string]bool
	paths      object
	methods    []*descriptorpb.MethodDescriptorProto
}

// declare collects the names of types. Those of nested types begin with the name of the outer one.
func (c *protoConverter) declare(prefix string, messages []*descriptorpb.DescriptorProto, enums []*descriptorpb.EnumDescriptorProto) {
	for _, e := range enums {
		c.names[prefix+e.GetName()] = true
	}
	for _, m := range messages {
		c.names[prefix+m.GetName()] = true
		c.declare(prefix+m.GetName()+".", m.GetNestedType(), m.GetEnumType())
	}
}

func (c *protoConverter) file(f *descriptorpb.FileDescriptorProto) {
	for _, m := range f.GetMessageType() {
		c.message(m.GetName(), m)
	}
	for _, e := range f.GetEnumType() {
		c.enum(e.GetName(), e)
	}
	for _, s := range f.GetService() {
		c.methods = append(c.methods, s.GetMethod()...)
	}
}

func (c *protoConverter) message(name string, m *descriptorpb.DescriptorProto) {
	properties, required := object{}, []any{}
	for _, f := range m.GetField() {
		s := c.field(name, f)
		if f.GetOptions().GetDeprecated() || option(f.GetOptions().GetUninterpretedOption(), "deprecated") == "true" {
			s["deprecated"] = true
		}
		behavior := option(f.GetOptions().GetUninterpretedOption(), "google.api.field_behavior")
		if strings.Contains(behavior, "OUTPUT_ONLY") {
			s["readOnly"] = true
		}
		// A field may be sent by its own name, too.
		properties[f.GetName()], properties[jsonName(f)] = s, s
		if strings.Contains(behavior, "REQUIRED") {
			required = append(required, jsonName(f))
		}
	}
	s := object{"type": "object", "properties": properties}
	if len(properties) == 0 {
		s["additionalProperties"] = false
	}
	if len(required) > 0 {
		s["required"] = required
	}
	c.schemas[name] = s
	for _, nested := range m.GetNestedType() {
		c.message(name+"."+nested.GetName(), nested)
	}
	for _, e := range m.GetEnumType() {
		c.enum(name+"."+e.GetName(), e)
	}
}

func jsonName(f *descriptorpb.FieldDescriptorProto) string {
	if f.GetJsonName() != "" {
		return f.GetJsonName()
	}
	return camelCase(f.GetName())
}

func camelCase(name string) string {
	parts := strings.Split(name, "_")
	for i, p := range parts[1:] {
		parts[i+1] = strings.ToUpper(p[:min(1, len(p))]) + p[min(1, len(p)):]
	}
	return strings.Join(parts, "")
}

func (c *protoConverter) enum(name string, e *descriptorpb.EnumDescriptorProto) {
	var values []any
	for _, v := range e.GetValue() {
		values = append(values, v.GetName())
	}
	c.schemas[name] = object{"type": "string", "enum": values}
}

var protoScalars = map[descriptorpb.FieldDescriptorProto_Type]object{
	descriptorpb.FieldDescriptorProto_TYPE_STRING: {"type": "string"},
	descriptorpb.FieldDescriptorProto_TYPE_BYTES:  {"type": "string"},
	descriptorpb.FieldDescriptorProto_TYPE_BOOL:   {"type": "boolean"},
	descriptorpb.FieldDescriptorProto_TYPE_DOUBLE: {"type": "number"},
	descriptorpb.FieldDescriptorProto_TYPE_FLOAT:  {"type": "number"},
	descriptorpb.FieldDescriptorProto_TYPE_INT32:  {"type": "integer"},
	descriptorpb.FieldDescriptorProto_TYPE_UINT32: {"type": "integer"},
	descriptorpb.FieldDescriptorProto_TYPE_INT64: {
		"anyOf": []any{object{"type": "string", "pattern": "^-?[0-9]+$"}, object{"type": "integer"}},
	},
}

func (c *protoConverter) field(message string, f *descriptorpb.FieldDescriptorProto) object {
	s := object{}
	if f.GetTypeName() == "" {
		maps.Copy(s, protoScalars[f.GetType()])
	} else {
		s["allOf"] = []any{object{"$ref": schemaPrefix + c.reference(message, f.GetTypeName())}}
	}
	if f.GetLabel() == descriptorpb.FieldDescriptorProto_LABEL_REPEATED {
		return object{"type": "array", "items": s}
	}
	return s
}

// reference returns the name of a schema that a field of a message refers to: what follows the
// packages, whose names are in lowercase, or a type of the message or of one that it is nested in.
func (c *protoConverter) reference(message, typeName string) string {
	parts := strings.Split(typeName, ".")
	first := max(0, slices.IndexFunc(parts, func(p string) bool { return p != strings.ToLower(p) }))
	name := strings.Join(parts[first:], ".")
	for scope := message; first == 0 && scope != ""; scope = scope[:max(0, strings.LastIndex(scope, "."))] {
		if c.names[scope+"."+name] {
			name = scope + "." + name
			break
		}
	}
	c.references[name] = true
	return name
}

// option returns the text of an option that is not interpreted.
func option(options []*descriptorpb.UninterpretedOption, name string) string {
	var texts []string
	for _, o := range options {
		var parts []string
		for _, p := range o.GetName() {
			parts = append(parts, p.GetNamePart())
		}
		if strings.Join(parts, ".") == name {
			texts = append(texts, o.GetIdentifierValue()+o.GetAggregateValue())
		}
	}
	return strings.Join(texts, " ")
}

var (
	httpRule  = regexp.MustCompile(`(get|put|post|delete|patch) ?: ?"([^"]+)"`)
	httpBody  = regexp.MustCompile(`body ?: ?"([^"]+)"`)
	wildcard  = regexp.MustCompile(`\*\*?`)
	httpField = regexp.MustCompile(`\{(\w+)(?:=([^}]*))?\}`)
)

// body is a message without the fields that are in the path.
func (c *protoConverter) body(input string, inPath []string) object {
	message, ok := c.schemas[input].(object)
	if !ok {
		return object{"nullable": true}
	}
	fields, _ := message["properties"].(object)
	properties := maps.Clone(fields)
	required, _ := message["required"].([]any)
	for _, name := range inPath {
		delete(properties, name)
		delete(properties, camelCase(name))
		required = slices.DeleteFunc(slices.Clone(required), func(r any) bool { return r == camelCase(name) })
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

func jsonBody(schema any) object {
	return object{"content": object{"application/json": object{"schema": schema}}}
}

// bodyField is the field of a message that is the whole body.
func (c *protoConverter) bodyField(input, name string) any {
	message, _ := c.schemas[input].(object)
	fields, _ := message["properties"].(object)
	if fields[name] == nil {
		return object{"nullable": true}
	}
	return fields[name]
}

// query are the fields of a message that are neither in the path nor in the body.
func (c *protoConverter) query(input string, others []string) (parameters []any) {
	message, _ := c.body(input, others)["properties"].(object)
	required, _ := c.body(input, others)["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(message)) {
		if strings.Contains(name, "_") { // each field is there by its name in JSON, too
			continue
		}
		parameters = append(parameters, object{
			"name": name, "in": "query", "required": slices.Contains(required, any(name)), "schema": message[name],
		})
	}
	return parameters
}

func (c *protoConverter) method(m *descriptorpb.MethodDescriptorProto) {
	rule := option(m.GetOptions().GetUninterpretedOption(), "google.api.http")
	match := httpRule.FindStringSubmatch(rule)
	if match == nil {
		return
	}
	operation := object{"responses": anyResponse, "deprecated": m.GetOptions().GetDeprecated()}
	var parameters []any
	var inPath []string
	path := httpField.ReplaceAllStringFunc(match[2], func(text string) string {
		f := httpField.FindStringSubmatch(text)
		inPath = append(inPath, f[1])
		n := 0
		// Each * of {name=customers/*/jobs/*} is a segment.
		return wildcard.ReplaceAllStringFunc(cmp.Or(f[2], "*"), func(string) string {
			n++
			name := fmt.Sprintf("%s_%d", f[1], n)
			parameters = append(parameters, object{"name": name, "in": "path", "required": true, "schema": object{"type": "string"}})
			return "{" + name + "}"
		})
	})
	input := c.reference("", m.GetInputType())
	switch body := httpBody.FindStringSubmatch(rule); {
	case body == nil:
		parameters = append(parameters, c.query(input, inPath)...)
	case body[1] == "*":
		operation["requestBody"] = jsonBody(c.body(input, inPath))
	default:
		operation["requestBody"] = jsonBody(c.bodyField(input, body[1]))
		parameters = append(parameters, c.query(input, append(inPath, body[1]))...)
	}
	operation["parameters"] = parameters
	item, ok := c.paths[path].(object)
	if !ok {
		item = object{}
		c.paths[path] = item
	}
	item[match[1]] = operation
}
