package zapier_test

import (
	"testing"

	"integrationhub.dev/integrations/internal/webhook/webhooktest"
	"integrationhub.dev/integrations/zapier"
)

func TestZapier(t *testing.T) {
	webhooktest.Run(t, webhooktest.Service{
		New: zapier.New, Label: "Zapier Webhook URL",
		Host: "hooks.zapier.com", Domain: "zapier.com", ExtraDomains: "ZAPIER_EXTRA_DOMAINS",
	})
}
