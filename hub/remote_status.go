package hub

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/page"
	"integrationhub.dev/hub/upstream"
)

// upstreamStatus is the state of another hub, for programs.
type upstreamStatus struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	// Integrations are the names of those that are offered.
	Integrations []string `json:"integrations"`
	// Refused are those that are not.
	Refused []catalog.Refusal `json:"refused"`
	// Problem is why the list cannot be fetched, since when, and from when the last list is.
	Problem      string    `json:"problem,omitempty"`
	FailingSince time.Time `json:"failing_since,omitzero"`
	ListFrom     time.Time `json:"list_from,omitzero"`
}

func (s *Server) upstreamStatuses() []upstreamStatus {
	all := []upstreamStatus{}
	for _, h := range s.upstreams.Hubs() {
		state := h.State()
		u := upstreamStatus{
			Name: h.Name(), URL: h.URL(), Integrations: []string{}, Refused: append([]catalog.Refusal{}, state.Refused...),
			Problem: state.Problem, FailingSince: state.Since,
		}
		if state.Problem != "" {
			u.ListFrom = state.Fetched
		}
		for _, r := range s.catalog.Refused() {
			if r.Upstream == u.Name {
				u.Refused = append(u.Refused, r)
			}
		}
		for _, e := range s.catalog.Entries() {
			if e.Remote != nil && e.Remote.Upstream == u.Name {
				u.Integrations = append(u.Integrations, e.Definition.Name)
			}
		}
		all = append(all, u)
	}
	return all
}

// ownNames are the names of the integrations that this hub runs itself.
func (s *Server) ownNames() []string {
	names := []string{}
	for _, e := range s.catalog.Entries() {
		if e.Remote == nil {
			names = append(names, e.Definition.Name)
		}
	}
	return names
}

// remotePages are the integrations of other hubs for people.
func (s *Server) remotePages() []page.Integration {
	var all []page.Integration
	for _, e := range s.catalog.Entries() {
		if e.Remote == nil {
			continue
		}
		i := page.Integration{
			Definition: e.Definition, Icon: e.Icon, Category: upstream.Title(e.Remote.Upstream), HasForm: e.HasForm(),
			Upstream: e.Remote.Upstream, UpstreamName: e.Remote.Name,
		}
		switch {
		case e.SignsIn():
			i.SignIn = page.UserSignIn
		case e.Delegates():
			i.SignIn = page.LookerSignIn
		}
		all = append(all, i)
	}
	return all
}

// maxRefusedNames limits the names in a notice; /status has all.
const maxRefusedNames = 5

// remoteNotices are problems with other hubs for people.
func (s *Server) remoteNotices() []string {
	var all []string
	for _, u := range s.upstreamStatuses() {
		title := upstream.Title(u.Name)
		switch {
		case u.Problem != "" && u.ListFrom.IsZero():
			all = append(all, u.Problem+" None of its integrations are available.")
		case u.Problem != "":
			all = append(all, fmt.Sprintf("%s Its integrations are from the list of %s.", u.Problem, u.ListFrom.Format("2006-01-02 15:04 MST")))
		}
		if len(u.Refused) > 0 {
			var names []string
			for _, r := range u.Refused[:min(len(u.Refused), maxRefusedNames)] {
				names = append(names, r.Name+" ("+strings.TrimSuffix(r.Reason, ".")+")")
			}
			if more := len(u.Refused) - len(names); more > 0 {
				names = append(names, fmt.Sprintf("and %d more, see /status", more))
			}
			all = append(all, "Integrations of "+title+" are not available: "+strings.Join(names, ", ")+".")
		}
	}
	return all
}

// notices are all problems that belong to no single integration.
func (s *Server) notices() []string { return slices.Concat(s.catalog.Notices(), s.remoteNotices()) }
