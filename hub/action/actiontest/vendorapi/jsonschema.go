package vendorapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// object is a JSON object of a description that is converted.
type object = map[string]any

// schemaPrefix is where OpenAPI has schemas.
const schemaPrefix = "#/components/schemas/"

// ParseJSONSchema makes a description of an operation whose JSON body has a JSON Schema. The document
// may refer to others by their $id.
func ParseJSONSchema(operation string, document []byte, others ...[]byte) (*Description, error) {
	method, path, ok := strings.Cut(operation, " ")
	if !ok {
		return nil, fmt.Errorf("the operation %q is not a method and a path", operation)
	}
	schemas, names := object{}, map[string]string{}
	var roots []object
	for i, text := range append([][]byte{document}, others...) {
		var root object
		if err := json.Unmarshal(text, &root); err != nil {
			return nil, fmt.Errorf("parsing a JSON Schema: %w", err)
		}
		name := fmt.Sprintf("Document%d", i)
		if id, ok := root["$id"].(string); ok {
			names[id] = schemaPrefix + name
		}
		schemas[name] = root
		roots = append(roots, root)
	}
	for _, root := range roots {
		if definitions, ok := root["definitions"].(object); ok {
			maps.Copy(schemas, definitions)
		}
		delete(root, "definitions")
		delete(root, "$id")
		delete(root, "$schema")
	}
	renameRefs(schemas, names)
	return parse(object{
		"openapi": "3.1.0", "info": object{"title": operation, "version": "1"},
		"paths": object{path: object{strings.ToLower(method): object{
			"requestBody": object{
				"required": true,
				"content":  object{"application/json": object{"schema": object{"$ref": schemaPrefix + "Document0"}}},
			},
			"responses": object{"default": object{"description": "any"}},
		}}},
		"components": object{"schemas": schemas},
	})
}

// renameRefs makes references to definitions and to other documents OpenAPI's.
func renameRefs(node any, names map[string]string) {
	switch node := node.(type) {
	case object:
		if ref, ok := node["$ref"].(string); ok {
			if name, ok := strings.CutPrefix(ref, "#/definitions/"); ok {
				node["$ref"] = schemaPrefix + name
			} else if name, ok := names[ref]; ok {
				node["$ref"] = name
			}
		}
		for _, child := range node {
			renameRefs(child, names)
		}
	case []any:
		for _, child := range node {
			renameRefs(child, names)
		}
	}
}

// parse parses a description that was converted to OpenAPI.
func parse(document object) (*Description, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("converting a description to OpenAPI: %w", err)
	}
	return ParseOpenAPI(text)
}
