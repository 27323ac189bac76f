package action_test

import (
	"testing"

	"integrationhub.dev/hub/action"
)

// Settings come from the environment that is passed, never from the process's own.
func TestSettingsWithoutEnvironment(t *testing.T) {
	t.Setenv("TRACKER_CLIENT_ID", "of the process")
	type settings struct {
		ClientID string `env:"TRACKER_CLIENT_ID"`
	}
	s, err := action.Settings[settings](action.Deps{})
	if err != nil || s.ClientID != "" {
		t.Errorf("read %q, %v", s.ClientID, err)
	}
}
