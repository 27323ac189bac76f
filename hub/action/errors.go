package action

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Kind says whose fault an error is and what can be done about it. It decides what Looker
// is told, what is retried and how failures are counted.
type Kind int

// The kinds of error. The zero value is Internal: an error that nobody classified.
const (
	Internal Kind = iota
	// Invalid: the request, its settings or its data cannot be delivered as they are.
	Invalid
	// Unauthenticated: the credentials are missing, wrong or expired.
	Unauthenticated
	// Forbidden: the credentials are good, but not for this.
	Forbidden
	NotFound
	RateLimited
	// TooLarge: the destination or the hub takes no payload of this size.
	TooLarge
	// Unavailable: the other side cannot be reached or is out of order; it may work later.
	Unavailable
	// Timeout: the other side took too long.
	Timeout
)

// kinds holds, for each kind, the code and the status that Looker's error object carries,
// the reference's description of it, the metric label and whether trying again can help.
var kinds = [...]struct {
	code        int
	status      string
	description string
	label       string
	retry       bool
}{
	Internal:        {500, "INTERNAL", "Internal server error.", "internal", false},
	Invalid:         {400, "BAD_REQUEST", "Server cannot process request due to client request error.", "invalid", false},
	Unauthenticated: {401, "UNAUTHENTICATED", "Request not authenticated due to missing, invalid, or expired authentication.", "unauthenticated", false},
	Forbidden:       {403, "PERMISSION_DENIED", "Client does not have sufficient permission.", "forbidden", false},
	NotFound:        {404, "NOT_FOUND", "Specified resource is not found.", "not_found", false},
	RateLimited:     {429, "RESOURCE_EXHAUSTED", "Either out of resource quota or reaching rate limiting.", "rate_limited", true},
	TooLarge:        {413, "PAYLOAD_TOO_LARGE", "Request entity is larger than limits defined by server.", "too_large", false},
	Unavailable:     {503, "UNAVAILABLE", "The server is not ready to handle the request.", "unavailable", true},
	Timeout:         {504, "GATEWAY_TIMEOUT", "Server is acting as a gateway and cannot get a response in time.", "timeout", true},
}

// Kinds returns all kinds, the labels of what is counted by kind.
func Kinds() []Kind {
	all := make([]Kind, len(kinds))
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// String is the kind's metric label.
func (k Kind) String() string { return kinds[k].label }

// Code is the HTTP status that describes the kind in Looker's error object.
func (k Kind) Code() int { return kinds[k].code }

// Status is the name that describes the kind in Looker's error object.
func (k Kind) Status() string { return kinds[k].status }

// Description is the sentence that goes with Status.
func (k Kind) Description() string { return kinds[k].description }

// Retryable reports whether the same call may succeed later.
func (k Kind) Retryable() bool { return kinds[k].retry }

// KindOfStatus classifies an HTTP answer that is not a success.
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

// Error is a failure that a person can be told about.
type Error struct {
	Kind Kind
	// Message is for the person in Looker: a sentence, with neither secrets nor data.
	Message string
	// Fields maps form fields to what is wrong with them.
	Fields map[string]string
	// Err is the detail for the log.
	Err error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return strings.TrimSuffix(e.Message, ".") + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an error of a kind whose message is for the person in Looker.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Wrap gives an error a kind and a message for the person in Looker; the error itself is
// for the log.
func Wrap(err error, kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), Err: err}
}

// InvalidField is the error for one form field that cannot be used.
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

// MessageOf is what the person in Looker is told about any error.
func MessageOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Message != "" {
		return e.Message
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "The delivery took too long and was given up."
	case errors.Is(err, context.Canceled):
		return "The delivery was cancelled before it was complete."
	}
	return Internal.Description()
}

// MissingSettingsError says which of the hub's settings an integration lacks.
type MissingSettingsError struct {
	Keys []string
}

func (e *MissingSettingsError) Error() string {
	return "missing settings: " + strings.Join(e.Keys, ", ")
}
