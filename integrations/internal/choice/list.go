package choice

import (
	"errors"

	"integrationhub.dev/hub/action"
)

// ErrDenied is the error of a list that the credentials do not allow to read. They may still be
// valid for deliveries.
var ErrDenied = errors.New("the credentials do not allow listing")

// List is a required form field for one name from a destination's list, such as its buckets. Where
// there is no list, the user enters the name instead.
type List struct {
	Name, Label string
	// Description is the one of a field with a list.
	Description string
	// Denied describes the field after [ErrDenied], and Empty if the list has no names.
	Denied, Empty string
}

// Field makes the field from the result of reading the list. Every error but [ErrDenied] is returned.
// The first name is the default.
func (l List) Field(names []string, err error) (action.Field, error) {
	field := action.Field{Name: l.Name, Label: l.Label, Type: action.String, Required: true}
	switch {
	case errors.Is(err, ErrDenied):
		field.Description = l.Denied
		return field, nil
	case err != nil:
		return action.Field{}, err
	case len(names) == 0:
		field.Description = l.Empty
		return field, nil
	}
	field.Type, field.Description, field.Default = action.Select, l.Description, names[0]
	for _, name := range names {
		field.Options = append(field.Options, action.Option{Name: name, Label: name})
	}
	return field, nil
}
