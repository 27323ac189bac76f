package openapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"integrationhub.dev/hub/looker"
)

// operation is an operation of the document.
type operation struct {
	doc    *Document
	route  *routers.Route
	params []string
}

func (o *operation) ID() string     { return o.route.Operation.OperationID }
func (o *operation) Method() string { return o.route.Method }
func (o *operation) Path() string   { return o.route.Path }

// Lists reports whether the document lists a status for the operation.
func (o *operation) Lists(status int) bool { return o.route.Operation.Responses.Status(status) != nil }

// input is a request as the validation wants it.
func (o *operation) input(r *http.Request, body []byte) *openapi3filter.RequestValidationInput {
	in := &openapi3filter.RequestValidationInput{
		Request: r, Route: o.route, PathParams: map[string]string{}, QueryParams: r.URL.Query(),
		Options: &openapi3filter.Options{MultiError: true, SkipSettingDefaults: true, IncludeResponseStatus: true},
	}
	for _, name := range o.params {
		in.PathParams[name] = r.PathValue(name)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return in
}

// CheckRequest returns a [*looker.ViolationError] for a request that the document does not allow.
func (o *operation) CheckRequest(r *http.Request, body []byte) error {
	// The library reads one value, and ignores what follows it.
	if isJSON(r) && len(body) > 0 && !json.Valid(body) {
		return &looker.ViolationError{}
	}
	if err := openapi3filter.ValidateRequest(r.Context(), o.input(r, body)); err != nil {
		return &looker.ViolationError{Violations: violations(err)}
	}
	return nil
}

func isJSON(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/json"
}

// violations are the values that differ from the document's schemas.
func violations(err error) []looker.Violation {
	switch err := err.(type) { //nolint:errorlint // each level has errors of its own
	case nil:
	case openapi3.MultiError:
		var all []looker.Violation
		for _, e := range err {
			all = append(all, violations(e)...)
		}
		return all
	case *openapi3.SchemaError:
		return []looker.Violation{{
			Field: strings.Join(err.JSONPointer(), "."), Missing: err.SchemaField == "required", Reason: err.Reason,
		}}
	default:
		return violations(errors.Unwrap(err))
	}
	return nil
}

// CheckResponse checks a response to a request. Statuses that the document does not list, such as 401
// and 5xx, have the schema Error.
func (o *operation) CheckResponse(r *http.Request, body []byte, status int, text []byte) error {
	if !o.Lists(status) {
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			return fmt.Errorf("the response is not JSON: %w", err)
		}
		return o.doc.Components.Schemas["Error"].Value.VisitJSON(value, openapi3.VisitAsResponse())
	}
	in := o.input(r, body)
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: status, Header: http.Header{}, Options: in.Options}
	if text != nil {
		out.Header.Set("Content-Type", "application/json")
	}
	out.SetBodyBytes(text)
	return openapi3filter.ValidateResponse(context.WithoutCancel(r.Context()), out)
}
