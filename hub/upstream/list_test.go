package upstream_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/hub/outbound"
	"integrationhub.dev/hub/upstream"
)

const upstreamToken = "0011223344/the-token-of-the-upstream"

// serve starts an upstream, and returns how this hub is configured for it.
func serve(t testing.TB, h http.Handler) config.Upstream {
	t.Helper()
	srv := httptest.NewTLSServer(h)
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	for name, text := range map[string]string{"ca.crt": string(ca), "token": upstreamToken + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config.Upstream{
		Name: "legacy", URL: srv.URL, TokenFile: filepath.Join(dir, "token"), CAFile: filepath.Join(dir, "ca.crt"),
	}
}

func newHub(t testing.TB, c config.Upstream) *upstream.Hub {
	t.Helper()
	set, err := upstream.New(config.Upstreams{c}, upstream.Options{
		Roots: x509.NewCertPool(), Log: slog.New(slog.DiscardHandler),
		NewClient: func(roots *x509.CertPool) *http.Client {
			return outbound.NewClient(outbound.Options{Policy: outbound.Policy{AllowLoopback: true}, Roots: roots})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return set.Find(c.Name)
}

// lists answers a list request.
func lists(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, text)
	}
}

func item(name, more string) string {
	return fmt.Sprintf(`{"name":%q,"label":"L","description":"D","params":[],"required_fields":[],"supported_action_types":["query"],`+
		`"supported_download_settings":["push"],"url":"https://elsewhere.example.com/x"%s}`, name, more)
}

func names(s upstream.State) (offered []string) {
	for _, r := range s.Integrations {
		offered = append(offered, r.Definition.Name)
	}
	return offered
}

// referenceList has integrations as the reference lists them: with and without a form, OAuth, a version of
// Looker's download, formats and icons.
const referenceList = `{"integrations":[
{"description":"Sends rows.","form_url":"https://legacy.example.com/actions/rows/form","label":"Rows","name":"rows",
 "params":[{"name":"key","label":"Key","required":true,"sensitive":true,"description":"A key.","user_attribute_name":"rows_key","per_user":true}],
 "required_fields":[{"tag":"user_id"},{"any_tag":["a","b"]},{"all_tags":["c"]}],"supported_action_types":["cell","query"],
 "uses_oauth":false,"delegate_oauth":false,"supported_formats":["json_detail"],"supported_formattings":["unformatted"],
 "supported_visualization_formattings":["noapply"],"supported_download_settings":["push"],"icon_data_uri":null,
 "url":"https://legacy.example.com/actions/rows/execute","token_url":""},
{"description":"Stores files.","form_url":"https://legacy.example.com/actions/files/form","label":"Files","name":"files","params":[],
 "required_fields":[],"supported_action_types":["query","dashboard"],"uses_oauth":true,"delegate_oauth":false,
 "supported_download_settings":["url"],"icon_data_uri":"data:image/svg+xml;base64,PHN2Zy8+",
 "url":"https://legacy.example.com/actions/files/execute","token_url":"https://legacy.example.com/actions/files/oauth_token"},
{"description":"Has credentials in Looker.","form_url":null,"label":"Delegated","name":"delegated","params":[{"name":"d","label":"D","required":true,
 "sensitive":false,"delegate_oauth_url":"https://looker.example.com/x"}],"required_fields":[],"supported_action_types":["query"],
 "uses_oauth":true,"delegate_oauth":true,"supported_formats":[],"supported_download_settings":["push"],"icon_data_uri":null,
 "url":"https://legacy.example.com/actions/delegated/execute","token_url":""}],"label":"Legacy"}`

// The list is requested as the reference expects it, and read completely.
func TestList(t *testing.T) {
	t.Parallel()
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a broken body is not the expected one
		got := []string{r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body)}
		if diff := cmp.Diff([]string{"POST", "/", `Token token="` + upstreamToken + `"`, "application/json", "{}"}, got); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
		if v := action.ParseUserAgent(r.UserAgent()); !v.AtLeast(action.V(26, 0, 0)) {
			t.Errorf("the list is requested for Looker %s", v)
		}
		lists(referenceList)(w, r)
	}))
	c.Prefix = "old_"
	h := newHub(t, c)
	h.Refresh(t.Context())
	state := h.State()
	if state.Problem != "" || state.Fetched.IsZero() || len(state.Refused) > 0 {
		t.Fatalf("problem %q, fetched %s, refused %v", state.Problem, state.Fetched, state.Refused)
	}
	query := []action.Type{action.TypeQuery}
	want := []catalog.Remote{
		{
			Upstream: "legacy", Name: "rows", HasForm: true,
			Definition: action.Definition{
				Name: "old_rows", Label: "Rows", Description: "Sends rows.",
				Params: []action.Param{{
					Name: "key", Label: "Key", Required: true, Sensitive: true, Description: "A key.", PerUser: true, UserAttributeName: "rows_key",
				}},
				RequiredFields: []action.RequiredField{{Tag: "user_id"}, {AnyTag: []string{"a", "b"}}, {AllTags: []string{"c"}}},
				Types:          []action.Type{action.TypeCell, action.TypeQuery}, Formats: []action.Format{action.JSONDetail},
				Formattings: []action.Formatting{action.Unformatted}, VisFormattings: []action.VisFormatting{action.NoApply}, Download: action.Push,
			},
		},
		{
			Upstream: "legacy", Name: "files", HasForm: true, SignsIn: true, Icon: "data:image/svg+xml;base64,PHN2Zy8+",
			Definition: action.Definition{
				Name: "old_files", Label: "Files", Description: "Stores files.", Params: []action.Param{}, RequiredFields: []action.RequiredField{},
				Types: []action.Type{action.TypeQuery, action.TypeDashboard}, Download: action.URL, FetchTokens: true,
			},
		},
		{
			Upstream: "legacy", Name: "delegated", Delegates: true,
			Definition: action.Definition{
				Name: "old_delegated", Label: "Delegated", Description: "Has credentials in Looker.", RequiredFields: []action.RequiredField{},
				Params: []action.Param{{Name: "d", Label: "D", Required: true, DelegateOAuthURL: "https://looker.example.com/x"}},
				Types:  query, Formats: []action.Format{}, Download: action.Push,
			},
		},
	}
	if diff := cmp.Diff(want, state.Integrations, cmp.AllowUnexported(action.Version{})); diff != "" {
		t.Errorf("integrations (-want +got):\n%s", diff)
	}
}

// An integration that is not valid is refused by its name, and the others are offered.
func TestListRefusals(t *testing.T) {
	t.Parallel()
	text := `{"label":"x","integrations":[` + strings.Join([]string{
		item("good", `,"icon_data_uri":"data:image/png;base64,AA==","supported_formats":[]`), item("Camel", `,"icon_data_uri":"https://x/y.png"`),
		item("good", ""), item("../up", ""), item("", ""), `"text"`, item("types", `,"supported_action_types":[]`), item("wrong", `,"params":"x"`),
		item("hidden", ""),
	}, ",") + "]}"
	c := serve(t, lists(text))
	c.Integrations = []string{"good", "camel", "types", "wrong", "gone"}
	h := newHub(t, c)
	h.Refresh(t.Context())
	state := h.State()
	if diff := cmp.Diff([]string{"good", "Camel"}, names(state)); diff != "" {
		t.Errorf("offered (-want +got):\n%s", diff)
	}
	refuse := func(name, reason string) catalog.Refusal {
		return catalog.Refusal{Upstream: "legacy", Name: name, Reason: reason}
	}
	if diff := cmp.Diff([]catalog.Refusal{
		refuse("good", "The list contains the name more than once."), refuse("integration 4", "Its name is not valid."),
		refuse("integration 5", "Its name is not valid."), refuse("integration 6", "Its name is not valid."),
		refuse("types", "Its definition has no action type."), refuse("wrong", "Its definition is not valid."),
		refuse("types", "It is not in the list of Action Hub legacy."), refuse("wrong", "It is not in the list of Action Hub legacy."),
		refuse("gone", "It is not in the list of Action Hub legacy."),
	}, state.Refused); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	if good := state.Integrations[0]; good.Icon == "" || good.Definition.Formats == nil {
		t.Errorf("the icon or the empty list of formats is lost: %+v", good)
	}
	if state.Integrations[1].Icon != "" {
		t.Error("an icon at a URL is kept")
	}
}

// A list that cannot be fetched leaves the last one in place, with the reason.
func TestListStays(t *testing.T) {
	t.Parallel()
	answer := lists(`{"integrations":[` + item("a", "") + "]}")
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	h := newHub(t, c)
	h.Refresh(t.Context())
	fetched := h.State().Fetched
	for name, tt := range map[string]struct {
		answer  http.HandlerFunc
		problem string
	}{
		"rejected token": {
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
			"Action Hub legacy rejected this hub's token. Ask the hub's administrator.",
		},
		"HTML":      {lists("<html>"), "Action Hub legacy did not return a list of integrations. Check its URL."},
		"no list":   {lists(`{"label":"x"}`), "Action Hub legacy did not return a list of integrations. Check its URL."},
		"many":      {lists(`{"integrations":[` + strings.Repeat("1,", 500) + "1]}"), "The list of Action Hub legacy has more than 500 integrations."},
		"truncated": {lists(`{"integrations":[`), "Action Hub legacy did not return a list of integrations. Check its URL."},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			for _, err := io.WriteString(w, `{"integrations":[`); err == nil; {
				_, err = io.WriteString(w, strings.Repeat("[", 64<<10))
			}
		}, "The list of Action Hub legacy is larger than 16 MB."},
		"redirect": {
			func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
			"Action Hub legacy returned 302 Found.",
		},
		"hang-up": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"integrations":[]}`)
		}, "The connection to Action Hub legacy failed."},
		"quoted token": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, r.Header.Get("Authorization"))
		}, "Action Hub legacy returned 500 Internal Server Error."},
	} {
		answer = tt.answer
		h.Refresh(t.Context())
		state := h.State()
		if state.Problem != tt.problem {
			t.Errorf("%s: problem %q, want %q", name, state.Problem, tt.problem)
		}
		if len(state.Integrations) != 1 || state.Fetched != fetched || state.Since.IsZero() {
			t.Errorf("%s: the last list is lost: %+v", name, state)
		}
	}
	if err := os.Remove(c.TokenFile); err != nil {
		t.Fatal(err)
	}
	h.Refresh(t.Context())
	if problem := h.State().Problem; problem != "The hub's token for Action Hub legacy is not available. Ask the hub's administrator." {
		t.Errorf("without a token: %q", problem)
	}
	if err := os.WriteFile(c.TokenFile, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	answer = func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != `Token token="another"` {
			t.Errorf("the token was not read again: %s", got)
		}
		lists(`{"integrations":[`+item("b", "")+"]}")(w, r)
	}
	h.Refresh(t.Context())
	if state := h.State(); state.Problem != "" || !state.Since.IsZero() || names(state)[0] != "b" {
		t.Errorf("after it works again: %+v", state)
	}
}
