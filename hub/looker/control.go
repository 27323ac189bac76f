package looker

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"integrationhub.dev/hub/looker/api"
)

// Control serves the simulator's own API, with which tests and people do what the methods of [Looker]
// do. It has no authentication: serve it where only they can reach it.
func (l *Looker) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, struct{}{}) })
	l.controlJournal(mux)
	l.controlFaults(mux)
	l.controlHubs(mux)
	l.controlUsers(mux)
	l.controlActions(mux)
	return mux
}

// controlJournal shows what happened. The parameter after leaves out what is known already.
func (l *Looker) controlJournal(mux *http.ServeMux) {
	mux.HandleFunc("GET /requests", func(w http.ResponseWriter, r *http.Request) { show(w, r, l.Requests) })
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, r *http.Request) { show(w, r, l.Calls) })
}

func show[T any](w http.ResponseWriter, r *http.Request, list func(after int) []T) {
	after := 0
	if text := r.URL.Query().Get("after"); text != "" {
		var err error
		if after, err = strconv.Atoi(text); err != nil {
			refuseControl(w, http.StatusBadRequest, errors.New("after must be a number"))
			return
		}
	}
	writeJSON(w, http.StatusOK, list(after))
}

func (l *Looker) controlFaults(mux *http.ServeMux) {
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, l.Faults()) })
	mux.HandleFunc("POST /faults", handle(func(_ *http.Request, f *Fault) (any, error) { return nil, l.InjectFault(*f) }))
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) {
		l.ClearFaults()
		writeJSON(w, http.StatusOK, struct{}{})
	})
	mux.HandleFunc("POST /restart", func(w http.ResponseWriter, _ *http.Request) {
		l.Restart()
		writeJSON(w, http.StatusOK, struct{}{})
	})
}

// newHub is the body of POST /hubs, agreement that of PUT /hubs/{id}/legal-agreement.
type newHub struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

type agreement struct {
	Text string `json:"text"`
}

func (l *Looker) controlHubs(mux *http.ServeMux) {
	mux.HandleFunc("GET /hubs", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, l.Hubs()) })
	mux.HandleFunc("POST /hubs", handle(func(r *http.Request, h *newHub) (any, error) {
		id, err := l.AddHub(r.Context(), h.URL, h.Token)
		return map[string]string{"id": id}, err
	}))
	mux.HandleFunc("DELETE /hubs/{id}", handle(func(r *http.Request, _ *struct{}) (any, error) { return nil, l.DeleteHub(r.PathValue("id")) }))
	mux.HandleFunc("POST /hubs/{id}/refresh", handle(func(r *http.Request, _ *struct{}) (any, error) {
		return nil, l.RefreshHub(r.Context(), r.PathValue("id"))
	}))
	mux.HandleFunc("PUT /hubs/{id}/legal-agreement", handle(func(r *http.Request, a *agreement) (any, error) {
		return nil, l.RequireLegalAgreement(r.PathValue("id"), a.Text)
	}))
	mux.HandleFunc("GET /hubs/{id}/integrations", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, l.Integrations(r.PathValue("id")))
	})
	mux.HandleFunc("PATCH /integrations/{id}", handle(func(r *http.Request, i *api.Integration) (any, error) {
		return nil, l.ChangeIntegration(r.PathValue("id"), *i)
	}))
	mux.HandleFunc("PUT /integrations/{id}/installations", handle(func(r *http.Request, all *[]Installation) (any, error) {
		return nil, l.SetInstallations(r.PathValue("id"), *all)
	}))
}

// credentials is the body of PUT /users/{id}/credentials, attribute that of
// PUT /users/{id}/attributes/{name}.
type credentials struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

type attribute struct {
	Value string `json:"value"`
}

func (l *Looker) controlUsers(mux *http.ServeMux) {
	mux.HandleFunc("PUT /users/{id}/credentials", handle(func(r *http.Request, c *credentials) (any, error) {
		return nil, l.SetCredentials(r.PathValue("id"), c.ClientID, c.ClientSecret)
	}))
	mux.HandleFunc("PUT /users/{id}/attributes/{name}", handle(func(r *http.Request, a *attribute) (any, error) {
		return nil, l.SetUserAttribute(r.PathValue("id"), r.PathValue("name"), a.Value)
	}))
}

// formRequest is the body of POST /form and POST /sign-in. With fill, the form is filled in field by
// field; otherwise it is requested once with the values.
type formRequest struct {
	User        string            `json:"user"`
	Integration string            `json:"integration"`
	Values      map[string]string `json:"values"`
	Fill        bool              `json:"fill"`
}

// filledForm is the response of POST /form.
type filledForm struct {
	Form   Form              `json:"form"`
	Values map[string]string `json:"values"`
}

func (l *Looker) controlActions(mux *http.ServeMux) {
	mux.HandleFunc("POST /run", handle(func(r *http.Request, a *Action) (any, error) { return l.Run(r.Context(), *a) }))
	mux.HandleFunc("POST /form", handle(func(r *http.Request, f *formRequest) (any, error) {
		if f.Fill {
			form, values, err := l.FillForm(r.Context(), f.User, f.Integration, f.Values)
			return filledForm{form, values}, err
		}
		form, err := l.Form(r.Context(), f.User, f.Integration, f.Values)
		return filledForm{form, f.Values}, err
	}))
	mux.HandleFunc("POST /sign-in", handle(func(r *http.Request, f *formRequest) (any, error) {
		return l.SignIn(r.Context(), f.User, f.Integration)
	}))
	mux.HandleFunc("POST /refresh-states", handle(func(r *http.Request, _ *struct{}) (any, error) {
		n, err := l.RefreshStates(r.Context())
		return map[string]int{"refreshed": n}, err
	}))
}

// maxControl limits a request of the control API: an action has its data in it.
const maxControl = 256 << 20

// handle decodes a request's body, which can be missing, and writes what do returns.
func handle[T any](do func(*http.Request, *T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in := new(T)
		if r.ContentLength != 0 {
			d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControl))
			d.DisallowUnknownFields()
			if err := d.Decode(in); err != nil {
				refuseControl(w, http.StatusBadRequest, fmt.Errorf("reading the body: %w", err))
				return
			}
		}
		out, err := do(r, in)
		if err != nil {
			status := http.StatusUnprocessableEntity
			if _, refused := errors.AsType[*RefusedError](err); !refused && r.URL.Path == "/run" {
				status = http.StatusBadGateway // the hub did not answer as a hub does
			}
			refuseControl(w, status, err)
			return
		}
		if out == nil {
			out = struct{}{}
		}
		writeJSON(w, http.StatusOK, out)
	}
}

func refuseControl(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, map[string]string{"error": err.Error()})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have disconnected
}
