// Package env knows which environment variables belong to the hub itself and to its runtime.
// An integration's Secret or settings must not set them: whoever may write those could open the
// egress, replace the keys for users' tokens or change whom the hub trusts.
package env

import (
	"slices"
	"strings"
)

// ReservedPrefixes, ReservedSuffixes and ReservedNames are the reserved variables, in upper
// case. The rule for spec.integrations[].settings in the CRD is made from the same lists.
var (
	ReservedPrefixes = []string{
		"ACTION_", "INTEGRATION_", "CIPHER_", "ENCRYPT_PAYLOAD", // the hub's own, with the reference's names
		"SENTRY_", "OTEL_", // what the hub reports, and to whom
		"SSL_CERT_", "LD_", "MALLOC_", "KUBERNETES_",
		"AWS_", "GCE_METADATA_", // endpoints and credentials of the pod's own cloud identity
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

// Reserved reports whether a variable belongs to the hub or to its runtime. Case does not
// matter: programs read https_proxy like HTTPS_PROXY.
func Reserved(name string) bool {
	name = strings.ToUpper(name)
	return slices.Contains(ReservedNames, name) ||
		slices.ContainsFunc(ReservedPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) ||
		slices.ContainsFunc(ReservedSuffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}
