// Package googlechat posts the first rows of a query's result in a Google Chat space, through a webhook.
package googlechat

import (
	"context"
	"strconv"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/message"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// The default and the maximum number of rows in a message.
const (
	defaultRows = 10
	maxRows     = 100
)

// input is what the user enters.
type input struct {
	URL    string `form:"url,required"`
	Text   string `form:"text"`
	Rows   rows   `form:"rows"`
	Thread string `form:"thread"`
}

// Integration posts in Google Chat.
type Integration struct{ client }

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	return &Integration{newClient(deps.HTTP)}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "google_chat", Label: "Google Chat",
		Description: "Post the first rows of a result, with a link to Looker, in a space of Google Chat.",
		Types:       []action.Type{action.TypeQuery},
		Formats:     []action.Format{action.JSONDetail},
		Download:    action.Push,
		MinVersion:  action.V(5, 5, 0),
	}
}

// Form implements [action.FormBuilder].
func (*Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: []action.Field{
		{Name: "url", Label: "Webhook URL", Description: "In the space: Apps & integrations, Webhooks.", Type: action.String, Required: true},
		{
			Name: "text", Label: "Text", Description: "Shown above the rows. Can contain Google Chat's formatting and mentions.",
			Type: action.Textarea,
		},
		{
			Name: "rows", Label: "Rows", Description: "How many rows to show, 100 at most.", Type: action.String,
			Default: strconv.Itoa(defaultRows),
		},
		{Name: "thread", Label: "Thread", Description: "Messages with the same text here are posted in one thread.", Type: action.String},
	}}, nil
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	address, thread, err := endpoint(in.URL, in.Thread)
	if err != nil {
		return nil, err
	}
	first, err := message.ReadPreview(ctx, req.Data, in.Rows.count())
	if err != nil {
		return nil, err
	}
	body, err := encodeMessage(in.Text, thread, req.Plan, first)
	if err != nil {
		return nil, err
	}
	if err := i.post(ctx, address, body); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}
