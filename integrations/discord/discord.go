// Package discord posts query results and dashboards as files in a Discord channel, through a webhook.
package discord

import (
	"context"
	"unicode/utf16"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/datafile"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

const (
	// maxText is the maximum number of UTF-16 units in a text
	// (https://docs.discord.com/developers/resources/webhook#execute-webhook).
	maxText = 2000
	// maxThreadName is the maximum number of UTF-16 units in the name of a thread.
	maxThreadName = 100
	// maxFile is the limit of a server with all boosts. Without boosts, it is 10 MB.
	maxFile = 100 << 20
)

// input is what the user enters.
type input struct {
	URL        string `form:"url,required"`
	Text       string `form:"text"`
	Thread     thread `form:"thread"`
	ThreadName string `form:"thread_name"`
}

// Validate implements what [action.Decode] asks for.
func (in *input) Validate() error {
	if n := len(utf16.Encode([]rune(in.Text))); n > maxText {
		return action.InvalidField("text", "The text has %d characters. Discord allows %d.", n, maxText)
	}
	in.ThreadName = action.Line(in.ThreadName)
	if n := len(utf16.Encode([]rune(in.ThreadName))); n > maxThreadName {
		return action.InvalidField("thread_name", "The title has %d characters. Discord allows %d.", n, maxThreadName)
	}
	return nil
}

// Integration posts in Discord.
type Integration struct{ client }

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	return &Integration{newClient(deps.HTTP)}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "discord", Label: "Discord",
		Description: "Post a data file, with a link to Looker, in a channel of Discord.",
		Types:       []action.Type{action.TypeQuery, action.TypeDashboard},
		Download:    action.Push,
		MinVersion:  action.V(5, 5, 0),
	}
}

// Form implements [action.FormBuilder].
func (*Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return &action.Form{Fields: append([]action.Field{
		{
			Name: "url", Label: "Webhook URL", Description: "In the channel's settings: Integrations, Webhooks.",
			Type: action.String, Required: true,
		},
		{Name: "text", Label: "Text", Description: "Shown above the file. Can contain Discord's Markdown and mentions.", Type: action.Textarea},
		{Name: "filename", Label: "Filename", Type: action.String},
		{Name: "thread", Label: "Thread ID", Description: "The thread of the channel in which to post.", Type: action.String},
		{
			Name: "thread_name", Label: "Post Title", Description: "For a webhook of a forum or media channel: creates a post with this title.",
			Type: action.String,
		},
	}, datafile.Fields()...)}, nil
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	address, err := endpoint(in)
	if err != nil {
		return nil, err
	}
	if _, err := datafile.Prepare(req); err != nil {
		return nil, err
	}
	blob, err := req.Data.Spool(ctx, maxFile) // incomplete data must not be sent
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	if blob.Size() == 0 {
		return nil, action.Errorf(action.Invalid, "Looker sent no data.")
	}
	body, err := newMessage(in, req, blob)
	if err != nil {
		return nil, err
	}
	if err := i.send(ctx, address, body, blob.Size()); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}
