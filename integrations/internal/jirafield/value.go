package jirafield

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/integrations/internal/adf"
	"integrationhub.dev/integrations/internal/pasted"
)

// Site is what differs between Jira Cloud and Data Center.
type Site interface {
	// Cloud reports whether rich texts are documents.
	Cloud() bool
	// User returns the JSON of a user by an e-mail address, a name or an ID. Only an assignee must be a user to whom issues
	// of the project can be assigned.
	User(ctx context.Context, text string, assignee bool) (any, error)
}

// The kinds of input.
const (
	line = iota
	paragraphs
	choice
	list
)

// kind is a type of field that the form can have.
type kind struct {
	input int
	hint  string
	parse func(ctx context.Context, f Field, site Site, text string) (any, error)
}

const (
	textArea   = "com.atlassian.jira.plugin.system.customfieldtypes:textarea"
	labelsType = "com.atlassian.jira.plugin.system.customfieldtypes:labels"
)

// simple are the kinds by the type in a field's schema
// (https://developer.atlassian.com/server/jira/platform/jira-rest-api-examples/#creating-an-issue-using-custom-fields).
var simple = map[string]kind{
	"string":            {line, "", parseText},
	"number":            {line, "A number.", parseNumber},
	"date":              {line, "A date, such as 2026-11-26.", parseDate},
	"datetime":          {line, "A time, such as 2026-11-26T15:04:05Z.", parseTime},
	"user":              {line, "The user's e-mail address, name or ID.", parseUser},
	"group":             {line, "The group's name.", parseGroup},
	"option":            {choice, "", parseChoice},
	"option-with-child": {choice, "", parseChoice},
	"priority":          {choice, "", parseChoice},
	"version":           {choice, "", parseChoice},
	"component":         {choice, "", parseChoice},
	"securitylevel":     {choice, "", parseChoice},
	"resolution":        {choice, "", parseChoice},
}

// arrays are the kinds by the type of an array's items.
var arrays = map[string]kind{
	"string":    {list, "Several are separated by commas.", each(parseText)},
	"option":    {list, "Several are separated by commas.", parseChoices},
	"component": {list, "Several are separated by commas.", parseChoices},
	"version":   {list, "Several are separated by commas.", parseChoices},
	"user":      {list, "The users' e-mail addresses, names or IDs, separated by commas.", each(parseUser)},
	"group":     {list, "The groups' names, separated by commas.", each(parseGroup)},
}

// labels do not contain white space.
var labels = kind{list, "Several are separated by commas or spaces.", func(_ context.Context, _ Field, _ Site, text string) (any, error) {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' || r == '\t' || r == '\r' }), nil
}}

// kind returns the field's kind, or nil if the form cannot have it.
func (f Field) kind() *kind {
	s := f.Schema
	k, ok := simple[s.Type]
	if s.Type == "array" {
		k, ok = arrays[s.Items]
	}
	switch {
	case s.System == "labels" || s.Custom == labelsType:
		k, ok = labels, true
	case s.Type == "string" && (s.Custom == textArea || s.System == "environment"):
		k = kind{paragraphs, "", parseRichText}
	}
	if !ok || k.input == choice && len(f.Allowed) == 0 {
		return nil
	}
	return &k
}

// Parse returns the JSON of a value that was entered in the form.
func (f Field) Parse(ctx context.Context, site Site, text string) (any, error) {
	k := f.kind()
	if k == nil {
		return nil, errors.New("cannot be set by the hub")
	}
	return k.parse(ctx, f, site, strings.TrimSpace(text))
}

func parseText(_ context.Context, _ Field, _ Site, text string) (any, error) { return text, nil }

// parseRichText makes a document for version 3 of the API, as in
// https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#atlassian-document-format.
func parseRichText(_ context.Context, _ Field, site Site, text string) (any, error) {
	if site.Cloud() {
		return adf.Document(adf.Paragraphs(text)...), nil
	}
	return text, nil
}

func parseNumber(_ context.Context, _ Field, _ Site, text string) (any, error) {
	number := json.Number(text)
	if _, err := number.Float64(); err != nil || !json.Valid([]byte(text)) {
		return nil, errors.New("must be a number such as 12.5")
	}
	return number, nil
}

func parseDate(_ context.Context, _ Field, _ Site, text string) (any, error) {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return nil, errors.New("must be a date such as 2026-11-26")
	}
	return text, nil
}

// jiraTime is Jira's form of ISO 8601, without a colon in the zone.
const jiraTime = "2006-01-02T15:04:05.000-0700"

func parseTime(_ context.Context, _ Field, _ Site, text string) (any, error) {
	for _, layout := range []string{time.RFC3339, jiraTime, "2006-01-02T15:04", "2006-01-02 15:04", time.DateTime} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format(jiraTime), nil
		}
	}
	return nil, errors.New("must be a time such as 2026-11-26T15:04:05Z")
}

func parseUser(ctx context.Context, f Field, site Site, text string) (any, error) {
	return site.User(ctx, pasted.Text(text), f.Schema.System == "assignee")
}

type named struct {
	Name string `json:"name"`
}

func parseGroup(_ context.Context, _ Field, _ Site, text string) (any, error) {
	return named{text}, nil
}

// chosen refers to an allowed value by its ID.
type chosen struct {
	ID    string  `json:"id"`
	Child *chosen `json:"child,omitempty"`
}

// parseChoice finds one of the allowed values by its ID in the form, or by its text.
func parseChoice(_ context.Context, f Field, _ Site, text string) (any, error) {
	for _, v := range f.Allowed {
		if v.ID == text {
			return chosen{ID: v.ID}, nil
		}
		for _, child := range v.Children {
			if v.ID+":"+child.ID == text {
				return chosen{v.ID, &chosen{ID: child.ID}}, nil
			}
		}
	}
	for _, v := range f.Allowed {
		if strings.EqualFold(v.Label(), text) {
			return chosen{ID: v.ID}, nil
		}
	}
	return nil, fmt.Errorf("does not have the value %q", text)
}

// parseChoices reads a list of allowed values. A value can contain a comma itself.
func parseChoices(ctx context.Context, f Field, site Site, text string) (any, error) {
	if whole, err := parseChoice(ctx, f, site, text); err == nil {
		return []any{whole}, nil
	}
	return each(parseChoice)(ctx, f, site, text)
}

// each parses the items of a list that are separated by commas or line breaks.
func each(item func(context.Context, Field, Site, string) (any, error)) func(context.Context, Field, Site, string) (any, error) {
	return func(ctx context.Context, f Field, site Site, text string) (any, error) {
		items := []any{}
		var seen []string
		for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' }) {
			if part = strings.TrimSpace(part); part == "" || slices.Contains(seen, part) {
				continue
			}
			seen = append(seen, part)
			value, err := item(ctx, f, site, part)
			if err != nil {
				return nil, err
			}
			items = append(items, value)
		}
		return items, nil
	}
}
