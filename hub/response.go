package hub

import (
	"net/http"
	"strconv"

	"integrationhub.dev/hub/wire"
)

// writeError writes the reference's JSON for errors outside of Looker's own documents.
func writeError(w http.ResponseWriter, status int, message string) {
	writeRaw(w, status, errorBody(message))
}

func errorBody(message string) []byte {
	return wire.Marshal(struct {
		Success bool   `json:"success"`
		Error   string `json:"error"`
	}{Error: message})
}

func writeRaw(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have disconnected
}
