// Package slackapp shares query results and dashboards in Slack, with the credentials that
// Looker holds for the workspaces in which its Slack app is installed.
package slackapp

import (
	"context"
	"log/slog"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/slack"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
	_ action.Delegator   = (*Integration)(nil)
)

// Integration shares files in Slack.
type Integration struct {
	slack *slack.Connector
	log   *slog.Logger
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	connector, err := slack.Connect(deps)
	if err != nil {
		return nil, err
	}
	return &Integration{slack: connector, log: deps.Log}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "slack_app", Label: "Slack",
		Description: "Explore and share Looker content in Slack.",
		Params: []action.Param{{
			Name: "install", Label: "Connect to Slack", DelegateOAuthURL: "/admin/integrations/slack/install",
			// The line break and the spaces are contract.
			Description: "View dashboards and looks,\n     browse your favorites or folders, and interact with Looker content without " +
				"leaving Slack.",
		}},
		Types:      []action.Type{action.TypeQuery, action.TypeDashboard},
		Download:   action.URL,
		MinVersion: action.V(6, 23, 0),
	}
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	client, err := i.client(ctx, req)
	if err != nil {
		return nil, err
	}
	res, err := client.Deliver(ctx, req)
	if action.KindOf(err) == action.Unauthenticated {
		return nil, action.Wrap(err, action.Unauthenticated, "%s Log in to Slack again, in the form of the delivery.", action.MessageOf(err))
	}
	return res, err
}

// client returns the client of the chosen or the first workspace.
func (i *Integration) client(ctx context.Context, req *action.Request) (*slack.Client, error) {
	installs := i.installs(req)
	wanted := req.Form["workspace"]
	for _, in := range installs {
		if wanted == "" || in.id == wanted {
			return in.client, nil
		}
	}
	if len(installs) == 0 {
		return nil, action.Errorf(action.Invalid, "Missing client: log in to Slack first.")
	}
	// The form contains Slack's ID of a workspace, which can differ from Looker's.
	ctx, cancel := slack.WithFormTimeout(ctx)
	defer cancel()
	var unclear error
	for _, c := range i.connections(ctx, installs, (*slack.Client).KnownWorkspace) {
		switch {
		case c.err == nil && c.ID == wanted:
			return c.client, nil
		case c.err != nil && action.KindOf(c.err) != action.Unauthenticated:
			unclear = c.err
		}
	}
	if unclear != nil {
		return nil, unclear
	}
	return nil, action.InvalidField("workspace", "Missing client: Looker is not connected to the chosen Slack workspace.")
}
