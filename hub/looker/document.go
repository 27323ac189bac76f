package looker

import (
	"errors"
	"net/http"

	"integrationhub.dev/hub/looker/api"
)

// Document is Looker's OpenAPI document. The package openapi has it.
type Document interface {
	// Operations returns the operations that the simulator serves.
	Operations() []Operation
	// Enum returns the values that the document lists for the items of a schema's property.
	Enum(schema, property string) []string
}

// Operation is an operation of the document.
type Operation interface {
	// ID names the operation, Method and Path are how it is requested. Parameters in the path are in
	// braces, and are the request's path values.
	ID() string
	Method() string
	Path() string
	// Lists reports whether the operation can answer with a status.
	Lists(status int) bool
	// CheckRequest returns a [*ViolationError] if the document does not allow a request.
	CheckRequest(r *http.Request, body []byte) error
	// CheckResponse returns an error if the document does not allow a response to a request.
	CheckResponse(r *http.Request, body []byte, status int, response []byte) error
}

// ViolationError is a request that the document does not allow. Without violations, its body cannot be
// parsed.
type ViolationError struct{ Violations []Violation }

func (*ViolationError) Error() string { return "the request does not match Looker's document" }

// Violation is a value that the document does not allow. Field is its path, with dots.
type Violation struct {
	Field, Reason string
	// Missing means that the field is required.
	Missing bool
}

func (v Violation) detail() api.ValidationErrorDetail {
	code := codeInvalid
	if v.Missing {
		code = codeMissing
	}
	return invalidField(v.Field, code, v.Reason)
}

// refused is the reply to a request that the document does not allow, or nil.
//
// A body that cannot be parsed is a bad request; values that are wrong fail the validation. Source:
// "Bad Request (400) errors" and "Validation (422) errors" of Looker's API troubleshooting.
func refused(o Operation, r *http.Request, body []byte) *reply {
	err := o.CheckRequest(r, body)
	if err == nil {
		return nil
	}
	var details []api.ValidationErrorDetail
	if e, ok := errors.AsType[*ViolationError](err); ok {
		for _, v := range e.Violations {
			details = append(details, v.detail())
		}
	}
	p := errorReply(http.StatusBadRequest, "The body cannot be parsed, or is missing.")
	switch {
	case len(details) == 0:
	case o.Lists(http.StatusUnprocessableEntity):
		p = validationReply(details...)
	default:
		p = errorReply(http.StatusBadRequest, *details[0].Field+": "+*details[0].Message)
	}
	return &p
}
