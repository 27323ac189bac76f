package hub

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/payload"
	"integrationhub.dev/hub/telemetry"
)

// readEnvelope reads a request's body. The caller closes the envelope. If the body is invalid, it
// writes the response and returns false.
func (s *Server) readEnvelope(w http.ResponseWriter, r *http.Request) (*payload.Envelope, bool) {
	body := r.Body
	if s.config.MaxBodyBytes > 0 {
		body = http.MaxBytesReader(w, body, s.config.MaxBodyBytes)
	}
	var e *payload.Envelope
	var err error
	share := s.spool.Share(r.Context())
	if r.ContentLength == 0 {
		e = payload.NewEnvelope(share)
	} else {
		e, err = payload.Decode(newPacedReader(body, w), share)
	}
	if err == nil {
		e.MaxValueBytes = s.config.MaxValueBytes
		return e, true
	}
	telemetry.FromContext(r.Context()).Err = fmt.Errorf("reading the request: %w", err)
	// The rest of the body is not read, so the connection cannot be reused.
	w.Header().Set("Connection", "close")
	status, message := explainBody(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "60")
	}
	writeError(w, status, message)
	return nil, false
}

// explainBody returns the response for a body that could not be read.
func explainBody(err error) (status int, message string) {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("The request is larger than this hub accepts (%d bytes).", tooLarge.Limit)
	}
	if _, ok := errors.AsType[*payload.SyntaxError](err); ok {
		return http.StatusBadRequest, "Request body must be valid JSON."
	}
	switch {
	case errors.Is(err, payload.ErrTooLarge):
		return http.StatusRequestEntityTooLarge, "The request's settings are too large."
	case errors.Is(err, payload.ErrSpoolFull):
		return http.StatusServiceUnavailable, "The hub has no storage left for this request. Try again later."
	case errors.Is(err, errTooSlow):
		return http.StatusRequestTimeout, "The request arrived too slowly."
	}
	switch action.KindOf(err) {
	case action.TooLarge:
		return http.StatusRequestEntityTooLarge, action.MessageOf(err)
	case action.Unavailable:
		return http.StatusServiceUnavailable, action.MessageOf(err)
	default: // the connection broke
		return http.StatusBadRequest, "The request body could not be read."
	}
}

// newRequest creates an integration's request from the envelope and its data.
func (s *Server) newRequest(entry *catalog.Entry, r *http.Request, e *payload.Envelope, data action.Data) *action.Request {
	rec := telemetry.FromContext(r.Context())
	req := &action.Request{
		Params: e.Params, Form: e.Form,
		Plan: action.Plan{
			ID: string(e.Plan.ID), Title: e.Plan.Title, Type: e.Plan.Type, URL: e.Plan.URL,
			QueryID: string(e.Plan.QueryID), FiltersDifferFromLook: e.Plan.FiltersDifferFromLook,
			Model: e.Plan.Query.Model, View: e.Plan.Query.View, HiddenFields: e.Plan.Query.VisConfig.HiddenFields,
		},
		Version:    action.ParseUserAgent(r.UserAgent()),
		InstanceID: rec.InstanceID, WebhookID: rec.WebhookID,
		State:    s.openState(r.Context(), entry, e.Params["state_json"]),
		StateURL: e.Params["state_url"],
		Data:     data,
	}
	noteSecrets(r.Context(), entry, req)
	if s.config.MaxRows > 0 {
		req.Data = payload.LimitRows(req.Data, s.config.MaxRows)
	}
	if e.Type != nil {
		req.Type = action.Type(*e.Type)
	}
	return req
}

// checkType returns the reference's message for an unsupported request type, or "".
func checkType(entry *catalog.Entry, e *payload.Envelope) string {
	supported := make([]string, len(entry.Definition.Types))
	for i, t := range entry.Definition.Types {
		supported[i] = fmt.Sprintf("%q", string(t))
	}
	types := strings.Join(supported, ", ")
	switch {
	case e.Type == nil:
		return fmt.Sprintf("No request type specified. The request must be of type: %s.", types)
	case *e.Type == "":
		return `Action did not specify a "type".`
	case !slices.Contains(entry.Definition.Types, action.Type(*e.Type)):
		return fmt.Sprintf("This action does not support requests of type %q. The request must be of type: %s.", *e.Type, types)
	}
	return ""
}

// checkParams returns the reference's message for a missing required setting, or "".
func checkParams(entry *catalog.Entry, params map[string]string) string {
	for _, p := range entry.Definition.Params {
		if p.Required && params[p.Name] == "" {
			return fmt.Sprintf("Required setting %q not specified in action settings.", p.Label)
		}
	}
	return ""
}
