package catalog

import (
	"errors"
	"slices"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/icons"
)

// Description is what people can know about an integration, whether it is available or not.
type Description struct {
	action.Registration
	// Resolved is the integration as it is configured, or as if its missing settings were set. Its
	// Definition has no name if the integration could not be created for another reason.
	Resolved action.Resolved
	// Icon is a data URI, or empty.
	Icon string
	// APIs are the versions of the vendors' APIs in use.
	APIs []action.API
	// Required and Optional are the settings that it reads.
	Required, Optional []string
	// Unavailable is the reason why it is not available, or empty.
	Unavailable string
	// Fault reports whether it is unavailable although somebody meant to enable it.
	Fault bool
}

// Descriptions returns all registered integrations in their order.
func (c *Catalog) Descriptions() []Description { return c.descriptions }

func (c *Catalog) describe(r candidate, cfg config.Config, deps action.Deps) Description {
	d := Description{
		Registration: r.Registration, Icon: icons.DataURI(r.Name), APIs: r.apis(deps.Env), Unavailable: c.Unavailable[r.Name], Required: r.required,
	}
	d.Optional = slices.DeleteFunc(slices.Clone(r.settings), func(name string) bool { return slices.Contains(d.Required, name) })
	if e, ok := c.current.Load().byName[r.Name]; ok {
		d.Resolved = e.Resolved
		return d
	}
	missing := missingSettings(r.err)
	d.Fault = c.faults[r.Name] ||
		cfg.Offers(r.Name) && len(missing) > 0 && (slices.Contains(cfg.Enabled, r.Name) || len(missing) < len(d.Required))
	d.Resolved = placeholder(r.Registration, deps, slices.Concat(missing, d.Required))
	return d
}

// placeholders are values for settings that are not set: text, what else is a boolean, or an address.
var placeholders = []string{"placeholder", "true", "hub@example.com"}

// placeholder creates an integration of which only the definition is used. Its environment has nothing
// but placeholders for the required settings. It is empty if a setting accepts none of them.
func placeholder(r action.Registration, deps action.Deps, settings []string) action.Resolved {
	deps.Env = map[string]string{}
	for _, value := range placeholders {
		for _, name := range settings {
			deps.Env[name] = value
		}
		i, err := r.New(deps)
		if err == nil {
			return action.Resolve(i)
		}
		settings = faulty(err)
	}
	return action.Resolved{}
}

// faulty returns the settings that an error names.
func faulty(err error) (names []string) {
	names = append(names, missingSettings(err)...)
	if invalid, ok := errors.AsType[*action.InvalidSettingsError](err); ok {
		for _, s := range invalid.Settings {
			names = append(names, s.Name)
		}
	}
	return names
}

// Notices are problems of the configuration that belong to no single integration. They contain names
// of settings and integrations, and no values of settings.
func (c *Catalog) Notices() []string { return slices.Clone(c.notices) }
