// Package config reads the hub's configuration: the environment, and the service secrets and the
// certificate, which may change while the hub runs.
package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/env"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/token"
)

// Config is the hub's configuration from the environment. The reference's variables have the same
// meaning, so a team can migrate by mounting the same Secret.
type Config struct {
	// BaseURL is the URL at which Looker and browsers reach the hub.
	BaseURL string `env:"ACTION_HUB_BASE_URL"`
	// Label is what Looker shows above the hub's integrations.
	Label string `env:"ACTION_HUB_LABEL"`
	// Secret, or the contents of SecretFiles, are the service secrets from which Looker's tokens are
	// derived. Changed files are reloaded; missing ones are skipped.
	Secret      action.Secret `env:"ACTION_HUB_SECRET"`
	SecretFiles []string      `env:"ACTION_HUB_SECRET_FILES"`
	// CipherMaster is the reference's key for users' tokens, 64 hexadecimal digits. By default keys
	// are derived from the service secrets.
	CipherMaster action.Secret `env:"CIPHER_MASTER"`
	// Enabled lists the enabled integrations. If the variable is empty, all that are configured are
	// enabled; if it has no name but commas, none is (restricted).
	Enabled    []string `env:"ACTION_WHITELIST"`
	restricted bool
	// Disabled lists integrations to disable even if they are configured.
	Disabled []string `env:"ACTION_HUB_DISABLED_INTEGRATIONS"`
	// IntegrationsDir is a folder with HTTPIntegrations, a file for each; they are reloaded when they change.
	// IntegrationSecretsDir has their secrets: a folder for each Secret with a file for each key.
	IntegrationsDir       string `env:"ACTION_HUB_INTEGRATIONS_DIR"`
	IntegrationSecretsDir string `env:"ACTION_HUB_INTEGRATION_SECRETS_DIR"`
	// Upstreams are other Action Hubs whose integrations this hub offers too, as a JSON array.
	Upstreams Upstreams `env:"ACTION_HUB_UPSTREAMS"`
	// StatusPage is who may read the status page at / and the JSON at /status. Neither contains a secret.
	StatusPage StatusPage `env:"ACTION_HUB_STATUS_PAGE" envDefault:"token"`
	// Name and Namespace are those of the IntegrationHub, if there is one. The status page shows
	// commands with them.
	Name      string `env:"ACTION_HUB_NAME"`
	Namespace string `env:"ACTION_HUB_NAMESPACE"`

	// ListenAddress is the address for Looker's requests; by default Port on all addresses.
	ListenAddress string `env:"ACTION_HUB_LISTEN_ADDRESS"`
	Port          int    `env:"PORT" envDefault:"8080"`
	// TLSCertFile and TLSKeyFile are the certificate; they are reloaded when they change. Without
	// them the hub serves plain HTTP, for a proxy that terminates TLS.
	TLSCertFile string `env:"ACTION_HUB_TLS_CERT_FILE"`
	TLSKeyFile  string `env:"ACTION_HUB_TLS_KEY_FILE"`
	// AdminAddress serves health and metrics inside the cluster.
	AdminAddress string `env:"ACTION_HUB_ADMIN_ADDRESS" envDefault:":9090"`

	// KeepAliveSeconds is the interval of the newlines that keep the connection to Looker open.
	KeepAliveSeconds int `env:"ACTION_HUB_JSON_KEEPALIVE_SEC" envDefault:"30"`
	// StreamTimeoutMillis is the idle timeout of a download from Looker.
	StreamTimeoutMillis int `env:"ACTION_HUB_STREAM_REQUEST_TIMEOUT" envDefault:"780000"`
	// DeliveryTimeout is the timeout of one delivery, FormTimeout of one form.
	DeliveryTimeout time.Duration `env:"ACTION_HUB_DELIVERY_TIMEOUT" envDefault:"1h"`
	FormTimeout     time.Duration `env:"ACTION_HUB_FORM_TIMEOUT" envDefault:"2m"`
	// DrainTimeout is how long the hub waits for running deliveries when it stops.
	DrainTimeout time.Duration `env:"ACTION_HUB_DRAIN_TIMEOUT" envDefault:"15m"`
	// DrainDelay is how long the hub still accepts requests when it stops, until every load balancer
	// has noticed that it is not ready.
	DrainDelay time.Duration `env:"ACTION_HUB_DRAIN_DELAY" envDefault:"10s"`

	// MaxDeliveries is the maximum number of running deliveries, MaxQueued of queued ones. Further
	// deliveries are refused with 503 before their data is read.
	MaxDeliveries int `env:"ACTION_HUB_MAX_DELIVERIES" envDefault:"32"`
	MaxQueued     int `env:"ACTION_HUB_MAX_QUEUED_DELIVERIES" envDefault:"256"`
	// MaxJobs is how many jobs are followed at once after their deliveries have been answered,
	// and JobTimeout how long each one is followed; a destination may take days.
	MaxJobs    int           `env:"ACTION_HUB_MAX_JOBS" envDefault:"1000"`
	JobTimeout time.Duration `env:"ACTION_HUB_JOB_TIMEOUT" envDefault:"168h"`
	// MaxRows is the maximum number of decoded rows of a delivery; 0 means no limit.
	MaxRows int64 `env:"ACTION_HUB_MAX_ROWS"`
	// MaxValueBytes is the maximum size of a cell, row or CSV record, and of anything else that has
	// to be in memory as a whole.
	MaxValueBytes int64 `env:"ACTION_HUB_MAX_VALUE_BYTES" envDefault:"33554432"`
	// MaxForms is the maximum number of running forms and token exchanges. Further ones are refused
	// with 503.
	MaxForms int `env:"ACTION_HUB_MAX_FORMS" envDefault:"128"`
	// MaxHeaderBytes is the maximum size of a request's headers.
	MaxHeaderBytes int `env:"ACTION_HUB_MAX_HEADER_BYTES" envDefault:"32768"`
	// MaxBodyBytes is the maximum size of a request's body; with 0 only the spool limits it.
	MaxBodyBytes int64 `env:"ACTION_HUB_MAX_BODY_BYTES"`
	// SpoolDir is the directory for payloads during their delivery, SpoolBytes their maximum total
	// size.
	SpoolDir   string `env:"ACTION_HUB_SPOOL_DIR"`
	SpoolBytes int64  `env:"ACTION_HUB_SPOOL_BYTES" envDefault:"10737418240"`

	// AllowCIDRs lists the private ranges of destinations and of Looker to which connections are
	// allowed.
	AllowCIDRs []netip.Prefix `env:"ACTION_HUB_EGRESS_ALLOW_CIDRS"`
	// DenyCIDRs lists denied ranges, private or public.
	DenyCIDRs []netip.Prefix `env:"ACTION_HUB_EGRESS_DENY_CIDRS"`
	// AllowHosts and AllowPorts, if set, are the only hosts and ports to which the hub connects,
	// including Looker's.
	AllowHosts []outbound.HostPattern `env:"ACTION_HUB_EGRESS_ALLOW_HOSTS"`
	AllowPorts []uint16               `env:"ACTION_HUB_EGRESS_ALLOW_PORTS"`
	// Proxy controls the use of HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
	Proxy outbound.ProxyUse `env:"ACTION_HUB_EGRESS_PROXY" envDefault:"off"`
	// CAFile contains additional certificate authorities (PEM) for outbound requests.
	CAFile string `env:"ACTION_HUB_CA_FILE"`

	// LogLevel is debug, info, warn or error; LogFormat is json or text.
	LogLevel  slog.Level `env:"ACTION_HUB_LOG_LEVEL" envDefault:"info"`
	LogFormat string     `env:"ACTION_HUB_LOG_FORMAT" envDefault:"json"`
	// Pprof serves Go profiles at the admin address under /debug/pprof/.
	Pprof bool `env:"ACTION_HUB_PPROF"`
	// Strict makes names that the hub does not know an error. Otherwise they are logged. KnownSettings are
	// names to accept even so: those that an operator sets, which may be newer than the hub.
	Strict        bool     `env:"ACTION_HUB_STRICT"`
	KnownSettings []string `env:"ACTION_HUB_KNOWN_SETTINGS"`
	// EncryptState encrypts users' tokens before Looker stores them. See [Config.EncryptsState].
	EncryptState bool `env:"ENCRYPT_PAYLOAD"`
	// StateFormat is how users' tokens are encrypted: StateReference writes what the reference can read.
	StateFormat string `env:"ACTION_HUB_STATE_FORMAT" envDefault:"sealed"`
	// SentryDSN is the Sentry project to which bugs are reported, with SentryEnvironment as the
	// environment.
	SentryDSN         action.Secret `env:"SENTRY_DSN"`
	SentryEnvironment string        `env:"SENTRY_ENVIRONMENT"`
}

// The formats of the log.
const (
	LogJSON = "json"
	LogText = "text"
)

// The formats of encrypted state.
const (
	StateSealed    = "sealed"
	StateReference = "reference"
)

// aliases maps former names of settings to current ones, which take precedence.
var aliases = map[string]string{ //nolint:gosec // names, no credentials
	"BASE_URL":                   "ACTION_HUB_BASE_URL",
	"INTEGRATION_PROVIDER_LABEL": "ACTION_HUB_LABEL",
	"INTEGRATION_SERVICE_SECRET": "ACTION_HUB_SECRET",
	"ACTION_HUB_RAVEN_DSN":       "SENTRY_DSN",
	"ACTION_HUB_MAX_WATCHES":     "ACTION_HUB_MAX_JOBS",
	"ACTION_HUB_WATCH_TIMEOUT":   "ACTION_HUB_JOB_TIMEOUT",
}

// ignoredSettings maps the reference's settings without effect to the reason.
var ignoredSettings = map[string]string{ //nolint:gosec // names, no credentials
	"ACTION_HUB_ENABLE_FORKING":        "deliveries do not run in separate processes",
	"ACTION_HUB_EXECUTE_PROCESS_COUNT": "deliveries do not run in separate processes; see ACTION_HUB_MAX_DELIVERIES",
	"ACTION_HUB_SOCKET_TIMEOUT":        "connections have an idle timeout instead",
	"CIPHER_PASSWORD":                  "it was for development only; set CIPHER_MASTER instead",
	"APP_VERSION":                      "messages to Segment have the hub's own version",
	"AIRTABLE_ENDPOINT_URL":            "Airtable has only one URL",
	"GOOGLE_SHEET_RETRY":               "requests are always retried",
	"GOOGLE_SHEETS_BASE_DELAY":         "the retry delay follows Google's responses",
	"GOOGLE_SHEETS_WRITE_BATCH":        "the batch size is chosen automatically",
	"NODE_ENV":                         "cookies are secure if ACTION_HUB_BASE_URL is https",
}

// IgnoredSettings returns the settings in an environment that have no effect, with the reasons, so
// that teams which migrate from the reference can remove them.
func IgnoredSettings(environment map[string]string) map[string]string {
	found := map[string]string{}
	for name, reason := range ignoredSettings {
		if environment[name] != "" {
			found[name] = reason
		}
	}
	return found
}

// RenamedSettings returns the former names of settings in an environment, with the current ones.
func RenamedSettings(environment map[string]string) map[string]string {
	found := map[string]string{}
	for former, name := range aliases {
		if environment[former] != "" {
			found[former] = name
		}
	}
	return found
}

// Load reads the configuration from an environment. Its error contains all problems.
func Load(environment map[string]string) (Config, error) {
	environment = maps.Clone(environment)
	for old, name := range aliases {
		if environment[name] == "" && environment[old] != "" {
			environment[name] = environment[old]
		}
	}
	// The reference enables debugging for any value; here false disables it.
	on, err := action.ParseBool(environment["ACTION_HUB_DEBUG"])
	if environment["ACTION_HUB_DEBUG"] != "" && (on || err != nil) && environment["ACTION_HUB_LOG_LEVEL"] == "" {
		environment["ACTION_HUB_LOG_LEVEL"] = slog.LevelDebug.String()
	}
	c, err := action.ParseSettings[Config](environment)
	if err != nil {
		return c, err
	}
	c.Enabled, c.restricted = names(c.Enabled), strings.TrimSpace(environment[env.Enabled]) != ""
	c.Disabled = names(c.Disabled)
	if c.ListenAddress == "" {
		c.ListenAddress = fmt.Sprintf(":%d", c.Port)
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	return c, c.Validate()
}

// names removes blanks and empty entries.
func names(list []string) []string {
	var all []string
	for _, name := range list {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// Validate returns all invalid settings.
func (c Config) Validate() error {
	var errs []error
	required := func(missing bool, name, meaning string) {
		if missing {
			errs = append(errs, fmt.Errorf("%s is not set: it is %s", name, meaning))
		}
	}
	invalid := func(bad bool, name string, value any, reason string) {
		if bad {
			errs = append(errs, action.InvalidSettingError{Name: name, Value: fmt.Sprint(value), Reason: reason})
		}
	}
	atLeast := func(name string, value, least int64) {
		invalid(value < least, name, value, fmt.Sprintf("must be at least %d", least))
	}
	positive := func(name string, value time.Duration) {
		invalid(value <= 0, name, value, "must be longer than 0, such as 30m")
	}
	u, err := url.Parse(c.BaseURL)
	required(c.BaseURL == "", "ACTION_HUB_BASE_URL", "the URL at which Looker reaches the hub, such as https://hub.example.com")
	invalid(c.BaseURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http"),
		"ACTION_HUB_BASE_URL", c.BaseURL, "must be a URL such as https://hub.example.com")
	required(c.Label == "", "ACTION_HUB_LABEL", "the name that Looker shows, such as Acme Hub")
	required(c.Secret == "" && len(c.SecretFiles) == 0, "ACTION_HUB_SECRET", "the secret from which Looker's tokens are derived")
	invalid(c.Secret != "" && token.Check(c.Secret.Reveal()) != nil,
		"ACTION_HUB_SECRET", "", fmt.Sprintf("must have at least %d characters", token.MinSecret))
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		errs = append(errs, errors.New("ACTION_HUB_TLS_CERT_FILE and ACTION_HUB_TLS_KEY_FILE must be set together"))
	}
	atLeast("ACTION_HUB_JSON_KEEPALIVE_SEC", int64(c.KeepAliveSeconds), 1)
	atLeast("ACTION_HUB_STREAM_REQUEST_TIMEOUT", int64(c.StreamTimeoutMillis), 1)
	atLeast("ACTION_HUB_MAX_DELIVERIES", int64(c.MaxDeliveries), 1)
	atLeast("ACTION_HUB_MAX_QUEUED_DELIVERIES", int64(c.MaxQueued), 0)
	atLeast("ACTION_HUB_MAX_ROWS", c.MaxRows, 0)
	atLeast("ACTION_HUB_MAX_BODY_BYTES", c.MaxBodyBytes, 0)
	atLeast("ACTION_HUB_SPOOL_BYTES", c.SpoolBytes, 0)
	atLeast("ACTION_HUB_MAX_VALUE_BYTES", c.MaxValueBytes, 1<<20)
	atLeast("ACTION_HUB_MAX_FORMS", int64(c.MaxForms), 1)
	atLeast("ACTION_HUB_MAX_HEADER_BYTES", int64(c.MaxHeaderBytes), 4096)
	atLeast("ACTION_HUB_MAX_JOBS", int64(c.MaxJobs), 0)
	positive("ACTION_HUB_JOB_TIMEOUT", c.JobTimeout)
	positive("ACTION_HUB_DELIVERY_TIMEOUT", c.DeliveryTimeout)
	positive("ACTION_HUB_FORM_TIMEOUT", c.FormTimeout)
	invalid(c.LogFormat != LogJSON && c.LogFormat != LogText, "ACTION_HUB_LOG_FORMAT", c.LogFormat, "must be json or text")
	_, err = c.LegacyCipherKey()
	invalid(err != nil, "CIPHER_MASTER", "", "must be 64 hexadecimal digits")
	invalid(c.StateFormat != StateSealed && c.StateFormat != StateReference, "ACTION_HUB_STATE_FORMAT", c.StateFormat,
		"must be sealed or reference")
	invalid(c.StateFormat == StateReference && c.CipherMaster == "", "ACTION_HUB_STATE_FORMAT", c.StateFormat,
		"must be sealed without CIPHER_MASTER, which has the reference's key")
	return errors.Join(errs...)
}

// Offers reports whether the configuration enables an integration.
func (c Config) Offers(name string) bool {
	return (len(c.Enabled) == 0 && !c.restricted || slices.Contains(c.Enabled, name)) && !slices.Contains(c.Disabled, name)
}

// EncryptsState reports whether an integration's users' tokens are encrypted before Looker stores them:
// ENCRYPT_PAYLOAD_<NAME> takes precedence over ENCRYPT_PAYLOAD.
func (c Config) EncryptsState(name string, environment map[string]string) (bool, error) {
	variable := encryptPrefix + strings.ToUpper(name)
	text := environment[variable]
	if text == "" {
		return c.EncryptState, nil
	}
	encrypt, err := action.ParseBool(text)
	if err != nil {
		return false, &action.InvalidSettingsError{Settings: []action.InvalidSettingError{{Name: variable, Value: text, Reason: err.Error()}}}
	}
	return encrypt, nil
}

// Policy returns the egress policy.
func (c Config) Policy() outbound.Policy {
	return outbound.Policy{Allow: c.AllowCIDRs, Deny: c.DenyCIDRs, Hosts: c.AllowHosts, Ports: c.AllowPorts}
}

// BasePath returns the path of the base URL in lowercase, without a trailing slash.
func (c Config) BasePath() string {
	u, err := url.Parse(c.BaseURL)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimRight(u.Path, "/"))
}

// LegacyCipherKey returns the reference's key, or nil if it is not set.
func (c Config) LegacyCipherKey() ([]byte, error) {
	if c.CipherMaster == "" {
		return nil, nil
	}
	key, err := hex.DecodeString(c.CipherMaster.Reveal())
	if err == nil && len(key) != 32 {
		err = hex.ErrLength
	}
	return key, err
}
