// Package zapier posts query results to webhooks of Zapier.
package zapier

import (
	"integrationhub.dev/hub/action"
	"integrationhub.dev/integrations/internal/webhook"
)

// domain is the domain of Zapier's webhook URLs.
const domain = "zapier.com"

// limits are those of webhook triggers (https://docs.zapier.com/platform/build/operating-constraints and
// https://help.zapier.com/hc/en-us/articles/29972220283789-Webhooks-by-Zapier-rate-limits).
var limits = webhook.Limits{
	Size: "10 MB", Rate: "10,000 requests in five minutes from all of a user's Zaps, or 1,000 for a URL without a user ID",
}

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
		Domains: append([]string{domain}, s.ExtraDomains...), Limits: limits, HTTP: deps.HTTP,
	}, nil
}
