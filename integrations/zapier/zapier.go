// Package zapier posts query results to webhooks of Zapier.
package zapier

import (
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/webhook"
)

// domain is the domain of Zapier's webhook URLs.
const domain = "zapier.com"

// settings are the hub's environment variables.
type settings struct {
	// ExtraDomains are additional domains of webhook URLs, such as a private gateway.
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
