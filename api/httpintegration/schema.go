package httpintegration

import _ "embed" // the schema

// Schema is the JSON Schema of an HTTPIntegration, for editors and for [integrationhub.dev/hub/custom].
// Its x-kubernetes-validations are the CEL rules of the custom resource.
//
//go:embed schema.json
var Schema []byte

//go:generate sh -c "go run ./schema > schema.new && mv schema.new schema.json"
