package catalog

import (
	"slices"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/telemetry"
)

// Custom is a no-code integration.
type Custom struct {
	action.Resolved
	// Icon is a data URI, or empty.
	Icon string
}

// SetCustom replaces the no-code integrations. Requests that have begun continue with what they have.
func (c *Catalog) SetCustom(all []Custom) {
	c.custom = nil
	for _, custom := range all {
		log := c.log.With(telemetry.IntegrationKey, custom.Definition.Name)
		c.custom = append(c.custom, newEntry(custom.Resolved, log, custom.Icon, c.baseURL))
	}
	c.update()
}

// Taken returns why a no-code integration cannot have a name, or "".
func (c *Catalog) Taken(name string) string {
	if slices.ContainsFunc(c.builtin, func(e Entry) bool { return e.Definition.Name == name }) {
		return "The hub has an integration of this name, which is enabled."
	}
	return ""
}
