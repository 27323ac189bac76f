package registration

import (
	"net/url"
	"strings"

	"integrationhub.dev/hub/looker/api"
)

// match is what Looker has of a hub.
type match struct {
	// own is the hub of this registration; nil if there is none.
	own *api.IntegrationHub
	// moved is a hub with the known ID and another URL.
	moved *api.IntegrationHub
	// others are hubs with the URL, or with the one of a hub that was being created, whose ID is not known.
	others []api.IntegrationHub
}

// findHub finds a hub by the ID under which it was registered, and by URL. The ID alone does not suffice:
// a Looker that was set up again gives the same ID to another hub.
func findHub(hubs []api.IntegrationHub, known record, target string) match {
	var m match
	for i := range hubs {
		hub := &hubs[i]
		atTarget := sameURL(valueOf(hub.URL), target)
		switch {
		case known.hubID != "" && valueOf(hub.ID) == known.hubID && (atTarget || sameURL(valueOf(hub.URL), known.hubURL)):
			m.own = hub
		case known.hubID != "" && valueOf(hub.ID) == known.hubID:
			m.moved = hub
		case atTarget, sameURL(valueOf(hub.URL), known.pendingHubURL):
			m.others = append(m.others, *hub)
		}
	}
	return m
}

// sameURL reports whether two URLs are equal but for their spelling.
func sameURL(a, b string) bool { return a != "" && normalURL(a) == normalURL(b) }

func normalURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	host := strings.ToLower(u.Host)
	if strings.EqualFold(u.Scheme, "https") {
		host = strings.TrimSuffix(host, ":443")
	}
	return strings.ToLower(u.Scheme) + "://" + host + strings.TrimRight(u.EscapedPath(), "/")
}
