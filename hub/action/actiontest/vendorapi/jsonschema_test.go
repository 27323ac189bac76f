package vendorapi_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"integrationhub.dev/hub/action/actiontest/vendorapi"
)

const batch = `{
	"$id": "https://example.com/batch.json", "$schema": "http://json-schema.org/draft-07/schema#",
	"type": "object", "required": ["environment"], "additionalProperties": false,
	"properties": {
		"environment": {"enum": ["development", "production"]},
		"attributes": {"type": ["object", "null"], "additionalProperties": {"type": ["string", "null"]}},
		"events": {"type": "array", "items": {"oneOf": [{"$ref": "#/definitions/Start"}, {"$ref": "#/definitions/Custom"}]}}
	},
	"definitions": {
		"Start": {"type": "object", "properties": {"event_type": {"enum": ["start"]}}, "additionalProperties": false},
		"Custom": {
			"type": "object",
			"properties": {
				"event_type": {"enum": ["custom"]},
				"data": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
			},
			"additionalProperties": false
		}
	}
}`

const bulk = `{"$id": "https://example.com/bulk.json", "type": "array", "items": {"$ref": "https://example.com/batch.json"}}`

func TestJSONSchema(t *testing.T) {
	t.Parallel()
	d, err := vendorapi.ParseJSONSchema("POST /v2/bulk", []byte(bulk), []byte(batch))
	if err != nil {
		t.Fatal(err)
	}
	const operation = "POST /v2/bulk"
	tests := map[string]struct {
		body string
		want []vendorapi.Finding
	}{
		"valid": {
			`[{"environment":"production","attributes":{"any":"x"},"events":[{"event_type":"start"},{"event_type":"custom","data":{"name":"x"}}]}]`,
			nil,
		},
		"missing member":      {`[{}]`, found(missing, operation, "body 0.environment")},
		"unknown member":      {`[{"environment":"production","x":1}]`, found(unknownMember, operation, "body 0.x")},
		"not a choice":        {`[{"environment":"test"}]`, found(invalid, operation, "body 0.environment")},
		"attribute of a type": {`[{"environment":"production","attributes":{"any":1}}]`, found(invalid, operation, "body 0.attributes.any")},
		"not an array":        {`{}`, found(invalid, operation, "body")},
		"missing in an event": {
			`[{"environment":"production","events":[{"event_type":"custom","data":{}}]}]`,
			found(missing, operation, "body 0.events.0.data.name"),
		},
		"unknown in an event": {
			`[{"environment":"production","events":[{"event_type":"start","x":1}]}]`,
			found(unknownMember, operation, "body 0.events.0.x"),
		},
		"unknown in event data": {
			`[{"environment":"production","events":[{"event_type":"custom","data":{"name":"x","y":1}}]}]`,
			found(unknownMember, operation, "body 0.events.0.data.y"),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := d.Check(vendorapi.Request{
				Method: http.MethodPost, Path: "/v2/bulk", Body: []byte(tt.body), Header: http.Header{"Content-Type": {"application/json"}},
			})
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(vendorapi.Finding{}, "Detail"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%v", diff, got)
			}
		})
	}
}
