// Package config reads what an administrator sets: the environment, the service secrets and the
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

// Config is the hub's configuration, read from the environment. The names that the
// reference uses mean the same here, so that a team moves over by mounting the same Secret.
type Config struct {
	// BaseURL is the address under which Looker and browsers reach the hub.
	BaseURL string `env:"ACTION_HUB_BASE_URL"`
	// Label is what Looker shows above the hub's integrations.
	Label string `env:"ACTION_HUB_LABEL"`
	// Secret, or the contents of SecretFiles, are the service secrets that Looker's tokens
	// are made from. Files are read again when they change; one that is missing is skipped.
	Secret      action.Secret `env:"ACTION_HUB_SECRET"`
	SecretFiles []string      `env:"ACTION_HUB_SECRET_FILES"`
	// CipherMaster is the reference's key for users' tokens, 64 hexadecimal digits. Without
	// it keys are derived from the service secrets.
	CipherMaster action.Secret `env:"CIPHER_MASTER"`
	// Enabled lists the integrations on offer; empty means all that are configured.
	Enabled []string `env:"ACTION_WHITELIST"`
	// Disabled lists integrations that are not on offer though they are configured.
	Disabled []string `env:"ACTION_HUB_DISABLED_INTEGRATIONS"`
	// StatusPage shows whoever opens the hub's address what it offers: a page at / and JSON
	// at /status. Neither holds a secret; both name the settings that are missing.
	StatusPage bool `env:"ACTION_HUB_STATUS_PAGE" envDefault:"true"`

	// ListenAddress is where Looker's requests arrive; without it, Port on all addresses.
	ListenAddress string `env:"ACTION_HUB_LISTEN_ADDRESS"`
	Port          int    `env:"PORT" envDefault:"8080"`
	// TLSCertFile and TLSKeyFile hold the certificate; they are read again when they change.
	// Without them the hub speaks plain HTTP and something before it ends TLS.
	TLSCertFile string `env:"ACTION_HUB_TLS_CERT_FILE"`
	TLSKeyFile  string `env:"ACTION_HUB_TLS_KEY_FILE"`
	// AdminAddress serves health and metrics, for the cluster only.
	AdminAddress string `env:"ACTION_HUB_ADMIN_ADDRESS" envDefault:":9090"`

	// KeepAliveSeconds is the time between the newlines that keep Looker waiting.
	KeepAliveSeconds int `env:"ACTION_HUB_JSON_KEEPALIVE_SEC" envDefault:"30"`
	// StreamTimeoutMillis bounds each wait for Looker's download address.
	StreamTimeoutMillis int `env:"ACTION_HUB_STREAM_REQUEST_TIMEOUT" envDefault:"780000"`
	// DeliveryTimeout bounds one delivery as a whole, FormTimeout one form.
	DeliveryTimeout time.Duration `env:"ACTION_HUB_DELIVERY_TIMEOUT" envDefault:"1h"`
	FormTimeout     time.Duration `env:"ACTION_HUB_FORM_TIMEOUT" envDefault:"2m"`
	// DrainTimeout is how long running deliveries may go on when the hub is told to stop.
	DrainTimeout time.Duration `env:"ACTION_HUB_DRAIN_TIMEOUT" envDefault:"15m"`
	// DrainDelay is how long new requests are still taken when the hub is told to stop, until
	// every load balancer has heard that it is no longer ready.
	DrainDelay time.Duration `env:"ACTION_HUB_DRAIN_DELAY" envDefault:"10s"`

	// MaxDeliveries run at once, MaxQueued more wait for their turn, and whatever comes then
	// is refused with 503 before its data is read.
	MaxDeliveries int `env:"ACTION_HUB_MAX_DELIVERIES" envDefault:"32"`
	MaxQueued     int `env:"ACTION_HUB_MAX_QUEUED_DELIVERIES" envDefault:"256"`
	// MaxJobs is how many jobs are followed at once after their deliveries have been answered,
	// and JobTimeout how long each one is followed; a destination may take days.
	MaxJobs    int           `env:"ACTION_HUB_MAX_JOBS" envDefault:"1000"`
	JobTimeout time.Duration `env:"ACTION_HUB_JOB_TIMEOUT" envDefault:"168h"`
	// MaxRows bounds the rows of one delivery that are decoded; 0 means no bound.
	MaxRows int64 `env:"ACTION_HUB_MAX_ROWS"`
	// MaxValueBytes bounds a cell, a row, a CSV record and whatever else of a result has to be
	// in memory as a whole.
	MaxValueBytes int64 `env:"ACTION_HUB_MAX_VALUE_BYTES" envDefault:"33554432"`
	// MaxForms is the number of forms and token exchanges that run at once; whatever comes then
	// is refused with 503.
	MaxForms int `env:"ACTION_HUB_MAX_FORMS" envDefault:"128"`
	// MaxHeaderBytes bounds a request's headers.
	MaxHeaderBytes int `env:"ACTION_HUB_MAX_HEADER_BYTES" envDefault:"32768"`
	// MaxBodyBytes bounds a request's body; 0 leaves the spool as the only limit.
	MaxBodyBytes int64 `env:"ACTION_HUB_MAX_BODY_BYTES"`
	// SpoolDir and SpoolBytes say where payloads are kept while they are delivered, and how
	// much of them.
	SpoolDir   string `env:"ACTION_HUB_SPOOL_DIR"`
	SpoolBytes int64  `env:"ACTION_HUB_SPOOL_BYTES" envDefault:"10737418240"`

	// AllowCIDRs lists private ranges that hold wanted destinations or Looker itself.
	AllowCIDRs []netip.Prefix `env:"ACTION_HUB_EGRESS_ALLOW_CIDRS"`
	// DenyCIDRs lists ranges that are closed, public ones too.
	DenyCIDRs []netip.Prefix `env:"ACTION_HUB_EGRESS_DENY_CIDRS"`
	// AllowHosts and AllowPorts, where set, are the only hosts and ports that the hub connects
	// to, Looker's included.
	AllowHosts []outbound.HostPattern `env:"ACTION_HUB_EGRESS_ALLOW_HOSTS"`
	AllowPorts []uint16               `env:"ACTION_HUB_EGRESS_ALLOW_PORTS"`
	// Proxy says whether HTTPS_PROXY, HTTP_PROXY and NO_PROXY count.
	Proxy outbound.ProxyUse `env:"ACTION_HUB_EGRESS_PROXY" envDefault:"off"`
	// CAFile adds certificate authorities (PEM) to those that outbound calls trust.
	CAFile string `env:"ACTION_HUB_CA_FILE"`

	// LogLevel is debug, info, warn or error; LogFormat is json or text.
	LogLevel  slog.Level `env:"ACTION_HUB_LOG_LEVEL" envDefault:"info"`
	LogFormat string     `env:"ACTION_HUB_LOG_FORMAT" envDefault:"json"`
	// Pprof serves Go's profiles at the admin address, below /debug/pprof/.
	Pprof bool `env:"ACTION_HUB_PPROF"`
	// SentryDSN is the address of a Sentry project that is told of bugs, which it files under
	// SentryEnvironment.
	SentryDSN         action.Secret `env:"SENTRY_DSN"`
	SentryEnvironment string        `env:"SENTRY_ENVIRONMENT"`
}

// The formats of the log.
const (
	LogJSON = "json"
	LogText = "text"
)

// aliases are older names of settings. A name of today wins.
var aliases = map[string]string{ //nolint:gosec // names, no credentials
	"BASE_URL":                   "ACTION_HUB_BASE_URL",
	"INTEGRATION_PROVIDER_LABEL": "ACTION_HUB_LABEL",
	"INTEGRATION_SERVICE_SECRET": "ACTION_HUB_SECRET",
	"ACTION_HUB_RAVEN_DSN":       "SENTRY_DSN",
	"ACTION_HUB_MAX_WATCHES":     "ACTION_HUB_MAX_JOBS",
	"ACTION_HUB_WATCH_TIMEOUT":   "ACTION_HUB_JOB_TIMEOUT",
}

// ignoredSettings are the reference's settings that have no effect here, and why.
var ignoredSettings = map[string]string{ //nolint:gosec // names, no credentials
	"ACTION_HUB_ENABLE_FORKING":        "deliveries need no processes of their own",
	"ACTION_HUB_EXECUTE_PROCESS_COUNT": "deliveries need no processes of their own; ACTION_HUB_MAX_DELIVERIES bounds them",
	"ACTION_HUB_SOCKET_TIMEOUT":        "connections are bounded by how long they stand still",
	"CIPHER_PASSWORD":                  "it was for developers only; CIPHER_MASTER is the key",
	"NODE_ENV":                         "cookies are secure wherever ACTION_HUB_BASE_URL is https",
}

// IgnoredSettings returns the settings in an environment that have no effect here, each with the
// reason, for whoever brings the reference's environment along.
func IgnoredSettings(environment map[string]string) map[string]string {
	found := map[string]string{}
	for name, reason := range ignoredSettings {
		if environment[name] != "" {
			found[name] = reason
		}
	}
	return found
}

// Load reads the configuration from an environment and reports all that is wrong
// with it at once.
func Load(environment map[string]string) (Config, error) {
	environment = maps.Clone(environment)
	for old, name := range aliases {
		if environment[name] == "" && environment[old] != "" {
			environment[name] = environment[old]
		}
	}
	// The reference's switch, which takes any value for yes; here false means no.
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

// Validate reports everything that cannot work.
func (c Config) Validate() error {
	var errs []error
	fault := func(bad bool, message string) {
		if bad {
			errs = append(errs, errors.New(message))
		}
	}
	u, err := url.Parse(c.BaseURL)
	fault(c.BaseURL == "", "ACTION_HUB_BASE_URL is not set: it is the address under which Looker reaches the hub")
	fault(c.BaseURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http"),
		"ACTION_HUB_BASE_URL must be a URL such as https://hub.example.com")
	fault(c.Label == "", "ACTION_HUB_LABEL is not set: it is the name that Looker shows")
	fault(c.Secret == "" && len(c.SecretFiles) == 0, "ACTION_HUB_SECRET is not set: Looker's tokens are made from it")
	fault(c.Secret != "" && token.Check(c.Secret.Reveal()) != nil, fmt.Sprintf("ACTION_HUB_SECRET must have at least %d characters", token.MinSecret))
	fault((c.TLSCertFile == "") != (c.TLSKeyFile == ""), "ACTION_HUB_TLS_CERT_FILE and ACTION_HUB_TLS_KEY_FILE belong together")
	fault(c.KeepAliveSeconds <= 0, "ACTION_HUB_JSON_KEEPALIVE_SEC must be at least 1")
	fault(c.StreamTimeoutMillis <= 0, "ACTION_HUB_STREAM_REQUEST_TIMEOUT must be at least 1")
	fault(c.MaxDeliveries <= 0, "ACTION_HUB_MAX_DELIVERIES must be at least 1")
	fault(c.MaxQueued < 0 || c.MaxRows < 0 || c.MaxBodyBytes < 0 || c.SpoolBytes < 0,
		"ACTION_HUB_MAX_QUEUED_DELIVERIES, ACTION_HUB_MAX_ROWS, ACTION_HUB_MAX_BODY_BYTES and ACTION_HUB_SPOOL_BYTES must not be negative")
	fault(c.MaxValueBytes < 1<<20, "ACTION_HUB_MAX_VALUE_BYTES must be at least 1048576")
	fault(c.MaxForms <= 0, "ACTION_HUB_MAX_FORMS must be at least 1")
	fault(c.MaxHeaderBytes < 4096, "ACTION_HUB_MAX_HEADER_BYTES must be at least 4096")
	fault(c.MaxJobs < 0 || c.JobTimeout <= 0, "ACTION_HUB_MAX_JOBS must not be negative and ACTION_HUB_JOB_TIMEOUT must be longer than 0")
	fault(c.DeliveryTimeout <= 0 || c.FormTimeout <= 0, "ACTION_HUB_DELIVERY_TIMEOUT and ACTION_HUB_FORM_TIMEOUT must be longer than 0")
	fault(c.LogFormat != LogJSON && c.LogFormat != LogText, "ACTION_HUB_LOG_FORMAT must be json or text")
	_, err = c.LegacyCipherKey()
	fault(err != nil, "CIPHER_MASTER must be 64 hexadecimal digits")
	return errors.Join(errs...)
}

// Offers reports whether the configuration enables an integration.
func (c Config) Offers(name string) bool {
	return (len(c.Enabled) == 0 || slices.Contains(c.Enabled, name)) && !slices.Contains(c.Disabled, name)
}

// Policy is what the settings say of outbound connections.
func (c Config) Policy() outbound.Policy {
	return outbound.Policy{Allow: c.AllowCIDRs, Deny: c.DenyCIDRs, Hosts: c.AllowHosts, Ports: c.AllowPorts}
}

// BasePath is the base URL's path in lower case, without a slash at its end.
func (c Config) BasePath() string {
	u, err := url.Parse(c.BaseURL)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimRight(u.Path, "/"))
}

// LegacyCipherKey is the reference's key, or nil where there is none.
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
