package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/page"
	"integrationhub.dev/hub/version"
)

func render(t *testing.T, h page.Hub) string {
	t.Helper()
	b, err := page.Render(h)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	unseen = regexp.MustCompile(`(?s)<style>.*?</style>|<script>.*?</script>|<[^>]*>`)
	space  = regexp.MustCompile(`\s+`)
)

// read is what the page says, without its markup.
func read(document string) string {
	return strings.TrimSpace(space.ReplaceAllString(html.UnescapeString(unseen.ReplaceAllString(document, " ")), " "))
}

const (
	opening = "Golden Hub Golden Hub Action Hub for Looker Running Connect Looker Action Hub URL https://hub.example.com Copy the URL "
	closing = " Integration Hub v1.2.3, commit 0123abc . Status as JSON"
)

func TestStates(t *testing.T) {
	t.Parallel()
	plain := page.Integration{Definition: action.Definition{Name: "plain", Label: "Plain", Description: "Does it."}}
	full := page.Integration{
		Definition: action.Definition{
			Name: "full", Label: "Full", Description: "Does all.",
			Types: []action.Type{action.TypeCell, action.TypeQuery, action.TypeDashboard, action.TypeNone, "new_type"}, Formats: []action.Format{action.CSV, "new_format"},
			Params: []action.Param{
				{Name: "key", Label: "Key", Description: "Yours.", Required: true, Sensitive: true, PerUser: true},
				{Name: "install", Label: "Install", DelegateOAuthURL: "/install"},
			},
			RequiredFields: []action.RequiredField{{Tag: "phone"}, {AnyTag: []string{"a", "b", "c"}}, {AllTags: []string{"d", "e"}}},
			MinVersion:     action.V(7, 3, 0),
		},
		SignIn: page.UserSignIn,
		APIs:   []action.API{{Name: "Full API", Version: "v2", EndOfLife: "2027-08-31"}, {Name: "Old API", Version: "1"}},
	}
	delegated := plain
	delegated.SignIn = page.LookerSignIn
	delegated.FormatsFor = func(v action.Version) []action.Format {
		if v.AtLeast(action.V(24, 0, 0)) {
			return []action.Format{action.JSONDetailLiteStream}
		}
		return []action.Format{action.JSONDetail}
	}
	unavailable := []page.Unavailable{{Name: "off", Reason: "missing settings: OFF_KEY"}}
	const (
		saysPlain       = "Plain plain Does it. Accepts Nothing Formats All Settings in Looker None"
		saysUnavailable = " Unavailable 1 To enable an integration, add it and its missing settings to spec.integrations of the IntegrationHub. " +
			"Without the operator, use ACTION_WHITELIST and environment variables. off missing settings: OFF_KEY"
	)
	for _, tt := range []struct {
		name         string
		integrations []page.Integration
		unavailable  []page.Unavailable
		want         string
	}{
		{"no integration", nil, nil, "Integrations 0 No integrations are available."},
		{"all unavailable", nil, unavailable, "Integrations 0 No integrations are available. See the reasons below." + saysUnavailable},
		{"one plain", []page.Integration{plain}, nil, "Integrations 1 " + saysPlain},
		{"some unavailable", []page.Integration{plain}, unavailable, "Integrations 1 " + saysPlain + saysUnavailable},
		{
			"everything there is to say", []page.Integration{full}, nil, "Integrations 1 Full full Does all. " +
				"Accepts Single values Query results Dashboards Requests without data new_type Formats CSV new_format Looker version 7.3.0 or newer " +
				"Required fields A field with the LookML tag phone A field with the LookML tag a or b or c A field with the LookML tag d and e " +
				"Sign-in Each user signs in once, from the form in Looker. " +
				"API versions Full API v2, retired on 2027-08-31 Old API 1, no end announced " +
				"Settings in Looker Key required secret per user Yours. Install a link in Looker",
		},
		{
			"delegated", []page.Integration{delegated}, nil, "Integrations 1 Plain plain Does it. " +
				"Accepts Nothing Formats JSON, detailed, as a stream Sign-in Looker stores the credentials. Settings in Looker None",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := read(render(t, page.Hub{
				Label: "Golden Hub", URL: "https://hub.example.com", Build: version.Info{Version: "v1.2.3", Commit: "0123abc"},
				Integrations: tt.integrations, Unavailable: tt.unavailable,
			}))
			start := strings.Index(got, "Integrations ")
			if !strings.HasPrefix(got, opening) || start < 0 || !strings.HasSuffix(got, closing) {
				t.Fatal(got)
			}
			if diff := cmp.Diff(tt.want, strings.TrimSuffix(got[start:], closing)); diff != "" {
				t.Error(diff)
			}
		})
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
	got := render(t, page.Hub{
		Label: evil, URL: "https://hub.example.com/" + evil, Build: version.Info{Version: evil, Commit: evil},
		Integrations: []page.Integration{{Definition: action.Definition{
			Name: evil, Label: evil, Description: evil, Types: []action.Type{evil}, Formats: []action.Format{evil},
			Params:         []action.Param{{Label: evil, Description: evil}},
			RequiredFields: []action.RequiredField{{Tag: evil}},
		}}},
		Unavailable: []page.Unavailable{{Name: evil, Reason: evil}},
	})
	for part, want := range map[string]int{"<script>": 1, "</title>": 1, "<img": 0, `onerror="`: 0} {
		if n := strings.Count(got, part); n != want {
			t.Errorf("the page has %d of %s, want %d:\n%s", n, part, want, got)
		}
	}
	if said := read(got); strings.Count(said, evil) < 12 {
		t.Errorf("the texts are not shown as they are: %s", said)
	}
}

// An address that is none of a hub becomes no link that runs something.
func TestAddressIsNoScript(t *testing.T) {
	t.Parallel()
	if got := render(t, page.Hub{URL: "javascript:alert(1)//"}); strings.Contains(got, `href="javascript:`) {
		t.Error(got)
	}
}

// The policy allows the style and the script that are in the page, to the letter.
func TestPolicyKnowsStyleAndScript(t *testing.T) {
	t.Parallel()
	document := render(t, page.Hub{})
	for _, tag := range []string{"style", "script"} {
		_, rest, _ := strings.Cut(document, "<"+tag+">")
		text, _, found := strings.Cut(rest, "</"+tag+">")
		sum := sha256.Sum256([]byte(text))
		if want := tag + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !found || !strings.Contains(page.Policy, want) {
			t.Errorf("%s is not in %s", want, page.Policy)
		}
	}
}
