package vendorapi

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// member is a part of a body, and the schemas that describe it. Schemas of allOf, anyOf and oneOf
// describe it together: a member is unknown if it is in none of them. OpenAPI itself allows members
// that no schema has, unless it forbids them expressly, which hardly a document does.
type member struct{ schemas []*openapi3.Schema }

// members reports unknown and deprecated members below a place.
func (c *collector) members(place string, path []string, value any, schemas ...*openapi3.SchemaRef) {
	m := &member{schemas: expand(schemas, value)}
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			at := append(slices.Clone(path), name)
			p := m.property(name)
			switch {
			case p.deprecated:
				c.add(Deprecated, join(place, at), "")
			case len(p.refs) == 0 && !p.free && m.closed():
				c.add(UnknownMember, join(place, at), "")
			}
			if len(p.refs) > 0 {
				c.members(place, at, value[name], p.refs...)
			}
		}
	case []any:
		var items []*openapi3.SchemaRef
		for _, s := range m.schemas {
			if s.Items != nil {
				items = append(items, s.Items)
			}
		}
		if len(items) == 0 {
			return
		}
		for i, item := range value {
			c.members(place, append(slices.Clone(path), strconv.Itoa(i)), item, items...)
		}
	}
}

func join(place string, path []string) string {
	return strings.TrimSpace(place + " " + strings.Join(path, "."))
}

// expand returns schemas and those that they consist of. Alternatives that do not fit the value are
// left out, if a constant tells so.
func expand(refs []*openapi3.SchemaRef, value any) []*openapi3.Schema {
	var all []*openapi3.Schema
	for _, ref := range refs {
		if ref == nil || ref.Value == nil || slices.Contains(all, ref.Value) {
			continue
		}
		s := ref.Value
		all = append(all, s)
		all = append(all, expand(s.AllOf, value)...)
		for _, alternative := range slices.Concat(s.AnyOf, s.OneOf) {
			if alternative.Value != nil && fits(alternative.Value, value) {
				all = append(all, expand([]*openapi3.SchemaRef{alternative}, value)...)
			}
		}
	}
	return all
}

// fits reports whether no constant of a schema contradicts the value.
func fits(s *openapi3.Schema, value any) bool {
	object, ok := value.(map[string]any)
	if !ok {
		return true
	}
	for _, s := range expand(append(slices.Clone(s.AllOf), &openapi3.SchemaRef{Value: &openapi3.Schema{Properties: s.Properties}}), nil) {
		for name, p := range s.Properties {
			actual, sent := object[name]
			if !sent || p.Value == nil {
				continue
			}
			if p.Value.Const != nil && !equal(p.Value.Const, actual) {
				return false
			}
			if len(p.Value.Enum) > 0 && !slices.ContainsFunc(p.Value.Enum, func(v any) bool { return equal(v, actual) }) {
				return false
			}
		}
	}
	return true
}

func equal(a, b any) bool {
	if n, ok := a.(int); ok {
		a = float64(n)
	}
	return reflect.DeepEqual(a, b)
}

// property is what schemas say about one of their properties.
type property struct {
	refs       []*openapi3.SchemaRef
	deprecated bool
	// free means that properties of any name are allowed.
	free bool
}

func (m *member) property(name string) property {
	var p property
	for _, s := range m.schemas {
		if ref := s.Properties[name]; ref != nil {
			p.refs = append(p.refs, ref)
			p.deprecated = p.deprecated || ref.Value != nil && ref.Value.Deprecated
			continue
		}
		for pattern, ref := range s.PatternProperties {
			if matched, err := regexp.MatchString(pattern, name); err == nil && matched {
				p.refs = append(p.refs, ref)
			}
		}
		switch more := s.AdditionalProperties; {
		case more.Schema != nil:
			p.refs = append(p.refs, more.Schema)
			p.free = true
		case more.Has != nil && *more.Has:
			p.free = true
		}
	}
	return p
}

// closed reports whether the names of properties are listed at all.
func (m *member) closed() bool {
	return slices.ContainsFunc(m.schemas, func(s *openapi3.Schema) bool {
		return len(s.Properties) > 0 || s.AdditionalProperties.Has != nil && !*s.AdditionalProperties.Has
	})
}

// types are the JSON types that a property may have.
func (p property) types() map[string]bool {
	types := map[string]bool{}
	for _, s := range expand(p.refs, nil) {
		if s.Type != nil {
			for _, name := range s.Type.Slice() {
				types[name] = true
			}
		}
	}
	return types
}
