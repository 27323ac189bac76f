package slackapp

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/slack"
)

// Form implements [action.FormBuilder].
func (i *Integration) Form(ctx context.Context, req *action.Request) (*action.Form, error) {
	installs := i.installs(req)
	if len(installs) == 0 {
		return login(req, nil)
	}
	ctx, cancel := slack.WithFormTimeout(ctx)
	defer cancel()
	var fields []action.Field
	client := installs[0].client
	if several(req.Version) {
		var err error
		fields, client, err = choose(i.connections(ctx, installs, (*slack.Client).KnownWorkspace), req.Form["workspace"])
		if err != nil {
			return nil, err
		}
	}
	if client == nil {
		return login(req, fields)
	}
	common, err := client.FieldsFor(ctx, req.Form)
	switch {
	case action.KindOf(err) == action.Unauthenticated:
		return login(req, fields)
	case err != nil:
		return nil, err
	}
	return &action.Form{Fields: append(fields, common...)}, nil
}

// login adds a field for the login to the existing fields.
func login(req *action.Request, fields []action.Field) (*action.Form, error) {
	if req.StateURL == "" {
		return nil, action.Errorf(action.Invalid, "Illegal State: state_url is empty.")
	}
	return &action.Form{
		Fields: append(fields, action.Field{
			Name: "login", Label: "Log in", Type: action.OAuthLink, OAuthURL: req.StateURL,
			Description: "In order to send to a file, you will need to log in to your Slack account.",
		}),
		State: &action.State{},
	}, nil
}

// choose returns the field for the workspace, and the client of the wanted or the first one. The client is nil
// if that workspace cannot be used.
//
// A workspace that rejects its token is left out. After another error it stays in the list with its ID, so that
// a schedule keeps its workspace during an outage.
func choose(connections []connection, wanted string) ([]action.Field, *slack.Client, error) {
	var (
		options []action.Option
		client  *slack.Client
		unclear error
		first   *connection
	)
	for _, c := range connections {
		option := action.Option{Name: c.ID, Label: c.Name}
		switch {
		case c.err == nil:
			first = cmp.Or(first, &c)
		case action.KindOf(c.err) == action.Unauthenticated:
			continue
		default:
			unclear = c.err
			option = action.Option{Name: c.id, Label: c.id}
		}
		if !slices.Contains(options, option) {
			options = append(options, option)
		}
		if client == nil && (wanted == c.id || wanted == option.Name) {
			client, wanted = c.client, option.Name
		}
	}
	switch {
	case first == nil:
		return nil, nil, unclear
	case wanted == "":
		client, wanted = first.client, first.ID
	}
	return []action.Field{{
		Name: "workspace", Label: "Workspace", Description: "Name of the Slack workspace you would like to share in.",
		Type: action.Select, Required: true, Interactive: true, Default: wanted, Options: options,
	}}, client, nil
}

// CheckConnection implements [action.Delegator].
func (i *Integration) CheckConnection(ctx context.Context, req *action.Request) (*action.Form, error) {
	installs := i.installs(req)
	if len(installs) == 0 {
		return nil, action.Errorf(action.Unauthenticated, "You must connect to a Slack workspace first.")
	}
	ctx, cancel := slack.WithFormTimeout(ctx)
	defer cancel()
	form := &action.Form{}
	var failed error
	for _, c := range i.connections(ctx, installs, (*slack.Client).Workspace) {
		if c.err != nil {
			failed = c.err
			continue
		}
		value := fmt.Sprintf("Connected with %s (%s)", c.Name, c.ID)
		if several(req.Version) {
			text, err := json.Marshal(struct {
				ID   string `json:"installation_id"`
				Name string `json:"installation_name"`
			}{c.ID, c.Name})
			if err != nil {
				return nil, fmt.Errorf("encoding a workspace: %w", err)
			}
			value = string(text)
		}
		form.Fields = append(form.Fields, action.Field{Name: "Connected", Type: action.Message, Value: value})
	}
	if len(form.Fields) == 0 {
		return nil, failed
	}
	return form, nil
}
