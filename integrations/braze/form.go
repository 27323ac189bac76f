package braze

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
)

// defaultLabel is also named in the form.
const defaultLabel = "LOOKER_EXPORT"

// maxText is the maximum number of characters of a value, and of the name of an event, a product or a property:
// https://www.braze.com/docs/user_guide/data/activation/custom_data/data_types/.
const maxText = 255

// input is the integration's settings in Looker and the user's answers.
type input struct {
	APIKey      action.Secret   `param:"braze_api_key,required"`
	Endpoint    endpoint        `param:"braze_api_endpoint,required"`
	Key         key             `form:"braze_key"`
	Label       string          `form:"braze_segment"`
	LabelAction labelAction     `form:"braze_label_action"`
	AliasLabel  string          `form:"braze_alias_label"`
	Record      record          `form:"braze_record"`
	Event       string          `form:"braze_event_name"`
	Currency    currency        `form:"braze_currency"`
	Zone        action.TimeZone `form:"time_zone"`
}

// Validate requires a key, with the reference's message.
func (in *input) Validate() error {
	in.AliasLabel, in.Event = strings.TrimSpace(in.AliasLabel), strings.TrimSpace(in.Event)
	if in.Label == "" {
		in.Label = defaultLabel
	}
	if in.LabelAction == "" {
		in.LabelAction = addLabel
	}
	if in.Record == "" {
		in.Record = attributes
	}
	switch {
	case in.Key == "":
		return action.InvalidField("braze_key", "Missing primary Braze key.")
	case in.Key == userAlias && in.AliasLabel == "":
		return action.InvalidField("braze_alias_label", "Enter the alias label: users are identified by an alias.")
	case utf8.RuneCountInString(in.Label) > maxText:
		return action.InvalidField("braze_segment", "The label has more than %d characters, which Braze does not store.", maxText)
	case utf8.RuneCountInString(in.Event) > maxText:
		return action.InvalidField("braze_event_name", "The event's name has more than %d characters, which Braze does not store.", maxText)
	}
	return nil
}

// Form implements [action.FormBuilder].
func (i *Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: append([]action.Field{
		{
			Name: "braze_key", Label: "Unique Key", Description: " Primay key for user to map to within Braze.",
			Type: action.Select, Default: string(externalID), Required: true, Options: options(keys),
		},
		{
			Name: "braze_segment", Label: "Export Label",
			Description: "Name of export (Appends to Custom Attribute Array 'looker_export'). Defaults to 'LOOKER_EXPORT'. An array " +
				"has up to 500 values unless Braze raised it: then a new label removes the oldest. Not used for events and purchases.",
			Type: action.String, Default: defaultLabel, Required: true,
		},
		{
			Name: "braze_label_action", Label: "Add Or Remove The Label", Type: action.Select, Default: string(addLabel),
			Description: "Whether to add the label to the users or remove it.", Options: options(labelActions),
		},
		{
			Name: "braze_alias_label", Label: "Alias Label", Type: action.String,
			Description: "The label of the alias. Required if the unique key is user_alias.",
		},
		{
			Name: "braze_record", Label: "Rows Are", Type: action.Select, Default: string(attributes),
			Description: "Attributes of users, custom events, or purchases. A call to Braze has at most 50 of them.",
			Options:     options(records),
		},
		{
			Name: "braze_event_name", Label: "Event Name", Type: action.String,
			Description: "The name of the events, for rows without a value in a field tagged braze_event_name.",
		},
		{
			Name: "braze_currency", Label: "Currency", Type: action.String,
			Description: "The currency of the purchases, such as USD, for rows without a value in a field tagged braze_currency.",
		},
		{
			Name: "time_zone", Label: "Time Zone", Type: action.String,
			Description: "The time zone of times in the field tagged braze_time, such as Europe/Berlin. UTC if empty.",
		},
	}, i.rowLog.Fields()...)}, nil
}

// options are the options of a field with these values.
func options[T ~string](values []T) []action.Option {
	all := make([]action.Option, len(values))
	for i, v := range values {
		all[i] = action.Option{Name: string(v), Label: string(v)}
	}
	return all
}

// key is the identifier of users
// (https://www.braze.com/docs/api/endpoints/user_data/post_user_track/#request-parameters).
type key string

const (
	externalID key = "external_id"
	brazeID    key = "braze_id"
	email      key = "email"
	phone      key = "phone"
	userAlias  key = "user_alias"
)

var keys = []key{externalID, brazeID, email, phone, userAlias}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (k *key) UnmarshalText(text []byte) error {
	return choice.Parse(k, string(text), keys...)
}

// labelAction is what is done with the label. Its values are those of Braze's array attributes.
type labelAction string

const (
	addLabel    labelAction = "add"
	removeLabel labelAction = "remove"
)

var labelActions = []labelAction{addLabel, removeLabel}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (l *labelAction) UnmarshalText(text []byte) error {
	return choice.Parse(l, string(text), labelActions...)
}

// record is what rows are sent as. Its values are the names of the arrays in a call.
type record string

const (
	attributes record = "attributes"
	events     record = "events"
	purchases  record = "purchases"
)

var records = []record{attributes, events, purchases}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *record) UnmarshalText(text []byte) error {
	return choice.Parse(r, string(text), records...)
}

// currency is a code of ISO 4217.
type currency string

var errCurrency = errors.New("must be a currency's code of three letters, such as USD")

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *currency) UnmarshalText(text []byte) error {
	code := strings.ToUpper(strings.TrimSpace(string(text)))
	if len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return errCurrency
	}
	*c = currency(code)
	return nil
}
