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
	switch err := err.(type) { //nolint:errorlint // each level has its own part of the place
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
		k := Invalid
		if err.SchemaField == "required" {
			k = Missing
		}
		c.add(k, join(place, err.JSONPointer()), c.reason(err))
	case *jsonschema.ValidationError:
		c.addValidationError(err)
	default:
		c.add(Invalid, place, err.Error())
	}
}

// reason adds the reasons of the alternatives, of which a schema names none by itself.
func (*collector) reason(err *openapi3.SchemaError) string {
	if err.Origin == nil {
		return err.Reason
	}
	origin, _, _ := strings.Cut(err.Origin.Error(), "\nSchema:")
	return err.Reason + ": " + origin
}

func (c *collector) addRequestError(err *openapi3filter.RequestError) {
	place := "body"
	if err.Parameter != nil {
		place = err.Parameter.In + " " + err.Parameter.Name
	}
	switch {
	case errors.Is(err, openapi3filter.ErrInvalidRequired):
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
