// Command schema writes the JSON Schema of an HTTPIntegration, from the types in the current folder, their
// comments and their kubebuilder markers. Editors complete and check files with it, and the hub validates
// them with it, so that both have the rules of the custom resource.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func main() {
	text, err := generate(".")
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "schema:", err)
		os.Exit(1)
	}
}

// object is a JSON object. Its members are written in order of their names.
type object = map[string]any

// generate returns the schema of the types in a folder.
func generate(folder string) ([]byte, error) {
	g := &generator{types: map[string]*ast.GenDecl{}, definitions: object{}}
	notTest := func(info fs.FileInfo) bool { return !strings.HasSuffix(info.Name(), "_test.go") }
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("reading the types: %w", err)
	}
	files := token.NewFileSet()
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || filepath.Ext(e.Name()) != ".go" || !notTest(info) {
			continue
		}
		file, err := parser.ParseFile(files, filepath.Join(folder, e.Name()), nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("parsing the types: %w", err)
		}
		for _, d := range file.Decls {
			if decl, ok := d.(*ast.GenDecl); ok && decl.Tok == token.TYPE && len(decl.Specs) == 1 {
				g.types[decl.Specs[0].(*ast.TypeSpec).Name.Name] = decl //nolint:errcheck,forcetypeassert // of a type declaration
			}
		}
	}
	spec, err := g.reference("Spec")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(object{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "HTTPIntegration",
		"description": "A no-code integration.",
		"type":        "object",
		"properties": object{
			"apiVersion": object{"const": "hub.integrationhub.dev/v1alpha1"},
			"kind":       object{"const": "HTTPIntegration"},
			"metadata":   object{"type": "object", "properties": object{"name": name}, "required": []string{"name"}},
			"spec":       spec,
			"status":     object{"description": "The operator's; ignored.", "type": "object"},
		},
		"required": []string{"apiVersion", "kind", "metadata", "spec"}, "additionalProperties": false,
		"$defs": g.definitions,
	})
	return b.Bytes(), err
}

// name is the schema of a resource's name.
var name = object{"type": "string", "minLength": 1, "maxLength": 200, "pattern": `^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`}

type generator struct {
	types       map[string]*ast.GenDecl
	definitions object
}

// reference returns a reference to the definition of a type, which it adds.
func (g *generator) reference(name string) (object, error) {
	ref := object{"$ref": "#/$defs/" + name}
	if g.definitions[name] != nil {
		return ref, nil
	}
	decl := g.types[name]
	if decl == nil {
		return nil, fmt.Errorf("there is no type %s", name)
	}
	g.definitions[name] = object{}        // for types that contain themselves
	spec := decl.Specs[0].(*ast.TypeSpec) //nolint:errcheck,forcetypeassert // of a type declaration
	schema, err := g.schemaOf(spec.Type)
	if err == nil {
		err = annotate(schema, decl.Doc)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	g.definitions[name] = schema
	return ref, nil
}

// schemaOf returns the schema of a Go type.
func (g *generator) schemaOf(t ast.Expr) (object, error) {
	switch t := t.(type) {
	case *ast.Ident:
		switch t.Name {
		case "string":
			return object{"type": "string"}, nil
		case "bool":
			return object{"type": "boolean"}, nil
		case "int":
			return object{"type": "integer"}, nil
		}
		return g.reference(t.Name)
	case *ast.StarExpr:
		return g.schemaOf(t.X)
	case *ast.ArrayType:
		items, err := g.schemaOf(t.Elt)
		return object{"type": "array", "items": items}, err
	case *ast.MapType:
		values, err := g.schemaOf(t.Value)
		return object{"type": "object", "additionalProperties": values}, err
	case *ast.SelectorExpr: // json.RawMessage
		return object{"x-kubernetes-preserve-unknown-fields": true}, nil
	case *ast.StructType:
		schema := object{"type": "object", "properties": object{}, "required": []string{}, "additionalProperties": false}
		return schema, g.addFields(schema, t)
	}
	return nil, fmt.Errorf("type %T is not supported", t)
}

// addFields adds the fields of a struct to the schema of an object.
func (g *generator) addFields(schema object, t *ast.StructType) error {
	properties := schema["properties"].(object) //nolint:errcheck,forcetypeassert // made above
	required := schema["required"].([]string)   //nolint:errcheck,forcetypeassert // made above
	for _, f := range t.Fields.List {
		tag, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
		if len(f.Names) == 0 { // embedded
			decl := g.types[f.Type.(*ast.Ident).Name]                                        //nolint:errcheck,forcetypeassert // a type of this package
			err := g.addFields(schema, decl.Specs[0].(*ast.TypeSpec).Type.(*ast.StructType)) //nolint:errcheck,forcetypeassert // a struct
			if err != nil {
				return err
			}
			required = schema["required"].([]string) //nolint:errcheck,forcetypeassert // made above
			continue
		}
		field, err := g.schemaOf(f.Type)
		if err == nil {
			err = annotate(field, f.Doc)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", tag, err)
		}
		properties[tag] = field
		if !strings.Contains(f.Doc.Text(), "+optional") {
			required = append(required, tag)
			schema["required"] = required
		}
	}
	return nil
}

var (
	marker     = regexp.MustCompile(`^\+kubebuilder:validation:(items:)?(\w+)(?:=(.*))?$`)
	ruleMarker = regexp.MustCompile(`^\+kubebuilder:validation:XValidation:rule=("(?:[^"\\]|\\.)*"),message=("(?:[^"\\]|\\.)*")$`)
)

// keywords maps markers to JSON Schema.
var keywords = map[string]string{
	"MinLength": "minLength", "MaxLength": "maxLength", "Pattern": "pattern", "Enum": "enum", "Minimum": "minimum", "Maximum": "maximum",
	"MinItems": "minItems", "MaxItems": "maxItems", "MaxProperties": "maxProperties",
}

// annotate adds the comment and its markers to a schema.
func annotate(schema object, doc *ast.CommentGroup) error {
	var description []string
	var rules []object
	for line := range strings.Lines(doc.Text()) {
		line = strings.TrimSpace(line)
		if m := ruleMarker.FindStringSubmatch(line); m != nil {
			rule, err := strconv.Unquote(m[1])
			message, err2 := strconv.Unquote(m[2])
			if err != nil || err2 != nil {
				return fmt.Errorf("the marker %q cannot be read", line)
			}
			rules = append(rules, object{"rule": rule, "message": message})
			continue
		}
		if m := marker.FindStringSubmatch(line); m != nil {
			target := schema
			if m[1] != "" {
				target = schema["items"].(object) //nolint:errcheck,forcetypeassert // the marker is of a list
			}
			if err := keyword(target, m[2], m[3]); err != nil {
				return err
			}
			continue
		}
		switch {
		case line == "+listType=set":
			schema["uniqueItems"] = true
		case strings.HasPrefix(line, "+listMapKey="):
			schema["x-kubernetes-list-type"] = "map"
			schema["x-kubernetes-list-map-keys"] = []string{strings.TrimPrefix(line, "+listMapKey=")}
		case !strings.HasPrefix(line, "+"):
			description = append(description, line)
		}
	}
	if text := strings.TrimSpace(strings.Join(description, " ")); text != "" {
		schema["description"] = text
	}
	if rules != nil {
		schema["x-kubernetes-validations"] = rules
	}
	return nil
}

// keyword adds one marker to a schema.
func keyword(schema object, name, value string) error {
	key := keywords[name]
	switch {
	case name == "Schemaless":
		return nil
	case key == "":
		return fmt.Errorf("the marker %s is not supported; known are %s", name, strings.Join(slices.Sorted(maps.Keys(keywords)), ", "))
	case name == "Pattern":
		schema[key] = strings.Trim(value, "`")
	case name == "Enum":
		schema[key] = strings.Split(value, ";")
	default:
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("the marker %s: %w", name, err)
		}
		schema[key] = n
	}
	return nil
}
