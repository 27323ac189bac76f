package upstream

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"integrationhub.dev/hub/config"
)

// Hubs that are each other's upstreams form a loop, in which names with a prefix would grow with each fetched
// list, and an integration that no longer exists would stay listed. So hubs with upstreams name themselves to
// other hubs: requests have a Via header (RFC 9110, section 7.6.3), and the items of a list have the hubs
// between it and the integration. Looker sees neither.

// maxHops is the maximum number of hubs between this one and an integration.
const maxHops = 16

// hubID is the form of an ID, by which it differs from other proxies in a Via header.
var hubID = regexp.MustCompile(`^integrationhub-[0-9a-f]{16}$`)

// ID identifies a hub, and is the same for all of its pods. Different hubs may have the same base URL, one of
// which took over the host name of the other, so it depends on the upstreams, too.
func ID(c config.Config) string {
	type peer struct{ Name, URL, Prefix string }
	var peers []peer
	for _, u := range c.Upstreams {
		peers = append(peers, peer{u.Name, u.URL, u.Prefix})
	}
	text, _ := json.Marshal([]any{c.BaseURL, c.Label, c.Namespace, c.Name, peers}) // texts never fail
	sum := sha256.Sum256(text)
	return "integrationhub-" + hex.EncodeToString(sum[:8])
}

// ID identifies this hub; see [ID].
func (s *Set) ID() string { return s.id }

// IsLoop reports whether this hub passed a request before.
func (s *Set) IsLoop(header http.Header) bool {
	return s.id != "" && slices.Contains(hubsOf(header), s.id)
}

// IsFromHub reports whether a request comes from another hub of this kind.
func IsFromHub(header http.Header) bool { return len(hubsOf(header)) > 0 }

// hubsOf are the IDs of the hubs that passed a request.
func hubsOf(header http.Header) (ids []string) {
	for _, value := range header.Values("Via") {
		for hop := range strings.SplitSeq(value, ",") {
			if fields := strings.Fields(hop); len(fields) > 1 && hubID.MatchString(fields[1]) {
				ids = append(ids, fields[1])
			}
		}
	}
	return ids
}

// addVia adds the hubs that passed a request before, and this one. Other proxies are not the upstream's
// concern.
func (h *Hub) addVia(req *http.Request, before http.Header) {
	if h.id == "" {
		return
	}
	var hops []string
	for _, id := range append(hubsOf(before), h.id) {
		hops = append(hops, "1.1 "+id)
	}
	req.Header.Set("Via", strings.Join(hops, ", "))
}

// checkHops returns why an integration cannot be offered that has come through some hubs, or "".
func (h *Hub) checkHops(hops []string) string {
	switch {
	case len(hops) > maxHops || slices.ContainsFunc(hops, func(id string) bool { return !hubID.MatchString(id) }):
		return "Its definition is not valid."
	case h.id != "" && slices.Contains(hops, h.id):
		return "It comes from this hub, so the upstreams form a loop. Limit the upstream to its own integrations."
	}
	return ""
}
