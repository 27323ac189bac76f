package hub

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/payload"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/wire"
)

// outcome is the result of a delivery in Looker's Action API.
type outcome struct {
	Message          string            `json:"message,omitempty"`
	RefreshQuery     bool              `json:"refresh_query"`
	Success          bool              `json:"success"`
	ValidationErrors map[string]string `json:"validation_errors"`
	State            *action.State     `json:"state,omitempty"`
	Error            *outcomeError     `json:"error,omitempty"`
	WebhookID        string            `json:"webhookId,omitempty"`
}

// outcomeError is the structured error of the reference's newer integrations.
type outcomeError struct {
	HTTPCode         int    `json:"http_code"`
	StatusCode       string `json:"status_code"`
	Message          string `json:"message"`
	Location         string `json:"location"`
	DocumentationURL string `json:"documentation_url"`
}

// scrub removes the request's secrets from an integration's messages. The state is for Looker to
// store and stays.
func (out *outcome) scrub(ctx context.Context) {
	out.Message = scrub(ctx, out.Message)
	if out.Error != nil {
		out.Error.Message = scrub(ctx, out.Error.Message)
	}
	for field, message := range out.ValidationErrors {
		out.ValidationErrors[field] = scrub(ctx, message)
	}
}

// executeAction answers POST /actions/{name}/execute.
//
// A request that no integration could deliver (wrong type, missing setting, no data) gets the
// reference's response, 404 and {"success":false,"error":…}. A failed delivery always gets 200
// and {"looker":{"success":false,…}}: Looker shows its message and marks form fields, and after a
// keep-alive newline the status can no longer change.
func (s *Server) executeAction(w http.ResponseWriter, r *http.Request, entry *catalog.Entry) {
	if !s.admission.admit() {
		s.refuse(w, r)
		return
	}
	defer s.admission.leave()
	if entry.Remote != nil {
		s.executeRemote(w, r, entry)
		return
	}
	e, ok := s.readEnvelope(w, r)
	if !ok {
		return
	}
	defer e.Close()
	if message := checkRequest(entry, e); message != "" {
		telemetry.FromContext(r.Context()).Err = errors.New(message)
		writeError(w, http.StatusNotFound, message)
		return
	}
	alive := startKeepAlive(w, time.Duration(s.config.KeepAliveSeconds)*time.Second)
	ctx, cancel := context.WithTimeout(r.Context(), s.config.DeliveryTimeout)
	defer cancel()
	out := s.deliver(ctx, entry, r, e)
	out.scrub(ctx)
	alive.finish(http.StatusOK, wire.Marshal(struct {
		Looker outcome `json:"looker"`
	}{out}))
}

// refuse answers a delivery beyond the limit. Its body is not read, so the connection is closed.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request) {
	telemetry.FromContext(r.Context()).Err = errTooBusy
	s.telemetry.Metrics.DeliveryRefused()
	w.Header().Set("Retry-After", "30")
	w.Header().Set("Connection", "close")
	writeError(w, http.StatusServiceUnavailable, "The hub is at its delivery limit. Try again later.")
}

var errTooBusy = errors.New("the limit of running and queued deliveries is reached")

func checkRequest(entry *catalog.Entry, e *payload.Envelope) string {
	if message := checkType(entry, e); message != "" {
		return message
	}
	if message := checkParams(entry, e.Params); message != "" {
		return message
	}
	if entry.Definition.Download == action.URL && e.Attachment == nil && e.Plan.DownloadURL == "" {
		return "A streaming action was sent incompatible data. The action must have a download url or an attachment."
	}
	return ""
}

// deliver runs the integration and converts its result for Looker.
func (s *Server) deliver(ctx context.Context, entry *catalog.Entry, r *http.Request, e *payload.Envelope) outcome {
	res, err := s.run(ctx, entry, r, e)
	if res == nil {
		res = &action.Response{}
	}
	state, sealErr := s.sealState(entry, res.State)
	if sealErr != nil { // the delivery itself is not affected; the user has to sign in again
		entry.Log.ErrorContext(ctx, "encrypting the user's state failed; it was not returned", "error", sealErr)
	}

	out := outcome{
		Message: res.Message, RefreshQuery: res.RefreshQuery, Success: err == nil,
		ValidationErrors: map[string]string{}, State: state,
	}
	maps.Copy(out.ValidationErrors, res.ValidationErrors)
	rec := s.endDelivery(ctx, entry, err)
	if err != nil {
		out.fail(err, rec.WebhookID)
	}
	return out
}

// endDelivery records how a delivery ended.
func (s *Server) endDelivery(ctx context.Context, entry *catalog.Entry, err error) *telemetry.Record {
	name, rec := entry.Definition.Name, telemetry.FromContext(ctx)
	rec.End(err)
	s.telemetry.Metrics.DeliveryEnded(name, rec.Outcome)
	s.outcomes.Add(name, rec.Outcome, time.Now())
	return rec
}

// fail describes an error.
func (out *outcome) fail(err error, webhookID string) {
	kind := action.KindOf(err)
	out.Message = action.MessageOf(err)
	out.WebhookID = webhookID
	out.Error = &outcomeError{
		HTTPCode: kind.Code(), StatusCode: kind.Status(), Message: kind.Description() + " " + out.Message,
		Location: "ActionContainer", DocumentationURL: "TODO",
	}
	if e, ok := errors.AsType[*action.Error](err); ok {
		maps.Copy(out.ValidationErrors, e.Fields)
	}
}

// run waits for a free slot and runs the delivery.
func (s *Server) run(ctx context.Context, entry *catalog.Entry, r *http.Request, e *payload.Envelope) (*action.Response, error) {
	return inSlot(ctx, s, entry, func(ctx context.Context, stats *telemetry.DeliveryStats) (*action.Response, error) {
		return supervise(ctx, s, entry, func(ctx context.Context) (*action.Response, error) {
			return entry.Execute(ctx, s.newRequest(entry, r, e, e.MeteredData(s.download, stats)))
		})
	})
}

// inSlot waits for a free slot and calls deliver, which is counted and traced.
func inSlot[T any](
	ctx context.Context, s *Server, entry *catalog.Entry, deliver func(context.Context, *telemetry.DeliveryStats) (T, error),
) (T, error) {
	waiting := time.Now()
	err := s.admission.acquire(ctx)
	telemetry.FromContext(ctx).Queued = time.Since(waiting)
	if err != nil {
		var none T
		return none, err
	}
	defer s.admission.release()

	defer s.telemetry.Metrics.DeliveryStarted(entry.Definition.Name)()
	stats := s.telemetry.Metrics.DeliveryStats(entry.Definition.Name)
	ctx, span := telemetry.StartDelivery(ctx, stats)
	defer span.End()
	return deliver(ctx, stats)
}
