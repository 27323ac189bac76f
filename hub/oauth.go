package hub

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
)

// A sign-in goes: form → link → the hub's /oauth → provider → the hub's /oauth_redirect →
// Looker. The hub keeps nothing meanwhile: what it must remember travels sealed in the link,
// bound to the integration, and to the browser by a cookie.
//
// Looker gets the tokens in one of two ways. The hub posts them to its state_url; or, with
// [action.Definition.FetchTokens], the browser takes the provider's answer, sealed, to its
// state_redir_url, and Looker trades it at the hub's /oauth_token.

// login is what a sign-in must remember.
type login struct {
	// StateURL or RedirectURL is where Looker waits for the tokens, or for the browser.
	StateURL    string `json:"u,omitempty"`
	RedirectURL string `json:"r,omitempty"`
	// Verifier is the PKCE verifier. It is in the browser's address bar only sealed.
	Verifier string `json:"v"`
	// Params are those that the integration asks for.
	Params map[string]string `json:"p,omitempty"`
}

const (
	// linkAge is how long a link in a form may wait to be followed.
	linkAge = 24 * time.Hour
	// cookieAge is how long the user may take at the provider.
	cookieAge   = time.Hour
	nonceCookie = "action_hub_state"
)

func loginPurpose(o *offer) string { return o.Definition.Name + "|login" }

// loginURL makes the link that begins a sign-in, or returns "" when there is nothing to sign
// in to or Looker gave no address to go back to.
func (s *Server) loginURL(o *offer, params map[string]string) (string, error) {
	l := login{Verifier: oauth2.GenerateVerifier(), Params: map[string]string{}}
	for _, name := range o.Definition.LoginParams {
		l.Params[name] = params[name]
	}
	if o.Definition.FetchTokens {
		l.RedirectURL = params["state_redir_url"]
	}
	if l.RedirectURL == "" {
		l.StateURL = params["state_url"]
	}
	if o.OAuth == nil || l.RedirectURL == "" && l.StateURL == "" {
		return "", nil
	}
	sealed, err := s.box.Seal(marshal(l), loginPurpose(o))
	if err != nil {
		return "", fmt.Errorf("sealing the sign-in: %w", err)
	}
	return s.actionURL(o, "oauth") + "?state=" + url.QueryEscape(sealed), nil
}

func (s *Server) actionURL(o *offer, leg string) string {
	return s.config.BaseURL + "/actions/" + url.PathEscape(o.Definition.Name) + "/" + leg
}

// openLogin reads the sealed part of a sign-in.
func (s *Server) openLogin(o *offer, sealed string) (login, error) {
	plain, err := s.box.Open(sealed, loginPurpose(o), linkAge)
	if err != nil {
		return login{}, err
	}
	var l login
	err = json.Unmarshal(plain, &l)
	return l, err
}

// beginLogin answers GET /actions/{name}/oauth: it sends the browser to the provider.
func (s *Server) beginLogin(w http.ResponseWriter, r *http.Request) {
	o := offerFrom(r.Context())
	sealed := r.URL.Query().Get("state")
	switch {
	case o.OAuth == nil:
		plainError(w, http.StatusBadRequest, "Action does not support OAuth.")
		return
	case sealed == "":
		plainError(w, http.StatusBadRequest, "Missing state parameter.")
		return
	}
	l, err := s.openLogin(o, sealed)
	if err != nil {
		s.refuseLogin(w, r, err)
		return
	}
	nonce := rand.Text()
	to, err := o.OAuth.AuthorizeURL(r.Context(), action.Login{
		State: nonce + "." + sealed, RedirectURL: s.actionURL(o, "oauth_redirect"), Verifier: l.Verifier, Params: l.Params,
	})
	if err != nil {
		recordFrom(r.Context()).err = err
		plainError(w, http.StatusBadGateway, action.MessageOf(err))
		return
	}
	s.setNonce(w, nonce, int(cookieAge/time.Second))
	redirect(w, to)
}

// redirect sends a browser on. Its address, which holds sealed state, is nobody's business.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusFound)
}

func (s *Server) setNonce(w http.ResponseWriter, nonce string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // insecure only where the hub itself is, for developers
		Name: nonceCookie, Value: nonce, Path: "/", MaxAge: maxAge, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(s.config.BaseURL, "https:"),
	})
}

// finishLogin answers GET /actions/{name}/oauth_redirect: the provider sent the browser back.
func (s *Server) finishLogin(w http.ResponseWriter, r *http.Request) {
	o := offerFrom(r.Context())
	state := r.URL.Query().Get("state")
	nonce, sealed, dotted := strings.Cut(state, ".")
	cookie, _ := r.Cookie(nonceCookie)
	switch {
	case o.OAuth == nil:
		plainError(w, http.StatusBadRequest, "Action does not support OAuth.")
		return
	case state == "":
		plainError(w, http.StatusBadRequest, "Missing state parameter.")
		return
	case !dotted:
		plainError(w, http.StatusBadRequest, "Invalid state parameter format.")
		return
	case cookie == nil || nonce == "" || subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(nonce)) != 1:
		plainError(w, http.StatusForbidden, "CSRF validation failed.")
		return
	}
	s.setNonce(w, "", -1)
	l, err := s.openLogin(o, sealed)
	if err != nil {
		s.refuseLogin(w, r, err)
		return
	}
	if err := s.finish(w, r, o, l); err != nil {
		recordFrom(r.Context()).err = err
		plainError(w, http.StatusBadGateway, "The sign-in did not work and nothing was stored. "+action.MessageOf(err))
	}
}

// finish hands the provider's answer on to Looker, in the way that it asked for.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, o *offer, l login) error {
	callback := r.URL.Query()
	if callback.Get("error") != "" {
		return action.Wrap(errors.New("the provider answered with an error"), action.Unauthenticated, "The provider did not grant access.")
	}
	if l.RedirectURL != "" {
		to, err := s.grantURL(o, l, callback)
		if err != nil {
			return err
		}
		redirect(w, to)
		return nil
	}
	tokens, err := s.exchange(r.Context(), o, grant{Callback: callback.Encode(), Verifier: l.Verifier, Params: l.Params})
	if err != nil {
		return err
	}
	if err := s.store(r.Context(), l.StateURL, tokens); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte("<!doctype html><title>Signed in</title><script>window.close()</script><p>You may now close this tab.</p>\n"))
	return nil
}

// refuseLogin answers a sealed state that does not open.
func (s *Server) refuseLogin(w http.ResponseWriter, r *http.Request, err error) {
	recordFrom(r.Context()).err = err
	plainError(w, http.StatusBadRequest, "This sign-in link is not valid or too old. Open the form in Looker again.")
}

// plainError answers a browser. Plain text cannot carry a script.
func plainError(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(message + "\n"))
}
