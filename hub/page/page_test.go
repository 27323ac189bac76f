package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/page"
	"integrationhub.dev/hub/telemetry"
	"integrationhub.dev/hub/version"
)

var (
	unseen = regexp.MustCompile(`(?s)<style>.*?</style>|<script>.*?</script>|<[^>]*>`)
	space  = regexp.MustCompile(`\s+`)
)

// read is what the page says, without its markup.
func read(document string) string {
	return strings.TrimSpace(space.ReplaceAllString(html.UnescapeString(unseen.ReplaceAllString(document, " ")), " "))
}

const (
	opening = "Skip to content Golden Hub Action Hub for Looker Running "
	closing = " Integration Hub v1.2.3, commit 0123abc . Status as JSON"
)

var site = page.Site{Label: "Golden Hub", URL: "https://hub.example.com/hub", Build: version.Info{Version: "v1.2.3", Commit: "0123abc"}}

var (
	plain = page.Integration{Definition: action.Definition{Name: "plain", Label: "Plain", Description: "Does it."}, Category: "Files"}
	full  = page.Integration{
		Definition: action.Definition{
			Name: "full", Label: "Full", Description: "Does all.",
			Types: []action.Type{action.TypeCell, action.TypeQuery, action.TypeDashboard, action.TypeNone, "new_type"}, Formats: []action.Format{action.CSV, "new_format"},
			Params: []action.Param{
				{Name: "key", Label: "Key", Description: "Yours.", Required: true, Sensitive: true, PerUser: true},
				{Name: "install", Label: "Install", DelegateOAuthURL: "/install"},
			},
			RequiredFields: []action.RequiredField{{Tag: "phone"}, {AnyTag: []string{"a-x", "b", "c"}}, {AllTags: []string{"d", "e"}}},
			MinVersion:     action.V(7, 3, 0),
		},
		Category: "Rows", HasForm: true, SignIn: page.UserSignIn,
		APIs:     []action.API{{Name: "Full API", Version: "v2", EndOfLife: "2027-08-31"}, {Name: "Old API", Version: "1"}},
		Required: []string{"FULL_ID", "FULL_KEY"}, Optional: []string{"FULL_ROWS", "AWS_REGION"},
		README: `<h3 id="form">Form</h3><p>Its <code>fields</code>.</p>`,
	}
	missing = page.Integration{Definition: action.Definition{Name: "off"}, Category: "Files", Reason: "missing settings: OFF_KEY", Required: []string{"OFF_KEY"}}
	broken  = page.Integration{Definition: action.Definition{Name: "broken", Label: "Broken"}, Reason: "invalid settings: BROKEN_ROWS must be a number", Fault: true}
)

// live is the health of a pod.
func live() page.Live {
	at := func(minute int) time.Time { return time.Date(2026, 11, 27, 2, minute, 0, 0, time.UTC) }
	return page.Live{
		Pod: "pod-1", Started: at(0), State: page.Ready, Running: 1, Slots: 32, Queued: 2, MaxQueued: 256,
		CertificateEnd: at(30), Deliveries: map[string][]telemetry.Outcome{
			"plain": {{Outcome: "delivered", Count: 5, Last: at(2)}, {Outcome: "rate_limited", Count: 1, Last: at(3)}, {Outcome: "invalid", Count: 2, Last: at(1)}},
			"full":  {{Outcome: "delivered", Count: 1, Last: at(4)}},
		},
	}
}

// between returns the part of a text from start to end.
func between(t *testing.T, text, start, end string) string {
	t.Helper()
	from := strings.Index(text, start)
	if from < 0 {
		t.Fatalf("%q is not in %s", start, text)
	}
	to := strings.Index(text[from:], end)
	if to < 0 {
		t.Fatalf("%q is not in %s", end, text[from:])
	}
	return strings.TrimSpace(text[from : from+to])
}

// The index has what is available by category, apart from what needs attention and from what is not
// enabled.
func TestIndex(t *testing.T) {
	t.Parallel()
	const filters = "Search Category All Files Other Rows Action type All"
	for _, tt := range []struct {
		name                      string
		integrations              []page.Integration
		notices                   []string
		attention, list, disabled string
	}{
		{name: "nothing", list: "Integrations 0", disabled: "No integrations are available."},
		{
			name: "one of each", integrations: []page.Integration{broken, full, missing, plain}, notices: []string{"a notice"},
			attention: "Needs attention 2 Broken invalid settings: BROKEN_ROWS must be a number ! a notice The hub's log has the details: " +
				"kubectl -n NAMESPACE logs deployment/NAME | grep -i 'check the configuration' Copy",
			list: "Files 1 Plain plain Does it. 5 delivered, 3 failed, last failed 2026-11-27 02:03 UTC " +
				"Rows 1 Full full Does all. 1 delivered, last 2026-11-27 02:04 UTC",
			disabled: "Not enabled 1 Show integrations that can be enabled Files off",
		},
		{name: "nothing available", integrations: []page.Integration{missing}, list: "No integrations are available. See below how to enable one.", disabled: "Not enabled 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			html, err := page.RenderIndex(page.Index{Site: site, Live: live(), Integrations: tt.integrations, Notices: tt.notices})
			if err != nil {
				t.Fatal(err)
			}
			got := read(string(html))
			if !strings.HasPrefix(got, "Golden Hub "+opening) || !strings.HasSuffix(got, closing) {
				t.Error(got)
			}
			if attention := strings.Contains(got, "Needs attention"); attention != (tt.attention != "") {
				t.Error(got)
			} else if attention {
				if diff := cmp.Diff(tt.attention, between(t, got, "Needs attention", " Health ")); diff != "" {
					t.Error(diff)
				}
			}
			if len(tt.integrations) > 2 && !strings.Contains(got, filters) {
				t.Errorf("the filters are not as they should be: %s", got)
			}
			for _, want := range []string{tt.list, tt.disabled, "Running deliveries 1 of 32 Queued deliveries 2 of 256 Certificate expires 2026-11-27 02:30 UTC", "Seen by pod pod-1 since its start."} {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in %s", want, got)
				}
			}
		})
	}
}

// The page of an integration has everything that can be known without credentials.
func TestIntegration(t *testing.T) {
	t.Parallel()
	named := site
	named.Name, named.Namespace = "actions", "looker"
	for _, tt := range []struct {
		name        string
		site        page.Site
		integration page.Integration
		start, want string
	}{
		{
			"everything there is to say", named, full, "Full full Available", "Full full Available Does all. " +
				"Facts Deliveries Parameters Required fields Enable Form Facts " +
				"Action types Single values Query results Dashboards Requests without data new_type Formats CSV new_format Looker version 7.3.0 or newer " +
				"Form Users fill in a form in Looker: its fields . Sign-in Each user signs in once, from the form in Looker. " +
				"API versions Full API v2, retired on 2027-08-31 Old API 1, no end announced " +
				"Deliveries Outcome Deliveries Last delivered 1 2026-11-27 02:04 UTC " +
				"Seen by pod pod-1 since its start, 2026-11-27 02:00 UTC . Other pods count their own. " +
				"Parameters in Looker Key key required secret per user Yours. Install install a link in Looker " +
				"Required fields The query needs: A field with the LookML tag phone A field with the LookML tag a-x or b or c A field with the LookML tag d and e " +
				`dimension: phone { tags: ["phone"] } dimension: a_x { tags: ["a-x"] } dimension: d { tags: ["d", "e"] } Copy ` +
				"Enable it Save this as full.yaml , enter the values and apply it: apiVersion: v1 kind: Secret metadata: name: actions-full namespace: looker " +
				`stringData: FULL_ID: "" FULL_KEY: "" # FULL_ROWS: "" --- ` +
				"apiVersion: hub.integrationhub.dev/v1alpha1 kind: IntegrationHub metadata: name: actions namespace: looker " +
				"spec: integrations: - name: full secretRef: name: actions-full Copy kubectl apply --server-side -f full.yaml Copy " +
				"If spec.integrations was empty, the hub enabled all integrations that need no settings. To keep them, set spec.defaultEnabled . " +
				"Without the operator Set these environment variables: ACTION_WHITELIST=…,full FULL_ID= FULL_KEY= # FULL_ROWS= Copy " +
				"Documentation Form Its fields .",
		},
		{"not configured, outside of a cluster", site, missing, "off off Not enabled", "off off Not enabled Unavailable: missing settings: OFF_KEY. Enable Enable it " +
			"Save this as off.yaml , enter the values and apply it: apiVersion: v1 kind: Secret metadata: name: NAME-off namespace: NAMESPACE " +
			`stringData: OFF_KEY: "" --- apiVersion`},
		{"a fault", site, broken, "Broken broken", "Broken broken Needs attention Unavailable: invalid settings: BROKEN_ROWS must be a number Facts"},
		{"without settings", site, plain, "Save this", "Save this as plain.yaml and apply it: apiVersion: hub.integrationhub.dev/v1alpha1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			html, err := page.RenderIntegration(page.IntegrationPage{Site: tt.site, Integration: tt.integration, Live: live()})
			if err != nil {
				t.Fatal(err)
			}
			got := read(string(html))
			at := strings.LastIndex(got, tt.start)
			if at < 0 {
				t.Fatal(got)
			}
			got = got[at:min(len(got), at+len(tt.want))]
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Optional settings alone need no Secret.
func TestManifestWithOptionalSettings(t *testing.T) {
	t.Parallel()
	i := plain
	i.Optional = []string{"PLAIN_ROWS"}
	got := page.IntegrationPage{Site: site, Integration: i}.Manifest()
	if !strings.HasSuffix(got, "  - name: plain\n    # settings:\n    #   PLAIN_ROWS: \"\"\n") || strings.Contains(got, "Secret") {
		t.Error(got)
	}
}

// Formats that depend on Looker's version are those of the newest.
func TestNewestFormats(t *testing.T) {
	t.Parallel()
	i := page.Integration{Definition: action.Definition{FormatsFor: action.RowFormats}}
	if diff := cmp.Diff([]string{"JSON, detailed, as a stream"}, i.FormatNames()); diff != "" {
		t.Error(diff)
	}
}

// Strangers see the label, and nothing else of the hub.
func TestStranger(t *testing.T) {
	t.Parallel()
	private := site
	private.Name, private.Namespace, private.Private = "actions", "looker", true
	html, err := page.RenderStranger(private)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(string(html)); got != "Golden Hub Golden Hub Running Sign in to see the status page." {
		t.Error(got)
	}
	for _, secret := range []string{"v1.2.3", "0123abc", "actions", "looker"} {
		if strings.Contains(string(html), secret) {
			t.Errorf("%s is in %s", secret, html)
		}
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	html, err := page.RenderSignIn(page.SignIn{Label: "Golden Hub", URL: site.URL, Next: "/integrations/full", Problem: "Wrong."})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`method="post" action="/hub/sign-in"`, `name="next" value="/integrations/full"`, `aria-invalid="true"`, "Wrong."} {
		if !strings.Contains(string(html), want) {
			t.Errorf("%s is not in %s", want, html)
		}
	}
}

// Every format that an integration can ask for has a name for people.
func TestFormatNames(t *testing.T) {
	t.Parallel()
	formats := []action.Format{
		action.Txt, action.CSV, action.CSVZip, action.InlineJSON, action.JSON, action.JSONBI, action.JSONLabel, action.JSONDetail,
		action.JSONDetailLiteStream, action.XLSX, action.HTML, action.WysiwygPDF, action.AssembledPDF, action.WysiwygPNG,
	}
	seen := map[string]bool{}
	for n, name := range (page.Integration{Definition: action.Definition{Formats: formats}}).FormatNames() {
		if name == string(formats[n]) || seen[name] {
			t.Errorf("%s is called %q", formats[n], name)
		}
		seen[name] = true
	}
}

// Labels and descriptions come from integrations and administrators; none becomes markup.
func TestTextsAreEscaped(t *testing.T) {
	t.Parallel()
	const evil = `</title></style><script>alert(1)</script><img src=x onerror="alert(1)">'"`
	integration := page.Integration{
		Definition: action.Definition{
			Name: evil, Label: evil, Description: evil, Types: []action.Type{evil}, Formats: []action.Format{evil},
			Params:         []action.Param{{Label: evil, Description: evil}},
			RequiredFields: []action.RequiredField{{Tag: evil}},
		},
		Category: evil, Required: []string{evil}, Optional: []string{evil},
	}
	faulty := integration
	faulty.Reason, faulty.Fault = evil, true
	s := page.Site{Label: evil, URL: "https://hub.example.com/" + evil, Name: evil, Namespace: evil, Build: version.Info{Version: evil, Commit: evil}}
	index, err := page.RenderIndex(page.Index{Site: s, Live: page.Live{Pod: evil}, Integrations: []page.Integration{integration, faulty}, Notices: []string{evil}})
	if err != nil {
		t.Fatal(err)
	}
	own, err := page.RenderIntegration(page.IntegrationPage{Site: s, Integration: faulty, Live: page.Live{Pod: evil}})
	if err != nil {
		t.Fatal(err)
	}
	signIn, err := page.RenderSignIn(page.SignIn{Label: evil, URL: s.URL, Next: evil, Problem: evil})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		html          []byte
		scripts, said int
	}{"index": {index, 1, 10}, "integration": {own, 1, 12}, "sign-in": {signIn, 0, 2}} {
		got := string(tt.html)
		for part, want := range map[string]int{"<script>": tt.scripts, "</title>": 1, "<img": 0, `onerror="`: 0} {
			if n := strings.Count(got, part); n != want {
				t.Errorf("%s has %d of %s, want %d:\n%s", name, n, part, want, got)
			}
		}
		if said := read(got); strings.Count(said, evil) < tt.said {
			t.Errorf("the texts of %s are not shown as they are: %s", name, said)
		}
	}
}

// An address that is none of a hub becomes no link that runs something.
func TestAddressIsNoScript(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"javascript:alert(1)//", "javascript://%0aalert(1)//"} {
		html, err := page.RenderIndex(page.Index{Site: page.Site{URL: url}})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(html), `="javascript:`) {
			t.Error(string(html))
		}
	}
}

// The policies allow the style and the script that are in the page, to the letter.
func TestPolicyKnowsStyleAndScript(t *testing.T) {
	t.Parallel()
	html, err := page.RenderIndex(page.Index{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"style", "script"} {
		_, rest, _ := strings.Cut(string(html), "<"+tag+">")
		text, _, found := strings.Cut(rest, "</"+tag+">")
		sum := sha256.Sum256([]byte(text))
		want := tag + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"
		for _, policy := range []string{page.Policy, page.PrivatePolicy} {
			if !found || !strings.Contains(policy, want) || strings.Contains(policy, "unsafe") {
				t.Errorf("%s is not in %s", want, policy)
			}
		}
	}
	if !strings.Contains(page.Policy, "form-action 'none'") || !strings.Contains(page.PrivatePolicy, "form-action 'self'") {
		t.Errorf("forms: %s and %s", page.Policy, page.PrivatePolicy)
	}
}
