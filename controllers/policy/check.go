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

// Check returns a sentence for every field of the spec that the rules refuse. The repository of
// defaultImage, which is the manager's setting, is always allowed.
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

// check collects the refusals of one hub's spec.
type check struct {
	rules    Rules
	hub      *v1alpha1.IntegrationHub
	refusals []string
}

// refuse records a field, why its value is refused, and the rule with which the operator's
// administrator can allow it; empty if no rule can.
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
		c.refuse("spec.image", fmt.Sprintf("uses the repository %q, which is not allowed", wanted), "imagePrefixes")
	}
}

// repository returns an image without its tag and digest.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		image = image[:colon]
	}
	return image
}

func (c *check) serviceAccount() {
	a := c.hub.Spec.ServiceAccount
	if a == nil || a.Name == "" {
		return
	}
	if !slices.ContainsFunc(c.rules.ServiceAccounts, func(pattern string) bool { return glob(pattern, a.Name) }) {
		c.refuse("spec.serviceAccount.name", fmt.Sprintf("is %q, which is not allowed", a.Name), "serviceAccounts")
	}
}

func (c *check) issuer() {
	ref := c.hub.Spec.TLS.IssuerRef
	if ref == nil || c.rules.Issuers == nil {
		return
	}
	if !slices.ContainsFunc(c.rules.Issuers, func(i Issuer) bool { return i.matches(ref.Name, ref.Kind, ref.Group) }) {
		c.refuse("spec.tls.issuerRef",
			fmt.Sprintf("references %s %q, which is not allowed in this namespace", cmp.Or(ref.Kind, "Issuer"), ref.Name), "issuers")
	}
}

// hosts checks all names for which the hub gets a route or a certificate.
func (c *check) hosts() {
	spec := c.hub.Spec
	e := spec.Exposure
	if spec.BaseURL != "" && (spec.TLS.IssuerRef != nil || e != nil && (e.Ingress != nil || e.Gateway != nil)) {
		if u, err := url.Parse(spec.BaseURL); err == nil { // the CRD validates it
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
		c.refuse(field, fmt.Sprintf("contains %q, a cluster-internal name that does not belong to this hub's Service", name), "")
	case c.rules.Hosts != nil:
		if !slices.ContainsFunc(c.rules.Hosts, func(pattern string) bool { return hostMatches(pattern, name) }) {
			c.refuse(field, fmt.Sprintf("contains %q, a host that is not allowed in this namespace", name), "hosts")
		}
	case !isPublicName(name):
		c.refuse(field, fmt.Sprintf("contains %q, which is not a public host name", name), "hosts")
	}
}

func (c *check) annotations() {
	c.annotationsAt("spec.commonMetadata.annotations", resources.Annotations(c.hub))
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
			c.refuse(at, "is not an allowed annotation", "annotations")
		case !isSafeAnnotationValue(key, annotations[key]):
			c.refuse(at, "has a value with characters that could inject proxy configuration", "annotations")
		}
	}
}

// priorityClass keeps hubs from evicting system components.
func (c *check) priorityClass(field, name string) {
	if strings.HasPrefix(name, "system-") {
		c.refuse(field, fmt.Sprintf("is %q, which is reserved for system components", name), "")
	}
}
