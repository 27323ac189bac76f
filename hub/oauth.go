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

// A sign-in has these steps: form, link, the hub's /oauth, the provider, the hub's
// /oauth_redirect, Looker. The hub stores nothing in between. Its state is sealed in the link and
// bound to the integration, and to the browser by a cookie.
//
// Looker gets the tokens in one of two ways. The hub posts them to the state_url; or, with
// [action.Definition.FetchTokens], the browser brings the sealed callback to the state_redir_url
// and Looker exchanges it for the tokens at the hub's /oauth_token.

// login is the state of a sign-in.
type login struct {
	// ID identifies the link. Only the browser that opens it first can use it.
	ID string `json:"i"`
	// StateURL is where Looker expects the tokens, RedirectURL where it expects the browser.
	StateURL    string `json:"u,omitempty"`
	RedirectURL string `json:"r,omitempty"`
	// Params are the values of [action.Definition.LoginParams].
	Params map[string]string `json:"p,omitempty"`

	// The rest is set when the browser is redirected to the provider.

	// Browser is the hash of the browser's cookie.
	Browser []byte `json:"b,omitempty"`
	// Verifier is the PKCE code verifier. It leaves the hub only sealed.
	Verifier string `json:"v,omitempty"`
}

const (
	// linkAge is how long the link in a form is valid.
	linkAge = 10 * time.Minute
	// cookieAge is how long the user has to sign in at the provider.
	cookieAge = time.Hour
)

func linkPurpose(entry *catalog.Entry) string  { return entry.Definition.Name + "|link" }
func loginPurpose(entry *catalog.Entry) string { return entry.Definition.Name + "|login" }

// loginURL returns the link that starts a sign-in, or "" when the integration has no sign-in or
// Looker sent no URL to return to.
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

// checkLookerURL refuses URLs to which users' tokens, or the means to fetch them, must not be
// sent.
func (s *Server) checkLookerURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !s.insecure) {
		return action.Errorf(action.Invalid, "Looker's sign-in URL must start with https://.")
	}
	return nil
}

func (s *Server) actionURL(entry *catalog.Entry, leg string) string {
	return s.config.BaseURL + "/actions/" + url.PathEscape(entry.Definition.Name) + "/" + leg
}

// openLogin opens the sealed state of a sign-in.
func (s *Server) openLogin(sealed, purpose string, maxAge time.Duration) (login, error) {
	plain, err := s.logins.Open(sealed, purpose, maxAge)
	if err != nil {
		return login{}, err
	}
	var l login
	err = json.Unmarshal(plain, &l)
	return l, err
}

// beginLogin answers GET /actions/{name}/oauth by redirecting the browser to the provider.
func (s *Server) beginLogin(w http.ResponseWriter, r *http.Request, entry *catalog.Entry) {
	if entry.Remote != nil {
		s.visitRemote(w, r, entry, "oauth")
		return
	}
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
		telemetry.FromContext(r.Context()).Err = errors.New("the sign-in link was first opened in another browser")
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

// redirect redirects a browser without a referrer, because the current URL contains sealed state.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusFound)
}

// finishLogin answers GET /actions/{name}/oauth_redirect, the callback of the provider.
func (s *Server) finishLogin(w http.ResponseWriter, r *http.Request, entry *catalog.Entry) {
	if entry.Remote != nil {
		s.visitRemote(w, r, entry, "oauth_redirect")
		return
	}
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
		err = errors.New("the sign-in was started in another browser")
	}
	if err != nil {
		s.refuseLogin(w, r, err)
		return
	}
	if err := s.finish(w, r, entry, l); err != nil {
		telemetry.FromContext(r.Context()).Err = err
		plainError(w, http.StatusBadGateway, "The sign-in failed and nothing was stored. "+scrub(r.Context(), action.MessageOf(err)))
	}
}

// finish passes the provider's callback, or the tokens, to Looker.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, entry *catalog.Entry, l login) error {
	callback := r.URL.Query()
	if callback.Get("error") != "" {
		return action.Wrap(errors.New("the provider returned an error"), action.Unauthenticated, "The provider denied access.")
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
	closeTab(w)
	return nil
}

// closeTab answers a browser whose sign-in is complete.
func closeTab(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", closePolicy)
	_, _ = io.WriteString(w, closePage)
}

const (
	closeScript = "window.close()"
	closePage   = `<!doctype html><html lang="en"><title>Signed in</title><script>` + closeScript + "</script>" +
		"<p>You may now close this tab.</p></html>\n"
)

// closeScriptHash allows browsers to run only this script.
var closeScriptHash = base64.StdEncoding.EncodeToString(hashOf(closeScript))

var closePolicy = "default-src 'none'; script-src 'sha256-" + closeScriptHash +
	"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// refuseLogin answers a request whose sealed state is invalid or expired.
func (s *Server) refuseLogin(w http.ResponseWriter, r *http.Request, err error) {
	telemetry.FromContext(r.Context()).Err = err
	plainError(w, http.StatusBadRequest, "This sign-in link is invalid or has expired. Open the form in Looker again.")
}

// plainError answers a browser with plain text, which cannot contain a script.
func plainError(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(message + "\n"))
}
