package hub_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
)

// bad is one bad, or odd, request and the right answer to it.
type bad struct {
	method, path string
	// token is the Authorization header; "" stands for a good one, "-" for none.
	token, header, body string
	// status and answer are ours; status 0 stands for the reference's own answer.
	status int
	answer string
	// why tells what is wrong with the reference's answer.
	why string
}

const (
	notJSON     = `{"success":false,"error":"Request body must be valid JSON."}`
	noAction    = `{"success":false,"error":"No action found with name nope."}`
	noAuth      = `{"success":false,"error":"Invalid 'Authorization' header."}`
	noAddress   = `{"success":false,"error":"Not found."}`
	oldLink     = "This sign-in link is invalid or has expired. Open the form in Looker again.\n"
	aList       = `{"integrations":[`
	delivered   = `{"looker":{"refresh_query":false,"success":true,"validation_errors":{}}}`
	refusedPart = `"refresh_query":false,"success":false`
)

const (
	forgeable  = "the state is neither authenticated nor bound: here only a link from this hub's own form is followed"
	crashes    = "the process ends"
	hangs      = "nothing is ever answered"
	readsFirst = "the body is read before the token is checked, and a stack trace is shown"
	unread     = "a list request's body says nothing and is not read"
)

var requests = map[string]bad{
	"list_no_token":               {method: "POST", path: "/", token: "-"},
	"list_bad_token_same_length":  {method: "POST", path: "/", token: `Token token="` + goodToken[:len(goodToken)-1] + `0"`},
	"list_bad_token_short_digest": {method: "POST", path: "/", token: `Token token="a/b"`, status: 403, answer: noAuth, why: crashes},
	"list_bad_token_no_slash":     {method: "POST", path: "/", token: `Token token="ab"`},
	"list_token_lowercase_prefix": {method: "POST", path: "/", token: `token token="` + goodToken + `"`},
	"list_token_pipe_prefix":      {method: "POST", path: "/", token: `|oken token="` + goodToken + `"`, status: 403, answer: noAuth, why: "a slip in a regular expression"},
	"list_token_embedded_prefix":  {method: "POST", path: "/", token: `Foo token token="` + goodToken + `" x`, status: 403, answer: noAuth, why: "the header is searched, not read"},
	"list_token_no_quotes":        {method: "POST", path: "/", token: `Token token=` + goodToken},
	"list_token_extra_slash":      {method: "POST", path: "/", token: `Token token="` + goodToken + `/more"`},
	"list_bearer":                 {method: "POST", path: "/", token: "Bearer " + goodToken},
	"list_GET":                    {method: "GET", path: "/", status: 200, answer: "Integration Hub", why: "a page of our own"},
	"status_GET":                  {method: "GET", path: "/status", token: "-", status: 200, answer: `{"label":"Golden <Hub>"`, why: "the page shows a path of the server"},
	"list_no_body_no_ctype":       {method: "POST", path: "/"},
	"list_empty_body_json":        {method: "POST", path: "/", header: "Content-Type: application/json"},
	"list_null_body":              {method: "POST", path: "/", body: "null", status: 200, answer: aList, why: unread},
	"list_array_body":             {method: "POST", path: "/", body: "[]"},
	"list_text_plain_body":        {method: "POST", path: "/", header: "Content-Type: text/plain", body: "x"},
	"list_malformed_json":         {method: "POST", path: "/", body: "{", status: 200, answer: aList, why: unread},
	"list_malformed_json_no_token": {
		method: "POST", path: "/", token: "-", body: "{", status: 403, answer: noAuth, why: readsFirst,
	},
	"list_unknown_charset":      {method: "POST", path: "/", header: "Content-Type: application/json; charset=x", body: "{}", status: 200, answer: aList, why: unread},
	"list_bad_content_encoding": {method: "POST", path: "/", header: "Content-Encoding: x", body: "{}", status: 200, answer: aList, why: unread},
	"list_type_null":            {method: "POST", path: "/", body: `{"type":null}`, status: 200, answer: aList, why: unread},
	"unknown_action":            {method: "POST", path: "/actions/nope"},
	"unknown_action_execute":    {method: "POST", path: "/actions/nope/execute", body: "{}"},
	"unknown_action_form":       {method: "POST", path: "/actions/nope/form", body: "{}"},
	"unknown_action_oauth_GET":  {method: "GET", path: "/actions/nope/oauth?state=1", token: "-", status: 404, answer: noAction, why: crashes},
	"unknown_route":             {method: "GET", path: "/foo", status: 404, answer: noAddress, why: "a page for a program"},
	"action_GET": {
		method: "GET", path: "/actions/debug", status: 404, answer: `{"success":false,"error":"Not found for this method."}`, why: "a page for a program",
	},
	"action_trailing_slash":                {method: "POST", path: "/actions/debug/"},
	"action_case":                          {method: "POST", path: "/Actions/debug"},
	"action_urlencoded_name":               {method: "POST", path: "/actions/%64ebug"},
	"action_bad_pct":                       {method: "POST", path: "/actions/%zz", status: 400, answer: "400 Bad Request", why: "a stack trace is shown"},
	"execute_no_token":                     {method: "POST", path: "/actions/debug/execute", token: "-", body: "{}"},
	"execute_malformed_json":               {method: "POST", path: "/actions/debug/execute", body: "{", status: 400, answer: notJSON, why: "a stack trace is shown"},
	"execute_missing_type":                 {method: "POST", path: "/actions/debug/execute", body: "{}"},
	"execute_null_type":                    {method: "POST", path: "/actions/debug/execute", body: `{"type":null}`},
	"execute_wrong_type":                   {method: "POST", path: "/actions/sendgrid/execute", body: `{"type":"cell"}`},
	"execute_bogus_type":                   {method: "POST", path: "/actions/sendgrid/execute", body: `{"type":"bogus"}`},
	"execute_missing_required_param":       {method: "POST", path: "/actions/sendgrid/execute", body: `{"type":"query"}`},
	"execute_missing_required_param_empty": {method: "POST", path: "/actions/sendgrid/execute", body: `{"type":"query","data":{"key":""}}`},
	"execute_streaming_without_data":       {method: "POST", path: "/actions/zapier/execute", body: `{"type":"query"}`},
	"execute_zapier_missing_url": {
		method: "POST", path: "/actions/zapier/execute", body: `{"type":"query","form_params":{"url":""},"attachment":{"mimetype":"text/csv","data":"x"}}`,
		status: 200, answer: `{"looker":{"message":"Missing url.",` + refusedPart + `,"validation_errors":{"url":"Missing url."}`, why: "Looker shows a field's error only in this form",
	},
	"execute_zapier_bad_domain": {
		method: "POST", path: "/actions/zapier/execute", body: `{"type":"query","form_params":{"url":"https://example.com"},"attachment":{"mimetype":"text/csv","data":"x"}}`,
		status: 200, answer: `{"looker":{"message":"Incorrect domain for url.",` + refusedPart, why: "Looker shows a field's error only in this form",
	},
	"execute_zapier_invalid_url": {
		method: "POST", path: "/actions/zapier/execute", body: `{"type":"query","form_params":{"url":"x"},"attachment":{"mimetype":"text/csv","data":"x"}}`,
		status: 200, answer: `{"looker":{"message":"The url is not valid.",` + refusedPart, why: "what is wrong is not said",
	},
	"execute_teams_missing": {
		method: "POST", path: "/actions/failing/execute", body: `{"type":"query"}`,
		status: 200, answer: `{"looker":{"message":"Internal server error.",` + refusedPart, why: "Looker shows a message only in this form",
	},
	"execute_attachment_bad_json": {
		method: "POST", path: "/actions/rows/execute", body: `{"type":"query","attachment":{"mimetype":"application/json","data":"{"}}`,
		status: 200, answer: `{"looker":{"message":"The data ended before the result was complete.",` + refusedPart, why: "what is wrong is not said",
	},
	"execute_data_is_string": {
		method: "POST", path: "/actions/debug/execute", body: `{"type":"query","data":"x"}`, status: 200, answer: delivered, why: "the message is the integration's",
	},
	"execute_form_params_array": {
		method: "POST", path: "/actions/debug/execute", body: `{"type":"query","form_params":[]}`, status: 200, answer: delivered, why: "the message is the integration's",
	},
	"execute_debug_ok": {
		method: "POST", path: "/actions/debug/execute", body: `{"type":"query","form_params":{"sleep":"1"}}`, status: 200, answer: delivered, why: "the message is the integration's",
	},
	"execute_debug_sleep_nan": {
		method: "POST", path: "/actions/debug/execute", body: `{"type":"query","form_params":{"sleep":"x"}}`, status: 200, answer: delivered, why: "the message is the integration's",
	},
	"form_no_form_action":                {method: "POST", path: "/actions/debug/form", body: "{}"},
	"form_no_token":                      {method: "POST", path: "/actions/debug/form", token: "-", body: "{}"},
	"oauth_missing_state":                {method: "GET", path: "/actions/google_drive/oauth", token: "-", status: 400, answer: "Missing state parameter.\n", why: "the same, as a line"},
	"oauth_not_oauth_action":             {method: "GET", path: "/actions/debug/oauth?state=x", token: "-", status: 400, answer: "Action does not support OAuth.\n", why: crashes},
	"oauth_bad_state":                    {method: "GET", path: "/actions/google_drive/oauth?state=x", token: "-", status: 400, answer: oldLink, why: forgeable},
	"oauth_google_drive_csrf_cookie":     {method: "GET", path: "/actions/google_drive/oauth?state=abc", token: "-", status: 400, answer: oldLink, why: forgeable},
	"oauth_dropbox":                      {method: "GET", path: "/actions/dropbox/oauth?state=abc", token: "-", status: 400, answer: oldLink, why: forgeable},
	"oauth_facebook":                     {method: "GET", path: "/actions/dropbox/oauth?state=abc", token: "-", status: 400, answer: oldLink, why: forgeable},
	"oauth_gads":                         {method: "GET", path: "/actions/dropbox/oauth?state=abc", token: "-", status: 400, answer: oldLink, why: forgeable},
	"oauth_ga":                           {method: "GET", path: "/actions/dropbox/oauth?state=abc", token: "-", status: 400, answer: oldLink, why: forgeable},
	"oauth_sheets":                       {method: "GET", path: "/actions/google_drive/oauth?state=abc", token: "-", status: 400, answer: oldLink, why: forgeable},
	"oauth_airtable_bad_state":           {method: "GET", path: "/actions/dropbox/oauth?state=x", token: "-", status: 400, answer: oldLink, why: crashes},
	"oauth_salesforce_bad_state":         {method: "GET", path: "/actions/dropbox/oauth?state=1043022x", token: "-", status: 400, answer: oldLink, why: crashes},
	"oauth_check_no_token":               {method: "GET", path: "/actions/dropbox/oauth_check", token: "-"},
	"oauth_check_facebook":               {method: "GET", path: "/actions/dropbox/oauth_check"},
	"oauth_check_not_oauth_action":       {method: "GET", path: "/actions/debug/oauth_check", status: 404, answer: `{"success":false,"error":"Action does not support OAuth."}`, why: hangs},
	"oauth_redirect_drive_no_cookie":     {method: "GET", path: "/actions/google_drive/oauth_redirect?state=a.b", token: "-", status: 403, answer: "CSRF validation failed.\n", why: "the same, as a line"},
	"oauth_redirect_drive_bad_state":     {method: "GET", path: "/actions/google_drive/oauth_redirect?state=ab", token: "-", status: 400, answer: "Invalid state parameter format.\n", why: "the same, as a line"},
	"oauth_redirect_drive_missing_state": {method: "GET", path: "/actions/google_drive/oauth_redirect", token: "-", status: 400, answer: "Missing state parameter.\n", why: "the same, as a line"},
	"oauth_redirect_not_oauth":           {method: "GET", path: "/actions/debug/oauth_redirect?state=x", token: "-", status: 400, answer: "Action does not support OAuth.\n", why: "the same, as a line"},
	"oauth_redirect_unknown_action":      {method: "GET", path: "/actions/nope/oauth_redirect?state=x", token: "-", status: 404, answer: noAction, why: crashes},
	"oauth_token_not_v2":                 {method: "POST", path: "/actions/debug/oauth_token", body: "{}", status: 404, answer: `{"success":false,"error":"Action does not support fetching tokens."}`, why: hangs},
	"oauth_token_drive_no_state":         {method: "POST", path: "/actions/google_drive/oauth_token", body: "{}", status: 400, answer: `{"success":false,"error":"Request is missing state parameter."}`, why: "what is wrong is not said"},
	"alive_after":                        {method: "POST", path: "/actions/debug"},
}

// Every bad request that the reference was seen to answer has the right answer here: the
// reference's own, or, where that is a fault, a better one (testdata/reference-errors.json).
func TestReferenceErrors(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/reference-errors.json")
	if err != nil {
		t.Fatal(err)
	}
	var reference map[string]struct {
		Status int
		Body   string
	}
	if err := json.Unmarshal(text, &reference); err != nil {
		t.Fatal(err)
	}
	s := contractServer(t)
	for name, ref := range reference {
		r, known := requests[name]
		if !known {
			t.Errorf("%s is not tried", name)
			continue
		}
		want, answer := r.status, r.answer
		if want == 0 {
			want, answer = ref.Status, ref.Body
		} else if r.why == "" {
			t.Errorf("%s differs from the reference without a reason", name)
		}
		// The reference's longer answers were cut when they were recorded, and describe
		// integrations of its own.
		if strings.HasPrefix(answer, aList) {
			answer = aList
		} else if strings.HasPrefix(answer, `{"description":`) {
			answer = `{"description":`
		}
		status, got := s.raw(r)
		if status != want || !strings.HasPrefix(got, answer) {
			t.Errorf("%s: %d %.300s, want %d %s", name, status, got, want, answer)
		}
	}
	for name := range requests {
		if _, ok := reference[name]; !ok {
			t.Errorf("%s is not in the record", name)
		}
	}
}

// contractServer offers integrations that differ as those of the record do.
func contractServer(t *testing.T) *server {
	t.Helper()
	integration := func(name string, change func(*fake)) *fake {
		f := &fake{definition: definition(name), execute: ok}
		f.definition.Params = nil
		f.definition.Types = []action.Type{action.TypeQuery}
		if change != nil {
			change(f)
		}
		f.form = func(context.Context, *action.Request) (*action.Form, error) { return &action.Form{}, nil }
		return f
	}
	debug := integration("debug", func(f *fake) {
		f.definition.Types = []action.Type{action.TypeCell, action.TypeDashboard, action.TypeQuery}
	})
	sendgrid := integration("sendgrid", func(f *fake) {
		f.definition.Params = []action.Param{{Name: "key", Label: "SendGrid API Key", Required: true}}
	})
	zapier := integration("zapier", func(f *fake) {
		f.definition.Download = action.URL
		f.execute = func(_ context.Context, req *action.Request) (*action.Response, error) {
			switch req.Form["url"] {
			case "":
				return nil, action.InvalidField("url", "Missing url.")
			case "x":
				return nil, action.InvalidField("url", "The url is not valid.")
			}
			return nil, action.InvalidField("url", "Incorrect domain for url.")
		}
	})
	failing := integration("failing", func(f *fake) {
		f.execute = func(context.Context, *action.Request) (*action.Response, error) { return nil, errors.New("a fault") }
	})
	rows := integration("rows", func(f *fake) {
		f.execute = func(ctx context.Context, req *action.Request) (*action.Response, error) {
			_, err := req.Data.Table(ctx)
			return nil, err
		}
	})
	drive := integration("google_drive", func(f *fake) { f.definition.FetchTokens = true })
	return newServer(t, nil, entry(debug), entry(sendgrid), entry(zapier), entry(failing), entry(rows),
		entry(withLogin{withForm{drive}}), entry(withLogin{withForm{integration("dropbox", nil)}}))
}

// raw sends a request as it stands, which an HTTP client would not always do.
func (s *server) raw(r bad) (int, string) {
	s.t.Helper()
	conn, err := new(net.Dialer).DialContext(s.t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	var b strings.Builder
	b.WriteString(r.method + " " + r.path + " HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nUser-Agent: LookerOutgoingWebhook/24.20.41\r\n")
	switch r.token {
	case "-":
	case "":
		b.WriteString(`Authorization: Token token="` + goodToken + "\"\r\n")
	default:
		b.WriteString("Authorization: " + r.token + "\r\n")
	}
	if r.header != "" {
		b.WriteString(r.header + "\r\n")
	}
	if r.body != "" {
		b.WriteString("Transfer-Encoding: chunked\r\n\r\n" + chunk(r.body) + "0\r\n\r\n")
	} else {
		b.WriteString("Content-Length: 0\r\n\r\n")
	}
	if _, err := io.WriteString(conn, b.String()); err != nil {
		s.t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	return res.StatusCode, string(body)
}

// chunk is a body's one chunk (RFC 9112, section 7.1). Looker sends all bodies in chunks.
func chunk(body string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(body), body) }
