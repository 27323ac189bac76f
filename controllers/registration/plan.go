package registration

import (
	"fmt"
	"slices"
	"strings"

	"github.com/oapi-codegen/nullable"

	"integrationhub.dev/api/v1alpha1"
	"integrationhub.dev/hub/looker/api"
)

// wantedIntegration is a listed integration with the values of its parameters.
type wantedIntegration struct {
	v1alpha1.RegisteredIntegration

	// values are the values of parameters that have no user attribute, by name.
	values map[string]string
	// digest identifies these settings.
	digest string
}

// plan is what to change of one integration in Looker.
type plan struct {
	// change is what to send; nil if nothing differs, or if the settings cannot be applied.
	change *api.Integration
	// fields are the names of the fields that differ.
	fields []string
	// problem says why the settings cannot be applied, and what to do.
	problem string
	// enabled is whether the integration is enabled after the change.
	enabled bool
}

// newPlan compares a listed integration with what Looker has. Looker never returns sensitive values, so
// these are written when the settings have another digest than those written last.
func newPlan(want wantedIntegration, have api.Integration, writtenDigest string, prune bool) plan {
	p := plan{enabled: valueOf(have.Enabled)}
	change := api.Integration{}
	if want.Enabled != nil && *want.Enabled != p.enabled {
		p.enabled, change.Enabled = *want.Enabled, want.Enabled
		p.fields = append(p.fields, "enabled")
	}
	if targets := want.DelegateOAuthTargets; len(targets) > 0 && !sameSet(targets, have.InstalledDelegateOauthTargets) {
		change.InstalledDelegateOauthTargets = targets
		p.fields = append(p.fields, "delegateOAuthTargets")
	}
	params := paramsPlan{want: want, rewrite: want.digest != writtenDigest, prune: prune}
	for _, param := range have.Params {
		params.add(param)
	}
	if p.problem = params.problem(have, p.enabled); p.problem != "" {
		return plan{problem: p.problem, enabled: valueOf(have.Enabled)}
	}
	if len(params.fields) > 0 {
		change.Params = params.change
		p.fields = append(p.fields, params.fields...)
	}
	if len(p.fields) > 0 {
		p.change = &change
	}
	return p
}

// paramsPlan is what to change of an integration's parameters. All parameters are sent, as Looker's own page
// does: a parameter without a value keeps the one that it has.
type paramsPlan struct {
	want wantedIntegration
	// rewrite is set if values that cannot be compared have to be written.
	rewrite, prune bool

	change []api.IntegrationParam
	fields []string
	// missing are required parameters without a value, perUser those that need a user attribute.
	missing, perUser []string
}

func (p *paramsPlan) add(have api.IntegrationParam) {
	name := valueOf(have.Name)
	i := slices.IndexFunc(p.want.Params, func(w v1alpha1.IntegrationParam) bool { return w.Name == name })
	next, attribute := unchangedParam(have)
	hasValue := valueOf(have.HasValue) || attribute != ""
	set := func(value *string, userAttribute nullable.Nullable[string]) {
		next.Value, next.UserAttributeName = value, userAttribute
		p.fields = append(p.fields, "params["+name+"]")
	}
	switch value, listed := p.want.values[name]; {
	case i >= 0 && p.want.Params[i].UserAttribute != "":
		if wanted := p.want.Params[i].UserAttribute; wanted != attribute {
			set(nil, nullable.NewNullableWithValue(wanted))
		}
		hasValue = true
	case i >= 0 && listed:
		if valueOf(have.PerUser) && value != "" {
			p.perUser = append(p.perUser, name)
		}
		if attribute != "" || p.differs(have, value) {
			set(&value, nullable.NewNullNullable[string]())
		}
		hasValue = value != ""
	case p.prune && hasValue:
		set(new(""), nullable.NewNullNullable[string]())
		hasValue = false
	}
	if valueOf(have.Required) && !hasValue {
		p.missing = append(p.missing, name)
	}
	p.change = append(p.change, next)
}

// unchangedParam is what is sent of a parameter that stays as it is, and its user attribute.
func unchangedParam(have api.IntegrationParam) (same api.IntegrationParam, attribute string) {
	same.Name = new(valueOf(have.Name))
	if attribute, _ = have.UserAttributeName.Get(); attribute != "" {
		same.UserAttributeName = nullable.NewNullableWithValue(attribute)
	}
	return same, attribute
}

// differs reports whether a parameter has another value.
func (p *paramsPlan) differs(have api.IntegrationParam, value string) bool {
	switch {
	case value == "" || !valueOf(have.HasValue):
		return valueOf(have.HasValue) != (value != "")
	case have.Sensitive == nil || *have.Sensitive: // the API's default is true
		return p.rewrite
	}
	return valueOf(have.Value) != value
}

// problem returns why the parameters cannot be applied.
func (p *paramsPlan) problem(have api.Integration, enabled bool) string {
	var unknown []string
	for _, w := range p.want.Params {
		if !slices.ContainsFunc(have.Params, func(h api.IntegrationParam) bool { return valueOf(h.Name) == w.Name }) {
			unknown = append(unknown, w.Name)
		}
	}
	switch {
	case len(unknown) > 0:
		return fmt.Sprintf("The integration does not have the parameters %s. Remove or rename them.", strings.Join(unknown, ", "))
	case len(p.perUser) > 0:
		return fmt.Sprintf("Each user has their own value for the parameters %s. Set userAttribute instead of value.", strings.Join(p.perUser, ", "))
	case enabled && len(p.missing) > 0:
		return fmt.Sprintf("The required parameters %s have no value. Set them in params.", strings.Join(p.missing, ", "))
	}
	return ""
}

// integrationName returns the name of an integration. Looker's ID of it is "<ID of the hub>::<name>".
func integrationName(integration api.Integration) string {
	id := valueOf(integration.ID)
	if _, name, ok := strings.Cut(id, "::"); ok {
		return name
	}
	return id
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

func valueOf[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
