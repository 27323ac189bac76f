// Package zapier posts query results to webhooks of Zapier.
package zapier

import (
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/webhook"
)

// domain is where Zapier's webhooks live.
const domain = "zapier.com"

// settings are the hub's: an administrator's environment.
type settings struct {
	// ExtraDomains are further domains that webhooks may live at, such as a private gateway.
	ExtraDomains []string `env:"ZAPIER_EXTRA_DOMAINS"`
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	return webhook.Receiver{
		Name: "zapier", Label: "Zapier", Description: "Send data and begin a Zapier zap.",
		Domains: append([]string{domain}, s.ExtraDomains...), HTTP: deps.HTTP,
	}, nil
}
