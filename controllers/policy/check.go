package policy

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/controllers/resources"
)

// Check returns a sentence for each thing in the spec that the rules do not allow. The
// repository of defaultImage, the manager's own setting, is always allowed.
func (r Rules) Check(hub *v1alpha1.IntegrationHub, defaultImage string) []string {
	c := &check{rules: r, hub: hub}
	c.image(defaultImage)
	c.serviceAccount()
	c.issuer()
	c.hosts()
	c.annotations()
	if s := hub.Spec.Scheduling; s != nil {
		c.priorityClass("spec.scheduling.priorityClassName", s.PriorityClassName)
	}
	if r.AnyPodTemplate == nil || !*r.AnyPodTemplate {
		c.podTemplate()
	}
	return c.refusals
}

// check collects what one hub's spec asks for and may not.
type check struct {
	rules    Rules
	hub      *v1alpha1.IntegrationHub
	refusals []string
}

// refuse notes a field, why its value is refused, and the rule by which the operator's
// administrator can allow it; an empty rule means that none can.
func (c *check) refuse(field, reason, rule string) {
	advice := "Change or remove it."
	if rule != "" {
		advice = fmt.Sprintf("Change or remove it, or ask the operator's administrator to allow it (%s in the manager's policy).", rule)
	}
	c.refusals = append(c.refusals, field+" "+reason+". "+advice)
}

func (c *check) image(defaultImage string) {
	image := c.hub.Spec.Image
	if image == "" {
		return
	}
	wanted := repository(image)
	allowed := func(prefix string) bool {
		return prefix == "*" || wanted == prefix || strings.HasPrefix(wanted, strings.TrimSuffix(prefix, "/")+"/")
	}
	if wanted != repository(defaultImage) && !slices.ContainsFunc(c.rules.ImagePrefixes, allowed) {
		c.refuse("spec.image", fmt.Sprintf("names the repository %q, from which hubs may not run", wanted), "imagePrefixes")
	}
}

// repository is an image without its tag and digest.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		image = image[:colon]
	}
	return image
}

func (c *check) serviceAccount() {
	a := c.hub.Spec.ServiceAccount
	if a == nil || a.Name == "" || a.Name == c.hub.Name {
		return
	}
	if !slices.ContainsFunc(c.rules.ServiceAccounts, func(pattern string) bool { return glob(pattern, a.Name) }) {
		c.refuse("spec.serviceAccount.name", fmt.Sprintf("is %q, as which hubs may not run", a.Name), "serviceAccounts")
	}
}

func (c *check) issuer() {
	ref := c.hub.Spec.TLS.IssuerRef
	if ref == nil || c.rules.Issuers == nil {
		return
	}
	if !slices.ContainsFunc(c.rules.Issuers, func(i Issuer) bool { return i.matches(ref.Name, ref.Kind, ref.Group) }) {
		c.refuse("spec.tls.issuerRef", fmt.Sprintf("names the %s %q, which this namespace may not use", cmp.Or(ref.Kind, "Issuer"), ref.Name), "issuers")
	}
}

// hosts checks every name under which the hub would be published or certified.
func (c *check) hosts() {
	spec := c.hub.Spec
	e := spec.Exposure
	if spec.BaseURL != "" && (spec.TLS.IssuerRef != nil || e != nil && (e.Ingress != nil || e.Gateway != nil)) {
		if u, err := url.Parse(spec.BaseURL); err == nil { // the CRD's rules let no other value in
			c.host("spec.baseURL", u.Hostname())
		}
	}
	for n, name := range spec.TLS.DNSNames {
		c.host(fmt.Sprintf("spec.tls.dnsNames[%d]", n), name)
	}
	if e == nil {
		return
	}
	if e.Ingress != nil && e.Ingress.Host != "" {
		c.host("spec.exposure.ingress.host", e.Ingress.Host)
	}
	if e.Gateway != nil {
		for n, name := range e.Gateway.Hostnames {
			c.host(fmt.Sprintf("spec.exposure.gateway.hostnames[%d]", n), name)
		}
	}
}

func (c *check) host(field, name string) {
	if slices.Contains(resources.ServiceNames(c.hub), name) {
		return
	}
	switch {
	case isClusterName(name):
		c.refuse(field, fmt.Sprintf("is or contains %q, a name for something inside the cluster that is not this hub's Service", name), "")
	case c.rules.Hosts != nil:
		if !slices.ContainsFunc(c.rules.Hosts, func(pattern string) bool { return hostMatches(pattern, name) }) {
			c.refuse(field, fmt.Sprintf("is or contains %q, a host that this namespace may not use", name), "hosts")
		}
	case !isPublicName(name):
		c.refuse(field, fmt.Sprintf("is or contains %q, which is not a public host name", name), "hosts")
	}
}

func (c *check) annotations() {
	e := c.hub.Spec.Exposure
	if e == nil {
		return
	}
	if e.Service != nil {
		c.annotationsAt("spec.exposure.service.annotations", e.Service.Annotations)
	}
	if e.Ingress != nil {
		c.annotationsAt("spec.exposure.ingress.annotations", e.Ingress.Annotations)
	}
	if e.Gateway != nil {
		c.annotationsAt("spec.exposure.gateway.annotations", e.Gateway.Annotations)
	}
}

func (c *check) annotationsAt(field string, annotations map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		at := fmt.Sprintf("%s[%q]", field, key)
		switch {
		case c.rules.allowsAnnotation(key):
		case key == dnsHostname:
			for name := range strings.SplitSeq(annotations[key], ",") {
				c.host(at, strings.TrimSpace(name))
			}
		case !isSafeAnnotation(key):
			c.refuse(at, "is not an annotation that hubs may set", "annotations")
		case !isSafeAnnotationValue(key, annotations[key]):
			c.refuse(at, "has a value with characters that could change the proxy's configuration", "annotations")
		}
	}
}

// priorityClass keeps hubs from evicting the cluster's own components.
func (c *check) priorityClass(field, name string) {
	if strings.HasPrefix(name, "system-") {
		c.refuse(field, fmt.Sprintf("is %q, which is for the cluster's own components", name), "")
	}
}
