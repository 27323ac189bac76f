package hubspot

import (
	"errors"
	"strconv"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
	"integrationhub.dev/integrations/internal/mirror"
)

// input is what a Looker administrator enters, and the user's answers. A schedule from before there was a form
// has none.
type input struct {
	Token   action.Secret `param:"hubspot_access_token,required"`
	Batch   batchSize     `param:"hubspot_batch_update_size"`
	MatchBy matchBy       `form:"match_by"`
	// Property is the unique property of matchProperty.
	Property string  `form:"match_property"`
	Nulls    nulls   `form:"null_values"`
	Pivots   pivots  `form:"pivoted_columns"`
	Segment  segment `form:"list_id"`
	Mirror   bool    `form:"mirror"`
}

// batchSize is the number of objects in a call.
type batchSize int

// UnmarshalText implements [encoding.TextUnmarshaler]. A larger size is not an error, but reduced to
// HubSpot's limit: people enter one to get as much as possible.
func (b *batchSize) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 {
		return errors.New("must be a whole number from 1 to 100")
	}
	*b = batchSize(min(n, maxBatch))
	return nil
}

// matchBy is how records are found.
type matchBy string

const (
	matchRecordID matchBy = "record_id"
	matchEmail    matchBy = "email"
	matchDomain   matchBy = "domain"
	matchProperty matchBy = "property"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *matchBy) UnmarshalText(text []byte) error {
	return choice.Parse(m, string(text), matchRecordID, matchEmail, matchDomain, matchProperty)
}

// nulls is what a null does to its property.
type nulls string

const (
	nullsClear nulls = "clear"
	nullsKeep  nulls = "keep"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (n *nulls) UnmarshalText(text []byte) error {
	return choice.Parse(n, string(text), nullsClear, nullsKeep)
}

// pivots is whether pivoted columns, which are never sent, are an error.
type pivots string

const (
	pivotsReport pivots = "report"
	pivotsIgnore pivots = "ignore"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *pivots) UnmarshalText(text []byte) error {
	return choice.Parse(p, string(text), pivotsReport, pivotsIgnore)
}

// segment is the ID of a segment, which HubSpot called list; "" is none.
type segment string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *segment) UnmarshalText(text []byte) error {
	*s = segment(text)
	if strings.Trim(string(*s), "0123456789") != "" {
		return errors.New("must be the numeric ID of a segment")
	}
	return nil
}

// Validate sets defaults and checks the answers that depend on each other.
func (in *input) Validate() error {
	if in.Batch == 0 {
		in.Batch = defaultBatch
	}
	in.Property = strings.TrimSpace(in.Property)
	switch in.MatchBy {
	case "":
		in.MatchBy = matchRecordID
	case matchRecordID:
	case matchEmail, matchDomain:
		in.Property = string(in.MatchBy)
	case matchProperty:
		if in.Property == "" {
			return action.InvalidField("match_property", "Enter the internal name of the property that identifies records.")
		}
	}
	if in.MatchBy == matchRecordID {
		in.Property = ""
	}
	if in.Mirror && in.Segment == "" {
		return action.InvalidField("list_id", "Mirror mode needs a segment. Enter its ID, or turn mirror mode off.")
	}
	return nil
}

// check checks the answers that depend on the object type.
func (o Object) check(in input) error {
	if in.MatchBy != matchRecordID && in.MatchBy != matchProperty && in.MatchBy != o.natural {
		return action.InvalidField("match_by", "HubSpot %s cannot be matched by %s.", o.Type, in.MatchBy)
	}
	return nil
}

// fields are the fields of the form.
func (o Object) fields() []action.Field {
	fields := []action.Field{
		{
			Name: "match_by", Label: "Match By", Type: action.Select, Default: string(matchRecordID),
			Description: "How a row finds its " + o.One + ". Unless it is by record ID, a " + o.One + " that does not exist is created.",
			Options: []action.Option{
				{Name: string(matchRecordID), Label: "Record ID: update only"},
				{Name: string(o.natural), Label: o.naturalLabel},
				{Name: string(matchProperty), Label: "Another property with unique values: update or create"},
			},
		},
		{
			Name: "match_property", Label: "Match Property", Type: action.String,
			Description: "The internal name of the property with unique values. Only for \"Another property\".",
		},
		{
			Name: "null_values", Label: "Null Values", Type: action.Select, Default: string(nullsClear),
			Description: "What a null in a row does to its property.",
			Options: []action.Option{
				{Name: string(nullsClear), Label: "Clear the property"}, {Name: string(nullsKeep), Label: "Leave the property unchanged"},
			},
		},
		{
			Name: "pivoted_columns", Label: "Pivoted Columns", Type: action.Select, Default: string(pivotsReport),
			Description: "Pivoted columns are not sent: one property cannot hold several values.",
			Options: []action.Option{
				{Name: string(pivotsReport), Label: "Send the other columns and report an error"},
				{Name: string(pivotsIgnore), Label: "Ignore them"},
			},
		},
		{
			Name: "list_id", Label: "Segment ID", Type: action.String,
			Description: "The ID of a static HubSpot segment (list) to which the " + o.Type + " are added. Empty: none.",
		},
	}
	return append(fields, mirror.Fields("segment")...)
}
