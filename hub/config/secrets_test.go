package config_test

import (
	"errors"
	"strings"
	"testing"

	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/token"
)

func TestShortServiceSecrets(t *testing.T) {
	t.Parallel()
	for _, short := range []string{"x", "fifteen-letters", "                    ", "  short but padded "} {
		if _, err := config.Load(map[string]string{"ACTION_HUB_BASE_URL": "http://localhost", "ACTION_HUB_LABEL": "x", "ACTION_HUB_SECRET": short}); (err == nil) != (short == "  short but padded ") {
			t.Errorf("%q: %v", short, err)
		}
		dir := t.TempDir()
		files := []string{writeFile(t, dir, "secret", serviceSecret), writeFile(t, dir, "previous", short)}
		if _, err := config.LoadSecrets("", files); errors.Is(err, token.ErrShortSecret) == (short == "  short but padded ") {
			t.Errorf("previous %q: %v", short, err)
		} else if err != nil && (!strings.Contains(err.Error(), "previous") || strings.Contains(err.Error(), short)) {
			t.Errorf("previous %q: the error says %q", short, err)
		}
	}
}
