// Package env lists the environment variables that are reserved for the hub and its runtime. The
// Secret and the settings of an integration must not set them: otherwise they could change the egress
// policy, the keys for users' tokens, or the trusted certificate authorities.
package env

import (
	"slices"
	"strings"
)

// ReservedPrefixes, ReservedSuffixes and ReservedNames are the reserved variables in uppercase. The
// rule for spec.integrations[].settings in the CRD is derived from them.
var (
	ReservedPrefixes = []string{
		"ACTION_", "INTEGRATION_", "CIPHER_", "ENCRYPT_PAYLOAD", // the hub's own, with the reference's names
		"SENTRY_", "OTEL_", // reports to Sentry and collectors
		"SSL_CERT_", "LD_", "MALLOC_", "KUBERNETES_",
		"AWS_", "GCE_METADATA_", // endpoints and credentials of the pod's cloud identity
	}
	ReservedSuffixes = []string{"_PROXY"}
	ReservedNames    = []string{
		"PORT", "BASE_URL", "CHILD_TEST", "NODE_ENV",
		"PATH", "HOME", "HOSTNAME", "TMPDIR", "USER", "SHELL", "PWD",
		"GODEBUG", "GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GOTRACEBACK", "GOCOVERDIR", "GORACE",
		"ZONEINFO", "RES_OPTIONS", "LOCALDOMAIN", "HOSTALIASES",
		"GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_API_USE_CLIENT_CERTIFICATE", "GOOGLE_API_USE_MTLS_ENDPOINT",
		"AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE",
	}
)

// Reserved reports whether a variable is reserved. It ignores case, because programs read https_proxy
// like HTTPS_PROXY.
func Reserved(name string) bool {
	name = strings.ToUpper(name)
	return slices.Contains(ReservedNames, name) ||
		slices.ContainsFunc(ReservedPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) ||
		slices.ContainsFunc(ReservedSuffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}
