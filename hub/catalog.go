package hub

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/icons"
)

// Entry is an integration that the catalogue may offer.
type Entry struct {
	Name string
	New  action.Constructor
}

// Catalog is what the hub offers, and why it does not offer the rest.
type Catalog struct {
	offered []offer
	byName  map[string]*offer
	// Withheld maps integrations that are not on offer to the reason.
	Withheld map[string]string
}

// offer is one integration on offer, with its JSON for Looker made once.
type offer struct {
	action.Resolved
	log *slog.Logger
	// json describes it to every Looker; nil when that depends on Looker's version.
	json []byte
	icon string
}

// NewCatalog makes every integration that the configuration enables and that is configured.
// An enabled name that does not exist, a setting that cannot be read and a definition that
// contradicts its entry are errors; a missing setting is not.
func NewCatalog(entries []Entry, cfg config.Config, deps action.Deps) (*Catalog, error) {
	c := &Catalog{byName: map[string]*offer{}, Withheld: map[string]string{}}
	var errs []error
	for _, name := range cfg.Enabled {
		if !slices.ContainsFunc(entries, func(e Entry) bool { return e.Name == name }) {
			errs = append(errs, fmt.Errorf("enabling integrations: there is none named %q", name))
		}
	}
	for _, e := range entries {
		if !cfg.Offers(e.Name) {
			c.Withheld[e.Name] = "not enabled"
			continue
		}
		d := deps
		d.Log = deps.Log.With(telemetry.IntegrationKey, e.Name)
		i, err := e.New(d)
		if missing, ok := errors.AsType[*action.MissingSettingsError](err); ok {
			c.Withheld[e.Name] = missing.Error()
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("making integration %s: %w", e.Name, err))
			continue
		}
		o := offer{Resolved: action.Resolve(i), log: d.Log, icon: icons.DataURI(e.Name)}
		if o.Definition.Name != e.Name {
			errs = append(errs, fmt.Errorf("making integration %s: it calls itself %q", e.Name, o.Definition.Name))
			continue
		}
		if o.Definition.FormatsFor == nil {
			o.json = o.describe(cfg.BaseURL, action.Version{})
		}
		c.offered = append(c.offered, o)
	}
	for i := range c.offered {
		c.byName[c.offered[i].Definition.Name] = &c.offered[i]
	}
	return c, errors.Join(errs...)
}

// Names returns the integrations on offer.
func (c *Catalog) Names() []string {
	names := make([]string, len(c.offered))
	for i, o := range c.offered {
		names[i] = o.Definition.Name
	}
	return names
}

// find returns an integration that this version of Looker can use.
func (c *Catalog) find(name string, v action.Version) (*offer, bool) {
	o, ok := c.byName[name]
	if !ok || !o.supports(v) {
		return nil, false
	}
	return o, true
}

// supports reports whether a version of Looker can use the integration. One that does not
// tell its version is not refused anything.
func (o *offer) supports(v action.Version) bool {
	return !v.Known() || v.AtLeast(o.Definition.MinVersion)
}
