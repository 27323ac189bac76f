package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
)

func TestParseDotenv(t *testing.T) {
	t.Parallel()
	got, err := ParseEnvironment("\ufeff# the hub\r\nACTION_HUB_LABEL=My Hub # its name\nexport PORT = 8080\nEMPTY=\nSECRET='a#b $HOME'\n" +
		"KEY=\"-----BEGIN\\nabc\"\nLINES=\"one\ntwo\"\nTICKS=`it's \"it\"`\nURL: https://x.example.com\nnot a line\nPORT=9090\n")
	want := map[string]string{
		"ACTION_HUB_LABEL": "My Hub", "PORT": "9090", "EMPTY": "", "SECRET": "a#b $HOME", "KEY": "-----BEGIN\nabc", "LINES": "one\ntwo",
		"TICKS": `it's "it"`, "URL": "https://x.example.com",
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestParseOutputOfEnv(t *testing.T) {
	t.Parallel()
	got, err := ParseEnvironment("PATH=/usr/bin:/bin\nHOSTNAME=hub-1\nACTION_HUB_SECRET=abc#def ghi\nACTION_HUB_LABEL=\"My Hub\"\n" +
		"FIREBASE_PRIVATE_KEY=-----BEGIN PRIVATE KEY-----\nabc+/\n-----END PRIVATE KEY-----\n\nEMPTY=\n")
	want := map[string]string{
		"PATH": "/usr/bin:/bin", "HOSTNAME": "hub-1", "ACTION_HUB_SECRET": "abc#def ghi", "ACTION_HUB_LABEL": `"My Hub"`, "EMPTY": "",
		"FIREBASE_PRIVATE_KEY": "-----BEGIN PRIVATE KEY-----\nabc+/\n-----END PRIVATE KEY-----\n",
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A report on a file that was not understood would say that every setting is missing.
func TestParseOtherFiles(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a Deployment":           "apiVersion: apps/v1\nkind: Deployment\nspec:\n  env:\n  - name: ACTION_HUB_LABEL\n    value: Hub\n",
		"a Secret":               "apiVersion: v1\nkind: Secret\ndata:\n  ACTION_HUB_LABEL: SHVi\n",
		"a list in Compose":      "services:\n  hub:\n    environment:\n      - ACTION_HUB_LABEL=Hub\n      - \"PORT=80\"\n",
		"JSON":                   "{\"kind\": \"Deployment\"}",
		"nothing":                "",
		"a file that is no text": "A\x00C",
	} {
		if got, err := ParseEnvironment(text); !errors.Is(err, ErrNoEnvironment) {
			t.Errorf("%s: %v, %v, want ErrNoEnvironment", name, got, err)
		}
	}
}

// integration is one that needs the given settings.
type integration struct{ name string }

func (i integration) Definition() action.Definition {
	return action.Definition{Name: i.name, Label: i.name}
}

func (integration) Execute(context.Context, *action.Request) (*action.Response, error) {
	return &action.Response{}, nil
}

func registered(name string, requires ...string) action.Registration {
	return action.Registration{Name: name, New: func(d action.Deps) (action.Integration, error) {
		for _, variable := range requires {
			if d.Env[variable] == "" {
				return nil, &action.MissingSettingsError{Keys: []string{variable}}
			}
		}
		return integration{name}, nil
	}}
}

// complete is an environment of a reference hub that can be taken over as it is.
func complete(more ...string) map[string]string {
	environment := map[string]string{
		"ACTION_HUB_BASE_URL": "https://hub.example.com", "ACTION_HUB_LABEL": "Hub", "ACTION_HUB_SECRET": "a-secret-of-the-hub",
		"ACTION_HUB_EGRESS_ALLOW_CIDRS": "10.0.0.0/8",
	}
	for _, pair := range more {
		name, value, _ := strings.Cut(pair, "=")
		environment[name] = value
	}
	return environment
}

var some = []action.Registration{
	registered("tray"), registered("kloudio", "KLOUDIO_API_URL"), registered("airtable", "AIRTABLE_CLIENT_ID"), registered("webhook"),
	registered("google_sheets"),
}

func check(t *testing.T, environment map[string]string) Report {
	t.Helper()
	r, err := Check(environment, some)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// find returns the findings of an integration, or of the hub for "", as lines.
func find(r Report, name string) string {
	findings := r.Hub
	for _, i := range r.Integrations {
		if i.Name == name {
			findings = i.Findings
		}
	}
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s: %s\n", f.Level, f.Message)
	}
	return b.String()
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		environment map[string]string
		integration string
		want        string
		unwanted    string
		blocked     bool
	}{
		"required":           {complete("ACTION_HUB_LABEL="), "", "blocker: ACTION_HUB_LABEL is not set", "", true},
		"no scheme":          {complete("ACTION_HUB_BASE_URL=localhost:4430"), "", "blocker: ACTION_HUB_BASE_URL must be a URL", "localhost:4430", true},
		"not a number":       {complete("PORT=eight"), "", "blocker: PORT must be a whole number", "eight", true},
		"two problems":       {complete("PORT=eight", "ACTION_HUB_BASE_URL="), "", "blocker: ACTION_HUB_BASE_URL is not set", "", true},
		"plain HTTP":         {complete("ACTION_HUB_BASE_URL=http://hub.example.com"), "", "action: ACTION_HUB_BASE_URL begins with http://", "", false},
		"no effect":          {complete("ACTION_HUB_ENABLE_FORKING=false"), "", "action: Remove ACTION_HUB_ENABLE_FORKING", "", false},
		"renamed":            {complete("ACTION_HUB_RAVEN_DSN=https://x@sentry.example.com/1"), "", "action: Rename ACTION_HUB_RAVEN_DSN to SENTRY_DSN", "sentry.example", false},
		"debug is false":     {complete("ACTION_HUB_DEBUG=false"), "", "change: ACTION_HUB_DEBUG=false disables debug logging", "", false},
		"debug is on":        {complete("ACTION_HUB_DEBUG=1"), "", "", "ACTION_HUB_DEBUG", false},
		"cipher":             {complete("CIPHER_MASTER=" + strings.Repeat("ab", 32)), "", "action: Set ACTION_HUB_STATE_FORMAT=reference", "abab", false},
		"proxy":              {complete("https_proxy=http://proxy:3128"), "", "action: https_proxy is set, but proxies are not used", "3128", false},
		"proxy that is used": {complete("https_proxy=http://proxy:3128", "ACTION_HUB_EGRESS_PROXY=resolve"), "", "", "proxies are not used", false},
		"private addresses":  {complete("ACTION_HUB_EGRESS_ALLOW_CIDRS="), "", "action: Connections to private addresses are blocked", "", false},
		"unknown name":       {complete("ACTION_WHITELIST=tray,slak"), "", `action: ACTION_WHITELIST: there is no integration named "slak"`, "", false},
		"strict and unknown": {complete("ACTION_HUB_STRICT=true", "ACTION_HUB_LABLE=x"), "", "action: there is no setting ACTION_HUB_LABLE", "", false},
		"http:// targets":    {complete(), "tray", "change: Only https:// URLs are accepted", "blocker", true},
		"missing setting":    {complete(), "kloudio", "blocker: It is unavailable: missing settings: KLOUDIO_API_URL", "", true},
		"complete":           {complete("KLOUDIO_API_URL=https://k.example.com"), "kloudio", "change: A failed upload fails the delivery", "blocker", false},
		"labels that clash":  {complete("AIRTABLE_CLIENT_ID=i", "AIRTABLE_CLIENT_SECRET=s"), "airtable", "change: Columns with the same label", "blocker", true},
		"client of Sheets":   {complete("GOOGLE_SHEET_CLIENT_ID=i", "GOOGLE_SHEET_CLIENT_SECRET=s"), "google_sheets", "The reference needed GOOGLE_DRIVE_CLIENT_ID", "", true},
		"client of Drive":    {complete("GOOGLE_SHEET_CLIENT_ID=i", "GOOGLE_SHEET_CLIENT_SECRET=s", "GOOGLE_DRIVE_CLIENT_ID=d"), "google_sheets", "", "The reference needed", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environment := test.environment
			if environment["ACTION_WHITELIST"] == "" && !test.blocked {
				environment["ACTION_WHITELIST"] = "tray,kloudio"
				if environment["KLOUDIO_API_URL"] == "" {
					environment["ACTION_WHITELIST"] = "tray"
				}
			}
			r := check(t, environment)
			got := find(r, test.integration)
			if !strings.Contains(got, test.want) {
				t.Errorf("got\n%swant %q", got, test.want)
			}
			if test.unwanted != "" && strings.Contains(got, test.unwanted) {
				t.Errorf("got\n%swhich has %q", got, test.unwanted)
			}
			if r.Blocked() != test.blocked {
				t.Errorf("blocked is %v, want %v:\n%+v", r.Blocked(), test.blocked, r)
			}
		})
	}
}

// What the reference does not offer with an environment is not reported as lost.
func TestOfferedByTheReference(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		environment map[string]string
		offered     []string
		added       []string
	}{
		"a list":          {complete("ACTION_WHITELIST=tray"), []string{"tray"}, nil},
		"a list, blanks":  {complete("ACTION_WHITELIST=tray, webhook"), []string{"tray"}, []string{"webhook"}},
		"half of a pair":  {complete("ACTION_WHITELIST=tray,airtable", "AIRTABLE_CLIENT_ID=i"), []string{"tray"}, []string{"airtable"}},
		"a complete pair": {complete("ACTION_WHITELIST=airtable", "AIRTABLE_CLIENT_ID=i", "AIRTABLE_CLIENT_SECRET=s"), []string{"airtable"}, nil},
	} {
		r := check(t, test.environment)
		var offered []string
		for _, i := range r.Integrations {
			offered = append(offered, i.Name)
		}
		if diff := cmp.Diff(test.offered, offered); diff != "" {
			t.Errorf("%s: offered by the reference (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(test.added, r.New); diff != "" && len(test.added)+len(r.New) > 0 {
			t.Errorf("%s: new (-want +got):\n%s", name, diff)
		}
	}
	if r := check(t, complete()); !strings.Contains(strings.Join(r.New, " "), "webhook") {
		t.Errorf("without a list, new are %q, want webhook among them", r.New)
	}
}
