package policy

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"integrationhub.dev/controllers/resources"
)

// clusterSuffixes are suffixes of names that resolve only in the cluster or on the machine.
var clusterSuffixes = []string{".svc", ".cluster.local", ".localhost"}

// isClusterName reports whether a name is, or covers, a name of the API server, of a Service or of the
// local machine. A certificate for such a name could be used to impersonate them.
func isClusterName(name string) bool {
	if address, err := netip.ParseAddr(name); err == nil {
		address = address.Unmap()
		return !address.IsGlobalUnicast()
	}
	name = normalize(name)
	if !strings.Contains(name, ".") || strings.HasPrefix(name, "kubernetes.default.") || name == "kubernetes.default" {
		return true // resolves to a Service of the client's namespace
	}
	suffixes := append([]string{"." + resources.ClusterDomain()}, clusterSuffixes...)
	return slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix("."+name, suffix) })
}

// isPublicName reports whether a name can only be a public DNS name. Private addresses are not, nor
// are names such as payments.other-team, which may resolve to a Service: an administrator has to allow
// them.
func isPublicName(name string) bool {
	if address, err := netip.ParseAddr(name); err == nil {
		return !address.Unmap().IsPrivate()
	}
	name = normalize(name)
	if strings.Contains(name, ".svc.") { // of a cluster with another domain
		return false
	}
	_, icann := publicsuffix.PublicSuffix(name)
	return icann || strings.Count(name, ".") > 1
}

// normalize returns a DNS name in lower case, without its wildcard and without the final dot.
func normalize(name string) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(name), "*."), ".")
}

// hostMatches reports whether a pattern of the policy covers a name; *.example.com covers all
// names below example.com, wildcards included.
func hostMatches(pattern, name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if suffix, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(name, suffix)
	}
	return name == pattern
}
