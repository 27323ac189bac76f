// Package slack shares query results and dashboards in Slack with a token that a Looker
// administrator enters: the older of the two Slack integrations.
package slack

import (
	"context"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/slack"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are the integration's settings in Looker.
type settings struct {
	Token action.Secret `param:"slack_api_token,required"`
}

// Integration shares files in Slack.
type Integration struct {
	slack *slack.Connector
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	connector, err := slack.Connect(deps)
	if err != nil {
		return nil, err
	}
	return &Integration{connector}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "slack", Label: "Slack Attachment (API Token)",
		Description: "Write a data file to Slack using a bot user token or legacy API token.",
		Params: []action.Param{{
			Name: "slack_api_token", Label: "Slack API Token", Required: true, Sensitive: true,
			Description: `A Slack API token that includes the permissions "channels:read", "users:read", "groups:read", and "files:write:user". ` +
				"Follow the instructions to get a token at https://github.com/looker/actions/blob/master/src/actions/slack/legacy_slack/README.md",
		}},
		Types: []action.Type{action.TypeQuery, action.TypeDashboard},
		// Push is contract: older schedules use it.
		Download:   action.Push,
		MinVersion: action.V(5, 5, 0),
	}
}

// Form implements [action.FormBuilder].
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	client, err := i.client(req)
	if err != nil {
		return nil, err
	}
	ctx, cancel := slack.WithFormTimeout(ctx)
	defer cancel()
	fields, err := client.FieldsFor(ctx, req.Form)
	if err != nil {
		return nil, err
	}
	return &action.Form{Fields: fields}, nil
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	client, err := i.client(req)
	if err != nil {
		return nil, err
	}
	return client.Deliver(ctx, req)
}

func (i *Integration) client(req *action.Request) (*slack.Client, error) {
	s, err := action.Decode[settings](req)
	if err != nil {
		return nil, err
	}
	return i.slack.Client(s.Token), nil
}
