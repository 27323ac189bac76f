package hub

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/wire"
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
	// ID is the link's. Only the browser that opens it first may use it.
	ID string `json:"i"`
	// StateURL or RedirectURL is where Looker waits for the tokens, or for the browser.
	StateURL    string `json:"u,omitempty"`
	RedirectURL string `json:"r,omitempty"`
	// Params are those that the integration asks for.
	Params map[string]string `json:"p,omitempty"`

	// What follows is made when the browser is sent to the provider.

	// Browser is the hash of the browser's cookie.
	Browser []byte `json:"b,omitempty"`
	// Verifier is the PKCE verifier. It is in the browser's address bar only sealed.
	Verifier string `json:"v,omitempty"`
}

const (
	// linkAge is how long a link in a form may wait to be followed.
	linkAge = 10 * time.Minute
	// cookieAge is how long the user may take at the provider.
	cookieAge = time.Hour
)

func linkPurpose(entry *catalog.Entry) string  { return entry.Definition.Name + "|link" }
func loginPurpose(entry *catalog.Entry) string { return entry.Definition.Name + "|login" }

// loginURL makes the link that begins a sign-in, or returns "" when there is nothing to sign
// in to or Looker gave no address to go back to.
func (s *Server) loginURL(entry *catalog.Entry, params map[string]string) (string, error) {
	l := login{ID: rand.Text(), Params: map[string]string{}}
	for _, name := range entry.Definition.LoginParams {
		l.Params[name] = params[name]
	}
	if entry.Definition.FetchTokens {
		l.RedirectURL = params["state_redir_url"]
	}
	if l.RedirectURL == "" {
		l.StateURL = params["state_url"]
	}
	back := cmp.Or(l.RedirectURL, l.StateURL)
	if entry.OAuth == nil || back == "" {
		return "", nil
	}
	if err := s.checkLookerURL(back); err != nil {
		return "", err
	}
	sealed, err := s.logins.Seal(wire.Marshal(l), linkPurpose(entry))
	if err != nil {
		return "", fmt.Errorf("sealing the sign-in: %w", err)
	}
	return s.actionURL(entry, "oauth") + "?state=" + url.QueryEscape(sealed), nil
}

// checkLookerURL refuses addresses that users' tokens, or the right to fetch them, must not be
// sent to.
func (s *Server) checkLookerURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !s.insecure) {
		return action.Errorf(action.Invalid, "Looker's URL for the sign-in must begin with https://.")
	}
	return nil
}

func (s *Server) actionURL(entry *catalog.Entry, leg string) string {
	return s.config.BaseURL + "/actions/" + url.PathEscape(entry.Definition.Name) + "/" + leg
}

// openLogin reads the sealed part of a sign-in.
func (s *Server) openLogin(sealed, purpose string, maxAge time.Duration) (login, error) {
	plain, err := s.logins.Open(sealed, purpose, maxAge)
	if err != nil {
		return login{}, err
	}
	var l login
	err = json.Unmarshal(plain, &l)
	return l, err
}

// beginLogin answers GET /actions/{name}/oauth: it sends the browser to the provider.
func (s *Server) beginLogin(w http.ResponseWriter, r *http.Request, entry *catalog.Entry) {
	sealed := r.URL.Query().Get("state")
	switch {
	case entry.OAuth == nil:
		plainError(w, http.StatusBadRequest, "Action does not support OAuth.")
		return
	case sealed == "":
		plainError(w, http.StatusBadRequest, "Missing state parameter.")
		return
	}
	l, err := s.openLogin(sealed, linkPurpose(entry), linkAge)
	if err != nil {
		s.refuseLogin(w, r, err)
		return
	}
	browser := s.browser(r)
	l.Browser = hashOf(browser)
	if !s.links.claim(l.ID, l.Browser) {
		telemetry.FromContext(r.Context()).Err = errors.New("the sign-in link was opened in another browser before")
		plainError(w, http.StatusForbidden, "This sign-in link was opened in another browser. Open the form in Looker again.")
		return
	}
	l.Verifier = oauth2.GenerateVerifier()
	state, err := s.logins.Seal(wire.Marshal(l), loginPurpose(entry))
	var to string
	if err == nil {
		to, err = entry.OAuth.AuthorizeURL(r.Context(), action.Login{
			State: browser + "." + state, RedirectURL: s.actionURL(entry, "oauth_redirect"), Verifier: l.Verifier, Params: l.Params,
		})
	}
	if err != nil {
		telemetry.FromContext(r.Context()).Err = err
		plainError(w, http.StatusBadGateway, scrub(r.Context(), action.MessageOf(err)))
		return
	}
	s.setBrowser(w, browser)
	redirect(w, to)
}

// redirect sends a browser on. Its address, which holds sealed state, is nobody's business.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusFound)
}

// finishLogin answers GET /actions/{name}/oauth_redirect: the provider sent the browser back.
func (s *Server) finishLogin(w http.ResponseWriter, r *http.Request, entry *catalog.Entry) {
	state := r.URL.Query().Get("state")
	nonce, sealed, dotted := strings.Cut(state, ".")
	browser, known := s.browserCookie(r)
	switch {
	case entry.OAuth == nil:
		plainError(w, http.StatusBadRequest, "Action does not support OAuth.")
		return
	case state == "":
		plainError(w, http.StatusBadRequest, "Missing state parameter.")
		return
	case !dotted:
		plainError(w, http.StatusBadRequest, "Invalid state parameter format.")
		return
	case !known || subtle.ConstantTimeCompare([]byte(browser), []byte(nonce)) != 1:
		plainError(w, http.StatusForbidden, "CSRF validation failed.")
		return
	}
	outbound.SecretsOf(r.Context()).Add(r.URL.Query().Get("code"), state)
	l, err := s.openLogin(sealed, loginPurpose(entry), cookieAge)
	if err == nil && !bytes.Equal(l.Browser, hashOf(browser)) {
		err = errors.New("the sign-in was begun in another browser")
	}
	if err != nil {
		s.refuseLogin(w, r, err)
		return
	}
	if err := s.finish(w, r, entry, l); err != nil {
		telemetry.FromContext(r.Context()).Err = err
		plainError(w, http.StatusBadGateway, "The sign-in did not work and nothing was stored. "+scrub(r.Context(), action.MessageOf(err)))
	}
}

// finish hands the provider's answer on to Looker, in the way that it asked for.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, entry *catalog.Entry, l login) error {
	callback := r.URL.Query()
	if callback.Get("error") != "" {
		return action.Wrap(errors.New("the provider answered with an error"), action.Unauthenticated, "The provider did not grant access.")
	}
	if l.RedirectURL != "" {
		to, err := s.grantURL(entry, l, callback)
		if err != nil {
			return err
		}
		redirect(w, to)
		return nil
	}
	tokens, err := s.exchange(r.Context(), entry, grant{Callback: callback.Encode(), Verifier: l.Verifier, Params: l.Params})
	if err != nil {
		return err
	}
	if err := s.store(r.Context(), l.StateURL, tokens); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'sha256-"+closeScriptHash+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	_, _ = io.WriteString(w, "<!doctype html><html lang=\"en\"><title>Signed in</title><script>"+closeScript+"</script><p>You may now close this tab.</p></html>\n")
	return nil
}

const closeScript = "window.close()"

// closeScriptHash lets browsers run that script and no other.
var closeScriptHash = base64.StdEncoding.EncodeToString(hashOf(closeScript))

// refuseLogin answers a sealed state that does not open.
func (s *Server) refuseLogin(w http.ResponseWriter, r *http.Request, err error) {
	telemetry.FromContext(r.Context()).Err = err
	plainError(w, http.StatusBadRequest, "This sign-in link is not valid or too old. Open the form in Looker again.")
}

// plainError answers a browser. Plain text cannot carry a script.
func plainError(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(message + "\n"))
}
