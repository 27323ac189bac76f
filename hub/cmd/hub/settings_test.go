package main

import (
	"log/slog"
	"strings"
	"testing"

	"integrationhub.dev/hub/action/actiontest"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/integrations"
)

// referenceEnvironment is every variable of the reference (section 15 of its specification).
const referenceEnvironment = `ACTION_HUB_BASE_URL ACTION_HUB_LABEL ACTION_HUB_SECRET PORT ACTION_HUB_SOCKET_TIMEOUT ACTION_HUB_JSON_KEEPALIVE_SEC
ACTION_HUB_STREAM_REQUEST_TIMEOUT ACTION_HUB_EXECUTE_PROCESS_COUNT ACTION_HUB_ENABLE_FORKING ACTION_HUB_DEBUG ACTION_HUB_DEBUG_ENDPOINT
ACTION_HUB_RAVEN_DSN CIPHER_MASTER CIPHER_PASSWORD ENCRYPT_PAYLOAD ENCRYPT_PAYLOAD_DROPBOX ENCRYPT_PAYLOAD_GOOGLE_DRIVE NODE_ENV APP_VERSION
CHILD_TEST AIRTABLE_CLIENT_ID AIRTABLE_CLIENT_SECRET AIRTABLE_ENDPOINT_URL DROPBOX_ACTION_APP_KEY DROPBOX_ACTION_APP_SECRET FACEBOOK_CLIENT_ID
FACEBOOK_CLIENT_SECRET FIREBASE_CLIENT_EMAIL FIREBASE_DATABASE FIREBASE_PRIVATE_KEY FIREBASE_PROJECT_ID GOOGLE_ADS_CLIENT_ID
GOOGLE_ADS_CLIENT_SECRET GOOGLE_ADS_DEVELOPER_TOKEN GOOGLE_ANALYTICS_CLIENT_ID GOOGLE_ANALYTICS_CLIENT_SECRET GOOGLE_DRIVE_CLIENT_ID
GOOGLE_DRIVE_CLIENT_SECRET GOOGLE_SHEET_CLIENT_ID GOOGLE_SHEET_CLIENT_SECRET GOOGLE_SHEET_RETRY GOOGLE_SHEETS_BASE_DELAY
GOOGLE_SHEETS_WRITE_BATCH KLOUDIO_API_URL KLOUDIO_SIGNED_URL SALESFORCE_CLIENT_ID SALESFORCE_CLIENT_SECRET SALESFORCE_MAX_RESULTS
SALESFORCE_CHUNK_SIZE`

// A team that moves over mounts the environment of its own hub. All of it is known, even to a strict hub.
func TestReferenceEnvironmentIsKnown(t *testing.T) {
	t.Parallel()
	environment := map[string]string{
		"ACTION_HUB_STRICT": "true",
		// What runtimes and clouds set beside it.
		"AWS_REGION": "eu-central-1", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x", "AZURE_CLIENT_ID": "x", "AZURE_TENANT_ID": "x",
		"AZURE_FEDERATED_TOKEN_FILE": "/x", "AZURE_AUTHORITY_HOST": "https://x", "GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_APPLICATION_CREDENTIALS": "/x",
		"SLACK_SERVICE_HOST": "10.0.0.1", "SLACK_PORT_443_TCP": "tcp://10.0.0.1:443", "KUBERNETES_SERVICE_HOST": "10.0.0.1",
		"INTEGRATION_HUB_CLUSTER": "demo", "ACTIONS_RUNNER": "x", "HTTPS_PROXY": "http://proxy:3128", "NODE_VERSION": "20", "HOSTNAME": "hub-1", "GOMEMLIMIT": "100", "OTEL_SERVICE_NAME": "hub",
	}
	for name := range strings.FieldsSeq(referenceEnvironment) {
		environment[name] = "1"
	}
	environment["ACTION_HUB_BASE_URL"], environment["ACTION_HUB_SECRET"] = "https://hub.example.com", "test-secret-of-the-hub"
	environment["CIPHER_MASTER"] = strings.Repeat("ab", 32)
	environment["KLOUDIO_API_URL"], environment["KLOUDIO_SIGNED_URL"] = "https://x.example.com", "https://x.example.com"
	cfg, err := config.Load(environment)
	if err != nil {
		t.Fatal(err)
	}
	deps := actiontest.Deps(t, nil, environment)
	deps.Log = slog.New(slog.DiscardHandler)
	c, err := catalog.New(integrations.All(), cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range c.Problems {
		if strings.Contains(problem.Error(), "no setting") { // "1" is not a valid key for Firebase
			t.Errorf("%v", problem)
		}
	}
	for name, reason := range c.Unavailable {
		if strings.Contains(reason, "unknown") {
			t.Errorf("%s is withheld: %s", name, reason)
		}
	}
}

// A typo in any setting of any integration is noticed.
func TestTyposInSettings(t *testing.T) {
	t.Parallel()
	settings := map[string][]string{}
	for _, r := range integrations.All() {
		deps := actiontest.Deps(t, nil, nil)
		deps.Declare = func(names []string) { settings[r.Name] = append(settings[r.Name], names...) }
		_, _ = r.New(deps)
	}
	for integration, names := range settings {
		for _, name := range names {
			typo := name + "X"
			unknown := config.Config{}.UnknownSettings(map[string]string{typo: "1"}, settings)
			if len(unknown) != 1 || unknown[0].Name != typo || !strings.Contains(unknown[0].Suggestion, name) {
				t.Errorf("%s: %s is not noticed: %v", integration, typo, unknown)
			}
		}
	}
}
