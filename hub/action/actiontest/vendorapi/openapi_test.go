package vendorapi_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"integrationhub.dev/hub/action/actiontest/vendorapi"
)

const (
	unknownPath      = vendorapi.UnknownPath
	unknownMethod    = vendorapi.UnknownMethod
	unknownParameter = vendorapi.UnknownParameter
	unknownMember    = vendorapi.UnknownMember
	missing          = vendorapi.Missing
	invalid          = vendorapi.Invalid
	deprecated       = vendorapi.Deprecated
)

// mail is an API of which every test below violates something.
const mail = `{
	"openapi": "VERSION",
	"info": {"title": "Mail", "version": "1"},
	"servers": [{"url": "https://api.example.com/v1"}],
	"security": [{"key": []}],
	"paths": {
		"/messages": {
			"post": {
				"parameters": [
					{"name": "wait", "in": "query", "schema": {"type": "boolean"}},
					{"name": "trace", "in": "query", "deprecated": true, "schema": {"type": "string"}},
					{"name": "X-Region", "in": "header", "required": true, "schema": {"type": "string", "enum": ["eu", "us"]}}
				],
				"requestBody": {"required": true, "content": {
					"application/json": {"schema": {"$ref": "#/components/schemas/Message"}},
					"application/x-www-form-urlencoded": {"schema": {"$ref": "#/components/schemas/Message"}},
					"multipart/form-data": {"schema": {"$ref": "#/components/schemas/Message"}}
				}},
				"responses": {"200": {"description": "sent"}}
			},
			"get": {"deprecated": true, "responses": {"200": {"description": "list"}}}
		},
		"/messages/{id}": {"delete": {
			"parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}],
			"responses": {"200": {"description": "gone"}}
		}}
	},
	"components": {
		"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
		"schemas": {
			"Message": {
				"type": "object",
				"required": ["to"],
				"properties": {
					"to": {"type": "string", "maxLength": 20},
					"size": {"type": "integer"},
					"html": {"type": "string", "deprecated": true},
					"tags": {"type": "object", "additionalProperties": {"type": "string"}},
					"anything": {"type": "object"},
					"parts": {"type": "array", "items": {"oneOf": [
						{"$ref": "#/components/schemas/Text"}, {"$ref": "#/components/schemas/Image"}
					]}}
				}
			},
			"Base": {"type": "object", "properties": {"id": {"type": "string"}}},
			"Text": {"allOf": [{"$ref": "#/components/schemas/Base"}, {
				"type": "object", "required": ["type"],
				"properties": {"type": {"type": "string", "enum": ["text"]}, "text": {"type": "string"}}
			}]},
			"Image": {"allOf": [{"$ref": "#/components/schemas/Base"}, {
				"type": "object", "required": ["type"],
				"properties": {"type": {"type": "string", "enum": ["image"]}, "url": {"type": "string"}}
			}]}
		}
	}
}`

func description(t *testing.T, version string) *vendorapi.Description {
	t.Helper()
	d, err := vendorapi.ParseOpenAPI([]byte(strings.ReplaceAll(mail, "VERSION", version)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// post is a request without fault.
func post(body string) vendorapi.Request {
	return vendorapi.Request{
		Method: http.MethodPost, Host: "api.example.com", Path: "/v1/messages", Query: url.Values{},
		Header: http.Header{"Content-Type": {"application/json"}, "X-Region": {"eu"}, "Authorization": {"Bearer t"}},
		Body:   []byte(body),
	}
}

func with(r vendorapi.Request, change func(*vendorapi.Request)) vendorapi.Request {
	change(&r)
	return r
}

func found(kind vendorapi.Kind, operation, place string) []vendorapi.Finding {
	return []vendorapi.Finding{{Kind: kind, Operation: operation, Place: place}}
}

const (
	send      = "POST /v1/messages"
	valid     = `{"to":"a","size":1,"tags":{"any":"x"},"anything":{"any":1},"parts":[{"type":"text","id":"1","text":"x"}]}`
	imageText = `{"to":"a","parts":[{"type":"image","text":"x"}]}`
)

// Every kind of violation is found, in the requests of both versions of OpenAPI.
func TestFindings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		request vendorapi.Request
		want    []vendorapi.Finding
	}{
		"valid": {post(valid), nil},
		"unknown path": {
			with(post(valid), func(r *vendorapi.Request) { r.Path = "/v2/messages" }),
			found(unknownPath, "POST /v2/messages", ""),
		},
		"unknown method": {
			with(post(valid), func(r *vendorapi.Request) { r.Method = http.MethodPut }),
			found(unknownMethod, "PUT /v1/messages", ""),
		},
		"unknown parameter": {
			with(post(valid), func(r *vendorapi.Request) { r.Query.Set("dryRun", "1") }),
			found(unknownParameter, send, "query dryRun"),
		},
		"parameter of the wrong type": {
			with(post(valid), func(r *vendorapi.Request) { r.Query.Set("wait", "often") }),
			found(invalid, send, "query wait"),
		},
		"parameter in the path of the wrong type": {
			with(post(""), func(r *vendorapi.Request) { r.Method, r.Path = http.MethodDelete, "/v1/messages/x" }),
			found(invalid, "DELETE /v1/messages/{id}", "path id"),
		},
		"missing header": {
			with(post(valid), func(r *vendorapi.Request) { r.Header.Del("X-Region") }),
			found(missing, send, "header X-Region"),
		},
		"missing credentials": {
			with(post(valid), func(r *vendorapi.Request) { r.Header.Set("Authorization", "Basic x") }),
			found(missing, send, "credentials"),
		},
		"missing body":           {post(""), found(missing, send, "body")},
		"missing member":         {post(`{}`), found(missing, send, "body to")},
		"unknown member":         {post(`{"to":"a","cc":"b"}`), found(unknownMember, send, "body cc")},
		"member of the other":    {post(imageText), found(unknownMember, send, "body parts.0.text")},
		"member of a wrong type": {post(`{"to":"a","size":"big"}`), found(invalid, send, "body size")},
		"member too long": {
			post(`{"to":"a234567890123456789012345"}`),
			found(invalid, send, "body to"),
		},
		"deprecated member": {post(`{"to":"a","html":"x"}`), found(deprecated, send, "body html")},
		"deprecated parameter": {
			with(post(valid), func(r *vendorapi.Request) { r.Query.Set("trace", "1") }),
			found(deprecated, send, "query trace"),
		},
		"deprecated operation": {
			with(post(""), func(r *vendorapi.Request) { r.Method = http.MethodGet }),
			found(deprecated, "GET /v1/messages", ""),
		},
		"body of an operation without": {
			with(post(valid), func(r *vendorapi.Request) { r.Method, r.Path = http.MethodDelete, "/v1/messages/1" }),
			found(invalid, "DELETE /v1/messages/{id}", "body"),
		},
		"not JSON": {post(`{`), found(invalid, send, "body")},
		"other content type": {
			with(post(valid), func(r *vendorapi.Request) { r.Header.Set("Content-Type", "text/csv") }),
			found(invalid, send, "header Content-Type"),
		},
		"form":                    {form("to=a&size=1"), nil},
		"form of a wrong type":    {form("to=a&size=big"), found(invalid, send, "body size")},
		"form with unknown field": {form("to=a&cc=b"), found(unknownMember, send, "body cc")},
		"broken off":              {with(post(`{"to":`), func(r *vendorapi.Request) { r.Broken = true }), nil},
		"multipart":               {parts(t, map[string]string{"to": "a", "cc": "b"}), found(unknownMember, send, "body cc")},
		"JSON in multipart": {
			parts(t, map[string]string{"payload_json": `{"to":"a","cc":"b"}`}),
			found(unknownMember, send, "body cc"),
		},
	}
	for _, version := range []string{"3.0.3", "3.1.0"} {
		d := description(t, version)
		for name, tt := range tests {
			t.Run(version+"/"+name, func(t *testing.T) {
				t.Parallel()
				got := d.Check(tt.request)
				if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(vendorapi.Finding{}, "Detail"), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("findings (-want +got):\n%s\n%v", diff, got)
				}
			})
		}
	}
}

func form(body string) vendorapi.Request {
	return with(post(body), func(r *vendorapi.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") })
}

func parts(t *testing.T, fields map[string]string) vendorapi.Request {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, text := range fields {
		if err := w.WriteField(name, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return with(post(b.String()), func(r *vendorapi.Request) { r.Header.Set("Content-Type", w.FormDataContentType()) })
}
