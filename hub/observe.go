package hub

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// record is what is known of a request when it ends.
type record struct {
	id          string
	integration string
	webhookID   string
	instanceID  string
	// queued is how long a delivery waited for its turn.
	queued time.Duration
	// tally counts what a delivery does; nil when the request is none, or has not begun.
	tally *tally
	// outcome is what became of a delivery: delivered, or the label of its error's kind.
	outcome string
	err     error
}

type recordKey struct{}

// recordFrom never returns nil, so that a handler may be tested by itself.
func recordFrom(ctx context.Context) *record {
	if r, ok := ctx.Value(recordKey{}).(*record); ok {
		return r
	}
	return &record{}
}

// observe logs and counts every request: its route, never its query or its body.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &record{id: rand.Text(), webhookID: clip(r.Header.Get("X-Looker-Webhook-Id")), instanceID: clip(r.Header.Get("X-Looker-Instance"))}
		sw := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		ctx, span := s.traces.Request(outbound.WithSecrets(context.WithValue(r.Context(), recordKey{}, rec)), r)
		defer span.End()
		next.ServeHTTP(sw, r.WithContext(ctx))
		route := chi.RouteContext(ctx).RoutePattern()
		if route == "" {
			route = "other"
		}
		took := time.Since(start)
		s.metrics.requests.WithLabelValues(route, strconv.Itoa(sw.status)).Inc()
		s.metrics.requestSeconds.WithLabelValues(route).Observe(took.Seconds())
		level := slog.LevelInfo
		if rec.err != nil || sw.status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		attrs := []any{"method", r.Method, "route", route, "status", sw.status, "seconds", took.Seconds()}
		if rec.queued > time.Millisecond {
			attrs = append(attrs, "queued_seconds", rec.queued.Seconds())
		}
		if rec.outcome != "" {
			attrs = append(attrs, "outcome", rec.outcome)
		}
		if rec.tally != nil {
			attrs = append(attrs, rec.tally.sums()...)
		}
		if rec.err != nil {
			attrs = append(attrs, "error", rec.err)
		}
		s.log.Log(ctx, level, "request", attrs...)
		describe(span, r.Method, route, sw.status, rec)
		s.bugs.report(rec, route, sw.status)
	})
}

// delivered is the outcome of a delivery that arrived.
const delivered = "delivered"

// end records what became of a delivery.
func (r *record) end(err error) {
	r.err, r.outcome = err, delivered
	if err != nil {
		r.outcome = action.KindOf(err).String()
	}
}

// clip bounds what a header may add to a log line.
func clip(header string) string {
	const longest = 128
	return strings.ToValidUTF8(header[:min(len(header), longest)], "")
}

// statusWriter remembers the status, and gives each write its own deadline.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(answerIdle)) // not every connection can: tests
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recoverPanic turns a bug in a handler into an answer; the hub goes on.
func (s *Server) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := recordFrom(r.Context())
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so, too
				panic(v)
			}
			rec.err = caught(v)
			writeError(w, http.StatusInternalServerError, "Internal server error.")
		}()
		next.ServeHTTP(w, r)
	})
}
