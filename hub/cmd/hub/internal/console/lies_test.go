package console

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// evil would run, end an attribute or widen the page, if it could.
const evil = `"'></title></textarea><script>window.hacked=true</script><img src=x onerror="window.hacked=true">`

// lyingHub answers the list with one integration, and its form and deliveries with given texts.
func lyingHub(t *testing.T, integration string, form, execute http.HandlerFunc) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"label":%q,"integrations":[{"name":"lie","url":"http://%s/execute","form_url":"http://%[2]s/form","supported_action_types":["query"],%s}]}`,
			evil, r.Host, integration)
	})
	mux.HandleFunc("/form", form)
	mux.HandleFunc("/execute", execute)
	hub := httptest.NewServer(mux)
	t.Cleanup(hub.Close)
	return hub.URL
}

// says answers with a text.
func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

// quoted is a text in JSON.
func quoted(text string) string { return strings.ReplaceAll(fmt.Sprintf("%q", text), `\'`, "'") }

// Whatever a hub says is text: it cannot act in the browser, and no link leads out of the web.
func TestHostileHub(t *testing.T) {
	t.Parallel()
	e := quoted(evil)
	field := func(kind, more string) string {
		return `{"name":` + e + `,"label":` + e + `,"description":` + e + `,"default":` + e + `,"value":` + e + `,"type":"` + kind + `"` + more + `}`
	}
	hub := lyingHub(t, `"label":`+e+`,"description":`+e+`,"icon_data_uri":"javascript:alert(1)","params":[{"name":`+e+`,"label":`+e+`,"description":`+e+`,"sensitive":false,"user_attribute_name":`+e+`}],"required_fields":[{"tag":`+e+`}]`,
		says(`{"fields":[`+strings.Join([]string{
			field("string", ""), field("textarea", `,"interactive":true`), field("message", ""), field(evil[1:2], ""),
			field("select", `,"options":[{"name":`+e+`,"label":`+e+`}]`),
			field("oauth_link", `,"oauth_url":"javascript:alert(1)"`), field("oauth_link_google", `,"oauth_url":"data:text/html,x"`),
			field("oauth_link", `,"oauth_url":"//evil.example"`), field("oauth_link", ""),
		}, ",")+`]}`),
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Evil", evil)
			says(`{"looker":{"success":false,"message":`+e+`,"validation_errors":{`+e+`:`+e+`}}}`)(w, nil)
		})
	s, base := startConsole(t, hub, "token-of-the-hub")
	v := newVisitor(t, base)
	pages := []answer{
		v.want(v.get(""), 200), v.want(v.get("integrations/lie"), 200),
		v.want(v.finished(s, v.submit("lie", fields(map[string]string{"title": evil, fieldPrefix + evil: evil}), evil, "a")), 200, "Failed"),
		v.want(v.get("integrations/lie"), 200, "aria-invalid"), v.want(v.get("wire"), 200), v.get("runs/" + "1/case.yaml"),
	}
	for _, p := range pages {
		text := strings.ReplaceAll(p.text, `console.js" defer></script>`, "")
		if strings.HasSuffix(p.url, ".yaml") {
			if _, err := parseCase([]byte(text)); err != nil {
				t.Errorf("the case cannot be read: %v\n%s", err, text)
			}
			continue
		}
		for _, wrong := range []string{"<script>", "<img src=x", `="javascript:`, `="data:text`, `href="//`, "</title></textarea>"} {
			if strings.Contains(text, wrong) {
				t.Errorf("%s has %q:\n%s", p.url, wrong, text)
			}
		}
	}
}

// Large forms are shown in part.
func TestLargeForms(t *testing.T) {
	t.Parallel()
	var options, many strings.Builder
	for n := range 100_000 {
		fmt.Fprintf(&options, `,{"name":"option-%d"}`, n)
	}
	for n := range 20_000 {
		fmt.Fprintf(&many, `,{"name":"field-%d"}`, n)
	}
	for name, tt := range map[string]struct {
		form string
		want string
		size int
	}{
		"100,000 options": {`[{"name":"f","type":"select","options":[` + options.String()[1:] + `]}]`, "The field has 100000 options.", 200 << 10},
		"20,000 fields":   {"[" + many.String()[1:] + "]", "The form has 19500 more fields", 400 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, base := startConsole(t, lyingHub(t, `"label":"Lie"`, says(tt.form), says(`{"looker":{"success":true}}`)), "token")
			v := newVisitor(t, base)
			p := v.want(v.get("integrations/lie"), 200, tt.want)
			if len(p.text) > tt.size {
				t.Errorf("the page has %d bytes", len(p.text))
			}
			v.want(v.finished(s, v.submit("lie", fields(map[string]string{"field.f": "option-99999"}), "", "")), 200, "Succeeded")
		})
	}
}

// A hub that does not answer as a hub does is said to, and the console goes on.
func TestLyingHub(t *testing.T) {
	t.Parallel()
	endless := func(w http.ResponseWriter, r *http.Request) {
		block := []byte(strings.Repeat("\n", 64<<10))
		for r.Context().Err() == nil {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
	ok := says(`{"looker":{"success":true}}`)
	noForm := says(`[]`)
	for name, tt := range map[string]struct {
		form, execute    http.HandlerFunc
		formWant, ending string
	}{
		"no JSON":          {says("<html>"), says("<html>"), "form is not valid", "response is not valid"},
		"other JSON":       {says(`{"fields":[{"name":1}]}`), says(`{"looker":[]}`), "form is not valid", "response is not valid"},
		"nothing":          {says(""), says(""), "form is not valid", "response is not valid"},
		"no outcome":       {noForm, says("{}"), "", "does not say how the delivery ended"},
		"endless":          {endless, endless, "larger than", "larger than"},
		"a status":         {http.NotFound, http.NotFound, "status 404", "status 404"},
		"an error":         {says(`{"error":"The key token-of-the-hub is wrong."}`), says(`{"looker":{"success":false,"message":"The token token-of-the-hub is wrong."}}`), "The key (redacted) is wrong.", "The token (redacted) is wrong."},
		"a huge state":     {says(`{"fields":[],"state":{"data":"` + strings.Repeat("x", 40<<10) + `"}}`), ok, "stores at most 32768", "Succeeded"},
		"a huge message":   {noForm, says(`{"looker":{"success":false,"message":"` + strings.Repeat("y", 1<<20) + `"}}`), "", strings.Repeat("y", 100)},
		"many headers":     {noForm, manyHeaders, "", "Succeeded"},
		"a broken answer":  {brokenOff, brokenOff, "reading the action hub&#39;s response", "reading the action hub&#39;s response"},
		"another address":  {redirected, redirected, "status 302", "status 302"},
		"deep JSON":        {says(strings.Repeat("[", 100_000)), says(strings.Repeat("[", 100_000)), "form is not valid", "response is not valid"},
		"an empty name":    {says(`[{"name":"","label":""},{}]`), ok, "<code></code>", "Succeeded"},
		"a form as string": {says(`"x"`), ok, "form is not valid", "Succeeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, base := startConsole(t, lyingHub(t, `"label":"Lie"`, tt.form, tt.execute), "token-of-the-hub")
			v := newVisitor(t, base)
			v.want(v.get("integrations/lie"), 200, tt.formWant)
			p := v.want(v.finished(s, v.submit("lie", fields(nil), "", "")), 200, tt.ending)
			if len(p.text) > 300<<10 {
				t.Errorf("the page has %d bytes", len(p.text))
			}
			for _, page := range []answer{p, v.want(v.get("wire"), 200), v.want(v.get(""), 200, "Lie")} {
				if strings.Contains(page.text, "token-of-the-hub") {
					t.Errorf("%s has the token:\n%s", page.url, page.text)
				}
			}
		})
	}
}

func manyHeaders(w http.ResponseWriter, r *http.Request) {
	for n := range 5000 {
		w.Header().Set(fmt.Sprintf("X-Header-%d", n), "x")
	}
	says(`{"looker":{"success":true}}`)(w, r)
}

func brokenOff(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "100")
	says(`{"looker"`)(w, r)
}

func redirected(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/form", http.StatusFound)
}

// A hub whose list cannot be used is on each page, until a list can be.
func TestListOfLies(t *testing.T) {
	t.Parallel()
	text := make(chan string, 1)
	text <- "<html>"
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		current := <-text
		text <- current
		_, _ = io.WriteString(w, current)
	}))
	t.Cleanup(hub.Close)
	set := func(list string) {
		<-text
		text <- list
	}
	s, base := startConsole(t, hub.URL, "token-of-the-hub")
	v := newVisitor(t, base)
	v.want(v.get(""), 200, "The hub cannot be used.", "list is not valid")
	v.want(v.get("integrations/a"), 404, "list is not valid")
	entry := `{"name":"a","label":"A","supported_action_types":["query"],"url":"` + hub.URL + `"}`
	for list, want := range map[string]string{
		`{}`:                              "has no integrations",
		`{"integrations":[{"name":"a"}]}`: "needs a name, a label and action types",
		`{"integrations":[` + entry + `,` + entry + `]}`:                           "twice",
		`{"integrations":[` + strings.Replace(entry, hub.URL, "ftp://x", 1) + `]}`: "is not an absolute",
	} {
		set(list)
		v.want(v.post("refresh", nil), 200, "The hub cannot be used.", want)
	}
	set(`{"label":"Honest","integrations":[` + entry + `]}`)
	p := v.want(v.post("refresh", nil), 200, "Honest", ">A</a>")
	if strings.Contains(p.text, "cannot be used") {
		t.Errorf("the problem is still there:\n%s", p.text)
	}
	// The token goes to no other host.
	elsewhere := make(chan string, 1)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { elsewhere <- r.Header.Get("Authorization") }))
	t.Cleanup(other.Close)
	set(`{"label":"x","integrations":[` + strings.Replace(entry, hub.URL, other.URL, 1) + `]}`)
	v.post("refresh", nil)
	v.want(v.finished(s, v.submit("a", fields(nil), "", "")), 200, "Failed", "list has URLs at", "set HUB_URL")
	select {
	case token := <-elsewhere:
		t.Errorf("another host got %q", token)
	default:
	}
}

// JSON is indented as far as that stays small.
func TestIndent(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 1000) + strings.Repeat("]", 1000)
	for text, want := range map[string]string{
		`{"a":[1]}`: "{\n  \"a\": [\n    1\n  ]\n}", `{"a":`: `{"a":`, "": "", "x": "x", deep: deep,
		`["` + strings.Repeat("[", 40) + `"]`: "[\n  \"" + strings.Repeat("[", 40) + "\"\n]",
	} {
		if got := indent(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
