package hub

import (
	"context"
	"net/http"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/payload"
)

// showForm answers POST /actions/{name}/form.
func (s *Server) showForm(w http.ResponseWriter, r *http.Request) {
	o := offerFrom(r.Context())
	if o.Form == nil {
		writeError(w, http.StatusNotFound, "No form defined for action.")
		return
	}
	e, ok := s.readEnvelope(w, r)
	if !ok {
		return
	}
	defer e.Close()
	if e.Type != nil && *e.Type == "" {
		writeError(w, http.StatusNotFound, `Action did not specify a "type".`)
		return
	}
	alive := startKeepAlive(w, time.Duration(s.config.KeepAliveSeconds)*time.Second)
	ctx, cancel := context.WithTimeout(r.Context(), s.config.FormTimeout)
	defer cancel()
	alive.finish(http.StatusOK, s.form(ctx, o, r, e))
}

// form returns the form, or what is wrong in its place.
func (s *Server) form(ctx context.Context, o *offer, r *http.Request, e *payload.Envelope) []byte {
	if message := checkParams(o, e.Params); message != "" {
		return formError(message)
	}
	req, err := s.newRequest(o, r, e)
	var form *action.Form
	if err == nil {
		form, err = buildForm(ctx, o, req)
	}
	if err == nil {
		form.State, err = s.sealState(o, form.State)
	}
	if err != nil {
		recordFrom(ctx).err = err
		return formError(action.MessageOf(err))
	}
	if form.Fields == nil {
		form.Fields = []action.Field{}
	}
	return marshal(form)
}

func formError(message string) []byte {
	return marshal(struct {
		Error string `json:"error"`
	}{message})
}

// buildForm calls the integration. Where Looker holds the credentials, the parameter "test"
// asks whether they work.
func buildForm(ctx context.Context, o *offer, req *action.Request) (form *action.Form, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = caught(v)
		}
	}()
	if test := req.Params["test"]; o.Delegate != nil && test != "" && test != "false" {
		return o.Delegate.CheckConnection(ctx, req)
	}
	return o.Form.Form(ctx, req)
}
