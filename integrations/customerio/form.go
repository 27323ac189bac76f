package customerio

import (
	"cmp"
	"context"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/choice"
)

// kind is what a row becomes.
type kind string

const (
	identify kind = "identify"
	event    kind = "event"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (k *kind) UnmarshalText(text []byte) error {
	return choice.Parse(k, string(text), identify, event)
}

// maxEventName is the limit in bytes of an event's name (https://docs.customer.io/journeys/invalid-api-requests).
const maxEventName = 100

// answers are the Looker user's.
type answers struct {
	Kind  kind   `form:"action"`
	Event string `form:"event_name"`
}

// Validate implements what [action.Decode] asks for.
func (in *answers) Validate() error {
	in.Kind, in.Event = cmp.Or(in.Kind, identify), strings.TrimSpace(in.Event)
	switch {
	case in.Kind != event:
	case in.Event == "":
		return action.InvalidField("event_name", "Enter the name of the event.")
	case len(in.Event) > maxEventName:
		return action.InvalidField("event_name", "The name of the event has %d bytes. Customer.io allows %d.", len(in.Event), maxEventName)
	}
	return nil
}

// Form implements [action.FormBuilder].
func (i *Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: append([]action.Field{
		{
			Name: "action", Label: "Send rows as", Type: action.Select, Default: string(identify), Required: true, Options: []action.Option{
				{Name: string(identify), Label: "People, who are added or updated"}, {Name: string(event), Label: "Events of people"},
			},
		},
		{Name: "event_name", Label: "Event name", Description: "Required for events. It can start a campaign.", Type: action.String},
	}, i.log.Fields()...)}, nil
}
