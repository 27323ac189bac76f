package looker

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

	"integrationhub.dev/hub/looker/api"
)

// operation is an operation of the document with the code that answers it.
type operation struct {
	endpoint
	route  *routers.Route
	params []string
}

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

// checkRequest returns the reply to a request that the document does not allow, or nil.
//
// A body that cannot be parsed is a bad request; values that are wrong fail the validation. Source:
// "Bad Request (400) errors" and "Validation (422) errors" of Looker's API troubleshooting.
func (o *operation) checkRequest(ctx context.Context, in *openapi3filter.RequestValidationInput, body []byte) *reply {
	p := errorReply(http.StatusBadRequest, "The body cannot be parsed, or is missing.")
	// The library reads one value, and ignores what follows it.
	if isJSON(in.Request) && len(body) > 0 && !json.Valid(body) {
		return &p
	}
	err := openapi3filter.ValidateRequest(ctx, in)
	if err == nil {
		return nil
	}
	details := validationDetails(err)
	switch {
	case len(details) == 0:
	case o.route.Operation.Responses.Status(http.StatusUnprocessableEntity) != nil:
		p = validationReply(details...)
	default:
		p = errorReply(http.StatusBadRequest, *details[0].Field+": "+*details[0].Message)
	}
	return &p
}

func isJSON(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/json"
}

// validationDetails are the values that differ from the document's schemas.
func validationDetails(err error) []api.ValidationErrorDetail {
	switch err := err.(type) { //nolint:errorlint // each level has errors of its own
	case nil:
	case openapi3.MultiError:
		var all []api.ValidationErrorDetail
		for _, e := range err {
			all = append(all, validationDetails(e)...)
		}
		return all
	case *openapi3.SchemaError:
		code := codeInvalid
		if err.SchemaField == "required" {
			code = codeMissing
		}
		return []api.ValidationErrorDetail{invalidField(strings.Join(err.JSONPointer(), "."), code, err.Reason)}
	default:
		return validationDetails(errors.Unwrap(err))
	}
	return nil
}

// checkResponse checks a response of the simulator itself. Statuses that the document does not list,
// such as 401 and 5xx, have the schema Error.
func (l *Looker) checkResponse(ctx context.Context, in *openapi3filter.RequestValidationInput, p reply, text []byte) error {
	if in.Route.Operation.Responses.Status(p.status) == nil {
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			return fmt.Errorf("the response is not JSON: %w", err)
		}
		return l.doc.Components.Schemas["Error"].Value.VisitJSON(value, openapi3.VisitAsResponse())
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: p.status, Header: http.Header{}, Options: in.Options}
	if text != nil {
		out.Header.Set("Content-Type", "application/json")
	}
	out.SetBodyBytes(text)
	return openapi3filter.ValidateResponse(context.WithoutCancel(ctx), out)
}
