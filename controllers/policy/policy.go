// Package policy restricts what the spec of an IntegrationHub may ask for. The operator has more
// permissions than the users who create hubs; without a policy, they could use these permissions.
package policy

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// Policy is the manager's policy.
type Policy struct {
	// Default applies to all namespaces.
	Default Rules `json:"default,omitempty"`
	// Namespaces override rules of the default, by namespace.
	Namespaces map[string]Rules `json:"namespaces,omitempty"`
}

// Rules apply to the hubs of a namespace. An empty list differs from an omitted one: it allows nothing
// beyond what is always allowed.
type Rules struct {
	// AnyPodTemplate allows everything in spec.podTemplate. Users who may create a hub can then run
	// any pod in the namespace, and read all of its Secrets.
	AnyPodTemplate *bool `json:"anyPodTemplate,omitempty"`
	// ImagePrefixes are repositories, or registries and paths above them, that spec.image may use;
	// "*" allows all. The repository of the manager's hub image is always allowed.
	ImagePrefixes []string `json:"imagePrefixes,omitempty"`
	// ServiceAccounts that spec.serviceAccount.name may use; * matches any characters. If omitted,
	// hubs use the ServiceAccount that the operator creates.
	ServiceAccounts []string `json:"serviceAccounts,omitempty"`
	// Issuers that spec.tls.issuerRef may reference; all if omitted.
	Issuers []Issuer `json:"issuers,omitempty"`
	// Hosts that URLs, certificates and routes may use, such as hub.example.com, or *.example.com for
	// its subdomains; all public names if omitted. Names of other Services are never allowed.
	Hosts []string `json:"hosts,omitempty"`
	// Annotations that pods, Services, Ingresses and HTTPRoutes may have in addition to those that are
	// always allowed. A trailing * matches any characters.
	Annotations []string `json:"annotations,omitempty"`
}

// Issuer selects issuers of cert-manager.
type Issuer struct {
	// Name of the issuer; * matches any characters.
	Name string `json:"name"`
	// Kind defaults to Issuer.
	Kind string `json:"kind,omitempty"`
	// Group defaults to cert-manager.io.
	Group string `json:"group,omitempty"`
}

// Load reads a policy from a YAML file. Without a file name it returns the default policy.
func Load(file string) (Policy, error) {
	var p Policy
	if file == "" {
		return p, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return p, fmt.Errorf("reading the policy: %w", err)
	}
	if err := yaml.UnmarshalStrict(text, &p); err != nil {
		return p, fmt.Errorf("reading the policy %s: %w", file, err)
	}
	if err := p.validate(); err != nil {
		return p, fmt.Errorf("reading the policy %s: %w", file, err)
	}
	return p, nil
}

// For returns the rules of a namespace.
func (p Policy) For(namespace string) Rules {
	rules, own := p.Default, p.Namespaces[namespace]
	if own.AnyPodTemplate != nil {
		rules.AnyPodTemplate = own.AnyPodTemplate
	}
	override(&rules.ImagePrefixes, own.ImagePrefixes)
	override(&rules.ServiceAccounts, own.ServiceAccounts)
	override(&rules.Issuers, own.Issuers)
	override(&rules.Hosts, own.Hosts)
	override(&rules.Annotations, own.Annotations)
	return rules
}

func override[T any](rule *[]T, own []T) {
	if own != nil {
		*rule = own
	}
}

func (p Policy) validate() error {
	errs := []error{p.Default.validate("default")}
	for namespace, rules := range p.Namespaces {
		errs = append(errs, rules.validate("namespaces."+namespace))
	}
	return errors.Join(errs...)
}

var hostPattern = regexp.MustCompile(`^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$|^[0-9a-f:.]+$`)

// validate finds rules that can never match.
func (r Rules) validate(at string) error {
	var errs []error
	for _, host := range r.Hosts {
		if !hostPattern.MatchString(host) {
			errs = append(errs, fmt.Errorf("%s.hosts: %q is not a host such as hub.example.com or *.example.com", at, host))
		}
	}
	for _, prefix := range r.ImagePrefixes {
		if prefix == "" || prefix != "*" && strings.ContainsAny(prefix, "*@ ") {
			errs = append(errs, fmt.Errorf("%s.imagePrefixes: %q is not a prefix such as registry.example.com/hubs", at, prefix))
		}
	}
	for _, key := range r.Annotations {
		if n := strings.IndexByte(key, '*'); key == "" || n >= 0 && n < len(key)-1 {
			errs = append(errs, fmt.Errorf("%s.annotations: %q must not contain * except at its end", at, key))
		}
	}
	for _, name := range r.ServiceAccounts {
		errs = append(errs, validGlob(at+".serviceAccounts", name))
	}
	for _, issuer := range r.Issuers {
		errs = append(errs, validGlob(at+".issuers", issuer.Name))
	}
	return errors.Join(errs...)
}

func validGlob(at, pattern string) error {
	if _, err := path.Match(pattern, "x"); pattern == "" || err != nil {
		return fmt.Errorf("%s: %q is not a name such as hub or hub-*", at, pattern)
	}
	return nil
}

// glob reports whether a name matches a validated pattern.
func glob(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

func (i Issuer) matches(name, kind, group string) bool {
	return glob(i.Name, name) &&
		cmp.Or(i.Kind, "Issuer") == cmp.Or(kind, "Issuer") &&
		cmp.Or(i.Group, "cert-manager.io") == cmp.Or(group, "cert-manager.io")
}
