package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// visitor uses a console like a browser without scripts.
type visitor struct {
	t      *testing.T
	base   string
	client *http.Client
}

func newVisitor(t *testing.T, base string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, base, &http.Client{Jar: jar}}
}

// answer is a page after all redirects.
type answer struct {
	status    int
	url, text string
}

func (v *visitor) do(r *http.Request, err error) answer {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Request.URL.String(), string(text)}
}

func (v *visitor) address(path string) string {
	if strings.HasPrefix(path, "http") {
		return path
	}
	return v.base + path
}

func (v *visitor) get(path string) answer {
	v.t.Helper()
	return v.do(http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.address(path), http.NoBody))
}

// want gets a page that has texts.
func (v *visitor) want(p answer, status int, texts ...string) answer {
	v.t.Helper()
	if p.status != status {
		v.t.Fatalf("%s: status %d, want %d:\n%s", p.url, p.status, status, p.text)
	}
	for _, text := range texts {
		if !strings.Contains(p.text, text) {
			v.t.Errorf("%s lacks %q:\n%s", p.url, text, p.text)
		}
	}
	return p
}

func (v *visitor) post(path string, values map[string]string) answer {
	v.t.Helper()
	form := url.Values{}
	for name, value := range values {
		form.Set(name, value)
	}
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.base+path, strings.NewReader(form.Encode()))
	if err == nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return v.do(r, err)
}

// submit posts the form of a delivery, with a file if it has a name.
func (v *visitor) submit(integration string, values map[string]string, fileName, data string) answer {
	v.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range values {
		if err := w.WriteField(name, value); err != nil {
			v.t.Fatal(err)
		}
	}
	if fileName != "" {
		part, err := w.CreateFormFile("file", fileName)
		if err == nil {
			_, err = io.WriteString(part, data)
		}
		if err != nil {
			v.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		v.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.base+"integrations/"+integration+"/form", &b)
	if err == nil {
		r.Header.Set("Content-Type", w.FormDataContentType())
	}
	return v.do(r, err)
}

// finished follows a delivery to its end.
func (v *visitor) finished(s *Server, p answer) answer {
	v.t.Helper()
	s.running.Wait()
	return v.want(v.get(p.url), http.StatusOK)
}

const apiKey = "key-of-the-crm"

// fields are what a user enters for the integration crm.
func fields(change map[string]string) map[string]string {
	all := map[string]string{
		"field.team": "a", "field.note": "line 1\r\nline 2", "field.channel": "random", "type": "query", "format": "csv",
		"source": "sample", "rows": "2", "title": "Orders", "do": "send",
	}
	maps.Copy(all, change)
	return all
}

// A delivery, from the list to the answer, without a script. No page has a secret.
func TestDelivery(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	s, base := startConsole(t, h.URL, h.token)
	v := newVisitor(t, base)
	var all strings.Builder
	see := func(p answer, status int, texts ...string) answer {
		t.Helper()
		all.WriteString(p.text)
		return v.want(p, status, texts...)
	}
	see(v.get(""), 200, "Test hub", "CRM", "Sends rows.", "needs email or phone", "sign-in", "plain HTTP")
	see(v.get("integrations/crm"), 200, `type="password" id="param-0"`, "crm_account", "Looker does not show the integration until these have a value: API key")
	see(v.post("integrations/crm/params", map[string]string{"field.api_key": apiKey, "field.region": "eu", "field.account": "account-of-1"}),
		200, `placeholder="stored"`, `value="eu"`, `value="account-of-1"`, "Choose a team first.", `<option value="a">Team A</option>`)
	see(v.post("integrations/crm/test", nil), 200, "The test succeeded.")

	// The form is requested again with the values so far.
	see(v.submit("crm", fields(map[string]string{"do": "form", "field.team": "b", "focus": "team"}), "", ""),
		200, `<option value="b" selected>Team B</option>`, "line 1\nline 2", `value="random"`, "autofocus")
	p := v.finished(s, see(v.submit("crm", fields(nil), "", ""), 200))
	see(p, 200, "Succeeded", "The hub reports success", "Delivered with ….", "Looker would now run the query again.", "execute", "LookerOutgoingWebhook/")
	see(v.get("wire"), 200, "execute", "form", "test", "list", `Token token=&#34;(redacted)&#34;`)
	see(v.get("integrations/crm"), 200, "Last deliveries", "Delivery 1")

	got := h.received()
	want := []delivery{{
		Integration: "crm", Type: "query", Data: got[0].Data,
		Params: map[string]string{"api_key": apiKey, "region": "eu", "account": "account-of-1"},
		Form:   map[string]string{"team": "a", "note": "line 1\nline 2", "channel": "random", "format": "csv"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	if lines := strings.Count(got[0].Data, "\n"); lines != 3 {
		t.Errorf("the sample has %d lines:\n%s", lines, got[0].Data)
	}
	for _, secret := range []string{apiKey, h.token} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("a page has the secret %s", secret)
		}
	}

	// Another user has other attributes, and the same settings.
	v.post("user", map[string]string{"user": "2"})
	see(v.get("integrations/crm"), 200, `name="user" value="2" class="plain" aria-describedby="user-label" aria-pressed="true"`, `value="eu"`, `name="field.account" value=""`)
	v.post("user", map[string]string{"user": "3"})
	if s.current() != "2" {
		t.Errorf("the user is %s", s.current())
	}
	// A secret is kept while its field is empty, and cleared on request.
	see(v.post("integrations/crm/params", map[string]string{"field.api_key": "", "field.region": "us"}), 200, `placeholder="stored"`, `value="us"`)
	see(v.post("integrations/crm/params", map[string]string{"field.api_key": "", "clear.api_key": "1"}), 200, "until these have a value: API key")
}

// Each way to send data, and each kind of action.
func TestWays(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	s, base := startConsole(t, h.URL, h.token)
	v := newVisitor(t, base)
	v.post("integrations/crm/params", map[string]string{"field.api_key": apiKey})
	for _, tt := range []struct {
		name, integration string
		fields            map[string]string
		file, data        string
		want              []string
		received          string
	}{
		{
			name: "a file by push", integration: "crm", fields: map[string]string{"source": "file"}, file: `C:\x\result.csv`, data: "a\n1\n",
			want: []string{"Succeeded", "csv, 4 B, C:\\x\\result.csv", "push"}, received: "a\n1\n",
		},
		{name: "the same file again", integration: "crm", fields: map[string]string{"source": "file"}, want: []string{"Succeeded", "4 B"}, received: "a\n1\n"},
		{
			name: "a download", integration: "bucket", fields: map[string]string{"source": "file"}, file: "x", data: "b\n",
			want: []string{"Succeeded", "2 B of 2 B downloaded by the hub", "download URL", "/downloads/(redacted)"}, received: "b\n",
		},
		{
			name: "push where the integration downloads", integration: "bucket", fields: map[string]string{"download": "push", "source": "file"}, file: "x", data: "c\n",
			want: []string{"Succeeded", "so Looker would not send it"}, received: "c\n",
		},
		{name: "a cell", integration: "droplet", fields: map[string]string{"type": "cell", "value": "42"}, want: []string{"Succeeded", "<dd>cell</dd>"}},
		{
			name: "a validation error", integration: "crm", fields: map[string]string{"field.channel": "closed"},
			want: []string{"Failed", "The hub reports a failure", "<code>channel</code>: The channel is closed."}, received: "Email",
		},
	} {
		form := fields(tt.fields)
		p := v.want(v.finished(s, v.submit(tt.integration, form, tt.file, tt.data)), 200, tt.want...)
		all := h.received()
		last := all[len(all)-1]
		if last.Integration != tt.integration || !strings.Contains(last.Data, tt.received) || tt.received == "" && last.Data != "" {
			t.Errorf("%s: the hub received %+v:\n%s", tt.name, last, p.text)
		}
	}
	v.want(v.get("integrations/crm"), 200, `aria-invalid="true"`, "The channel is closed.")
}

// What cannot be sent is said at the form, and the hub is not called.
func TestNotSent(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	s, base := startConsole(t, h.URL, h.token)
	v := newVisitor(t, base)
	v.post("integrations/crm/params", map[string]string{"field.api_key": apiKey})
	for want, change := range map[string]map[string]string{
		"no file is chosen":                        {"source": "file"},
		"wysiwyg_png is not a format with samples": {"format": "wysiwyg_png"},
		"between 0 and 100000 rows":                {"rows": "100001"},
		"a sample must have between":               {"rows": "x"},
	} {
		p := v.submit("crm", fields(change), "", "")
		if !strings.Contains(p.text, want) {
			t.Errorf("%v: %d, want %q:\n%s", change, p.status, want, p.text)
		}
	}
	large := v.submit("crm", fields(nil), "x", strings.Repeat("x", MaxData+maxForm))
	v.want(large, http.StatusBadRequest, "more than 64 MiB")
	p := v.finished(s, v.submit("crm", fields(map[string]string{"type": "dashboard"}), "", ""))
	v.want(p, 200, "Looker did not run the action: the integration supports query, not dashboard", "The hub was not called.")
	for _, path := range []string{"integrations/nope", "runs/99", "runs/x", "runs/99/state", "runs/99/case.yaml"} {
		v.want(v.get(path), http.StatusNotFound)
	}
	if got := h.received(); len(got) > 0 {
		t.Errorf("the hub received %+v", got)
	}
}

// A delivery can be watched, and cancelled.
func TestProgressAndCancel(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	s, base := startConsole(t, h.URL, h.token)
	v := newVisitor(t, base)
	release := h.hold()
	defer release()
	p := v.want(v.submit("bucket", fields(nil), "", ""), 200, "Running", `http-equiv="refresh"`, "Cancel")
	state := v.want(v.get(p.url+"/state"), 200)
	var got struct {
		Running  bool
		Progress string
	}
	if err := json.Unmarshal([]byte(state.text), &got); err != nil || !got.Running || !strings.Contains(got.Progress, " sent") {
		t.Errorf("%s, %v", state.text, err)
	}
	v.want(v.get(p.url+"/case.yaml"), http.StatusNotFound) // it has no end to expect yet
	v.post(strings.TrimPrefix(p.url, base)+"/cancel", nil)
	v.want(v.finished(s, p), 200, "Failed", "No response that Looker can use", "interrupted")
}

// A delivery is saved without its secrets, and can be run again.
func TestSavedCase(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	s, base := startConsole(t, h.URL, h.token)
	v := newVisitor(t, base)
	v.post("integrations/crm/params", map[string]string{"field.api_key": apiKey, "field.region": "eu", "field.account": "true"})
	saved := func(p answer) string {
		t.Helper()
		return v.want(v.get(v.finished(s, p).url+"/case.yaml"), 200).text
	}
	text := saved(v.submit("crm", fields(map[string]string{"field.channel": "#" + apiKey}), "", ""))
	want := caseHead + `integration: crm
params:
  account: "true"
  api_key:
    env: CRM_API_KEY
  region: eu
type: query
form:
  channel:
    env: CRM_CHANNEL
  note: |-
    line 1
    line 2
  team: a
format: csv
data:
  sample: 2
title: Orders
expect:
  success: true
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("the case (-want +got):\n%s", diff)
	}
	failed := saved(v.submit("crm", fields(map[string]string{"field.channel": "closed"}), "result.csv", "a\n"))
	for _, want := range []string{"  file: result.csv\n", "  success: false\n", "  message: The channel is closed.\n", "  validationErrors:\n    - channel\n"} {
		if !strings.Contains(failed, want) {
			t.Errorf("the case lacks %q:\n%s", want, failed)
		}
	}
	cell := saved(v.submit("droplet", fields(map[string]string{"type": "cell", "value": "42"}), "", ""))
	if !strings.Contains(cell, "data:\n  value: \"42\"\n") {
		t.Errorf("the case of a cell:\n%s", cell)
	}

	// A secret that is too short to be searched for is left out by its name.
	v.post("integrations/crm/params", map[string]string{"field.api_key": "abc"})
	if short := saved(v.submit("crm", fields(nil), "", "")); !strings.Contains(short, "api_key:\n    env: CRM_API_KEY") || strings.Contains(short, "abc") {
		t.Errorf("the case with a short secret:\n%s", short)
	}

	before := len(h.received())
	c, err := parseCase([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	other, _ := startConsole(t, h.URL, h.token)
	env := map[string]string{"CRM_API_KEY": apiKey, "CRM_CHANNEL": "#" + apiKey}
	if result, err := other.session.RunCase(t.Context(), "case.yaml", c, env); err != nil || !result.Success {
		t.Errorf("%+v, %v", result, err)
	}
	got := h.received()
	if diff := cmp.Diff(got[0], got[before]); diff != "" {
		t.Errorf("the case delivers something else (-first +again):\n%s", diff)
	}
}

// A user signs in at the provider, with each of the two ways to hand the tokens over; another user is not
// signed in, and the state file keeps the sign-in.
func TestSignIn(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	file := t.TempDir() + "/state.json"
	keep := func(o *Options) { o.StateFile = file }
	s, base := startConsole(t, h.URL, h.token, keep)
	v := newVisitor(t, base)
	for n, name := range []string{"drive", "sheets"} {
		p := v.want(v.get("integrations/"+name), 200, "Log in", `rel="noopener noreferrer"`)
		if reach := strings.Contains(p.text, "The hub stores the sign-in at the console"); reach != (name == "drive") {
			t.Errorf("%s: the page says that the hub must reach the console: %v", name, reach)
		}
		link := regexp.MustCompile(`href="([^"]*/oauth[^"]*)"`).FindStringSubmatch(p.text)
		if link == nil {
			t.Fatalf("%s has no link:\n%s", name, p.text)
		}
		consent := v.get(strings.ReplaceAll(link[1], "&amp;", "&"))
		allow := regexp.MustCompile(`id="allow" href="([^"]*)"`).FindStringSubmatch(consent.text)
		if allow == nil {
			t.Fatalf("%s has no consent: %s", name, consent.text)
		}
		v.want(v.get("integrations/"+name+"/signed-in"), 200, "false")
		last := v.want(v.get(strings.ReplaceAll(allow[1], "&amp;", "&")), 200)
		if !strings.Contains(last.text, "close") && !strings.Contains(last.text, "Close") {
			t.Errorf("%s: the sign-in ends at %s: %s", name, last.url, last.text)
		}
		v.want(v.get("integrations/"+name+"/signed-in"), 200, "true")
		v.want(v.get("integrations/"+name), 200, "is signed in", "Folder", `value="root"`)
		v.want(v.finished(s, v.submit(name, fields(nil), "", "")), 200, "Succeeded")
		all := h.received()
		if got, want := all[len(all)-1].State, fmt.Sprintf(`{"token":"provider-token-for-code-%d"}`, n+1); got != want {
			t.Errorf("%s: the hub got the state %s, want %s", name, got, want)
		}
		v.post("user", map[string]string{"user": "2"})
		v.want(v.get("integrations/"+name), 200, "Log in")
		v.post("user", map[string]string{"user": "1"})
	}
	if text := v.get("wire").text; strings.Contains(text, "provider-token") {
		t.Error("the requests have the user's tokens")
	}
	again, _ := startConsole(t, h.URL, h.token, keep)
	c := Case{Integration: "drive", Format: "csv", Data: Data{Sample: new(1)}, Expect: Expect{Success: true}}
	if result, err := again.session.RunCase(t.Context(), "case.yaml", c, nil); err != nil {
		t.Errorf("with the state file: %+v, %v", result, err)
	}
	fresh, _ := startConsole(t, h.URL, h.token)
	if _, err := fresh.session.RunCase(t.Context(), "case.yaml", c, nil); err == nil || !strings.Contains(err.Error(), "drive needs a sign-in") {
		t.Errorf("without a sign-in: %v", err)
	}
	c.State = &Value{Env: "DRIVE_STATE"}
	if _, err := fresh.session.RunCase(t.Context(), "case.yaml", c, map[string]string{"DRIVE_STATE": `{"token":"t0ken"}`}); err != nil {
		t.Errorf("with a state from the environment: %v", err)
	}
	v.want(v.post("integrations/drive/sign-out", nil), 200, "Log in")
}

// A delivery whose data the hub cannot fetch says what to do.
func TestUnreachableConsole(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	s, base := startConsole(t, h.URL, h.token, func(o *Options) { o.URL = "http://127.0.0.1:1" })
	v := newVisitor(t, base)
	const hint = "The hub did not fetch the data from the console."
	v.want(v.finished(s, v.submit("bucket", fields(nil), "", "")), 200, "Failed", hint, "--public-url")
	c := Case{Integration: "bucket", Format: "csv", Data: Data{Sample: new(1)}, Expect: Expect{Success: true}}
	if _, err := s.session.RunCase(t.Context(), "case.yaml", c, nil); err == nil || !strings.Contains(err.Error(), hint) {
		t.Errorf("the case ended with %v", err)
	}
}

// A hub that accepts only https:// addresses for sign-ins makes no form; the console says what helps.
func TestSignInNeedsHTTPS(t *testing.T) {
	t.Parallel()
	hub := lyingHub(t, `"label":"Lie","uses_oauth":true`, says(`{"error":"Looker's sign-in URL must start with https://."}`), says("{}"))
	s, base := startConsole(t, hub, "token")
	const hint = "Sign-ins need an https:// address of the console"
	newVisitor(t, base).want(newVisitor(t, base).get("integrations/lie"), 200, "The hub cannot load the form.", hint)
	c := Case{Integration: "lie", Format: "csv", Data: Data{Sample: new(1)}}
	if _, err := s.session.RunCase(t.Context(), "case.yaml", c, nil); err == nil || !strings.Contains(err.Error(), hint) {
		t.Errorf("the case ended with %v", err)
	}
	_, base = startConsole(t, hub, "token", func(o *Options) { o.URL = "https://tunnel.example.com" })
	if p := newVisitor(t, base).get("integrations/lie"); strings.Contains(p.text, hint) {
		t.Errorf("the page has the hint although the address is an https:// one:\n%s", p.text)
	}
}

// Pages of other sites, names that are bound to this machine, and other users get nothing.
func TestGuard(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	s, base := startConsole(t, h.URL, h.token, func(o *Options) { o.URL = "https://tunnel.example.com" })
	own, _ := url.Parse(base)
	for name, tt := range map[string]struct {
		method, path, host string
		header             map[string]string
		want               int
	}{
		"typed":                        {"GET", s.Path(), own.Host, map[string]string{"Sec-Fetch-Site": "none"}, 200},
		"a link of the console":        {"GET", s.Path(), own.Host, map[string]string{"Sec-Fetch-Site": "same-origin"}, 200},
		"localhost":                    {"GET", s.Path(), "localhost:" + own.Port(), nil, 200},
		"a rebound name":               {"GET", s.Path(), "evil.example:" + own.Port(), nil, 403},
		"another port":                 {"GET", s.Path(), "localhost:1", nil, 403},
		"the public host":              {"GET", s.Path(), "tunnel.example.com", nil, 403},
		"a link of another site":       {"GET", s.Path(), own.Host, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"another port's page":          {"GET", s.Path(), own.Host, map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		"a form of another site":       {"POST", s.Path() + "user", own.Host, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"a form of an older browser":   {"POST", s.Path() + "user", own.Host, map[string]string{"Origin": "https://evil.example"}, 403},
		"a form of the console":        {"POST", s.Path() + "user", own.Host, map[string]string{"Origin": "http://" + own.Host}, 303},
		"no secret":                    {"GET", "/", own.Host, nil, 404},
		"a wrong secret":               {"GET", "/x/", own.Host, nil, 404},
		"Looker's API":                 {"GET", "/api/4.0/integrations", own.Host, nil, 404},
		"a download":                   {"GET", "/downloads/x", own.Host, nil, 404},
		"a download from outside":      {"GET", "/downloads/x", "tunnel.example.com", nil, 404},
		"a download at a rebound name": {"GET", "/downloads/x", "evil.example", nil, 403},
		"a delegated sign-in":          {"GET", "/action_hub_delegate_oauth/x", "tunnel.example.com", nil, 404},
		"a sign-in of another site":    {"GET", "/action_hub_oauth_redirect/x", own.Host, map[string]string{"Sec-Fetch-Site": "cross-site"}, 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tt.method, tt.path, http.NoBody)
			r.Host = tt.host
			for name, value := range tt.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("status %d, want %d: %s", w.Code, tt.want, w.Body)
			}
		})
	}
}
