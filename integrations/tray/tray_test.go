package tray_test

import (
	"testing"

	"integrationhub.dev/integrations/internal/webhook/webhooktest"
	"integrationhub.dev/integrations/tray"
)

func TestTray(t *testing.T) {
	webhooktest.Run(t, webhooktest.Service{
		New: tray.New, Label: "Tray Webhook URL",
		Host: "abc.trayapp.io", Domains: []string{"trayapp.io", "integration-hook.com"}, Size: "1 MB", ExtraDomains: "TRAY_EXTRA_DOMAINS",
	})
}
