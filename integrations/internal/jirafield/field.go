// Package jirafield has the fields of Jira's screen for a new issue: which of them a delivery's form offers, and how
// their values are sent.
package jirafield

import (
	"fmt"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
)

// Field is a field of the screen for a new issue: FieldCreateMetadata in
// https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/ (Get create field metadata).
type Field struct {
	ID         string  `json:"fieldId"`
	Key        string  `json:"key"`
	Name       string  `json:"name"`
	Required   bool    `json:"required"`
	HasDefault bool    `json:"hasDefaultValue"`
	Schema     Schema  `json:"schema"`
	Allowed    []Value `json:"allowedValues"`
}

// Schema is the type of a field.
type Schema struct {
	Type string `json:"type"`
	// Items is the type of an array's items.
	Items string `json:"items"`
	// System is the name of a system field, and Custom the type of a custom field.
	System string `json:"system"`
	Custom string `json:"custom"`
}

// Value is an allowed value. Options have a value, and priorities, components and versions a name.
type Value struct {
	ID    string `json:"id"`
	Value string `json:"value"`
	Name  string `json:"name"`
	// Children are the options of the second level of a cascading field.
	Children []Value `json:"children"`
}

// Label is the value's text.
func (v Value) Label() string {
	if v.Value != "" {
		return v.Value
	}
	return v.Name
}

// own are the fields that the form of an issue has already, or that Jira fills in.
var own = []string{"project", "issuetype", "summary", "description", "attachment", "reporter", "issuelinks"}

// offered are the optional fields that the form offers.
var offered = []string{"priority", "labels", "assignee"}

// WireName is the field's name in the form, which is Jira's ID of it.
func (f Field) WireName() string {
	if f.ID != "" {
		return f.ID
	}
	return f.Key
}

// Split returns the fields for the form, in Jira's order with the required ones first, and the names of the required fields
// that the form cannot have. A required field with a default value is left to Jira.
func Split(fields []Field) (form []Field, unsupported []string) {
	var optional []Field
	for _, f := range fields {
		name := f.WireName()
		switch {
		case slices.Contains(own, name):
		case slices.Contains(offered, name) && f.kind() != nil:
			if f.Required && !f.HasDefault {
				form = append(form, f)
			} else {
				optional = append(optional, f)
			}
		case !f.Required || f.HasDefault:
		case f.kind() == nil:
			unsupported = append(unsupported, f.Name)
		default:
			form = append(form, f)
		}
	}
	return append(form, optional...), unsupported
}

// maxNamed is how many allowed values a description names.
const maxNamed = 20

// Form returns the form's field.
func (f Field) Form() action.Field {
	field := action.Field{Name: f.WireName(), Label: f.Name, Type: action.String, Required: f.Required && !f.HasDefault}
	k := f.kind()
	if k == nil {
		return field
	}
	field.Description = k.hint
	switch k.input {
	case choice:
		field.Type, field.Options = action.Select, f.options()
	case paragraphs:
		field.Type = action.Textarea
	case list:
		if names := f.names(); len(names) > 0 {
			field.Description = fmt.Sprintf("%s Possible values: %s.", k.hint, strings.Join(names, ", "))
		}
	case line:
	}
	return field
}

func (f Field) options() []action.Option {
	var options []action.Option
	for _, v := range f.Allowed {
		options = append(options, action.Option{Name: v.ID, Label: v.Label()})
		for _, child := range v.Children {
			options = append(options, action.Option{Name: v.ID + ":" + child.ID, Label: v.Label() + " / " + child.Label()})
		}
	}
	return options
}

func (f Field) names() []string {
	var names []string
	for _, v := range f.Allowed {
		if len(names) == maxNamed {
			return append(names, "…")
		}
		names = append(names, v.Label())
	}
	return names
}
