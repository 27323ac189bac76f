// Package tray posts query results to webhooks of Tray.
package tray

import (
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/webhook"
)

// domain is the domain of Tray's webhook URLs.
const domain = "trayapp.io"

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
		Domains: append([]string{domain}, s.ExtraDomains...), HTTP: deps.HTTP,
	}, nil
}
