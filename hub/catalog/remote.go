package catalog

import (
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/telemetry"
)

// Remote is an integration of another hub, to which requests for it are passed.
type Remote struct {
	// Upstream is the name of that hub, and Name the integration's name there.
	Upstream, Name string
	// Definition has the name that Looker sees here.
	Definition action.Definition
	// Icon is a data URI, or empty.
	Icon string
	// HasForm, SignsIn and Delegates are its capabilities: a form, OAuth by itself, OAuth by Looker.
	HasForm, SignsIn, Delegates bool
	// Via are the IDs of the hubs through which that hub offers it, and of that hub itself if it has upstreams.
	Via []string
}

// Refusal is why an integration of another hub is not offered.
type Refusal struct {
	Upstream string `json:"-"`
	// Name is its name here.
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// SetRemote replaces the integrations of other hubs. The hub's own integrations take precedence, and then
// the first of several with one name; see [Catalog.Refused]. Requests that have begun continue with what
// they have.
func (c *Catalog) SetRemote(all []Remote) {
	c.remote = all
	c.update()
}

// Refused returns the integrations of other hubs that are not offered because their names are taken.
func (c *Catalog) Refused() []Refusal { return c.refused }

// update builds the current offer.
func (c *Catalog) update() {
	entries := append(append([]Entry{}, c.builtin...), c.custom...)
	owners := map[string]string{}
	for _, e := range entries {
		owners[strings.ToLower(e.Definition.Name)] = "this hub"
	}
	var refused []Refusal
	for _, r := range c.remote {
		key := strings.ToLower(r.Definition.Name)
		if owner := owners[key]; owner != "" {
			refused = append(refused, Refusal{r.Upstream, r.Definition.Name, "The name is already used by an integration of " + owner + ". Set a prefix."})
			continue
		}
		owners[key] = "the upstream " + r.Upstream
		entries = append(entries, c.remoteEntry(r))
	}
	c.current.Store(newOffer(c.label, entries))
	c.refused = refused
}

func (c *Catalog) remoteEntry(r Remote) Entry {
	log := c.log.With(telemetry.IntegrationKey, r.Definition.Name, "upstream", r.Upstream)
	e := Entry{Resolved: action.Resolved{Definition: r.Definition}, Remote: &r, Log: log, Icon: r.Icon, baseURL: c.baseURL}
	e.json = e.marshalDefinition(action.Version{})
	return e
}

// HasForm reports whether users fill in a form.
func (e *Entry) HasForm() bool { return e.Form != nil || e.Remote != nil && e.Remote.HasForm }

// SignsIn reports whether users sign in at the destination.
func (e *Entry) SignsIn() bool { return e.OAuth != nil || e.Remote != nil && e.Remote.SignsIn }

// Delegates reports whether Looker stores the credentials of the destination.
func (e *Entry) Delegates() bool { return e.Delegate != nil || e.Remote != nil && e.Remote.Delegates }
