package hub

import (
	"net/http"
	"strings"

	"integrationhub.dev/hub/token"
)

// authenticate requires Looker's token. It does not read the body.
func (s *Server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, ok := tokenFrom(r.Header.Get("Authorization"))
		if !ok || !token.Valid(t, s.secrets.All()...) {
			writeError(w, http.StatusForbidden, "Invalid 'Authorization' header.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// tokenFrom reads `Token token="…"`.
func tokenFrom(header string) (string, bool) {
	const scheme = `token token="`
	if len(header) < len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return "", false
	}
	return strings.CutSuffix(header[len(scheme):], `"`)
}
