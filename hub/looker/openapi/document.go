// Package openapi holds the extract of Looker's OpenAPI document that the simulator serves. It is apart
// from the simulator, so that a program which only calls hubs does not link the document's parser.
package openapi

import (
	"context"
	_ "embed" // for the document
	"fmt"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"integrationhub.dev/hub/looker"
)

//go:embed openapi.yaml
var text []byte

// Document is the parsed document. It implements [looker.Document].
type Document struct{ *openapi3.T }

// New parses the document.
func New() (*Document, error) {
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("parsing Looker's document: %w", err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("validating Looker's document: %w", err)
	}
	return &Document{doc}, nil
}

// Operations returns all operations of the document.
func (d *Document) Operations() []looker.Operation {
	var all []looker.Operation
	for path, item := range d.Paths.Map() {
		for method, spec := range item.Operations() {
			o := &operation{doc: d, route: &routers.Route{Spec: d.T, Path: path, PathItem: item, Method: method, Operation: spec}}
			for _, p := range spec.Parameters {
				if p.Value.In == "path" {
					o.params = append(o.params, p.Value.Name)
				}
			}
			all = append(all, o)
		}
	}
	return all
}

// Enum returns the values that the document lists for the items of a property.
func (d *Document) Enum(schema, property string) []string {
	var values []string
	for _, v := range d.Components.Schemas[schema].Value.Properties[property].Value.Items.Value.Enum {
		if text, ok := v.(string); ok {
			values = append(values, text)
		}
	}
	return values
}
