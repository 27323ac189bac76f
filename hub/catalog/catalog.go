// Package catalog holds the integrations that the hub offers: which ones are available, their
// definitions as JSON for Looker, and the reason why any other is not available.
package catalog

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

// Catalog is what the hub offers. It does not change after [New].
type Catalog struct {
	// Unavailable maps the names of other integrations to the reason why they are not available.
	Unavailable map[string]string

	label   string
	entries []Entry
	byName  map[string]*Entry
	lists   lists
}

// Entry is an available integration.
type Entry struct {
	action.Resolved
	// Log names the integration in every line.
	Log *slog.Logger
	// Icon is a data URI, or empty.
	Icon string
	// APIs are the versions of the vendors' APIs in use.
	APIs []action.API

	baseURL string
	// json is the definition; nil when it depends on Looker's version.
	json []byte
}

// New creates every registered integration that is enabled and configured. An enabled name that
// is not registered, an invalid setting and a definition with another name than its registration
// are errors; a missing setting makes the integration unavailable.
func New(registered []action.Registration, cfg config.Config, deps action.Deps) (*Catalog, error) {
	c := &Catalog{
		Unavailable: map[string]string{}, label: cfg.Label, byName: map[string]*Entry{}, lists: lists{cached: map[string]List{}},
	}
	var errs []error
	for _, name := range cfg.Enabled {
		if !slices.ContainsFunc(registered, func(r action.Registration) bool { return r.Name == name }) {
			errs = append(errs, fmt.Errorf("enabling integrations: no integration is named %q", name))
		}
	}
	for _, r := range registered {
		if !cfg.Offers(r.Name) {
			c.Unavailable[r.Name] = "not enabled"
			continue
		}
		e, err := newEntry(r, cfg, deps)
		if missing, ok := errors.AsType[*action.MissingSettingsError](err); ok {
			c.Unavailable[r.Name] = missing.Error()
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("creating integration %s: %w", r.Name, err))
			continue
		}
		c.entries = append(c.entries, e)
	}
	for i := range c.entries {
		c.byName[c.entries[i].Definition.Name] = &c.entries[i]
	}
	return c, errors.Join(errs...)
}

func newEntry(r action.Registration, cfg config.Config, deps action.Deps) (Entry, error) {
	deps.Log = deps.Log.With(telemetry.IntegrationKey, r.Name)
	i, err := r.New(deps)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Resolved: action.Resolve(i), Log: deps.Log, Icon: icons.DataURI(r.Name), baseURL: cfg.BaseURL}
	for _, a := range r.APIs {
		e.APIs = append(e.APIs, a.In(deps.Env))
	}
	if e.Definition.Name != r.Name {
		return Entry{}, fmt.Errorf("its definition is named %q", e.Definition.Name)
	}
	if e.Definition.FormatsFor == nil {
		e.json = e.marshalDefinition(action.Version{})
	}
	return e, nil
}

// Entries returns the available integrations.
func (c *Catalog) Entries() []Entry { return c.entries }

// Names returns the names of the available integrations.
func (c *Catalog) Names() []string {
	names := make([]string, len(c.entries))
	for i, e := range c.entries {
		names[i] = e.Definition.Name
	}
	return names
}

// Find returns an integration by name, if it supports the version of Looker.
func (c *Catalog) Find(name string, v action.Version) (*Entry, bool) {
	e, ok := c.byName[name]
	if !ok || !e.supports(v) {
		return nil, false
	}
	return e, true
}

// supports reports whether a version of Looker can use the integration. An unknown version is
// assumed to support everything.
func (e *Entry) supports(v action.Version) bool {
	return !v.Known() || v.AtLeast(e.Definition.MinVersion)
}
