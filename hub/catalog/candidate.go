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

// candidate is a registered integration, created from the environment.
type candidate struct {
	action.Registration
	log *slog.Logger
	// integration is nil if err is set.
	integration action.Integration
	err         error
	// settings are those that it reads, and required those without which it cannot be created.
	settings, required []string
}

// newCandidate creates an integration. Some settings are read only when others are set, so it is also
// created without an environment.
func newCandidate(r action.Registration, deps action.Deps) candidate {
	c := candidate{Registration: r, log: deps.Log.With(telemetry.IntegrationKey, r.Name)}
	deps.Log = c.log
	deps.Declare = func(names []string) { c.settings = append(c.settings, names...) }
	c.integration, c.err = r.New(deps)
	deps.Env = nil
	_, err := r.New(deps)
	c.required = missingSettings(err)
	slices.Sort(c.settings)
	c.settings = slices.Compact(c.settings)
	return c
}

// missingSettings returns the settings that an error calls missing.
func missingSettings(err error) []string {
	if missing, ok := errors.AsType[*action.MissingSettingsError](err); ok {
		return missing.Keys
	}
	return nil
}

// errOtherName means that an integration's definition and its registration have different names.
var errOtherName = errors.New("its definition is named differently")

func (c candidate) entry(cfg config.Config, environment map[string]string) (Entry, error) {
	if c.err != nil {
		return Entry{}, c.err
	}
	e := newEntry(action.Resolve(c.integration), c.log, icons.DataURI(c.Name), cfg.BaseURL)
	e.APIs = c.apis(environment)
	var err error
	if e.EncryptState, err = cfg.EncryptsState(c.Name, environment); err != nil {
		return Entry{}, err
	}
	if e.Definition.Name != c.Name {
		return Entry{}, fmt.Errorf("creating integration %s: %w: %q", c.Name, errOtherName, e.Definition.Name)
	}
	return e, nil
}

// apis returns the versions of the vendors' APIs in use.
func (c candidate) apis(environment map[string]string) []action.API {
	var all []action.API
	for _, a := range c.APIs {
		all = append(all, a.In(environment))
	}
	return all
}
