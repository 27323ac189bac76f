package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/hub/suggest"
)

// schema is the compiled schema of an HTTPIntegration.
var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(httpintegration.Schema))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", document); err != nil {
		return nil, err
	}
	return c.Compile("schema.json")
})

// validate checks the schema and, if that holds, the rules in it.
func (m *Manifest) validate(value any) Problems {
	s, err := schema()
	if err != nil {
		return Problems{{File: m.file, Message: "The hub cannot read its own schema."}}
	}
	value = plain(value)
	if invalid, ok := s.Validate(value).(*jsonschema.ValidationError); ok { //nolint:errorlint // it returns no other
		var problems Problems
		m.collect(invalid, &problems)
		return sorted(problems)
	}
	var problems Problems
	root, err := rules()
	if err != nil {
		return Problems{{File: m.file, Message: "The hub cannot read its own rules."}}
	}
	m.check(root, root, value, "", &problems)
	return sorted(problems)
}

func sorted(problems Problems) Problems {
	slices.SortStableFunc(problems, func(a, b Problem) int { return a.Line - b.Line })
	return slices.Compact(problems)
}

// plain returns a value with objects as maps, without their order.
func plain(value any) any {
	switch v := value.(type) {
	case *object:
		members := make(map[string]any, len(v.names))
		for name, member := range v.values {
			members[name] = plain(member)
		}
		return members
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = plain(item)
		}
		return list
	default:
		return v
	}
}

var english = message.NewPrinter(language.English)

// collect converts the errors of the schema to problems.
func (m *Manifest) collect(e *jsonschema.ValidationError, problems *Problems) {
	for _, cause := range e.Causes {
		m.collect(cause, problems)
	}
	if len(e.Causes) > 0 {
		return
	}
	field := path(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			hint := suggest.Text(name, members(e.SchemaURL))
			*problems = append(*problems, m.Problem(join(field, name), "The field does not exist%s", strings.TrimSuffix(hint+".", "?.")+question(hint)))
		}
	case *kind.Required:
		for _, name := range k.Missing {
			*problems = append(*problems, m.Problem(field, "The field %s is missing.", name))
		}
	case *kind.Pattern:
		*problems = append(*problems, m.Problem(field, "The value does not match the pattern %s.", k.Want))
	default:
		text := k.LocalizedString(english)
		*problems = append(*problems, m.Problem(field, "The value is not valid: %s.", text))
	}
}

// question ends a sentence that ends with a suggestion.
func question(hint string) string {
	if hint == "" {
		return ""
	}
	return "?"
}

// path converts a location to a field, as spec.form[0].name.
func path(location []string) string {
	field := ""
	for _, part := range location {
		if _, err := strconv.Atoi(part); err == nil {
			field += "[" + part + "]"
		} else {
			field = join(field, part)
		}
	}
	return field
}

// members returns the names of the fields of an object in the schema.
func members(url string) []string {
	root, err := rules()
	if err != nil {
		return nil
	}
	node := root
	_, pointer, _ := strings.Cut(url, "#/$defs/")
	if pointer != "" {
		node = root.Definitions[pointer]
	}
	if node == nil {
		return nil
	}
	var names []string
	for name := range node.Properties {
		names = append(names, name)
	}
	return names
}

// node is what of a schema the rules need.
type node struct {
	Ref         string           `json:"$ref"`
	Definitions map[string]*node `json:"$defs"`
	Properties  map[string]*node `json:"properties"`
	Items       *node            `json:"items"`
	Keys        []string         `json:"x-kubernetes-list-map-keys"`
	Rules       []*rule          `json:"x-kubernetes-validations"`
}

// rule is a CEL rule of the custom resource.
type rule struct {
	Rule    string `json:"rule"`
	Message string `json:"message"`

	program cel.Program
}

// rules are the schema with its rules compiled.
var rules = sync.OnceValues(func() (*node, error) {
	root := &node{}
	if err := json.Unmarshal(httpintegration.Schema, root); err != nil {
		return nil, err
	}
	env, err := cel.NewEnv(cel.Variable("self", cel.DynType))
	if err != nil {
		return nil, err
	}
	for _, definition := range root.Definitions {
		for _, r := range definition.Rules {
			ast, issues := env.Compile(r.Rule)
			if issues.Err() != nil {
				return nil, issues.Err()
			}
			if r.program, err = env.Program(ast, cel.CostLimit(1_000_000)); err != nil {
				return nil, err
			}
		}
	}
	return root, nil
})

// check evaluates the rules of a value and those in it. A rule that cannot be evaluated does not hold,
// as in Kubernetes.
func (m *Manifest) check(root, n *node, value any, field string, problems *Problems) {
	if n == nil {
		return
	}
	for _, r := range n.Rules {
		result, _, err := r.program.Eval(map[string]any{"self": value})
		if err != nil || result.Value() != true {
			*problems = append(*problems, m.Problem(field, "%s.", upper(r.Message)))
		}
	}
	if n.Ref != "" {
		m.check(root, root.Definitions[strings.TrimPrefix(n.Ref, "#/$defs/")], value, field, problems)
	}
	switch v := value.(type) {
	case map[string]any:
		for name, child := range n.Properties {
			if member, ok := v[name]; ok {
				m.check(root, child, member, join(field, name), problems)
			}
		}
	case []any:
		m.checkKeys(n, v, field, problems)
		for i, item := range v {
			m.check(root, n.Items, item, fmt.Sprintf("%s[%d]", field, i), problems)
		}
	}
}

// checkKeys reports items of a list that have the same key.
func (m *Manifest) checkKeys(n *node, list []any, field string, problems *Problems) {
	for _, key := range n.Keys {
		seen := map[any]bool{}
		for i, item := range list {
			member, ok := item.(map[string]any)
			if !ok {
				continue
			}
			if seen[member[key]] {
				*problems = append(*problems, m.Problem(fmt.Sprintf("%s[%d].%s", field, i, key), "The name is used twice."))
			}
			seen[member[key]] = true
		}
	}
}

// upper begins a sentence.
func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
