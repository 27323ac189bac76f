package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"integrationhub.dev/hub/action"
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

// An error about a value names the setting once: the reasons of the settings' types begin with "must".
func TestErrorsNameTheSettingOnce(t *testing.T) {
	t.Parallel()
	found := 0
	for _, r := range integrations.All() {
		var names []string
		deps := actiontest.Deps(t, nil, nil)
		deps.Declare = func(all []string) { names = append(names, all...) }
		_, _ = r.New(deps)
		for _, name := range names {
			_, err := r.New(actiontest.Deps(t, nil, map[string]string{name: "?!"}))
			invalid, ok := errors.AsType[*action.InvalidSettingsError](err)
			if !ok {
				continue
			}
			for _, s := range invalid.Settings {
				found++
				if n := strings.Count(s.Error(), s.Name); n != 1 {
					t.Errorf("%s: %q names %s %d times", r.Name, s.Error(), s.Name, n)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d settings have invalid values", found)
	}
}

// startLog keeps a hub's log, and sends the address once it listens.
type startLog struct {
	mu        sync.Mutex
	text      bytes.Buffer
	listening chan string
}

var listeningLine = regexp.MustCompile(`"msg":"listening","address":"([^"]+)"`)

// Write implements [io.Writer].
func (l *startLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if match := listeningLine.FindSubmatch(p); match != nil {
		l.listening <- string(match[1])
	}
	return l.text.Write(p)
}

// serve runs a hub, until it listens or ends, and returns its exit status, its log and its /status.
func serve(t *testing.T, env map[string]string) (exit int, log, status string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := &startLog{listening: make(chan string, 1)}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve"}, process{in: strings.NewReader(""), out: l, err: l, env: env})
	}()
	select {
	case exit = <-ended:
	case address := <-l.listening:
		res, err := http.Get("http://" + address + "/status")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		status = string(body)
		cancel()
		exit = <-ended
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return exit, l.text.String(), status
}

// A real hub with a wrong setting either does not start and says why, or runs without what the setting belongs to.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env    map[string]string
		exit   int
		log    string
		status string
	}{
		"encryption that is neither on nor off": {
			env: map[string]string{"ENCRYPT_PAYLOAD": "maybe"}, exit: exitFailed,
			log: `hub: ENCRYPT_PAYLOAD is "maybe", but must be true or false`,
		},
		"encryption in capitals": {env: map[string]string{"ENCRYPT_PAYLOAD": "TRUE"}, status: `"slack"`},
		"encryption for one integration": {
			env: map[string]string{"ENCRYPT_PAYLOAD_SLACK": "maybe"}, log: `slack is not available: ENCRYPT_PAYLOAD_SLACK is \"maybe\"`,
			status: `"slack":"invalid settings: ENCRYPT_PAYLOAD_SLACK must be true or false"`,
		},
		"an unknown name": {
			env: map[string]string{"ACTION_HUB_EGRESS_DENY_CIDR": "10.0.0.0/8"},
			log: "there is no setting ACTION_HUB_EGRESS_DENY_CIDR, did you mean ACTION_HUB_EGRESS_DENY_CIDRS?", status: `"slack"`,
		},
		"an unknown name, strictly": {
			env: map[string]string{"ACTION_HUB_EGRESS_DENY_CIDR": "10.0.0.0/8", "ACTION_HUB_STRICT": "true"}, exit: exitFailed,
			log: "hub: there is no setting ACTION_HUB_EGRESS_DENY_CIDR, did you mean ACTION_HUB_EGRESS_DENY_CIDRS?",
		},
		"an unknown name of an integration, strictly": {
			env:    map[string]string{"BRAZE_MAX_EXPORTS": "5", "ACTION_HUB_STRICT": "true"},
			status: `"braze":"unknown settings: BRAZE_MAX_EXPORTS, did you mean BRAZE_MAX_EXPORT?"`,
		},
		"a number in words": {
			env:    map[string]string{"SALESFORCE_CLIENT_ID": "x", "SALESFORCE_CLIENT_SECRET": "s3cret", "SALESFORCE_MAX_RESULTS": "lots"},
			log:    `salesforce_campaigns is not available: SALESFORCE_MAX_RESULTS is \"lots\", but must be a whole number`,
			status: `"salesforce_campaigns":"invalid settings: SALESFORCE_MAX_RESULTS must be a whole number`,
		},
		"names with blanks and typos": {
			env: map[string]string{"ACTION_WHITELIST": " slack, ,tarry,"},
			log: `ACTION_WHITELIST: there is no integration named \"tarry\", did you mean tray?`, status: `"on":["slack"]`,
		},
		"the reference's format without its key": {
			env: map[string]string{"ACTION_HUB_STATE_FORMAT": "reference"}, exit: exitFailed, log: "without CIPHER_MASTER",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{
				"ACTION_HUB_BASE_URL": "http://localhost", "ACTION_HUB_LABEL": "Hub", "ACTION_HUB_SECRET": "test-secret-of-the-hub",
				"ACTION_HUB_LISTEN_ADDRESS": "127.0.0.1:0", "ACTION_HUB_ADMIN_ADDRESS": "127.0.0.1:0", "ACTION_HUB_DRAIN_DELAY": "1ms",
				"ACTION_HUB_STATUS_PAGE": "public",
				"ACTION_HUB_SPOOL_DIR":   t.TempDir(),
			}
			maps.Copy(env, tt.env)
			exit, log, status := serve(t, env)
			if exit != tt.exit {
				t.Errorf("exit status %d, want %d", exit, tt.exit)
			}
			if !strings.Contains(log, tt.log) || strings.Contains(log, "s3cret") {
				t.Errorf("log %s", log)
			}
			if !strings.Contains(status, tt.status) {
				t.Errorf("status %s", status)
			}
		})
	}
}
