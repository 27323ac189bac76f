// Package tray posts query results to webhooks of Tray.
package tray

import (
	"slices"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/webhook"
)

// domains are the domains of Tray's webhook URLs, of which the second is for workflows without Tray's brand. Regions other
// than the US have subdomains, such as eu1.trayapp.io
// (https://docs.tray.ai/platform/embedded/advanced-features/whitelabelling/public-urls).
var domains = []string{"trayapp.io", "integration-hook.com"}

// limits are those of webhook triggers (https://tray.io/documentation/platform/connectors/webhook-trigger/).
var limits = webhook.Limits{Size: "1 MB"}

// settings are the hub's environment variables.
type settings struct {
	// ExtraDomains are additional domains of webhook URLs, such as a private gateway.
	ExtraDomains []string `env:"TRAY_EXTRA_DOMAINS"`
}

// New makes the integration. It needs no settings.
func New(deps action.Deps) (action.Integration, error) {
	s, err := action.Settings[settings](deps)
	if err != nil {
		return nil, err
	}
	return webhook.Receiver{
		Name: "tray", Label: "Tray", Description: "Send data and begin a Tray workflow.",
		Domains: slices.Concat(domains, s.ExtraDomains), Limits: limits, HTTP: deps.HTTP,
	}, nil
}
