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
	// Region is that of schedules that do not choose one.
	Region region `env:"SENDGRID_REGION" envDefault:"global"`
}

// input is the integration's setting in Looker and the user's answers.
type input struct {
	APIKey  action.Secret `param:"sendgrid_api_key,required"`
	To      string        `form:"to"`
	From    string        `form:"from"`
	Subject string        `form:"subject"`
	Message string        `form:"message"`
	CC      string        `form:"cc"`
	BCC     string        `form:"bcc"`
	ReplyTo string        `form:"reply_to"`
	// TemplateID is a dynamic template's, and TemplateData a JSON object for it.
	TemplateID   string `form:"template_id"`
	TemplateData string `form:"template_data"`
	Region       region `form:"region"`
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
	s.Region = cmp.Or(s.Region, global)
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
	zone, err := datafile.Prepare(req)
	if err != nil {
		return nil, err
	}
	m, err := i.compose(in, req.Plan, zone.In(time.Now()))
	if err != nil {
		return nil, err
	}
	if req.Data.Empty() {
		return nil, errNoData
	}
	blob, err := req.Data.Spool(ctx, maxMail) // incomplete data must not be sent
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	if blob.Size() == 0 {
		return nil, errNoData
	}
	encoded, err := newMail(m, file{Filename: req.CompleteFilename(), Type: message.MediaType(req.Data), Disposition: "attachment"}, blob)
	if err != nil {
		return nil, err
	}
	if err := i.send(ctx, cmp.Or(in.Region, i.settings.Region), in.APIKey, encoded); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}

// compose returns the mail without its attachment.
func (i *Integration) compose(in input, plan action.Plan, now time.Time) (email, error) {
	var m email
	var err error
	if m.From, err = sender(in.From); err != nil {
		return m, err
	}
	envelope, err := recipients(in, i.settings.AllowedDomains)
	if err != nil {
		return m, err
	}
	// Answers come from the recipients and not from the hub: any domain may get them.
	if m.ReplyToList, err = addresses("reply_to", in.ReplyTo, nil); err != nil {
		return m, err
	}
	if len(m.ReplyToList) == 1 {
		m.ReplyTo, m.ReplyToList = &m.ReplyToList[0], nil
	}
	if m.TemplateID, err = templateID(in.TemplateID); err != nil {
		return m, err
	}
	expand := func(text string) string { return message.Expand(text, plan, now) }
	m.Subject = expand(cmp.Or(action.Line(in.Subject), "{title}"))
	text, link := expand(strings.TrimSpace(in.Message)), message.Link(plan.URL)
	if m.TemplateID == "" {
		m.Content = content(text, link)
	} else if envelope.Data, err = templateData(in.TemplateData, map[string]string{
		"title": message.Title(plan), "link": link, "date": now.Format(time.DateOnly), "subject": m.Subject, "message": text,
	}, expand); err != nil {
		return m, err
	}
	m.Personalizations = []personalization{envelope}
	return m, nil
}

var errNoData = action.Errorf(action.Invalid, "Error: could not retrieve data from attachment, or attachment does not exist")
