package policy

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Suffixes of names that only the cluster, or the machine itself, resolves.
var clusterSuffixes = []string{".svc", ".cluster.local", ".localhost"}

// isClusterName reports whether a name is, or covers, a name by which programs in the cluster
// reach the API server, another Service or themselves. A certificate for such a name could
// impersonate them.
func isClusterName(name string) bool {
	if address, err := netip.ParseAddr(name); err == nil {
		address = address.Unmap()
		return !address.IsGlobalUnicast()
	}
	name = normalize(name)
	if !strings.Contains(name, ".") || strings.HasPrefix(name, "kubernetes.default.") || name == "kubernetes.default" {
		return true // a name without a dot is completed to a Service's name in each namespace
	}
	return slices.ContainsFunc(clusterSuffixes, func(suffix string) bool { return strings.HasSuffix("."+name, suffix) })
}

// isPublicName reports whether a name can only be one of the public DNS. Private addresses and
// names such as payments.other-team, which a cluster completes to a Service's name, are not:
// an administrator knows which of them are hosts of the company.
func isPublicName(name string) bool {
	if address, err := netip.ParseAddr(name); err == nil {
		return !address.Unmap().IsPrivate()
	}
	name = normalize(name)
	if strings.Contains(name, ".svc.") { // of a cluster with another domain than cluster.local
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
