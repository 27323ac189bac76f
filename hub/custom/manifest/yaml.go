package manifest

import (
	"encoding/json"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// converter converts YAML to the values of JSON, and remembers the lines of all fields.
type converter struct {
	lines map[string]int
	nodes int
}

// nodeError is a part of YAML that JSON does not have, or that is past a limit.
type nodeError struct {
	line           int
	field, message string
}

func (e *nodeError) Error() string { return e.message }

// object is a JSON object that remembers the order of its members, for templates.
type object struct {
	names  []string
	values map[string]any
}

// MarshalJSON implements [json.Marshaler].
func (o *object) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for i, name := range o.names {
		if i > 0 {
			text = append(text, ',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(o.values[name])
		if err != nil {
			return nil, err
		}
		text = append(append(append(text, key...), ':'), value...)
	}
	return append(text, '}'), nil
}

func fail(n *yaml.Node, field, format string, args ...any) error {
	return &nodeError{n.Line, field, fmt.Sprintf(format, args...)}
}

// value converts a node. field is its path.
func (c *converter) value(n *yaml.Node, field string, depth int) (any, error) {
	c.nodes++
	switch {
	case depth > maxDepth:
		return nil, fail(n, field, "The file is nested more than %d levels deep.", maxDepth)
	case c.nodes > maxNodes:
		return nil, fail(n, "", "The file has more than %d values.", maxNodes)
	case n.Anchor != "" || n.Kind == yaml.AliasNode:
		return nil, fail(n, field, "Anchors and aliases are not supported.")
	case n.Kind == yaml.DocumentNode:
		return c.value(n.Content[0], field, depth)
	}
	if _, known := c.lines[field]; !known {
		c.lines[field] = n.Line
	}
	switch n.Kind {
	case yaml.MappingNode:
		return c.mapping(n, field, depth)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			var err error
			if list[i], err = c.value(item, field+"["+strconv.Itoa(i)+"]", depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	default:
		value, ok := scalar(n)
		if !ok {
			return nil, fail(n, field, "%q is not a value of JSON. Put text in quotes.", n.Value)
		}
		return value, nil
	}
}

// mapping converts an object.
func (c *converter) mapping(n *yaml.Node, field string, depth int) (any, error) {
	o := &object{values: map[string]any{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		child := join(field, key.Value)
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			return nil, fail(key, field, "The name of a field must be text.")
		}
		if _, twice := o.values[key.Value]; twice {
			return nil, fail(key, child, "The field is set twice.")
		}
		c.lines[child] = key.Line
		value, err := c.value(n.Content[i+1], child, depth+1)
		if err != nil {
			return nil, err
		}
		o.names, o.values[key.Value] = append(o.names, key.Value), value
	}
	return o, nil
}

// scalar converts text, numbers, booleans and null.
func scalar(n *yaml.Node) (any, bool) {
	switch n.ShortTag() {
	case "!!null":
		return nil, true
	case "!!bool":
		var b bool
		err := n.Decode(&b)
		return b, err == nil
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value), true // with all its digits
		}
		var i int64
		if n.ShortTag() == "!!int" && n.Decode(&i) == nil { // as 0x10
			return json.Number(strconv.FormatInt(i, 10)), true
		}
		return nil, false
	case "!!str", "!!timestamp":
		return n.Value, true
	}
	return nil, false
}

// join appends a name to a path.
func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}
