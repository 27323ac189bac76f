// Package teamsincomingwebhook posts a card with a link to Looker in a Microsoft Teams channel. The webhook
// belongs to a workflow, or to one of the connectors that Microsoft has retired.
package teamsincomingwebhook

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/webhook"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// input is what the user enters.
type input struct {
	WebhookURL string `form:"webhookUrl,required"`
	Title      string `form:"title,required"`
	Text       string `form:"text"`
	IsAttached bool   `form:"isAttached"`
	// Preview is empty in schedules that are older than the field. They show no data.
	Preview bool `form:"preview"`
}

// Integration posts cards in Teams.
type Integration struct {
	http *http.Client
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) { return &Integration{deps.HTTP}, nil }

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "teams_incomingwebhook", Label: "Teams - Incoming Webhook",
		Description:    "Send data to Teams Incoming webhook",
		Types:          []action.Type{action.TypeQuery, action.TypeDashboard},
		Formats:        []action.Format{action.CSV, action.WysiwygPNG, action.WysiwygPDF},
		Formattings:    []action.Formatting{action.Unformatted},
		VisFormattings: []action.VisFormatting{action.NoApply},
		Download:       action.Push,
		MinVersion:     action.V(5, 5, 0),
	}
}

var choice = []action.Option{{Name: "false", Label: "false"}, {Name: "true", Label: "true"}}

// urlDescription says which URL to enter.
const urlDescription = "The URL of a workflow. Old ones at logic.azure.com and those of connectors no longer work: copy the new URL from " +
	"the workflow."

// Form implements [action.FormBuilder].
func (*Integration) Form(_ context.Context, req *action.Request) (*action.Form, error) {
	description := urlDescription
	if u, err := url.Parse(strings.TrimSpace(req.Form["webhookUrl"])); err == nil {
		description = cmp.Or(replaced(u), description)
	}
	return &action.Form{Fields: []action.Field{
		{Name: "webhookUrl", Label: "Webhook URL", Description: description, Type: action.String, Required: true},
		{Name: "title", Label: "Title", Type: action.String, Required: true},
		{Name: "text", Label: "Text", Type: action.Textarea},
		{
			Name: "isAttached", Label: "Attach Meta Data", Description: "attach meta data(type,title,model,view)",
			Type: action.Select, Default: "false", Options: choice,
		},
		{
			Name: "preview", Label: "Show Data", Description: "The first rows of CSV, or a PNG if it is small. For webhooks of workflows.",
			Type: action.Select, Default: "false", Options: choice,
		},
	}}, nil
}

// Execute implements [action.Integration]. It sends only a card, because Teams webhooks do not support
// files.
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	address, err := webhook.Address("webhookUrl", in.WebhookURL)
	if err != nil {
		return nil, err
	}
	if !isWeb(req.Plan.URL) {
		// The card would have no link.
		return nil, action.Errorf(action.Invalid, "Teams Error: Couldn't get data from scheduledPlan")
	}
	c := card{title: in.Title, text: in.Text, link: req.Plan.URL}
	if in.IsAttached {
		c.facts = facts(req)
	}
	if in.Preview && !isConnector(address) {
		if c.content, err = show(ctx, req); err != nil {
			return nil, err
		}
	}
	if err := i.post(ctx, address, c); err != nil {
		return nil, err
	}
	return &action.Response{Message: "success"}, nil
}

func isWeb(link string) bool {
	u, err := url.Parse(link)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// facts describe what the card links to, as far as it is known.
func facts(req *action.Request) []fact {
	all := []fact{{"Type", req.Plan.Type}, {"Title", req.Plan.Title}}
	if req.Type == action.TypeQuery {
		all = append(all, fact{"Model", req.Plan.Model}, fact{"View", req.Plan.View})
	}
	known := all[:0]
	for _, f := range all {
		if f.value != "" {
			known = append(known, f)
		}
	}
	return known
}
