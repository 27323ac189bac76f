// Package policy decides what those who may create IntegrationHubs may ask for. The operator
// has more rights than they have: without a policy it would lend these rights to them.
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

// Policy is the manager's setting, one set of rules for each namespace.
type Policy struct {
	// Default applies to all namespaces.
	Default Rules `json:"default,omitempty"`
	// Namespaces replace single rules of the default.
	Namespaces map[string]Rules `json:"namespaces,omitempty"`
}

// Rules are what hubs of a namespace may ask for. For a list, leaving it out and leaving it
// empty differ: an empty list allows nothing beyond what is always allowed.
type Rules struct {
	// AnyPodTemplate allows everything in spec.podTemplate. With it, whoever may create a hub
	// may run any pod in the namespace and read all of its Secrets.
	AnyPodTemplate *bool `json:"anyPodTemplate,omitempty"`
	// ImagePrefixes are repositories, or registries and paths above them, for spec.image; "*"
	// allows every image. The repository of the manager's hub image is always allowed.
	ImagePrefixes []string `json:"imagePrefixes,omitempty"`
	// ServiceAccounts may be named by spec.serviceAccount.name; * stands for any characters.
	// Unless set, a hub runs as the ServiceAccount that the operator creates for it.
	ServiceAccounts []string `json:"serviceAccounts,omitempty"`
	// Issuers may be named by spec.tls.issuerRef. Unless set, every issuer may be.
	Issuers []Issuer `json:"issuers,omitempty"`
	// Hosts may be used in URLs, certificates and routes, such as hub.example.com, or
	// *.example.com for every name below it. Unless set, every public name may be. Names of
	// the cluster's own Services are never allowed, but for the hub's own.
	Hosts []string `json:"hosts,omitempty"`
	// Annotations may be set on pods, Services, Ingresses and HTTPRoutes in addition to those
	// that are always allowed. A * at the end stands for any characters.
	Annotations []string `json:"annotations,omitempty"`
}

// Issuer selects issuers of cert-manager.
type Issuer struct {
	// Name of the issuer; * stands for any characters.
	Name string `json:"name"`
	// Kind is Issuer unless set.
	Kind string `json:"kind,omitempty"`
	// Group is cert-manager.io unless set.
	Group string `json:"group,omitempty"`
}

// Load reads a policy from a YAML file; without a file name it is the default policy.
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

// validate finds mistakes that would otherwise show as rules that never match.
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
			errs = append(errs, fmt.Errorf("%s.annotations: %q has a * before its end", at, key))
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

// glob reports whether a name matches a pattern that was validated.
func glob(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

func (i Issuer) matches(name, kind, group string) bool {
	return glob(i.Name, name) &&
		cmp.Or(i.Kind, "Issuer") == cmp.Or(kind, "Issuer") &&
		cmp.Or(i.Group, "cert-manager.io") == cmp.Or(group, "cert-manager.io")
}
