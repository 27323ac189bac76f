// Package pagerduty triggers and resolves PagerDuty alerts, depending on a query's result.
package pagerduty

import (
	"cmp"
	"context"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/message"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// maxRows is the maximum number of rows in an alert.
const maxRows = 20

// input is the integration's settings in Looker and the user's answers.
type input struct {
	FixedKey action.Secret `param:"routing_key"`
	Region   region        `param:"region"`

	Key      action.Secret `form:"routing_key"`
	Event    event         `form:"event"`
	Summary  string        `form:"summary"`
	Severity severity      `form:"severity"`
	DedupKey string        `form:"dedup_key"`

	Component string `form:"component"`
	Group     string `form:"group"`
	Class     string `form:"class"`
	Links     string `form:"links"`
	Images    string `form:"images"`
}

// Integration sends events to PagerDuty.
type Integration struct{ client }

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	return &Integration{newClient(deps.HTTP)}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "pagerduty", Label: "PagerDuty",
		Description: "Trigger an alert when a query returns rows, and resolve it when it returns none.",
		Params: []action.Param{
			{Name: "routing_key", Label: "Integration Key", Sensitive: true, Description: "The key of a service's integration \"Events " +
				"API v2\". Leave it empty to let users enter one."},
			{Name: "region", Label: "Service Region", Description: "us or eu; us if empty."},
		},
		Types:      []action.Type{action.TypeQuery},
		Formats:    []action.Format{action.JSONDetail},
		Download:   action.Push,
		MinVersion: action.V(5, 5, 0),
	}
}

// Form implements [action.FormBuilder].
func (*Integration) Form(_ context.Context, req *action.Request) (*action.Form, error) {
	var fields []action.Field
	if req.Params["routing_key"] == "" {
		fields = append(fields, action.Field{
			Name: "routing_key", Label: "Integration Key", Type: action.String, Required: true,
			Description: `The key of a service's integration "Events API v2".`,
		})
	}
	return &action.Form{Fields: append(
		fields,
		action.Field{Name: "event", Label: "Event", Type: action.Select, Default: string(auto), Required: true, Options: []action.Option{
			{Name: string(auto), Label: "Trigger when there are rows, resolve when there are none"},
			{Name: string(trigger), Label: "Trigger"},
			{Name: string(resolve), Label: "Resolve"},
		}},
		action.Field{Name: "summary", Label: "Summary", Description: "The plan's title if empty.", Type: action.String},
		action.Field{Name: "severity", Label: "Severity", Type: action.Select, Default: string(defaultSeverity), Options: severityOptions()},
		action.Field{
			Name: "dedup_key", Label: "Deduplication Key", Type: action.String,
			Description: "Events with the same key belong to one alert. If empty, each schedule has its own key.",
		},
		action.Field{Name: "component", Label: "Component", Description: "What is affected, such as a table.", Type: action.String},
		action.Field{Name: "group", Label: "Group", Description: "What the component belongs to.", Type: action.String},
		action.Field{Name: "class", Label: "Class", Description: "The kind of the event.", Type: action.String},
		action.Field{
			Name: "links", Label: "Links", Type: action.Textarea,
			Description: "One on each line: the URL, and optionally a text. {link} stands for the URL in Looker.",
		},
		action.Field{
			Name: "images", Label: "Images", Type: action.Textarea,
			Description: "One on each line: the URL (https), and optionally a text in its place.",
		},
	)}, nil
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	if cmp.Or(in.FixedKey, in.Key) == "" {
		return nil, action.InvalidField("routing_key", "The integration key is missing.")
	}
	first, err := message.ReadPreview(ctx, req.Data, maxRows)
	if err != nil {
		return nil, err
	}
	a, err := newAlert(in, req, first)
	if err != nil {
		return nil, err
	}
	if err := i.enqueue(ctx, in.Region, a); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}
