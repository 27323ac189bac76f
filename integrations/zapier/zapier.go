// Package zapier posts query results to webhooks of Zapier.
package zapier

import (
	"context"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/webhook"
)

var (
	_ action.Integration = (*Integration)(nil)
	_ action.FormBuilder = (*Integration)(nil)
)

// domain is where Zapier's webhooks live.
const domain = "zapier.com"

// settings are the hub's: an administrator's environment.
type settings struct {
	// ExtraDomains are further domains that webhooks may live at, such as a private gateway.
	ExtraDomains []string `env:"ZAPIER_EXTRA_DOMAINS"`
}

// Integration posts to webhooks of Zapier.
type Integration struct {
	receiver webhook.Receiver
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	return &Integration{webhook.Receiver{
		Name: "Zapier", Domains: append([]string{domain}, s.ExtraDomains...), HTTP: deps.HTTP,
	}}, nil
}

// Definition implements [action.Integration].
func (*Integration) Definition() action.Definition {
	return webhook.Definition("zapier", "Zapier", "Send data and begin a Zapier zap.")
}

// Form implements [action.FormBuilder].
func (*Integration) Form(context.Context, *action.Request) (*action.Form, error) {
	return webhook.Form("Zapier Webhook URL"), nil
}

// Execute implements [action.Integration].
func (i *Integration) Execute(ctx context.Context, req *action.Request) (*action.Response, error) {
	if err := i.receiver.Deliver(ctx, req); err != nil {
		return nil, err
	}
	return &action.Response{}, nil
}
