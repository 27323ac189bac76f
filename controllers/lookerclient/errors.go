package lookerclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"integrationhub.dev/hub/looker/api"
	"integrationhub.dev/hub/outbound"
)

// Kind is what an error means for a registration.
type Kind string

// Kinds of errors.
const (
	// Unreachable: no answer arrived.
	Unreachable Kind = "unreachable"
	// Forbidden: the manager does not connect to this address.
	Forbidden Kind = "forbidden"
	// Credentials: Looker refuses the API key.
	Credentials Kind = "credentials"
	// Permission: the user of the API key lacks a permission.
	Permission Kind = "permission"
	// NotFound: Looker does not know the object, or hides it from the user.
	NotFound Kind = "not_found"
	// Conflict: the object already exists.
	Conflict Kind = "conflict"
	// Invalid: Looker refuses the request.
	Invalid Kind = "invalid"
	// RateLimited: Looker limits the rate of requests.
	RateLimited Kind = "rate_limited"
	// Server: Looker is temporarily unavailable.
	Server Kind = "server"
	// Unexpected: the answer is not one of Looker's API. Something else may have this address.
	Unexpected Kind = "unexpected"
)

// Error is a failed call.
type Error struct {
	Kind Kind
	// Operation is what was being done, such as "creating the hub".
	Operation string
	// Status is the status code of the answer, 0 without one.
	Status int
	// Message has Looker's words, or the cause. It contains no secrets, and is bounded.
	Message string
	// RetryAfter is when Looker accepts requests again; 0 if it does not say so.
	RetryAfter time.Duration

	cause error
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Operation + " in Looker: "
	if e.Status != 0 {
		text += fmt.Sprintf("status %d", e.Status)
		if e.Message != "" {
			text += ": "
		}
	}
	return text + e.Message
}

// Unwrap returns the cause of a failed connection.
func (e *Error) Unwrap() error { return e.cause }

// KindOf returns the kind of an error; "" if it is not one of a call.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

// IsInDoubt reports whether a call that failed may have changed something in Looker.
func IsInDoubt(err error) bool {
	switch KindOf(err) {
	case Unreachable, Server, Unexpected:
		return true
	default:
		return false
	}
}

const loggingIn = "logging in"

// unreachable is the error of a request without a complete answer.
func unreachable(ctx context.Context, operation string, err error) error {
	kind := Unreachable
	if errors.Is(err, outbound.ErrForbiddenAddress) {
		kind = Forbidden
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return &Error{Kind: kind, Operation: operation, Message: Clean(withoutURL(err)), cause: err}
}

// withoutURL drops the URL that [http.Client] adds: the registration names it already.
func withoutURL(err error) string {
	var wrapped interface{ Timeout() bool }
	text := err.Error()
	if i := strings.Index(text, `": `); i > 0 && strings.Contains(text[:i], `"https://`) {
		text = text[i+3:]
	}
	if errors.As(err, &wrapped) && wrapped.Timeout() {
		return "timed out waiting for a response"
	}
	return text
}

// refused is the error of an answer without success.
func refused(operation string, res *http.Response, body []byte) error {
	e := &Error{Operation: operation, Status: res.StatusCode, Message: words(body)}
	switch status := res.StatusCode; {
	case status >= 300 && status < 400:
		e.Kind, e.Message = Unexpected, "the response is a redirect"
	case status == http.StatusTooManyRequests:
		e.Kind, e.RetryAfter = RateLimited, retryAfter(res.Header.Get("Retry-After"), time.Now())
	case status >= 500:
		e.Kind, e.RetryAfter = Server, retryAfter(res.Header.Get("Retry-After"), time.Now())
	case status == http.StatusNotFound && !isJSON(body):
		e.Kind = Unexpected // Looker's API answers in JSON
	case operation == loggingIn, status == http.StatusUnauthorized:
		e.Kind = Credentials // Looker answers 404 to a login with a wrong API key
	case status == http.StatusForbidden:
		e.Kind = Permission
	case status == http.StatusNotFound:
		e.Kind = NotFound
	case status == http.StatusConflict:
		e.Kind = Conflict
	default:
		e.Kind = Invalid
	}
	return e
}

func isJSON(body []byte) bool { return json.Valid(body) && len(body) > 0 && body[0] == '{' }

// words returns Looker's message and what it says of each field; "" if the body has none.
func words(body []byte) string {
	var answer api.ValidationError
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	text := valueOf(answer.Message)
	var details []string
	for _, d := range answer.Errors {
		detail := valueOf(d.Message)
		if detail == "" {
			detail = valueOf(d.Code)
		}
		if field := valueOf(d.Field); field != "" {
			detail = field + ": " + detail
		}
		details = append(details, detail)
	}
	if len(details) > 0 {
		text += " (" + strings.Join(details, "; ") + ")"
	}
	return Clean(strings.TrimSpace(text))
}

// maxRetryAfter bounds what a server may ask for.
const maxRetryAfter = time.Hour

// retryAfter reads the header's two forms (RFC 9110, section 10.2.3).
func retryAfter(header string, now time.Time) time.Duration {
	var wait time.Duration
	if n, err := strconv.ParseUint(header, 10, 31); err == nil {
		wait = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(header); err == nil {
		wait = t.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
