package hub

import (
	"context"
	"errors"
	"net/http"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/payload"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/wire"
)

// showForm answers POST /actions/{name}/form.
func (s *Server) showForm(w http.ResponseWriter, r *http.Request, entry *catalog.Entry) {
	if !entry.HasForm() {
		writeError(w, http.StatusNotFound, "No form defined for action.")
		return
	}
	if entry.Remote != nil {
		s.showRemoteForm(w, r, entry)
		return
	}
	s.withForm(w, r, func(e *payload.Envelope) {
		if e.Type != nil && *e.Type == "" {
			writeError(w, http.StatusNotFound, `Action did not specify a "type".`)
			return
		}
		alive := startKeepAlive(w, time.Duration(s.config.KeepAliveSeconds)*time.Second)
		ctx, cancel := context.WithTimeout(r.Context(), s.config.FormTimeout)
		defer cancel()
		alive.finish(http.StatusOK, s.form(ctx, entry, r, e))
	})
}

// withForm reads the request of a form or a token exchange within their limit, and calls next. If
// it does not call next, it has written the response.
func (s *Server) withForm(w http.ResponseWriter, r *http.Request, next func(*payload.Envelope)) {
	if !s.forms.admit() {
		s.refuseForm(w, r)
		return
	}
	defer s.forms.leave()
	e, ok := s.readEnvelope(w, r)
	if !ok {
		return
	}
	defer e.Close()
	next(e)
}

// refuseForm answers a form or a token exchange beyond the limit.
func (s *Server) refuseForm(w http.ResponseWriter, r *http.Request) {
	telemetry.FromContext(r.Context()).Err = errors.New("the limit of running forms is reached")
	w.Header().Set("Retry-After", "5")
	w.Header().Set("Connection", "close")
	writeError(w, http.StatusServiceUnavailable, "The hub is at its form limit. Try again later.")
}

// form returns the form, or an error in its place.
func (s *Server) form(ctx context.Context, entry *catalog.Entry, r *http.Request, e *payload.Envelope) []byte {
	if message := checkParams(entry, e.Params); message != "" {
		return formError(message)
	}
	req := s.newRequest(entry, r, e, e.Data(s.download))
	var err error
	req.LoginURL, err = s.loginURL(entry, e.Params)
	var form *action.Form
	if err == nil {
		form, err = supervise(ctx, s, entry, func(ctx context.Context) (*action.Form, error) { return buildForm(ctx, entry, req) })
	}
	if err == nil {
		form.State, err = s.sealState(entry, form.State)
	}
	if err != nil {
		telemetry.FromContext(ctx).Err = err
		return formError(scrub(ctx, action.MessageOf(err)))
	}
	if form.Fields == nil {
		form.Fields = []action.Field{}
	}
	return wire.Marshal(form)
}

func formError(message string) []byte {
	return wire.Marshal(struct {
		Error string `json:"error"`
	}{message})
}

// buildForm calls the integration. With delegated OAuth the parameter "test" asks it to check the
// connection instead.
func buildForm(ctx context.Context, entry *catalog.Entry, req *action.Request) (*action.Form, error) {
	if test := req.Params["test"]; entry.Delegate != nil && test != "" && test != "false" {
		return entry.Delegate.CheckConnection(ctx, req)
	}
	return entry.Form.Form(ctx, req)
}
