package action

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Kind classifies an error. It decides the response to Looker, whether a call is retried, and the
// metric label.
type Kind int

// The kinds of error. The zero value is Internal: an unclassified error.
const (
	Internal Kind = iota
	// Invalid: the request, its settings or its data cannot be delivered as they are.
	Invalid
	// Unauthenticated: the credentials are missing, wrong or expired.
	Unauthenticated
	// Forbidden: the credentials are valid but lack a permission.
	Forbidden
	NotFound
	RateLimited
	// TooLarge: the payload exceeds a limit of the destination or of the hub.
	TooLarge
	// Unavailable: the destination cannot be reached or is temporarily unavailable.
	Unavailable
	// Timeout: the destination did not respond in time.
	Timeout
)

// kinds holds, for each kind, the code, status and description of the reference's error object
// (a contract), the metric label, and whether a retry can help.
var kinds = [...]struct {
	code        int
	status      string
	description string
	label       string
	retry       bool
}{
	Internal: {500, "INTERNAL", "Internal server error.", "internal", false},
	Invalid:  {400, "BAD_REQUEST", "Server cannot process request due to client request error.", "invalid", false},
	Unauthenticated: {
		401, "UNAUTHENTICATED",
		"Request not authenticated due to missing, invalid, or expired authentication.", "unauthenticated", false,
	},
	Forbidden:   {403, "PERMISSION_DENIED", "Client does not have sufficient permission.", "forbidden", false},
	NotFound:    {404, "NOT_FOUND", "Specified resource is not found.", "not_found", false},
	RateLimited: {429, "RESOURCE_EXHAUSTED", "Either out of resource quota or reaching rate limiting.", "rate_limited", true},
	TooLarge:    {413, "PAYLOAD_TOO_LARGE", "Request entity is larger than limits defined by server.", "too_large", false},
	Unavailable: {503, "UNAVAILABLE", "The server is not ready to handle the request.", "unavailable", true},
	Timeout:     {504, "GATEWAY_TIMEOUT", "Server is acting as a gateway and cannot get a response in time.", "timeout", true},
}

// Kinds returns all kinds.
func Kinds() []Kind {
	all := make([]Kind, len(kinds))
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// String is the kind's metric label.
func (k Kind) String() string { return kinds[k].label }

// Code is the kind's HTTP status in Looker's error object.
func (k Kind) Code() int { return kinds[k].code }

// Status is the kind's name in Looker's error object.
func (k Kind) Status() string { return kinds[k].status }

// Description is the text for Status.
func (k Kind) Description() string { return kinds[k].description }

// Retryable reports whether the same call can succeed later.
func (k Kind) Retryable() bool { return kinds[k].retry }

// KindOfStatus classifies an unsuccessful HTTP status.
func KindOfStatus(code int) Kind {
	switch {
	case code == http.StatusUnauthorized:
		return Unauthenticated
	case code == http.StatusForbidden:
		return Forbidden
	case code == http.StatusNotFound, code == http.StatusGone:
		return NotFound
	case code == http.StatusRequestEntityTooLarge:
		return TooLarge
	case code == http.StatusTooManyRequests:
		return RateLimited
	case code == http.StatusRequestTimeout, code == http.StatusGatewayTimeout:
		return Timeout
	case code >= 500:
		return Unavailable
	default:
		return Invalid
	}
}

// Error is an error with a message for the Looker user.
type Error struct {
	Kind Kind
	// Message is a sentence for the Looker user, without secrets and data.
	Message string
	// Fields maps form fields to their validation errors.
	Fields map[string]string
	// Err is the error for the log.
	Err error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return strings.TrimSuffix(e.Message, ".") + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf creates an error with a message for the Looker user.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Wrap adds a kind and a message for the Looker user to an error, which is only logged.
func Wrap(err error, kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), Err: err}
}

// InvalidField returns the error for an invalid form field.
func InvalidField(field, format string, args ...any) *Error {
	return Errorf(Invalid, format, args...).WithField(field)
}

// WithField makes the error's message the validation error of a form field, and returns the error.
func (e *Error) WithField(field string) *Error {
	e.Fields = map[string]string{field: e.Message}
	return e
}

// KindOf classifies any error.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Timeout
	}
	if errors.Is(err, context.Canceled) {
		return Unavailable
	}
	return Internal
}

// MessageOf returns the message for the Looker user of any error.
func MessageOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Message != "" {
		return e.Message
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "The delivery exceeded its timeout."
	case errors.Is(err, context.Canceled):
		return "The delivery was cancelled before it was complete."
	}
	return Internal.Description()
}

// MissingSettingsError names the missing settings of an integration.
type MissingSettingsError struct {
	Keys []string
}

func (e *MissingSettingsError) Error() string {
	return "missing settings: " + strings.Join(e.Keys, ", ")
}
