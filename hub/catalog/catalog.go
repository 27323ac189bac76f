// Package catalog holds the integrations that the hub offers: which ones are available, their
// definitions as JSON for Looker, and the reason why any other is not available.
package catalog

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"integrationhub.dev/api/httpintegration"
	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/env"
	"integrationhub.dev/hub/suggest"
)

// Catalog is what the hub offers. Only [Catalog.SetCustom] and [Catalog.SetRemote] change it, which one
// goroutine calls.
type Catalog struct {
	// Unavailable maps the names of other integrations to the reason why they are not available. It is
	// public, and has no values of settings.
	Unavailable map[string]string
	// Problems are for the log: what is wrong with the configuration although the hub can run.
	Problems []error

	label   string
	baseURL string
	log     *slog.Logger
	// faults are the integrations that are unavailable because of wrong settings.
	faults       map[string]bool
	notices      []string
	descriptions []Description
	// builtin are the program's own integrations.
	builtin []Entry
	// custom are the no-code integrations, and remote those of other hubs.
	custom  []Entry
	remote  []Remote
	refused []Refusal
	current atomic.Pointer[offer]
}

// offer is what the hub offers at one time. A request uses one offer from its beginning to its end.
type offer struct {
	label   string
	entries []Entry
	byName  map[string]*Entry
	lists   lists
}

func newOffer(label string, entries []Entry) *offer {
	o := &offer{label: label, entries: entries, byName: map[string]*Entry{}, lists: lists{cached: map[string]List{}}}
	for i := range entries {
		// Paths are in lowercase; other hubs may have names that are not.
		o.byName[strings.ToLower(entries[i].Definition.Name)] = &entries[i]
	}
	return o
}

// Entry is an available integration.
type Entry struct {
	// Resolved has nothing but the definition if the integration is another hub's.
	action.Resolved
	// Remote is the integration at another hub, or nil.
	Remote *Remote
	// Log names the integration in every line.
	Log *slog.Logger
	// Icon is a data URI, or empty.
	Icon string
	// EncryptState is whether users' tokens are encrypted before Looker stores them.
	EncryptState bool
	// APIs are the versions of the vendors' APIs in use.
	APIs []action.API

	baseURL string
	// json is the definition; nil when it depends on Looker's version.
	json []byte
}

func newEntry(i action.Resolved, log *slog.Logger, icon, baseURL string) Entry {
	e := Entry{Resolved: i, Log: log, Icon: icon, baseURL: baseURL}
	if e.Definition.FormatsFor == nil {
		e.json = e.marshalDefinition(action.Version{})
	}
	return e
}

// New creates every registered integration that is enabled and configured. Settings that are missing,
// invalid or, if the configuration is strict, unknown make an integration unavailable. A definition
// with another name than its registration is an error, and so is, if the configuration is strict, an
// unknown setting of the hub itself.
func New(registered []action.Registration, cfg config.Config, deps action.Deps) (*Catalog, error) {
	c := &Catalog{Unavailable: map[string]string{}, faults: map[string]bool{}, label: cfg.Label, baseURL: cfg.BaseURL, log: deps.Log}
	c.checkNames(registered, cfg)
	all := make([]candidate, len(registered))
	for i, r := range registered {
		all[i] = newCandidate(r, deps)
	}
	unknown, err := c.unknownSettings(all, cfg, deps.Env)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, r := range all {
		if !cfg.Offers(r.Name) {
			c.Unavailable[r.Name] = "not enabled"
			continue
		}
		e, err := r.entry(cfg, deps.Env)
		switch {
		case errors.Is(err, errOtherName):
			errs = append(errs, err)
		case err != nil:
			c.withhold(r.Name, err)
		case cfg.Strict && unknown[r.Name] != "":
			c.Unavailable[r.Name], c.faults[r.Name] = "unknown settings: "+unknown[r.Name], true
		default:
			c.builtin = append(c.builtin, e)
		}
	}
	c.current.Store(newOffer(c.label, c.builtin))
	for _, r := range all {
		c.descriptions = append(c.descriptions, c.describe(r, cfg, deps))
	}
	return c, errors.Join(errs...)
}

// withhold makes an integration unavailable because of its settings.
func (c *Catalog) withhold(name string, err error) {
	if missing, ok := errors.AsType[*action.MissingSettingsError](err); ok {
		c.Unavailable[name] = missing.Error()
		return
	}
	c.faults[name] = true
	c.Problems = append(c.Problems, fmt.Errorf("%s is not available: %w", name, err))
	if invalid, ok := errors.AsType[*action.InvalidSettingsError](err); ok {
		c.Unavailable[name] = invalid.Public()
		return
	}
	c.Unavailable[name] = "invalid settings: see the hub's log"
}

// checkNames reports names in the configuration that no integration has.
func (c *Catalog) checkNames(registered []action.Registration, cfg config.Config) {
	var names []string
	for _, r := range registered {
		names = append(names, r.Name)
	}
	for variable, list := range map[string][]string{env.Enabled: cfg.Enabled, env.DisabledIntegrations: cfg.Disabled} {
		for _, name := range list {
			if !slices.Contains(names, name) && !strings.HasPrefix(name, httpintegration.NamePrefix) {
				c.notice(fmt.Errorf("%s: there is no integration named %q%s", variable, name, suggest.Text(name, names)))
			}
		}
	}
	if !slices.ContainsFunc(names, cfg.Offers) {
		c.notice(fmt.Errorf("%s does not enable any integration", env.Enabled))
	}
}

// notice reports a problem that has no value of a setting.
func (c *Catalog) notice(problem error) {
	c.Problems = append(c.Problems, problem)
	c.notices = append(c.notices, problem.Error())
}

// unknownSettings reports variables that look like settings but are none. It returns those of
// integrations, by integration.
func (c *Catalog) unknownSettings(all []candidate, cfg config.Config, environment map[string]string) (map[string]string, error) {
	settings := map[string][]string{}
	for _, r := range all {
		settings[r.Name] = r.settings
	}
	var errs []error
	byIntegration := map[string]string{}
	for _, u := range cfg.UnknownSettings(environment, settings) {
		err := fmt.Errorf("there is no setting %s%s", u.Name, u.Suggestion)
		switch {
		case u.Integration != "":
			byIntegration[u.Integration] = strings.TrimPrefix(byIntegration[u.Integration]+", "+u.Name+u.Suggestion, ", ")
			c.notice(err)
		case cfg.Strict:
			errs = append(errs, err)
		default:
			c.notice(err)
		}
	}
	return byIntegration, errors.Join(errs...)
}

// Entries returns the available integrations.
func (c *Catalog) Entries() []Entry { return c.current.Load().entries }

// Names returns the names of the available integrations, other hubs' included.
func (c *Catalog) Names() []string {
	entries := c.Entries()
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Definition.Name
	}
	return names
}

// Find returns an integration by name, if it supports the version of Looker.
func (c *Catalog) Find(name string, v action.Version) (*Entry, bool) {
	e, ok := c.current.Load().byName[name]
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
