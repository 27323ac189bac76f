package config_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/config"
)

const serviceSecret = "test-secret-of-the-hub"

func TestConfigReportsEverything(t *testing.T) {
	t.Parallel()
	_, err := config.Load(map[string]string{"CIPHER_MASTER": "xyz", "ACTION_HUB_TLS_CERT_FILE": "a"})
	for _, want := range []string{"ACTION_HUB_BASE_URL", "ACTION_HUB_LABEL", "ACTION_HUB_SECRET", "CIPHER_MASTER", "ACTION_HUB_TLS_KEY_FILE"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not reported: %v", want, err)
		}
	}
	c, err := config.Load(map[string]string{"BASE_URL": "https://old.example.com/", "INTEGRATION_PROVIDER_LABEL": "Old", "INTEGRATION_SERVICE_SECRET": serviceSecret})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{"base URL": c.BaseURL, "label": c.Label, "secret": c.Secret.Reveal(), "address": c.ListenAddress}
	want := map[string]string{"base URL": "https://old.example.com", "label": "Old", "secret": serviceSecret, "address": ":8080"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read from the older names (-want +got):\n%s", diff)
	}
}

// TestReferenceEnvironment: each of the reference's settings is read, belongs to an
// integration, or is named as one without effect (its own list of them, section 15 of its
// specification).
func TestReferenceEnvironment(t *testing.T) {
	t.Parallel()
	environment := map[string]string{
		"ACTION_HUB_BASE_URL": "https://hub.example.com", "ACTION_HUB_LABEL": "Hub", "ACTION_HUB_SECRET": serviceSecret,
		"PORT": "8443", "ACTION_HUB_JSON_KEEPALIVE_SEC": "7", "ACTION_HUB_STREAM_REQUEST_TIMEOUT": "1000",
		"ACTION_WHITELIST": "slack,tray", "CIPHER_MASTER": strings.Repeat("ab", 32),
		"ACTION_HUB_SOCKET_TIMEOUT": "0", "ACTION_HUB_EXECUTE_PROCESS_COUNT": "2", "ACTION_HUB_ENABLE_FORKING": "false",
		"CIPHER_PASSWORD": "x", "NODE_ENV": "production",
	}
	c, err := config.Load(environment)
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]any{
		"base URL": c.BaseURL, "label": c.Label, "secret": c.Secret.Reveal(), "address": c.ListenAddress,
		"keep-alive": c.KeepAliveSeconds, "stream timeout": c.StreamTimeoutMillis, "enabled": c.Enabled,
	}
	if diff := cmp.Diff(map[string]any{
		"base URL": "https://hub.example.com", "label": "Hub", "secret": serviceSecret, "address": ":8443",
		"keep-alive": 7, "stream timeout": 1000, "enabled": []string{"slack", "tray"},
	}, read); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	if c.CipherMaster.Reveal() == "" {
		t.Error("the cipher's key is not read")
	}
	without := slices.Sorted(maps.Keys(config.IgnoredSettings(environment)))
	want := []string{"ACTION_HUB_ENABLE_FORKING", "ACTION_HUB_EXECUTE_PROCESS_COUNT", "ACTION_HUB_SOCKET_TIMEOUT", "CIPHER_PASSWORD", "NODE_ENV"}
	if diff := cmp.Diff(want, without); diff != "" {
		t.Errorf("without effect (-want +got):\n%s", diff)
	}
}

func TestJobLimitsByTheirOldNames(t *testing.T) {
	t.Parallel()
	environment := map[string]string{
		"ACTION_HUB_BASE_URL": "https://hub.example.com", "ACTION_HUB_LABEL": "Hub", "ACTION_HUB_SECRET": serviceSecret,
		"ACTION_HUB_MAX_WATCHES": "7", "ACTION_HUB_WATCH_TIMEOUT": "2h",
	}
	c, err := config.Load(environment)
	if err != nil {
		t.Fatal(err)
	}
	if c.MaxJobs != 7 || c.JobTimeout != 2*time.Hour {
		t.Errorf("the old names give %d jobs for %v", c.MaxJobs, c.JobTimeout)
	}
	environment["ACTION_HUB_MAX_JOBS"] = "8"
	if c, err = config.Load(environment); err != nil || c.MaxJobs != 8 {
		t.Errorf("with both names: %d jobs, %v", c.MaxJobs, err)
	}
}

// Each error names the variable, its value unless that is secret, and what is valid.
func TestInvalidSettings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, value, want string }{
		{"ENCRYPT_PAYLOAD", "maybe", `ENCRYPT_PAYLOAD is "maybe", but must be true or false`},
		{"ACTION_HUB_STATUS_PAGE", "sometimes", `ACTION_HUB_STATUS_PAGE is "sometimes", but must be public, token or off`},
		{"PORT", "http", `PORT is "http", but must be a whole number such as 8080`},
		{"ACTION_HUB_DELIVERY_TIMEOUT", "60", `ACTION_HUB_DELIVERY_TIMEOUT is "60", but must be a duration such as 1h`},
		{"ACTION_HUB_DELIVERY_TIMEOUT", "0s", `ACTION_HUB_DELIVERY_TIMEOUT is "0s", but must be longer than 0, such as 30m`},
		{"ACTION_HUB_MAX_DELIVERIES", "0", `ACTION_HUB_MAX_DELIVERIES is "0", but must be at least 1`},
		{"ACTION_HUB_MAX_ROWS", "1e6", `ACTION_HUB_MAX_ROWS is "1e6", but must be a whole number such as 100`},
		{
			"ACTION_HUB_EGRESS_DENY_CIDRS", "10.0.0.0",
			`ACTION_HUB_EGRESS_DENY_CIDRS is "10.0.0.0", but must be an IP range such as 10.0.0.0/8, or several, separated by commas`,
		},
		{
			"ACTION_HUB_EGRESS_ALLOW_PORTS", "https",
			`ACTION_HUB_EGRESS_ALLOW_PORTS is "https", but must be a whole number of at least 0 such as 100, or several, separated by commas`,
		},
		{"ACTION_HUB_LOG_LEVEL", "loud", `ACTION_HUB_LOG_LEVEL is "loud", but must be debug, info, warn or error`},
		{"ACTION_HUB_LOG_FORMAT", "xml", `ACTION_HUB_LOG_FORMAT is "xml", but must be json or text`},
		{"ACTION_HUB_BASE_URL", "hub.example.com", `ACTION_HUB_BASE_URL is "hub.example.com", but must be a URL such as https://hub.example.com`},
		{"ACTION_HUB_SECRET", "short", "ACTION_HUB_SECRET must have at least 16 characters"},
		{"CIPHER_MASTER", "s3cret", "CIPHER_MASTER must be 64 hexadecimal digits"},
		{"ACTION_HUB_STATE_FORMAT", "v1", `ACTION_HUB_STATE_FORMAT is "v1", but must be sealed or reference`},
		{
			"ACTION_HUB_STATE_FORMAT", "reference",
			`ACTION_HUB_STATE_FORMAT is "reference", but must be sealed without CIPHER_MASTER, which has the reference's key`,
		},
	} {
		environment := map[string]string{
			"ACTION_HUB_BASE_URL": "https://hub.example.com", "ACTION_HUB_LABEL": "Hub", "ACTION_HUB_SECRET": serviceSecret,
		}
		environment[tt.name] = tt.value
		if _, err := config.Load(environment); err == nil || err.Error() != tt.want {
			t.Errorf("%s=%s: error %v, want %s", tt.name, tt.value, err, tt.want)
		}
	}
}

// The setting of the status page was a boolean: true meant that everyone can read it.
func TestStatusPage(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.StatusPage{
		"": config.StatusPageToken, "token": config.StatusPageToken, " Token ": config.StatusPageToken,
		"public": config.StatusPagePublic, "true": config.StatusPagePublic, "1": config.StatusPagePublic, "on": config.StatusPagePublic,
		"off": config.StatusPageOff, "false": config.StatusPageOff, "No": config.StatusPageOff,
	} {
		c, err := config.Load(map[string]string{
			"ACTION_HUB_BASE_URL": "https://hub.example.com", "ACTION_HUB_LABEL": "Hub", "ACTION_HUB_SECRET": serviceSecret,
			"ACTION_HUB_STATUS_PAGE": text,
		})
		if err != nil || c.StatusPage != want {
			t.Errorf("%q: %q, error %v", text, c.StatusPage, err)
		}
	}
}

// Booleans are read in the forms that people write. Nothing else is taken for false.
func TestBooleans(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"true": true, "TRUE": true, "True": true, "1": true, "yes": true, "on": true, " true ": true,
		"false": false, "0": false, "no": false, "OFF": false, "": false,
	} {
		environment := map[string]string{
			"ACTION_HUB_BASE_URL": "https://hub.example.com", "ACTION_HUB_LABEL": "Hub", "ACTION_HUB_SECRET": serviceSecret,
			"ENCRYPT_PAYLOAD": text,
		}
		c, err := config.Load(environment)
		if err != nil || c.EncryptState != want {
			t.Errorf("%q: %v, error %v", text, c.EncryptState, err)
		}
		environment = map[string]string{"ENCRYPT_PAYLOAD_SLACK": text}
		got, err := config.Config{EncryptState: true}.EncryptsState("slack", environment)
		if err != nil || got != (want || text == "") {
			t.Errorf("for one integration, %q: %v, error %v", text, got, err)
		}
	}
}
