package hub

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"integrationhub.dev/hub/panics"
	"integrationhub.dev/hub/telemetry"
)

// observe logs, counts and traces every request.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, end := s.telemetry.Request(r.Context(), r)
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK, conn: coalescingOf(ctx)}
		next.ServeHTTP(sw, r.WithContext(ctx))
		route := chi.RouteContext(ctx).RoutePattern()
		if route == "" {
			route = "other"
		}
		end(route, sw.status)
	})
}

// statusWriter records the status, sets a deadline for each write, and lets a large one reach the client in one
// part.
type statusWriter struct {
	http.ResponseWriter
	status int
	conn   *coalescingConn
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	// Not every connection supports deadlines.
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(responseIdle))
	if !w.conn.hold(len(p)) {
		return w.ResponseWriter.Write(p)
	}
	n, err := w.ResponseWriter.Write(p)
	return n, errors.Join(err, w.conn.release())
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recoverPanic answers a panic in a handler with an error.
func (s *Server) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := panics.Catch(func() error {
			next.ServeHTTP(w, r)
			return nil
		})
		if err == nil {
			return
		}
		p, ok := errors.AsType[*panics.Error](err)
		if ok && p.Value == http.ErrAbortHandler { //nolint:errorlint // net/http compares it in the same way
			panic(http.ErrAbortHandler)
		}
		telemetry.FromContext(r.Context()).Err = err
		writeError(w, http.StatusInternalServerError, "Internal server error.")
	})
}
