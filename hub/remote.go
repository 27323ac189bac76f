package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/upstream"
	"integrationhub.dev/hub/wire"
)

// Requests for integrations of other hubs are passed to them as streams. Their checks are the upstream's.

// newRemoteRequest returns what an upstream gets.
func newRemoteRequest(entry *catalog.Entry, r *http.Request, body *passedBody) upstream.Request {
	return upstream.Request{Integration: entry.Remote.Name, Header: r.Header, Body: body, Length: r.ContentLength}
}

// executeRemote passes a delivery to the upstream.
func (s *Server) executeRemote(w http.ResponseWriter, r *http.Request, entry *catalog.Entry) {
	hub := s.upstreams.Find(entry.Remote.Upstream)
	alive := &keepAlive{w: w, interval: time.Duration(s.config.KeepAliveSeconds) * time.Second}
	ctx, cancel := context.WithTimeout(r.Context(), s.config.DeliveryTimeout)
	defer cancel()
	var body *passedBody
	answer, err := inSlot(ctx, s, entry, func(ctx context.Context, stats *telemetry.DeliveryStats) (json.RawMessage, error) {
		body = s.newPassedBody(w, r, stats, alive.start)
		return hub.Execute(ctx, newRemoteRequest(entry, r, body))
	})
	if body == nil { // there was no slot
		body = s.newPassedBody(w, r, noMeter{}, func() {})
	}
	cancel()
	if broken := body.finish(w); broken != nil {
		status, message := explainBody(broken)
		s.endDelivery(ctx, entry, action.Wrap(fmt.Errorf("reading the request: %w", broken), action.KindOfStatus(status), "%s", message))
		alive.finish(status, errorBody(message))
		return
	}
	rec := s.endDelivery(ctx, entry, err)
	if answer == nil {
		out := outcome{ValidationErrors: map[string]string{}}
		out.fail(err, rec.WebhookID)
		out.scrub(r.Context())
		answer = wire.Marshal(out)
	} else {
		answer = json.RawMessage(scrubJSON(r.Context(), answer))
	}
	alive.finish(http.StatusOK, wire.Marshal(struct {
		Looker json.RawMessage `json:"looker"`
	}{answer}))
}

// scrubJSON removes the hub's secrets from a document of an upstream.
func scrubJSON(ctx context.Context, document []byte) []byte {
	scrubbed := []byte(scrub(ctx, string(document)))
	if !json.Valid(scrubbed) { // a secret that is a part of JSON's own syntax
		return document
	}
	return scrubbed
}

// noMeter counts nothing.
type noMeter struct{}

func (noMeter) Bytes(int) {}
func (noMeter) Row()      {}

// showRemoteForm passes a request for a form to the upstream.
func (s *Server) showRemoteForm(w http.ResponseWriter, r *http.Request, entry *catalog.Entry) {
	s.askRemote(w, r, entry, (*upstream.Hub).Form, func(alive *keepAlive, form []byte, err error) {
		if err != nil {
			form = formError(scrub(r.Context(), action.MessageOf(err)))
		}
		alive.finish(http.StatusOK, scrubJSON(r.Context(), form))
	})
}

// fetchRemoteTokens passes a sealed grant to the upstream. Its answer is for Looker to store.
func (s *Server) fetchRemoteTokens(w http.ResponseWriter, r *http.Request, entry *catalog.Entry) {
	s.askRemote(w, r, entry, (*upstream.Hub).FetchTokens, func(alive *keepAlive, tokens []byte, err error) {
		if err != nil {
			message := "The sign-in failed and nothing was stored. " + scrub(r.Context(), action.MessageOf(err))
			alive.finish(http.StatusBadGateway, errorBody(message))
			return
		}
		alive.finish(http.StatusOK, tokens)
	})
}

// checkRemoteLogin asks the upstream whether a user has signed in.
func (s *Server) checkRemoteLogin(w http.ResponseWriter, r *http.Request, entry *catalog.Entry) {
	s.askRemote(w, r, entry, (*upstream.Hub).CheckLogin, func(alive *keepAlive, answer []byte, err error) {
		if err != nil {
			alive.finish(http.StatusBadGateway, errorBody(scrub(r.Context(), action.MessageOf(err))))
			return
		}
		alive.finish(http.StatusOK, answer)
	})
}

// askRemote passes a request other than a delivery, within the limits of forms, and calls finish with the
// answer.
func (s *Server) askRemote(
	w http.ResponseWriter, r *http.Request, entry *catalog.Entry,
	ask func(*upstream.Hub, context.Context, upstream.Request) ([]byte, error), finish func(*keepAlive, []byte, error),
) {
	if !s.forms.admit() {
		s.refuseForm(w, r)
		return
	}
	defer s.forms.leave()
	ctx, cancel := context.WithTimeout(r.Context(), s.config.FormTimeout)
	defer cancel()
	alive := &keepAlive{w: w, interval: time.Duration(s.config.KeepAliveSeconds) * time.Second}
	body := s.newPassedBody(w, r, noMeter{}, alive.start)
	answer, err := ask(s.upstreams.Find(entry.Remote.Upstream), ctx, newRemoteRequest(entry, r, body))
	cancel()
	if broken := body.finish(w); broken != nil {
		telemetry.FromContext(r.Context()).Err = fmt.Errorf("reading the request: %w", broken)
		status, message := explainBody(broken)
		alive.finish(status, errorBody(message))
		return
	}
	telemetry.FromContext(r.Context()).Err = err
	finish(alive, answer, err)
}

// errNoList means that a name may be that of an integration of a hub that has not answered.
var errNoList = errors.New("the list of an upstream has never been fetched")

// refuseLoop refuses requests that this hub passed to an upstream and that came back.
func (s *Server) refuseLoop(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.upstreams.IsLoop(r.Header) {
			telemetry.FromContext(r.Context()).Err = errLoop
			writeError(w, http.StatusLoopDetected, "The request came back to this hub, so its upstreams form a loop.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// errLoop means that a hub is its own upstream, perhaps through others.
var errLoop = errors.New("the upstreams form a loop")

// noSuchAction answers a request for a name that no integration has.
func (s *Server) noSuchAction(w http.ResponseWriter, r *http.Request, name string) {
	if h := s.upstreams.Missing(name); h != nil {
		telemetry.FromContext(r.Context()).Err = action.Wrap(errNoList, action.Unavailable, "%s", h.State().Problem)
		w.Header().Set("Retry-After", "60")
		writeError(w, http.StatusServiceUnavailable, "No action found with name "+name+
			". It may belong to "+upstream.Title(h.Name())+", which has not responded yet. Try again later.")
		return
	}
	writeError(w, http.StatusNotFound, "No action found with name "+name+".")
}

// offerRemote offers the integrations of other hubs as their newest lists have them. Its error is why lists
// could not be fetched.
func (s *Server) offerRemote() error {
	var errs []error
	var all []catalog.Remote
	var versions []int
	for _, h := range s.upstreams.Hubs() {
		state := h.State()
		all, versions = append(all, state.Integrations...), append(versions, state.Version)
		if state.Problem != "" {
			errs = append(errs, fmt.Errorf("upstream %s: %s", h.Name(), state.Problem))
		}
		s.telemetry.Metrics.UpstreamListed(h.Name(), state.Fetched)
	}
	if !slices.Equal(versions, s.remoteVersions) {
		s.remoteVersions = versions
		s.catalog.SetRemote(all)
		s.offerChanged()
	}
	return errors.Join(errs...)
}
