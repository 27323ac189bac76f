package page

import (
	"fmt"
	"slices"
	"strings"

	"integrationhub.dev/hub/env"
)

// settable returns the settings that a user can set. Others are the operator's or the runtime's.
func settable(settings []string) []string {
	return slices.DeleteFunc(slices.Clone(settings), env.Reserved)
}

// Manifest is what enables the integration in Kubernetes: the IntegrationHub, and a Secret if it has
// required settings. It is for "kubectl apply --server-side", which merges it into the existing hub.
func (p IntegrationPage) Manifest() string {
	var b strings.Builder
	required, optional := settable(p.Required), settable(p.Optional)
	secret := p.Hub() + "-" + strings.ReplaceAll(p.Integration.Name, "_", "-")
	if len(required) > 0 {
		fmt.Fprintf(&b, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: %s\nstringData:\n", secret, p.In())
		for _, name := range required {
			fmt.Fprintf(&b, "  %s: \"\"\n", name)
		}
		for _, name := range optional {
			fmt.Fprintf(&b, "  # %s: \"\"\n", name)
		}
		b.WriteString("---\n")
	}
	fmt.Fprintf(&b, "apiVersion: hub.integrationhub.dev/v1alpha1\nkind: IntegrationHub\nmetadata:\n  name: %s\n  namespace: %s\n", p.Hub(), p.In())
	fmt.Fprintf(&b, "spec:\n  integrations:\n  - name: %s\n", p.Integration.Name)
	switch {
	case len(required) > 0:
		fmt.Fprintf(&b, "    secretRef:\n      name: %s\n", secret)
	case len(optional) > 0:
		b.WriteString("    # settings:\n")
		for _, name := range optional {
			fmt.Fprintf(&b, "    #   %s: \"\"\n", name)
		}
	}
	return b.String()
}

// HasSecret reports whether the manifest has values to enter.
func (p IntegrationPage) HasSecret() bool { return len(settable(p.Required)) > 0 }

// Environment is what enables the integration without the operator.
func (p IntegrationPage) Environment() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s=…,%s\n", env.Enabled, p.Integration.Name)
	for _, name := range p.Required {
		fmt.Fprintf(&b, "%s=\n", name)
	}
	for _, name := range settable(p.Optional) {
		fmt.Fprintf(&b, "# %s=\n", name)
	}
	return b.String()
}

// LookML is an example of a dimension for each required field.
func (p IntegrationPage) LookML() string {
	var b strings.Builder
	for n, need := range p.Needs() {
		if n > 0 {
			b.WriteString("\n")
		}
		tags := need.Tags
		if need.Between == " or " {
			tags = tags[:1]
		}
		fmt.Fprintf(&b, "dimension: %s {\n  tags: [\"%s\"]\n}\n", identifier(tags[0]), strings.Join(tags, `", "`))
	}
	return b.String()
}

// identifier turns a tag into a name for a dimension.
func identifier(tag string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(tag))
}
