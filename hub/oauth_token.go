package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/wire"
)

// grant is a provider's answer to a sign-in, from which tokens are made once.
type grant struct {
	Callback string            `json:"c"`
	Verifier string            `json:"v"`
	Params   map[string]string `json:"p,omitempty"`
}

// grantAge is how long Looker may take to fetch the tokens. Providers' codes live no longer.
const grantAge = 10 * time.Minute

func grantPurpose(entry *catalog.Entry) string { return entry.Definition.Name + "|grant" }

// grantURL is Looker's address with the provider's answer, sealed: the browser takes it there.
func (s *Server) grantURL(entry *catalog.Entry, l login, callback url.Values) (string, error) {
	to, err := url.Parse(l.RedirectURL)
	if err != nil {
		return "", action.Wrap(errors.New("state_redir_url is no URL"), action.Invalid, "Looker's address for the sign-in is not valid.")
	}
	callback.Del("state") // it has served
	sealed, err := s.logins.Seal(wire.Marshal(grant{Callback: callback.Encode(), Verifier: l.Verifier, Params: l.Params}), grantPurpose(entry))
	if err != nil {
		return "", fmt.Errorf("sealing the grant: %w", err)
	}
	query := to.Query()
	query.Set("state", sealed)
	to.RawQuery = query.Encode()
	return to.String(), nil
}

// exchange trades a grant for the tokens as Looker shall keep them.
func (s *Server) exchange(ctx context.Context, entry *catalog.Entry, g grant) ([]byte, error) {
	callback, err := url.ParseQuery(g.Callback)
	if err != nil {
		return nil, fmt.Errorf("reading the provider's answer: %w", err)
	}
	tokens, err := entry.OAuth.Exchange(ctx, action.Login{
		State: callback.Get("state"), RedirectURL: s.actionURL(entry, "oauth_redirect"), Verifier: g.Verifier, Params: g.Params,
	}, callback)
	if err != nil {
		return nil, err
	}
	if tokens, err = s.sealState(entry, tokens); err != nil {
		return nil, fmt.Errorf("encrypting the tokens: %w", err)
	}
	return []byte(tokens.Data), nil
}

// store posts tokens to the address at which Looker takes them, once. A redirect is an error: it
// could lead the tokens to another host.
func (s *Server) store(ctx context.Context, stateURL string, tokens []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, stateURL, bytes.NewReader(tokens))
	if err != nil {
		return action.Wrap(errors.New("state_url is no URL"), action.Invalid, "Looker's address for the tokens is not valid.")
	}
	req.Header.Set("Content-Type", "application/json")
	return outbound.JSON(s.tokens, req, "Looker", nil)
}

// fetchTokens answers POST /actions/{name}/oauth_token: Looker trades a grant for the tokens.
func (s *Server) fetchTokens(w http.ResponseWriter, r *http.Request, entry *catalog.Entry) {
	if entry.OAuth == nil || !entry.Definition.FetchTokens {
		writeError(w, http.StatusNotFound, "Action does not hand out tokens.")
		return
	}
	if !s.forms.enter() {
		s.refuseForm(w, r)
		return
	}
	defer s.forms.leave()
	e, ok := s.readEnvelope(w, r)
	if !ok {
		return
	}
	defer e.Close()
	if e.State == "" {
		writeError(w, http.StatusBadRequest, "Request is missing state parameter.")
		return
	}
	var g grant
	plain, err := s.logins.Open(e.State, grantPurpose(entry), grantAge)
	if err == nil {
		err = json.Unmarshal(plain, &g)
	}
	if err != nil {
		telemetry.FromContext(r.Context()).Err = err
		writeError(w, http.StatusBadRequest, "The sign-in is not valid or too old. Sign in again.")
		return
	}
	outbound.SecretsOf(r.Context()).Add(leaves(string(plain))...)
	tokens, err := s.exchange(r.Context(), entry, g)
	if err != nil {
		telemetry.FromContext(r.Context()).Err = err
		writeError(w, http.StatusBadGateway, "The sign-in did not work and nothing was stored. "+scrub(r.Context(), action.MessageOf(err)))
		return
	}
	writeRaw(w, http.StatusOK, tokens)
}

// checkLogin answers GET /actions/{name}/oauth_check: whether Looker holds credentials of
// the user that this hub can read. Whether the provider still takes them shows in the form.
func (s *Server) checkLogin(w http.ResponseWriter, r *http.Request, entry *catalog.Entry) {
	if entry.OAuth == nil {
		writeError(w, http.StatusNotFound, "Action does not support OAuth.")
		return
	}
	if !s.forms.enter() {
		s.refuseForm(w, r)
		return
	}
	defer s.forms.leave()
	e, ok := s.readEnvelope(w, r)
	if !ok {
		return
	}
	defer e.Close()
	writeRaw(w, http.StatusOK, wire.Marshal(s.openState(r.Context(), entry, e.Params["state_json"]) != ""))
}
