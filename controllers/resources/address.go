package resources

import (
	"net/netip"
	"net/url"
	"slices"

	"integrationhub.dev/api/v1alpha1"
)

// BaseURL is the address under which the hub is known to Looker: what the spec says, else
// what it is exposed as, else its Service's name.
func BaseURL(hub *v1alpha1.IntegrationHub) string {
	if hub.Spec.BaseURL != "" {
		return hub.Spec.BaseURL
	}
	if hosts := exposedHosts(hub); len(hosts) > 0 {
		return "https://" + hosts[0]
	}
	return "https://" + hub.Name + "." + hub.Namespace + ".svc"
}

// exposedHosts are the names that an Ingress or a Gateway knows the hub by.
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

// Host is the base URL's host, without its port.
func Host(hub *v1alpha1.IntegrationHub) string {
	u, err := url.Parse(BaseURL(hub))
	if err != nil { // the CRD's rules let no other value in
		return ""
	}
	return u.Hostname()
}

// basePath is the base URL's path, "/" where it has none.
func basePath(hub *v1alpha1.IntegrationHub) string {
	u, err := url.Parse(BaseURL(hub))
	if err != nil || u.Path == "" {
		return "/"
	}
	return u.Path
}

// CertificateNames are what the hub's certificate is for. The Service's names are among them
// only where nothing says how the hub is known outside: a public authority refuses names that
// exist only in the cluster.
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

// ServiceNames are the names of the hub's Service inside the cluster.
func ServiceNames(hub *v1alpha1.IntegrationHub) []string {
	service := hub.Name + "." + hub.Namespace
	return []string{service + ".svc", service + ".svc.cluster.local", service, hub.Name}
}

// ServesTLS is whether the pods themselves speak HTTPS.
func ServesTLS(hub *v1alpha1.IntegrationHub) bool { return !hub.Spec.TLS.TerminatedElsewhere }

// TLSSecretName is the Secret with the hub's certificate.
func TLSSecretName(hub *v1alpha1.IntegrationHub) string {
	if hub.Spec.TLS.SecretName != "" {
		return hub.Spec.TLS.SecretName
	}
	return hub.Name + "-tls"
}
