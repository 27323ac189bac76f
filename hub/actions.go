package hub

import (
	"net/http"
	"strconv"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/upstream"
)

// listActions answers POST / with the integrations that the requesting version of Looker supports.
func (s *Server) listActions(w http.ResponseWriter, r *http.Request) {
	version := action.ParseUserAgent(r.UserAgent())
	list := s.catalog.List(version)
	if upstream.IsFromHub(r.Header) && len(s.upstreams.Hubs()) > 0 {
		list = s.catalog.ListForHub(version, s.upstreams.ID())
	}
	w.Header().Set("Vary", "Accept-Encoding")
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		w.Header().Set("Content-Encoding", "gzip")
		writeRaw(w, http.StatusOK, list.Gzip)
		return
	}
	writeRaw(w, http.StatusOK, list.Plain)
}

// acceptsGzip reads an Accept-Encoding header (RFC 9110, section 12.5.3).
func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, parameter, _ := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		weight, weighted := strings.CutPrefix(strings.ToLower(strings.TrimSpace(parameter)), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !weighted || err != nil || q > 0
	}
	return false
}

// showAction answers POST /actions/{name}.
func (s *Server) showAction(w http.ResponseWriter, r *http.Request, e *catalog.Entry) {
	writeRaw(w, http.StatusOK, e.DefinitionJSON(action.ParseUserAgent(r.UserAgent())))
}
