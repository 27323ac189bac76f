// Package vendorapi checks requests against the vendors' own descriptions of their APIs: OpenAPI,
// JSON Schema, Google's discovery documents, Dropbox's Stone and protocol buffers. A fake that shares
// its author's misunderstanding of an API accepts what the vendor rejects; the descriptions do not.
//
// All kinds of descriptions are converted to OpenAPI, so that one checker is enough.
package vendorapi

import (
	"fmt"
	"net/http"
	"net/url"
)

// Request is a request as a destination received it.
type Request struct {
	Method string
	Host   string
	// Path is escaped.
	Path   string
	Query  url.Values
	Header http.Header
	Body   []byte
	// Broken means that the body is incomplete; it is then not checked.
	Broken bool
}

// Kind is what a request violates.
type Kind string

// The kinds of findings.
const (
	UnknownPath      Kind = "unknown path"
	UnknownMethod    Kind = "unknown method"
	UnknownParameter Kind = "unknown parameter"
	UnknownMember    Kind = "unknown member"
	// Missing is a parameter, member or body that is required and absent.
	Missing Kind = "missing"
	// Invalid is a value of the wrong type, or one that breaks another rule.
	Invalid    Kind = "invalid"
	Deprecated Kind = "deprecated"
)

// Finding is a difference between a request and a description.
type Finding struct {
	Kind Kind
	// Operation is the method and the path's template, or the path where no template matches.
	Operation string
	// Place is the parameter as "query wait", or the member as "body embeds.0.title". It is empty if
	// the finding is about the operation.
	Place string
	// Detail is the description's rule in words.
	Detail string
}

// String returns the finding on one line.
func (f Finding) String() string {
	text := fmt.Sprintf("%s: %s", f.Operation, f.Kind)
	if f.Place != "" {
		text += " " + f.Place
	}
	if f.Detail != "" {
		text += ": " + f.Detail
	}
	return text
}
