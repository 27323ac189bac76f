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
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"integrationhub.dev/hub/action"
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
	// Enabled lists the enabled integrations; empty enables all that are configured.
	Enabled []string `env:"ACTION_WHITELIST"`
	// Disabled lists integrations to disable even if they are configured.
	Disabled []string `env:"ACTION_HUB_DISABLED_INTEGRATIONS"`
	// StatusPage enables a page at / and JSON at /status with the available integrations and missing
	// settings. Neither contains a secret.
	StatusPage bool `env:"ACTION_HUB_STATUS_PAGE" envDefault:"true"`

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

// Load reads the configuration from an environment. Its error contains all problems.
func Load(environment map[string]string) (Config, error) {
	environment = maps.Clone(environment)
	for old, name := range aliases {
		if environment[name] == "" && environment[old] != "" {
			environment[name] = environment[old]
		}
	}
	// The reference enables debugging for any value; here false disables it.
	on, err := strconv.ParseBool(environment["ACTION_HUB_DEBUG"])
	if environment["ACTION_HUB_DEBUG"] != "" && (on || err != nil) && environment["ACTION_HUB_LOG_LEVEL"] == "" {
		environment["ACTION_HUB_LOG_LEVEL"] = slog.LevelDebug.String()
	}
	c, err := env.ParseAsWithOptions[Config](env.Options{Environment: environment})
	if err != nil {
		return c, fmt.Errorf("reading the configuration: %w", err)
	}
	if c.ListenAddress == "" {
		c.ListenAddress = fmt.Sprintf(":%d", c.Port)
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	return c, c.Validate()
}

// Validate returns all invalid settings.
func (c Config) Validate() error {
	var errs []error
	invalid := func(bad bool, message string) {
		if bad {
			errs = append(errs, errors.New(message))
		}
	}
	u, err := url.Parse(c.BaseURL)
	invalid(c.BaseURL == "", "ACTION_HUB_BASE_URL is not set: it is the URL at which Looker reaches the hub")
	invalid(c.BaseURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http"),
		"ACTION_HUB_BASE_URL must be a URL such as https://hub.example.com")
	invalid(c.Label == "", "ACTION_HUB_LABEL is not set: it is the name that Looker shows")
	invalid(c.Secret == "" && len(c.SecretFiles) == 0, "ACTION_HUB_SECRET is not set: Looker's tokens are derived from it")
	invalid(c.Secret != "" && token.Check(c.Secret.Reveal()) != nil,
		fmt.Sprintf("ACTION_HUB_SECRET must have at least %d characters", token.MinSecret))
	invalid((c.TLSCertFile == "") != (c.TLSKeyFile == ""), "ACTION_HUB_TLS_CERT_FILE and ACTION_HUB_TLS_KEY_FILE must be set together")
	invalid(c.KeepAliveSeconds <= 0, "ACTION_HUB_JSON_KEEPALIVE_SEC must be at least 1")
	invalid(c.StreamTimeoutMillis <= 0, "ACTION_HUB_STREAM_REQUEST_TIMEOUT must be at least 1")
	invalid(c.MaxDeliveries <= 0, "ACTION_HUB_MAX_DELIVERIES must be at least 1")
	invalid(c.MaxQueued < 0 || c.MaxRows < 0 || c.MaxBodyBytes < 0 || c.SpoolBytes < 0,
		"ACTION_HUB_MAX_QUEUED_DELIVERIES, ACTION_HUB_MAX_ROWS, ACTION_HUB_MAX_BODY_BYTES and ACTION_HUB_SPOOL_BYTES must not be negative")
	invalid(c.MaxValueBytes < 1<<20, "ACTION_HUB_MAX_VALUE_BYTES must be at least 1048576")
	invalid(c.MaxForms <= 0, "ACTION_HUB_MAX_FORMS must be at least 1")
	invalid(c.MaxHeaderBytes < 4096, "ACTION_HUB_MAX_HEADER_BYTES must be at least 4096")
	invalid(c.MaxJobs < 0 || c.JobTimeout <= 0, "ACTION_HUB_MAX_JOBS must not be negative and ACTION_HUB_JOB_TIMEOUT must be longer than 0")
	invalid(c.DeliveryTimeout <= 0 || c.FormTimeout <= 0, "ACTION_HUB_DELIVERY_TIMEOUT and ACTION_HUB_FORM_TIMEOUT must be longer than 0")
	invalid(c.LogFormat != LogJSON && c.LogFormat != LogText, "ACTION_HUB_LOG_FORMAT must be json or text")
	_, err = c.LegacyCipherKey()
	invalid(err != nil, "CIPHER_MASTER must be 64 hexadecimal digits")
	return errors.Join(errs...)
}

// Offers reports whether the configuration enables an integration.
func (c Config) Offers(name string) bool {
	return (len(c.Enabled) == 0 || slices.Contains(c.Enabled, name)) && !slices.Contains(c.Disabled, name)
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
