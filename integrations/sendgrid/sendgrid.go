// Package sendgrid sends query results and dashboards as email attachments with SendGrid.
package sendgrid

import (
	"cmp"
	"context"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/datafile"
	"integrationhub.dev/integrations/internal/message"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// settings are the hub's environment variables.
type settings struct {
	// AllowedDomains are the allowed domains of recipients. Empty allows all.
	AllowedDomains []string `env:"SENDGRID_ALLOWED_DOMAINS"`
}

// input is the integration's setting in Looker and the user's answers.
type input struct {
	APIKey  action.Secret `param:"sendgrid_api_key,required"`
	To      string        `form:"to"`
	From    string        `form:"from"`
	Subject string        `form:"subject"`
	Message string        `form:"message"`
}

// Integration sends mail with SendGrid.
type Integration struct {
	client
	settings settings
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	for n, domain := range s.AllowedDomains {
		s.AllowedDomains[n] = strings.TrimSpace(domain)
	}
	return &Integration{newClient(deps.HTTP), s}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return action.Definition{
		Name: "sendgrid", Label: "SendGrid",
		Description: "Send data files to an email via SendGrid.",
		Params: []action.Param{{
			Name: "sendgrid_api_key", Label: "SendGrid API Key", Required: true, Sensitive: true,
			Description: "API key for SendGrid from https://app.sendgrid.com/settings/api_keys.",
		}},
		Types:      []action.Type{action.TypeQuery, action.TypeDashboard},
		Download:   action.Push,
		MinVersion: action.V(5, 5, 0),
	}
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	in, err := action.Decode[input](req)
	if err != nil {
		return nil, err
	}
	from, err := sender(in.From)
	if err != nil {
		return nil, err
	}
	to, err := mailTo(in.To, i.settings.AllowedDomains)
	if err != nil {
		return nil, err
	}
	if req.Data.Empty() {
		return nil, errNoData
	}
	zone, err := datafile.Prepare(req)
	if err != nil {
		return nil, err
	}
	blob, err := req.Data.Spool(ctx, maxMail) // incomplete data must not be sent
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	if blob.Size() == 0 {
		return nil, errNoData
	}
	now := zone.In(time.Now())
	m, err := newMail(email{
		From: from, Personalizations: []personalization{{To: to}},
		Subject: message.Expand(cmp.Or(message.Line(in.Subject), "{title}"), req.Plan, now),
		Content: content(message.Expand(strings.TrimSpace(in.Message), req.Plan, now), message.Link(req.Plan.URL)),
	}, file{Filename: req.CompleteFilename(), Type: message.MediaType(req.Data), Disposition: "attachment"}, blob)
	if err != nil {
		return nil, err
	}
	if err := i.send(ctx, in.APIKey, m); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}

var errNoData = action.Errorf(action.Invalid, "Error: could not retrieve data from attachment, or attachment does not exist")
