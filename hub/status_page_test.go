package hub_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/version"
)

// get asks as a person's program does.
func (s *server) get(path string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res, string(b)
}

// lacking is an integration whose settings are not there.
func lacking(name string, settings ...string) action.Registration {
	return action.Registration{Name: name, New: func(action.Deps) (action.Integration, error) {
		return nil, &action.MissingSettingsError{Keys: settings}
	}}
}

// browserAccept is what browsers say that they take.
const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"

const oneLine = "Integration Hub is running. Looker connects with POST and a token.\n"

// public is the environment of a hub whose status page everyone can read.
var public = map[string]string{"ACTION_HUB_STATUS_PAGE": "public"}

func TestStatusPage(t *testing.T) {
	t.Parallel()
	s := newServer(t, public, entry(withLogin{withForm{&fake{definition: definition("login")}}}), entry(&fake{definition: definition("plain")}), lacking("zapier", "ZAPIER_KEY"))
	for path, wants := range map[string][]string{
		"/": {
			"<h1>Golden &lt;Hub&gt;</h1>", ">https://hub.example.com</code>", `href="/status"`,
			`<li class="row" id="login"`, `<li class="row" id="plain"`, `href="/integrations/zapier"`,
		},
		"/integrations/login":  {"Each user signs in once", "<h1>"},
		"/integrations/zapier": {"missing settings: ZAPIER_KEY", "ZAPIER_KEY: &#34;&#34;", `src="data:image/svg+xml;base64,`},
		"/integrations":        {"Shared options"},
	} {
		res, body := s.get(path, "Accept", browserAccept)
		for header, want := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "Cache-Control": "no-cache",
		} {
			if got := res.Header.Get(header); got != want {
				t.Errorf("%s: %s: %q, want %q", path, header, got, want)
			}
		}
		if vary := strings.Join(res.Header["Vary"], ", "); path == "/" && vary != "Accept, Accept-Encoding" {
			t.Errorf("Vary: %s", vary)
		}
		for _, want := range []string{
			"default-src 'none'", "style-src 'sha256-", "script-src 'sha256-", "connect-src 'self'", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'",
		} {
			if got := res.Header.Get("Content-Security-Policy"); !strings.Contains(got, want) || strings.Contains(got, "unsafe") {
				t.Errorf("%s: Content-Security-Policy: %q has no %s", path, got, want)
			}
		}
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s: %s is not in %s", path, want, body)
			}
		}
		if strings.Contains(body, "Sign out") {
			t.Errorf("%s: readers who did not sign in are asked to sign out", path)
		}
		etag := res.Header.Get("ETag")
		if res, body := s.get(path, "Accept", browserAccept, "If-None-Match", etag); etag == "" || res.StatusCode != http.StatusNotModified || body != "" {
			t.Errorf("%s: the page that the browser has (%s) is sent again: %d", path, etag, res.StatusCode)
		}
	}
	if res, _ := s.get("/integrations/gone", "Accept", browserAccept); res.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown integration: %d", res.StatusCode)
	}
	if res, _ := s.get("/sign-in", "Accept", browserAccept); res.StatusCode != http.StatusNotFound {
		t.Errorf("a public page has a sign-in: %d", res.StatusCode)
	}
}

// Clients that accept it get the compressed page, with a tag of its own.
func TestStatusPageIsCompressed(t *testing.T) {
	t.Parallel()
	s := newServer(t, public, entry(&fake{definition: definition("plain")}))
	plain, body := s.get("/", "Accept", browserAccept, "Accept-Encoding", "identity")
	small, compressed := s.get("/", "Accept", browserAccept, "Accept-Encoding", "gzip")
	r, err := gzip.NewReader(strings.NewReader(compressed))
	if err != nil || small.Header.Get("Content-Encoding") != "gzip" {
		t.Fatal(err, small.Header)
	}
	text, err := io.ReadAll(r)
	if err != nil || string(text) != body || len(compressed) > len(body)/2 {
		t.Errorf("%d bytes compressed of %d: %v", len(compressed), len(body), err)
	}
	if plain.Header.Get("ETag") == small.Header.Get("ETag") {
		t.Error("both encodings have the same tag")
	}
}

// Monitors ask for the head only, as they may of the reference.
func TestStatusPageByHead(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for path, want := range map[string]string{
		"/": "text/html; charset=utf-8", "/status": "application/json; charset=utf-8", "/sign-in": "text/html; charset=utf-8",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", browserAccept)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: %d %s", path, res.StatusCode, got)
		}
	}
}

// Programs get a line, whatever the reason that they ask for.
func TestStatusPageIsForBrowsers(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for _, accept := range []string{"", "*/*", "application/json", "application/json, text/plain, */*"} {
		res, body := s.get("/", "Accept", accept)
		if body != oneLine || res.Header.Get("Content-Type") != "text/plain; charset=utf-8" || res.Header.Get("Vary") != "Accept" {
			t.Errorf("%q: %s %q", accept, res.Header, body)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	before := time.Now().Truncate(time.Second)
	type integrations struct {
		On  []string          `json:"on"`
		Off map[string]string `json:"off"`
	}
	for _, tt := range []struct {
		name    string
		env     map[string]string
		entries []action.Registration
		want    integrations
	}{
		{"none", nil, nil, integrations{[]string{}, map[string]string{}}},
		{
			"all withheld", nil,
			[]action.Registration{lacking("a", "A_ID", "A_KEY"), lacking("b", "B_KEY")},
			integrations{[]string{}, map[string]string{"a": "missing settings: A_ID, A_KEY", "b": "missing settings: B_KEY"}},
		},
		{
			"some of each",
			map[string]string{"ACTION_WHITELIST": "a,b"},
			[]action.Registration{entry(&fake{definition: definition("a")}), lacking("b", "B_KEY"), lacking("c")},
			integrations{[]string{"a"}, map[string]string{"b": "missing settings: B_KEY", "c": "not enabled"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res, body := newServer(t, with(tt.env, public), tt.entries...).get("/status")
			var got struct {
				Label        string
				Version      string
				Commit       *string
				Started      time.Time
				Integrations integrations
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("%d %s: %v", res.StatusCode, body, err)
			}
			if diff := cmp.Diff(tt.want, got.Integrations); diff != "" {
				t.Error(diff)
			}
			build := version.Current()
			if got.Label != "Golden <Hub>" {
				t.Errorf("label %q", got.Label)
			}
			if got.Version != build.Version {
				t.Errorf("version %q, want %q", got.Version, build.Version)
			}
			if got.Commit == nil || *got.Commit != build.Commit {
				t.Errorf("commit %v, want %q", got.Commit, build.Commit)
			}
			if got.Started.Before(before) || got.Started.After(time.Now()) {
				t.Errorf("started %s", got.Started)
			}
			if res.Header.Get("Content-Type") != "application/json; charset=utf-8" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Error(res.Header)
			}
		})
	}
}

// The status has the versions of vendors' APIs that available integrations call.
func TestStatusOfAPIs(t *testing.T) {
	t.Parallel()
	available, absent := entry(&fake{definition: definition("a")}), lacking("b", "B_KEY")
	available.APIs = []action.API{
		{Name: "A", Version: "v1", EndOfLife: "2027-08-31", Source: "https://a.example.com"},
		{Name: "B", Version: "v2", EndOfLife: "2027-08-31", Source: "https://b.example.com", Setting: "B_API_VERSION"},
	}
	absent.APIs = available.APIs
	_, body := newServer(t, with(map[string]string{"B_API_VERSION": "v9"}, public), available, absent).get("/status")
	var got struct{ APIs []map[string]string }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	want := []map[string]string{
		{"integration": "a", "api": "A", "version": "v1", "end_of_life": "2027-08-31", "source": "https://a.example.com"},
		{"integration": "a", "api": "B", "version": "v9", "source": "https://b.example.com"},
	}
	if diff := cmp.Diff(want, got.APIs); diff != "" {
		t.Errorf("APIs (-want +got):\n%s", diff)
	}
}

// with returns an environment with the variables of both.
func with(a, b map[string]string) map[string]string {
	all := maps.Clone(b)
	maps.Copy(all, a)
	return all
}

func TestStatusPageSwitchedOff(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"off", "false"} {
		s := newServer(t, map[string]string{"ACTION_HUB_STATUS_PAGE": value}, lacking("zapier", "ZAPIER_KEY"))
		for _, path := range []string{"/", "/status", "/status/live", "/integrations", "/integrations/zapier", "/sign-in"} {
			res, body := s.get(path, "Accept", browserAccept, "Authorization", `Token token="`+goodToken+`"`)
			if res.StatusCode != http.StatusNotFound || strings.Contains(body, "zapier") || strings.Contains(body, "Golden") {
				t.Errorf("%s: %d %s", path, res.StatusCode, body)
			}
		}
		// Monitors and load balancers get an answer even so.
		if res, body := s.get("/", "Accept", "*/*"); res.StatusCode != http.StatusOK || body != oneLine {
			t.Errorf("%d %s", res.StatusCode, body)
		}
	}
}
