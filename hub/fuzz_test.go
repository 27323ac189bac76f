package hub_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
)

// Whatever a stranger sends, nothing is delivered or signed in, nothing panics, and the
// answer is the stranger's fault.
func FuzzStranger(f *testing.F) {
	reached := false
	d := definition("a")
	d.Params = nil
	h := newHandler(f, nil, entry(withLogin{withForm{&fake{
		definition: d,
		execute: func(context.Context, *action.Request) (*action.Response, error) {
			reached = true
			return &action.Response{}, nil
		},
		form: func(context.Context, *action.Request) (*action.Form, error) {
			reached = true
			return &action.Form{}, nil
		},
	}}}))
	const legacy = `{"alg":"AES-256-CBC","iv":"00","data":"00"}`
	f.Add("POST", "execute", "", "", `Token token="`+goodToken+`"`, `{"type":"query"}`)
	f.Add("POST", "form", "", "", "Token token="+goodToken, `{}`)
	f.Add("POST", "execute", "", "", `Token token="`+goodToken[:64]+`/"`, `{"type":"query"`)
	f.Add("POST", "oauth_token", "", "", "Bearer x", `{"type":"query","data":{"state_json":`+legacy+`}}`)
	f.Add("GET", "oauth", "1.abc", "", "", "")
	f.Add("GET", "oauth_redirect", "nonce.sealed", "action_hub_state=nonce", "", "")
	f.Add("GET", "oauth_redirect", ".", "action_hub_state=", "", "")
	f.Add("GET", "oauth_redirect", "..", `action_hub_state="."; action_hub_state=;`, "", "")
	f.Add("GET", "oauth_check", "", "", "token="+goodToken, "")
	f.Fuzz(func(t *testing.T, method, leg, state, cookie, authorization, body string) {
		if method != http.MethodGet {
			method = http.MethodPost
		}
		r := httptest.NewRequestWithContext(t.Context(), method, "/", strings.NewReader(body))
		r.URL = &url.URL{Path: "/actions/a/" + leg, RawQuery: url.Values{"state": {state}, "code": {"good"}}.Encode()}
		r.Header = http.Header{"Cookie": {cookie}, "Authorization": {authorization}, "Content-Type": {"application/json"}}
		w := httptest.NewRecorder()
		reached = false
		h.ServeHTTP(w, r)
		knowsToken := strings.Contains(authorization, goodToken)
		if reached && !knowsToken {
			t.Errorf("delivered for Authorization %q", authorization)
		}
		if w.Code >= 300 && w.Code < 400 {
			t.Errorf("the browser is sent to %q", w.Header().Get("Location"))
		}
		if w.Code >= 500 || w.Code == http.StatusOK && !knowsToken {
			t.Errorf("answer %d: %s", w.Code, w.Body)
		}
	})
}
