package hub

import (
	"cmp"
	"crypto/tls"
	"net/http"
	"slices"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/custom"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/page"
)

// customFolder returns the folder with the no-code integrations, or nil if none is configured.
func customFolder(cfg config.Config, registered []action.Registration, offered *catalog.Catalog, out outbound.Options, client *http.Client) *custom.Folder {
	if cfg.IntegrationsDir == "" {
		return nil
	}
	o := custom.Options{
		SecretsDir: cfg.IntegrationSecretsDir, HTTP: client,
		NewClient: func(certificate tls.Certificate) *http.Client {
			out.Certificates = []tls.Certificate{certificate}
			return outbound.NewClient(out)
		},
	}
	for _, r := range registered {
		o.Names = append(o.Names, r.Name)
	}
	return custom.NewFolder(cfg.IntegrationsDir, o, func(name string) string {
		if slices.Contains(cfg.Disabled, name) && !slices.Contains(o.Names, name) {
			return "The integration is disabled by ACTION_HUB_DISABLED_INTEGRATIONS."
		}
		return offered.Taken(name)
	})
}

// reloadCustom reads the folder with the no-code integrations, and offers what is in it.
func (s *Server) reloadCustom(folder *custom.Folder) error {
	changed, err := folder.Reload()
	status := folder.Status()
	if !changed && slices.Equal(status, s.customStatus) {
		return err
	}
	s.customStatus = status
	var all []catalog.Custom
	for _, i := range folder.Integrations() {
		all = append(all, catalog.Custom{Resolved: i.Resolved(), Icon: i.Icon()})
	}
	s.catalog.SetCustom(all)
	s.offerChanged()
	return err
}

// offerChanged updates what depends on the catalog.
func (s *Server) offerChanged() {
	s.telemetry.Metrics.InitSeries(s.catalog.Names())
	s.outcomes.Count(s.catalog.Names())
	s.pages.Store(newStatusPages(s))
}

// customCategory is where the status page lists no-code integrations.
const customCategory = "No-code"

// customPages are the no-code integrations for people: those that are offered, and files with problems.
func (s *Server) customPages() []page.Integration {
	offered := map[string]catalog.Entry{}
	for _, e := range s.catalog.Entries() {
		offered[e.Definition.Name] = e
	}
	var all []page.Integration
	for _, status := range s.customStatus {
		i := page.Integration{
			Definition: action.Definition{Name: cmp.Or(status.Name, status.File)}, Category: customCategory, File: status.File,
			Fault: status.Problem != "", Reason: status.Problem,
		}
		if e, ok := offered[status.Name]; ok {
			i.Definition, i.Icon, i.HasForm = e.Definition, e.Icon, e.Form != nil
			if i.Fault {
				i.Reason += " The previous version stays in use."
			}
		}
		all = append(all, i)
	}
	return all
}
