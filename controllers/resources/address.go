package resources

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"

	"integrationhub.dev/api/v1alpha1"
)

// BaseURL returns the hub's URL: spec.baseURL, or the exposed host, or the name of its Service.
func BaseURL(hub *v1alpha1.IntegrationHub) string {
	if hub.Spec.BaseURL != "" {
		return hub.Spec.BaseURL
	}
	if hosts := exposedHosts(hub); len(hosts) > 0 {
		return "https://" + hosts[0]
	}
	return "https://" + hub.Name + "." + hub.Namespace + ".svc"
}

// exposedHosts returns the hosts of the Ingress or the HTTPRoute.
func exposedHosts(hub *v1alpha1.IntegrationHub) []string {
	e := hub.Spec.Exposure
	switch {
	case e == nil:
		return nil
	case e.Ingress != nil && e.Ingress.Host != "":
		return []string{e.Ingress.Host}
	case e.Gateway != nil && len(e.Gateway.Hostnames) > 0:
		return e.Gateway.Hostnames
	case e.Ingress == nil && e.Gateway == nil:
		return nil
	}
	return []string{Host(hub)}
}

// HasRoutes reports whether the spec has an Ingress or an HTTPRoute.
func HasRoutes(hub *v1alpha1.IntegrationHub) bool {
	e := hub.Spec.Exposure
	return e != nil && (e.Ingress != nil || e.Gateway != nil)
}

// IngressHost returns the host of the Ingress.
func IngressHost(hub *v1alpha1.IntegrationHub) string { return exposedHosts(hub)[0] }

// SharedHost returns a host at which one proxy would serve both hubs at the same path; "" if there is
// none.
func SharedHost(a, b *v1alpha1.IntegrationHub) string {
	if !HasRoutes(a) || !HasRoutes(b) || basePath(a) != basePath(b) ||
		!shareProxy(a.Spec.Exposure, b.Spec.Exposure, a.Namespace, b.Namespace) {
		return ""
	}
	others := exposedHosts(b)
	for _, host := range exposedHosts(a) {
		if slices.Contains(others, host) {
			return host
		}
	}
	return ""
}

// shareProxy reports whether two hubs are exposed by the same class of Ingresses or by the same Gateway.
func shareProxy(a, b *v1alpha1.Exposure, namespaceA, namespaceB string) bool {
	if a.Ingress != nil && b.Ingress != nil {
		return valueOf(a.Ingress.ClassName) == valueOf(b.Ingress.ClassName)
	}
	if a.Gateway == nil || b.Gateway == nil {
		return false
	}
	return slices.ContainsFunc(a.Gateway.ParentRefs, func(p v1alpha1.ParentRef) bool {
		return slices.ContainsFunc(b.Gateway.ParentRefs, func(q v1alpha1.ParentRef) bool {
			return p.Name == q.Name && cmp.Or(p.Namespace, namespaceA) == cmp.Or(q.Namespace, namespaceB)
		})
	})
}

func valueOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// Host returns the host of the base URL, without the port.
func Host(hub *v1alpha1.IntegrationHub) string {
	u, err := url.Parse(BaseURL(hub))
	if err != nil { // the CRD validates it
		return ""
	}
	return u.Hostname()
}

// basePath returns the path of the base URL, or "/".
func basePath(hub *v1alpha1.IntegrationHub) string {
	u, err := url.Parse(BaseURL(hub))
	if err != nil || u.Path == "" {
		return "/"
	}
	return u.Path
}

// CertificateNames returns the names and addresses of the hub's certificate. The Service's names are
// included only if the hub has no external name, because public CAs refuse cluster-internal names.
func CertificateNames(hub *v1alpha1.IntegrationHub) (names, addresses []string) {
	names = slices.Clone(hub.Spec.TLS.DNSNames)
	hosts := exposedHosts(hub)
	if hub.Spec.BaseURL == "" && len(hosts) == 0 {
		names = append(names, ServiceNames(hub)...)
	} else {
		for _, host := range append(hosts, Host(hub)) {
			if _, err := netip.ParseAddr(host); err == nil {
				addresses = append(addresses, host)
			} else if host != "" {
				names = append(names, host)
			}
		}
	}
	slices.Sort(names)
	slices.Sort(addresses)
	return slices.Compact(names), slices.Compact(addresses)
}

// ServiceNames returns the DNS names of the hub's Service inside the cluster.
func ServiceNames(hub *v1alpha1.IntegrationHub) []string {
	service := hub.Name + "." + hub.Namespace
	return []string{service + ".svc", service + ".svc." + ClusterDomain(), service, hub.Name}
}

// ServesTLS reports whether the pods serve HTTPS.
func ServesTLS(hub *v1alpha1.IntegrationHub) bool { return !hub.Spec.TLS.TerminatedElsewhere }

// TLSSecretName returns the name of the Secret with the hub's certificate.
func TLSSecretName(hub *v1alpha1.IntegrationHub) string {
	if hub.Spec.TLS.SecretName != "" {
		return hub.Spec.TLS.SecretName
	}
	return hub.Name + "-tls"
}
