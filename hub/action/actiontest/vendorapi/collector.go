package vendorapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// collector collects the findings about a request.
type collector struct {
	operation string
	findings  []Finding
}

func (c *collector) add(kind Kind, place, detail string) {
	f := Finding{kind, c.operation, place, detail}
	if !slices.Contains(c.findings, f) {
		c.findings = append(c.findings, f)
	}
}

// addErrors adds the errors of the libraries, each with its place.
func (c *collector) addErrors(err error) { c.addError(err, "body") }

func (c *collector) addError(err error, place string) {
	switch err := err.(type) { //nolint:errorlint // each level has its own part of the path
	case nil:
	case openapi3.MultiError:
		for _, e := range err {
			c.addError(e, place)
		}
	case *openapi3filter.SecurityRequirementsError:
		c.add(Missing, "credentials", "")
	case *openapi3filter.RequestError:
		c.addRequestError(err)
	case *openapi3.SchemaError:
		c.addSchemaError(err, place)
	case *jsonschema.ValidationError:
		c.addValidationError(err)
	default:
		c.add(Invalid, place, err.Error())
	}
}

func (c *collector) addSchemaError(err *openapi3.SchemaError, place string) {
	at := join(place, err.JSONPointer())
	switch {
	case err.SchemaField == "required":
		c.add(Missing, at, "")
	case err.SchemaField == "properties":
		// an unknown member: members reports it
	case err.Origin == nil:
		c.add(Invalid, at, err.Reason)
	case err.SchemaField == "allOf":
		c.addError(parts(err.Origin), place)
	default:
		c.add(Invalid, at, err.Reason+": "+alternatives(err.Origin))
	}
}

// parts are the errors of a schema's parts. They have the whole path by themselves.
func parts(err error) error {
	if _, ok := err.(openapi3.MultiError); ok || err == nil { //nolint:errorlint // this level
		return err
	}
	return parts(errors.Unwrap(err))
}

// alternatives are the reasons why a value is none of the alternatives of a schema.
func alternatives(err error) string {
	inner := &collector{}
	inner.addError(parts(err), "")
	var reasons []string
	for _, f := range inner.findings {
		reasons = append(reasons, strings.TrimSpace(string(f.Kind)+" "+f.Place+" "+f.Detail))
	}
	return strings.Join(reasons, ", or ")
}

func (c *collector) addRequestError(err *openapi3filter.RequestError) {
	place := "body"
	if err.Parameter != nil {
		place = err.Parameter.In + " " + err.Parameter.Name
	}
	switch {
	case errors.Is(err, openapi3filter.ErrInvalidRequired) || strings.HasSuffix(err.Error(), "is required, but missing"):
		c.add(Missing, place, "")
	case err.Err != nil:
		c.addError(err.Err, place)
	default:
		c.add(Invalid, place, err.Reason)
	}
}

func (c *collector) addValidationError(err *jsonschema.ValidationError) {
	if len(err.Causes) > 0 {
		for _, cause := range likely(err) {
			c.addValidationError(cause)
		}
		return
	}
	switch k := err.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			c.add(Missing, join("body", append(slices.Clone(err.InstanceLocation), name)), "")
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			c.add(UnknownMember, join("body", append(slices.Clone(err.InstanceLocation), name)), "")
		}
	default:
		text := k.LocalizedString(message.NewPrinter(language.English))
		c.add(Invalid, join("body", err.InstanceLocation), fmt.Sprintf("%s (%s)", text, strings.Join(k.KeywordPath(), "/")))
	}
}

// likely leaves out alternatives that the value was not meant as, because it differs in a constant or
// in its type.
func likely(err *jsonschema.ValidationError) []*jsonschema.ValidationError {
	switch err.ErrorKind.(type) {
	case *kind.OneOf, *kind.AnyOf:
	default:
		return err.Causes
	}
	meant := slices.DeleteFunc(slices.Clone(err.Causes), func(cause *jsonschema.ValidationError) bool {
		return differs(cause, len(err.InstanceLocation))
	})
	if len(meant) == 0 {
		return err.Causes
	}
	return meant
}

func differs(err *jsonschema.ValidationError, depth int) bool {
	switch err.ErrorKind.(type) {
	case *kind.Enum, *kind.Const:
		return true
	case *kind.Type:
		return len(err.InstanceLocation) == depth
	}
	return slices.ContainsFunc(err.Causes, func(cause *jsonschema.ValidationError) bool { return differs(cause, depth) })
}
