package zapier_test

import (
	"testing"

	"integrationhub.dev/integrations/internal/webhook/webhooktest"
	"integrationhub.dev/integrations/zapier"
)

func TestZapier(t *testing.T) {
	webhooktest.Run(t, webhooktest.Service{
		New: zapier.New, Label: "Zapier Webhook URL",
		Host: "hooks.zapier.com", Domains: []string{"zapier.com"}, ExtraDomains: "ZAPIER_EXTRA_DOMAINS",
		Size: "10 MB", Rate: "10,000 requests in five minutes from all of a user's Zaps, or 1,000 for a URL without a user ID",
	})
}
