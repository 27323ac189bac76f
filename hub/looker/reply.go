package looker

import (
	"encoding/json"
	"fmt"
	"net/http"

	"integrationhub.dev/hub/looker/api"
)

// reply is a response of Looker's API before it is encoded.
type reply struct {
	status int
	// retryAfter is the header of that name; empty leaves it out.
	retryAfter string
	body       any
}

// documentationURL is in every error of Looker.
const documentationURL = "https://cloud.google.com/looker/docs/"

func errorReply(status int, message string) reply {
	return reply{status: status, body: api.Error{Message: &message, DocumentationURL: new(documentationURL)}}
}

// notFound answers for what does not exist, and for what the user may not know of.
// Source: "Not Found (404) errors" of Looker's API troubleshooting.
func notFound() reply { return errorReply(http.StatusNotFound, "Not found") }

// The codes of [api.ValidationErrorDetail].
// Source: "Validation (422) errors" of Looker's API troubleshooting.
const (
	codeMissing = "missing_field"
	codeInvalid = "invalid"
	codeExists  = "already_exists"
)

func invalidField(field, code, message string) api.ValidationErrorDetail {
	return api.ValidationErrorDetail{Field: &field, Code: &code, Message: &message, DocumentationURL: new(documentationURL)}
}

func validationReply(details ...api.ValidationErrorDetail) reply {
	return unprocessable("Validation Failed", details...)
}

// unprocessable answers 422 with a message of its own.
func unprocessable(message string, details ...api.ValidationErrorDetail) reply {
	return reply{status: http.StatusUnprocessableEntity, body: api.ValidationError{
		Message: &message, Errors: append([]api.ValidationErrorDetail{}, details...), DocumentationURL: new(documentationURL),
	}}
}

// encode returns the body of a reply; nil if it has none.
func (p reply) encode() ([]byte, error) {
	if p.body == nil {
		return nil, nil
	}
	text, err := json.Marshal(p.body)
	if err != nil {
		return nil, fmt.Errorf("encoding a response: %w", err)
	}
	return text, nil
}

// refuse answers and records a request that is for none of the document's operations.
func (l *Looker) refuse(w http.ResponseWriter, r *http.Request, p reply) {
	entry := l.journal.request(r, nil)
	text, err := p.encode()
	if err != nil {
		l.options.Log.ErrorContext(r.Context(), "writing a response", "error", err)
	}
	l.journal.responded(entry, p.status, text)
	send(w, p, text)
}

func send(w http.ResponseWriter, p reply, text []byte) {
	h := w.Header()
	if text != nil {
		h.Set("Content-Type", "application/json")
		h.Set("X-Content-Type-Options", "nosniff")
	}
	if p.retryAfter != "" {
		h.Set("Retry-After", p.retryAfter)
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(text) // the client may have disconnected
}
