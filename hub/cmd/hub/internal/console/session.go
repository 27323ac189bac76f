// Package console acts as Looker against one hub, with the simulator of the package looker: for people
// without Looker, and for cases that are run again. It is for developers, on their own machine.
package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/oapi-codegen/nullable"

	client "integrationhub.dev/hub/cmd/hub/internal/looker"
	"integrationhub.dev/hub/looker"
	"integrationhub.dev/hub/looker/api"
	"integrationhub.dev/hub/suggest"
)

// Options say which hub to call, and how.
type Options struct {
	Hub client.Options
	// URL is the address at which the hub and browsers reach the simulated Looker.
	URL string
	// StateFile keeps settings and sign-ins, with their secrets; empty means that they are lost.
	StateFile string
	Log       *slog.Logger
}

// Users are the users of the simulated Looker. Each has sign-ins and user attributes of their own.
var Users = []string{"1", "2"}

// maxJournal limits the requests that are kept, each with up to 128 KiB.
const maxJournal = 200

// Session is a simulated Looker that has one hub.
type Session struct {
	*looker.Looker
	// HubURL is the hub's address.
	HubURL string
	hub    string // its ID
	url    string // the console's
}

// Open requests the hub's list. An error means that the options are wrong; whether the hub can be used
// is in [Session.Hub].
func Open(ctx context.Context, o Options) (*Session, error) {
	c, err := client.New(o.Hub)
	if err != nil {
		return nil, err
	}
	if o.Hub.Token == "" {
		return nil, errors.New("no token: set HUB_TOKEN or --token-file (see: hub token --help)")
	}
	simulated := looker.Options{
		URL: o.URL, Transport: &transport{c}, AllowHTTP: true, Version: o.Hub.Version, Instance: "hub-console",
		StateFile: o.StateFile, JournalEntries: maxJournal, RateLimit: looker.RateLimit{Requests: -1}, Log: o.Log,
	}
	for _, id := range Users {
		simulated.Users = append(simulated.Users, looker.User{ID: id, Permissions: []looker.Permission{looker.Admin}})
	}
	s := &Session{HubURL: c.URL(), url: o.URL}
	if s.Looker, err = looker.New(simulated); err != nil {
		return nil, err
	}
	return s, s.register(ctx, o.Hub.Token)
}

// register adds the hub, unless the state file has it.
func (s *Session) register(ctx context.Context, token string) (err error) {
	for _, h := range s.Hubs() {
		if *h.URL == s.HubURL {
			s.hub = *h.ID
			return s.SetHubToken(ctx, s.hub, token)
		}
	}
	s.hub, err = s.AddHub(ctx, s.HubURL, token)
	return err
}

// Hub is what Looker knows of the hub. Its fetch error says why it cannot be used.
func (s *Session) Hub() api.IntegrationHub {
	all := s.Hubs()
	i := slices.IndexFunc(all, func(h api.IntegrationHub) bool { return *h.ID == s.hub })
	return all[i]
}

// Refresh requests the hub's list again.
func (s *Session) Refresh(ctx context.Context) error { return s.RefreshHub(ctx, s.hub) }

// List returns the integrations of the hub, sorted by label.
func (s *Session) List() []looker.Definition {
	return slices.SortedStableFunc(slices.Values(s.Definitions(s.hub)), func(a, b looker.Definition) int {
		return strings.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label))
	})
}

// Find returns the integration with a name.
func (s *Session) Find(name string) (looker.Definition, error) {
	if problem := s.Hub().FetchErrorMessage; problem != nil {
		return looker.Definition{}, errors.New(*problem)
	}
	d, ok := s.Definition(s.ID(name))
	if ok {
		return d, nil
	}
	var known []string
	for _, d := range s.Definitions(s.hub) {
		known = append(known, d.Name)
	}
	return looker.Definition{}, fmt.Errorf("the hub has no integration %s%s", name, suggest.Text(name, known))
}

// ID is an integration's ID in the simulated Looker.
func (s *Session) ID(name string) string { return s.hub + "::" + name }

// Attribute is the user attribute from which a param takes its value, or "". A param that each user has
// must have one.
func Attribute(integration string, p looker.Param) string {
	if p.PerUser {
		return cmp.Or(p.UserAttributeName, integration+"_"+p.Name)
	}
	return p.UserAttributeName
}

// SetParams enables an integration and sets params; those that are not named stay as they are.
func (s *Session) SetParams(user, name string, values map[string]string) error {
	d, err := s.Find(name)
	if err != nil {
		return err
	}
	change := api.Integration{Enabled: new(true)}
	var known []string
	for _, p := range d.Params {
		known = append(known, p.Name)
		value, ok := values[p.Name]
		attribute := Attribute(name, p)
		if attribute != "" {
			s.AddUserAttribute(attribute)
			if ok {
				if err := s.SetUserAttribute(user, attribute, value); err != nil {
					return err
				}
			}
			change.Params = append(change.Params, api.IntegrationParam{Name: &p.Name, UserAttributeName: nullable.NewNullableWithValue(attribute)})
		} else if ok {
			change.Params = append(change.Params, api.IntegrationParam{Name: &p.Name, Value: &value})
		}
	}
	for _, param := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, param) {
			return fmt.Errorf("%s has no param %s%s", name, param, suggest.Text(param, known))
		}
	}
	return s.ChangeIntegration(s.ID(name), change)
}
