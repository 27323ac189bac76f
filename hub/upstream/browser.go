package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/outbound"
)

// Visit is a step of a sign-in at an upstream, in a browser that has no token.
type Visit struct {
	// Integration is the integration's name at the upstream.
	Integration string
	// Leg is "oauth" or "oauth_redirect", and Query the query of the browser's request.
	Leg, Query string
	// Cookie is the value of the upstream's cookie, or empty.
	Cookie string
	// Header is that of the browser's request.
	Header http.Header
}

// Page is the upstream's answer. Its documents are not passed: they would run with this hub's origin, and the
// reference quotes errors in HTML.
type Page struct {
	Status int
	// Location is where the browser is redirected to, or empty.
	Location string
	// Cookie is the new value of the upstream's cookie, unless it is not set. An empty one removes it.
	Cookie    string
	SetCookie bool
	// Message is a short error as plain text, or empty.
	Message string
}

// cookieNames are those of the cookie that binds a sign-in to a browser: the reference's, and ours over https.
var cookieNames = []string{"action_hub_state", "__Host-action_hub_state"}

// cookieValue is what values of that cookie consist of.
var cookieValue = regexp.MustCompile(`^[-A-Za-z0-9_.]{1,128}$`)

// maxPageMessage is the maximum length of an error for a browser.
const maxPageMessage = 300

// Visit passes a step of a sign-in.
func (h *Hub) Visit(ctx context.Context, v Visit) (Page, error) {
	address := h.config.URL + outbound.Path("actions", v.Integration, v.Leg) + "?" + v.Query
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return Page{}, errors.New("the URL of the upstream is not valid")
	}
	h.addVia(req, v.Header)
	if cookieValue.MatchString(v.Cookie) {
		for _, name := range cookieNames {
			req.AddCookie(&http.Cookie{Name: name, Value: v.Cookie}) //nolint:gosec // a request's cookie has no attributes
		}
	}
	res, err := h.client.Do(req)
	if err != nil {
		return Page{}, outbound.ConnectionError(ctx, err, h.name)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxPageMessage+1))
	if err != nil {
		return Page{}, outbound.ConnectionError(ctx, err, h.name)
	}
	p := Page{Status: res.StatusCode}
	for _, c := range res.Cookies() {
		for _, name := range cookieNames {
			if c.Name == name && (c.Value == "" || cookieValue.MatchString(c.Value)) {
				p.Cookie, p.SetCookie = c.Value, true
			}
		}
	}
	switch {
	case res.StatusCode >= 300 && res.StatusCode < 400:
		to, err := res.Location()
		if err != nil {
			return Page{}, action.Wrap(err, action.Unavailable, "Unexpected response from %s.", h.name)
		}
		p.Location = to.String()
	case res.StatusCode >= http.StatusBadRequest:
		p.Message = message(string(text))
	}
	return p, nil
}

// message returns an error for a browser, unless it is a document or too long.
func message(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxPageMessage || strings.ContainsAny(text, "<\n") || !utf8.ValidString(text) {
		return ""
	}
	return text
}
