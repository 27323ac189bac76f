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
	"integrationhub.dev/hub/payload"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/wire"
)

// grant is a provider's callback, which can be exchanged for tokens once.
type grant struct {
	Callback string            `json:"c"`
	Verifier string            `json:"v"`
	Params   map[string]string `json:"p,omitempty"`
}

// grantAge is how long Looker has to fetch the tokens. Authorization codes are not valid longer.
const grantAge = 10 * time.Minute

func grantPurpose(entry *catalog.Entry) string { return entry.Definition.Name + "|grant" }

// grantURL returns Looker's URL with the sealed callback, to which the browser is redirected.
func (s *Server) grantURL(entry *catalog.Entry, l login, callback url.Values) (string, error) {
	to, err := url.Parse(l.RedirectURL)
	if err != nil {
		return "", action.Wrap(errors.New("state_redir_url is not a URL"), action.Invalid, "Looker's sign-in URL is invalid.")
	}
	callback.Del("state") // it is no longer needed
	sealed, err := s.logins.Seal(wire.Marshal(grant{Callback: callback.Encode(), Verifier: l.Verifier, Params: l.Params}), grantPurpose(entry))
	if err != nil {
		return "", fmt.Errorf("sealing the grant: %w", err)
	}
	query := to.Query()
	query.Set("state", sealed)
	to.RawQuery = query.Encode()
	return to.String(), nil
}

// exchange exchanges a grant for tokens in the form that Looker stores.
func (s *Server) exchange(ctx context.Context, entry *catalog.Entry, g grant) ([]byte, error) {
	callback, err := url.ParseQuery(g.Callback)
	if err != nil {
		return nil, fmt.Errorf("reading the callback: %w", err)
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

// store posts tokens to Looker. It does not follow redirects, which could send the tokens to another
// host.
func (s *Server) store(ctx context.Context, stateURL string, tokens []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, stateURL, bytes.NewReader(tokens))
	if err != nil {
		return action.Wrap(errors.New("state_url is not a URL"), action.Invalid, "Looker's URL for the tokens is invalid.")
	}
	req.Header.Set("Content-Type", "application/json")
	return outbound.JSON(s.tokens, req, "Looker", nil)
}

// fetchTokens answers POST /actions/{name}/oauth_token, at which Looker exchanges a grant for tokens.
func (s *Server) fetchTokens(w http.ResponseWriter, r *http.Request, entry *catalog.Entry) {
	if !entry.SignsIn() || !entry.Definition.FetchTokens {
		writeError(w, http.StatusNotFound, "Action does not support fetching tokens.")
		return
	}
	if entry.Remote != nil {
		s.fetchRemoteTokens(w, r, entry)
		return
	}
	s.withForm(w, r, func(e *payload.Envelope) { s.exchangeGrant(w, r, entry, e.State) })
}

// exchangeGrant answers with the tokens for a sealed grant.
func (s *Server) exchangeGrant(w http.ResponseWriter, r *http.Request, entry *catalog.Entry, sealed string) {
	if sealed == "" {
		writeError(w, http.StatusBadRequest, "Request is missing state parameter.")
		return
	}
	var g grant
	plain, err := s.logins.Open(sealed, grantPurpose(entry), grantAge)
	if err == nil {
		err = json.Unmarshal(plain, &g)
	}
	if err != nil {
		telemetry.FromContext(r.Context()).Err = err
		writeError(w, http.StatusBadRequest, "The sign-in is invalid or has expired. Sign in again.")
		return
	}
	outbound.SecretsOf(r.Context()).Add(leaves(string(plain))...)
	tokens, err := s.exchange(r.Context(), entry, g)
	if err != nil {
		telemetry.FromContext(r.Context()).Err = err
		writeError(w, http.StatusBadGateway, "The sign-in failed and nothing was stored. "+scrub(r.Context(), action.MessageOf(err)))
		return
	}
	writeRaw(w, http.StatusOK, tokens)
}

// checkLogin answers GET /actions/{name}/oauth_check with whether Looker has user credentials that
// this hub can read. The form checks whether the provider still accepts them.
func (s *Server) checkLogin(w http.ResponseWriter, r *http.Request, entry *catalog.Entry) {
	if !entry.SignsIn() {
		writeError(w, http.StatusNotFound, "Action does not support OAuth.")
		return
	}
	if entry.Remote != nil {
		s.checkRemoteLogin(w, r, entry)
		return
	}
	s.withForm(w, r, func(e *payload.Envelope) {
		writeRaw(w, http.StatusOK, wire.Marshal(s.openState(r.Context(), entry, e.Params["state_json"]) != ""))
	})
}
