package resources

import (
	"os"
	"strings"
	"sync/atomic"
)

const defaultClusterDomain = "cluster.local"

// clusterDomain is a property of the whole cluster, and so of the process.
var clusterDomain atomic.Pointer[string]

// ClusterDomain returns the DNS domain of the cluster's Services.
func ClusterDomain() string {
	if domain := clusterDomain.Load(); domain != nil {
		return *domain
	}
	return defaultClusterDomain
}

// SetClusterDomain sets the DNS domain of the cluster's Services. An empty domain is the one in
// resolvConf, which the kubelet writes into each pod, or else cluster.local.
func SetClusterDomain(domain, resolvConf string) {
	if domain == "" {
		text, err := os.ReadFile(resolvConf)
		if err == nil {
			domain = domainOf(string(text))
		}
	}
	if domain == "" {
		domain = defaultClusterDomain
	}
	clusterDomain.Store(&domain)
}

// domainOf finds the search domain svc.<cluster domain> in a resolv.conf; "" if there is none.
func domainOf(resolvConf string) string {
	for line := range strings.Lines(resolvConf) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "search" {
			continue
		}
		for _, search := range fields[1:] {
			if domain, ok := strings.CutPrefix(strings.TrimSuffix(search, "."), "svc."); ok {
				return domain
			}
		}
	}
	return ""
}
