package hub

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/payload"
)

// bodyIdle is how long a request's body may stall. It is what keeps slow clients from
// holding connections; a large body may take as long as it moves.
const bodyIdle = 60 * time.Second

// readEnvelope reads a request's body. The caller closes the envelope. When the body is bad
// it answers by itself and returns false.
func (s *Server) readEnvelope(w http.ResponseWriter, r *http.Request) (*payload.Envelope, bool) {
	body := r.Body
	if s.config.MaxBodyBytes > 0 {
		body = http.MaxBytesReader(w, body, s.config.MaxBodyBytes)
	}
	control := http.NewResponseController(w)
	reader := &idleReader{r: body, control: control}
	var e *payload.Envelope
	var err error
	if r.ContentLength == 0 {
		e = &payload.Envelope{Params: map[string]string{}, Form: map[string]string{}}
	} else {
		e, err = payload.Decode(reader, s.spool)
	}
	_ = control.SetReadDeadline(time.Time{})
	if err == nil {
		return e, true
	}
	recordFrom(r.Context()).err = fmt.Errorf("reading the request: %w", err)
	status, message := http.StatusBadRequest, "The request's body could not be read."
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		status, message = http.StatusRequestEntityTooLarge, fmt.Sprintf("The request is larger than this hub takes (%d bytes).", tooLarge.Limit)
	} else if _, ok := errors.AsType[*payload.SyntaxError](err); ok {
		message = "Request body must be valid JSON."
	} else if errors.Is(err, payload.ErrTooLarge) {
		status, message = http.StatusRequestEntityTooLarge, "The request's settings are too large."
	} else if errors.Is(err, payload.ErrSpoolFull) {
		w.Header().Set("Retry-After", "60")
		status, message = http.StatusServiceUnavailable, "The hub has no room for this request now. Try again later."
	}
	// What is left of the body is not read: the connection cannot be used again.
	w.Header().Set("Connection", "close")
	writeError(w, status, message)
	return nil, false
}

// idleReader gives each read its own deadline.
type idleReader struct {
	r       io.Reader
	control *http.ResponseController
}

func (i *idleReader) Read(p []byte) (int, error) {
	_ = i.control.SetReadDeadline(time.Now().Add(bodyIdle)) // not every connection can: tests
	n, err := i.r.Read(p)
	if errors.Is(err, io.EOF) {
		_ = i.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// newRequest makes an integration's request from the envelope.
func (s *Server) newRequest(o *offer, r *http.Request, e *payload.Envelope) (*action.Request, error) {
	rec := recordFrom(r.Context())
	req := &action.Request{
		Params: e.Params, Form: e.Form,
		Plan: action.Plan{
			ID: string(e.Plan.ID), Title: e.Plan.Title, Type: e.Plan.Type, URL: e.Plan.URL,
			QueryID: string(e.Plan.QueryID), FiltersDifferFromLook: e.Plan.FiltersDifferFromLook,
			Model: e.Plan.Query.Model, View: e.Plan.Query.View, HiddenFields: e.Plan.Query.VisConfig.HiddenFields,
		},
		Version:    action.ParseUserAgent(r.UserAgent()),
		InstanceID: rec.instanceID, WebhookID: rec.webhookID,
		State:    s.openState(r.Context(), o, e.Params["state_json"]),
		StateURL: e.Params["state_url"],
		Data:     e.Data(s.download, s.spool),
	}
	if rec.tally != nil {
		req.Data = payload.Metered(req.Data, s.spool, rec.tally)
	}
	if s.config.MaxRows > 0 {
		req.Data = rowLimit{req.Data, s.config.MaxRows}
	}
	if e.Type != nil {
		req.Type = action.Type(*e.Type)
	}
	var err error
	req.LoginURL, err = s.loginURL(o, e.Params)
	return req, err
}

// checkType says what is wrong with a request's type, in the reference's words.
func checkType(o *offer, e *payload.Envelope) string {
	supported := make([]string, len(o.Definition.Types))
	for i, t := range o.Definition.Types {
		supported[i] = fmt.Sprintf("%q", string(t))
	}
	types := strings.Join(supported, ", ")
	switch {
	case e.Type == nil:
		return fmt.Sprintf("No request type specified. The request must be of type: %s.", types)
	case *e.Type == "":
		return `Action did not specify a "type".`
	case !slices.Contains(o.Definition.Types, action.Type(*e.Type)):
		return fmt.Sprintf("This action does not support requests of type %q. The request must be of type: %s.", *e.Type, types)
	}
	return ""
}

// checkParams says which required setting is missing, in the reference's words.
func checkParams(o *offer, params map[string]string) string {
	for _, p := range o.Definition.Params {
		if p.Required && params[p.Name] == "" {
			return fmt.Sprintf("Required setting %q not specified in action settings.", p.Label)
		}
	}
	return ""
}
