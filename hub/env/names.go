package env

// Names of the variables that the operator sets on a hub's pods. They are a contract with hubs of
// other versions: the hub keeps an alias of a name that changes.
const (
	BaseURL              = "ACTION_HUB_BASE_URL"
	Label                = "ACTION_HUB_LABEL"
	SecretFiles          = "ACTION_HUB_SECRET_FILES" //nolint:gosec // a name, not a credential
	ListenAddress        = "ACTION_HUB_LISTEN_ADDRESS"
	AdminAddress         = "ACTION_HUB_ADMIN_ADDRESS"
	TLSCertFile          = "ACTION_HUB_TLS_CERT_FILE"
	TLSKeyFile           = "ACTION_HUB_TLS_KEY_FILE"
	CAFile               = "ACTION_HUB_CA_FILE"
	Enabled              = "ACTION_WHITELIST"
	DisabledIntegrations = "ACTION_HUB_DISABLED_INTEGRATIONS"
	IntegrationsDir      = "ACTION_HUB_INTEGRATIONS_DIR"
	IntegrationSecrets   = "ACTION_HUB_INTEGRATION_SECRETS_DIR" //nolint:gosec // a name, not a credential
	Upstreams            = "ACTION_HUB_UPSTREAMS"
	StatusPage           = "ACTION_HUB_STATUS_PAGE"
	Name                 = "ACTION_HUB_NAME"
	Namespace            = "ACTION_HUB_NAMESPACE"
	LogLevel             = "ACTION_HUB_LOG_LEVEL"
	LogFormat            = "ACTION_HUB_LOG_FORMAT"
	Strict               = "ACTION_HUB_STRICT"
	KnownSettings        = "ACTION_HUB_KNOWN_SETTINGS"

	DrainTimeout        = "ACTION_HUB_DRAIN_TIMEOUT"
	DeliveryTimeout     = "ACTION_HUB_DELIVERY_TIMEOUT"
	FormTimeout         = "ACTION_HUB_FORM_TIMEOUT"
	JobTimeout          = "ACTION_HUB_JOB_TIMEOUT"
	MaxJobs             = "ACTION_HUB_MAX_JOBS"
	MaxDeliveries       = "ACTION_HUB_MAX_DELIVERIES"
	MaxQueuedDeliveries = "ACTION_HUB_MAX_QUEUED_DELIVERIES"
	MaxBodyBytes        = "ACTION_HUB_MAX_BODY_BYTES"
	MaxRows             = "ACTION_HUB_MAX_ROWS"
	SpoolDir            = "ACTION_HUB_SPOOL_DIR"
	SpoolBytes          = "ACTION_HUB_SPOOL_BYTES"

	EgressAllowCIDRs = "ACTION_HUB_EGRESS_ALLOW_CIDRS"
	EgressDenyCIDRs  = "ACTION_HUB_EGRESS_DENY_CIDRS"
	EgressAllowHosts = "ACTION_HUB_EGRESS_ALLOW_HOSTS"
	EgressAllowPorts = "ACTION_HUB_EGRESS_ALLOW_PORTS"
	EgressProxy      = "ACTION_HUB_EGRESS_PROXY"

	CipherMaster      = "CIPHER_MASTER"
	StateFormat       = "ACTION_HUB_STATE_FORMAT"
	SentryDSN         = "SENTRY_DSN"
	SentryEnvironment = "SENTRY_ENVIRONMENT"
)

// Names that settings of integrations share with the reference.
const (
	EncryptPayload = "ENCRYPT_PAYLOAD"
	DebugEndpoint  = "ACTION_HUB_DEBUG_ENDPOINT"
	ChildTest      = "CHILD_TEST"
)

// Names that belong to libraries and to Go's runtime.
const (
	HTTPSProxy         = "HTTPS_PROXY"
	HTTPProxy          = "HTTP_PROXY"
	NoProxy            = "NO_PROXY"
	GoMemLimit         = "GOMEMLIMIT"
	OTelTracesExporter = "OTEL_TRACES_EXPORTER"
	OTelEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	OTelProtocol       = "OTEL_EXPORTER_OTLP_PROTOCOL"
	OTelSampler        = "OTEL_TRACES_SAMPLER"
	OTelSamplerArg     = "OTEL_TRACES_SAMPLER_ARG"
)
