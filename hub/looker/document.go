package looker

import (
	"context"
	_ "embed" // for the document
	"fmt"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed openapi.yaml
var documentText []byte

// Document parses the extract of Looker's OpenAPI document that the simulator serves.
func Document() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(documentText)
	if err != nil {
		return nil, fmt.Errorf("parsing Looker's document: %w", err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("validating Looker's document: %w", err)
	}
	return doc, nil
}

// enumOf returns the values that the document lists for the items of a property.
func enumOf(doc *openapi3.T, schema, property string) []string {
	var values []string
	for _, v := range doc.Components.Schemas[schema].Value.Properties[property].Value.Items.Value.Enum {
		if text, ok := v.(string); ok {
			values = append(values, text)
		}
	}
	return values
}
