package hub_test

import (
	"context"
	_ "embed"
	"fmt"
	"iter"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"integrationhub.dev/hub/action"
)

//go:embed testdata/page_facts.js
var pageFacts string

// facts are what testdata/page_facts.js measures.
type facts struct {
	Language, Title                                      string
	FirstHeadings, SkippedHeadings                       int
	Landmarks, UnnamedSections                           []string
	PicturesWithoutAlt, BrokenPictures, DoubleIDs, Faint []string
	BeyondTheEdge, Loaded                                []string
	ScrollsSideways, Dark, Hacked                        bool
}

// evilLabel would run, end the title or widen the page, if it could.
const evilLabel = `</title><script>window.hacked=true</script><img src=x onerror="window.hacked=true">`

// evilServer has an integration and settings that try to break out of the page.
func evilServer(t *testing.T, env map[string]string) *server {
	t.Helper()
	evil := definition("evil")
	evil.Label, evil.Description = evilLabel, evilLabel+strings.Repeat("endless", 40)
	rich := definition("airtable") // has an icon
	rich.Label = "Rich & famous"
	rich.Params[0].Description = "See https://example.com/" + strings.Repeat("long/", 40)
	rich.RequiredFields = []action.RequiredField{{AnyTag: []string{"phone", "mobile"}}}
	documented := entry(withLogin{withForm{&fake{definition: rich, execute: ok}}})
	documented.Category = "Rows to CRM"
	documented.README = `<h3 id="form">Form</h3><table><thead><tr><th>field</th><th>required</th><th>meaning</th></tr></thead><tbody><tr><td><code>` +
		strings.Repeat("long_", 10) + `name</code></td><td>yes</td><td>what it is</td></tr></tbody></table>`
	settings := map[string]string{"ACTION_HUB_LABEL": evilLabel, "ACTION_HUB_BASE_URL": longURL, "ACTION_WHITELIST": "evil,airtable,broken"}
	return newServer(t, with(env, settings),
		entry(&fake{definition: evil}), documented, lacking("broken", "BROKEN_"+strings.Repeat("LONG_", 20)+"KEY"), lacking("zapier", "ZAPIER_KEY"))
}

var longURL = "https://hub." + strings.Repeat("long-", 20) + "name.example.com/hub"

// looks are the widths and the colours that the pages are shown in.
var looks = []struct {
	name          string
	width, height int64
	media         map[string]string
}{
	{"phone, light", 360, 740, map[string]string{"prefers-color-scheme": "light"}},
	{"phone, dark", 360, 740, map[string]string{"prefers-color-scheme": "dark"}},
	{"tablet, light", 768, 1024, map[string]string{"prefers-color-scheme": "light"}},
	{"desktop, light", 1280, 900, map[string]string{"prefers-color-scheme": "light"}},
	{"desktop, dark", 1280, 900, map[string]string{"prefers-color-scheme": "dark"}},
	{"wide, dark", 1920, 1080, map[string]string{"prefers-color-scheme": "dark"}},
	{"forced colours", 1280, 900, map[string]string{"prefers-color-scheme": "light", "forced-colors": "active"}},
}

func TestStatusPageInBrowser(t *testing.T) {
	t.Parallel()
	open, closed := evilServer(t, public), evilServer(t, nil)
	chromium := startBrowser(t)
	for _, doc := range []struct {
		name, url, title string
		landmarks        []string
		seen             []string
	}{
		{
			"index", open.URL + "/", evilLabel,
			[]string{"header", "main", "footer"},
			[]string{evilLabel, "Running", longURL, "Needs attention", "BROKEN_LONG_", "Rich & famous", "Not enabled"},
		},
		{
			"integration", open.URL + "/integrations/airtable", "Rich & famous · " + evilLabel,
			[]string{"header", "main", "footer"},
			[]string{"phone or mobile", "API Key", "what it is", `tags: ["phone"]`, "name: airtable"},
		},
		{"sign-in", closed.URL + "/sign-in", "Sign in · " + evilLabel, []string{"header", "main"}, []string{"Looker's token for this hub"}},
		{"running", closed.URL + "/", evilLabel, []string{"header", "main"}, []string{evilLabel, "Running", "Sign in"}},
	} {
		for _, look := range looks {
			t.Run(doc.name+", "+look.name, func(t *testing.T) {
				tab := chromium.open(t)
				tab.media(look.media)
				tab.do(chromedp.EmulateViewport(look.width, look.height), chromedp.Navigate(doc.url))
				want := facts{Language: "en", Title: doc.title, FirstHeadings: 1, Landmarks: doc.landmarks, Dark: look.media["prefers-color-scheme"] == "dark"}
				got := value[facts](tab, pageFacts)
				if look.media["forced-colors"] != "" { // the browser chooses the colours
					got.Faint, got.Dark = nil, false
				}
				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Error(diff)
				}
				seen := value[string](tab, `document.body.innerText`)
				for _, want := range doc.seen {
					if !strings.Contains(seen, want) {
						t.Errorf("%q is not to be seen in:\n%s", want, seen)
					}
				}
				tab.axe()
				tab.quiet()
			})
		}
	}
}

// Copying works by keyboard, and without the clipboard.
func TestStatusPageCopies(t *testing.T) {
	t.Parallel()
	s := newServer(t, with(map[string]string{"ACTION_HUB_BASE_URL": longURL}, public), entry(&fake{definition: definition("acme")}))
	chromium := startBrowser(t)
	t.Run("the URL is copied by keyboard", func(t *testing.T) {
		tab := chromium.open(t)
		tab.do(chromedp.Navigate(s.URL))
		tab.permit(s.URL, "clipboard-write", browser.PermissionSettingGranted)
		tab.permit(s.URL, "clipboard-read", browser.PermissionSettingGranted)
		tab.do(chromedp.KeyEvent(kb.Tab))
		if got := value[string](tab, `document.activeElement.textContent`); got != "Skip to content" {
			t.Errorf("the first stop is %q", got)
		}
		tab.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
		tab.says("Copied.")
		if got := value[string](tab, `navigator.clipboard.readText()`); got != longURL {
			t.Errorf("the clipboard holds %q", got)
		}
		tab.quiet()
	})
	t.Run("the manifest is copied", func(t *testing.T) {
		tab := chromium.open(t)
		tab.do(chromedp.Navigate(s.URL + "/integrations/acme"))
		tab.permit(s.URL, "clipboard-write", browser.PermissionSettingGranted)
		tab.permit(s.URL, "clipboard-read", browser.PermissionSettingGranted)
		tab.do(chromedp.Click(`[data-copy="manifest"]`))
		tab.says("Copied.")
		if got := value[string](tab, `navigator.clipboard.readText()`); !strings.HasSuffix(got, "spec:\n  integrations:\n  - name: acme\n") {
			t.Errorf("the clipboard holds %q", got)
		}
		tab.quiet()
	})
	t.Run("a browser refuses the clipboard", func(t *testing.T) {
		tab := chromium.open(t)
		tab.do(chromedp.Navigate(s.URL))
		tab.permit(s.URL, "clipboard-write", browser.PermissionSettingDenied)
		tab.do(chromedp.Click(`[data-copy="hub-url"]`))
		tab.says("Copying failed. The text is selected: press Ctrl+C.")
		if got := value[string](tab, `getSelection().toString()`); got != longURL {
			t.Errorf("%q is selected", got)
		}
		tab.quiet()
	})
}

// visibleRows are the integrations that are to be seen.
const visibleRows = `[...document.querySelectorAll(".row")].filter((e) => e.checkVisibility()).map((e) => e.id).sort().join(" ")`

// The list is searched and filtered, by keyboard alone; without a match in it, what is not enabled opens.
func TestStatusPageFilters(t *testing.T) {
	t.Parallel()
	csv, sheet := definition("acme_files"), definition("acme_sheet")
	csv.Label, csv.Formats = "Acme Files", []action.Format{action.CSV}
	sheet.Label, sheet.Formats, sheet.Types = "Acme Sheet", []action.Format{action.XLSX}, []action.Type{action.TypeCell}
	anything := definition("pigeon")
	anything.Label, anything.Description = "Pigeon", "Carries anything."
	in := func(category string, r action.Registration) action.Registration {
		r.Category = category
		return r
	}
	s := newServer(t, public, in("Files", entry(&fake{definition: csv})), in("Files", entry(&fake{definition: sheet})),
		in("Messages", entry(&fake{definition: anything})), in("Webhooks", lacking("zapier", "ZAPIER_KEY")))
	chromium := startBrowser(t)
	tab := chromium.open(t)
	tab.do(chromedp.Navigate(s.URL))
	shows := func(what, want string) {
		t.Helper()
		if got := value[string](tab, visibleRows); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	const all = "acme_files acme_sheet pigeon"
	shows("at first", all)
	tab.do(chromedp.KeyEvent("/"), chromedp.KeyEvent("ANYthing carries"))
	shows("words of the description", "pigeon")
	if got := value[string](tab, `document.getElementById("filter-count").textContent`); got != "1 of 4 integrations" {
		t.Errorf("the page says %q", got)
	}
	tab.do(chromedp.KeyEvent(kb.Escape))
	shows("after Escape", all)
	tab.do(chromedp.KeyEvent("zap"))
	shows("what is not enabled", "zapier")
	tab.do(chromedp.KeyEvent(kb.Escape))
	shows("after a match that opened a group", all)
	tab.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("F")) // the category
	shows("a category", "acme_files acme_sheet")
	tab.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("S")) // the action type
	shows("single values", "acme_sheet")
	tab.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("C")) // the format
	shows("nothing", "")
	tab.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter)) // the reset button
	shows("after the reset", all)
	if got := value[string](tab, `document.activeElement.id`); got != "filter-text" {
		t.Errorf("after the reset, the keyboard is at %q", got)
	}
	value[any](tab, `(() => { const e = document.getElementById("filter-formats"); e.value = "CSV"; e.dispatchEvent(new Event("input")); })()`)
	// zapier's definition is not known: it may accept anything.
	shows("a format, which those without formats accept, too", "acme_files pigeon zapier")
	tab.quiet()
}

// Deliveries show up without a reload.
func TestStatusPageIsLive(t *testing.T) {
	t.Parallel()
	d := definition("acme")
	s := newServer(t, public, entry(&fake{definition: d, execute: ok}))
	chromium := startBrowser(t)
	index, own := chromium.open(t), chromium.open(t)
	index.do(chromedp.Navigate(s.URL))
	own.do(chromedp.Navigate(s.URL + "/integrations/acme"))
	if status, body := s.post("/actions/acme/execute", `{"type":"query","data":{"key":"k"},"attachment":{"mimetype":"text/plain","data":"x"}}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	s.awaitLive(func(l liveStatus) bool { return len(l.Deliveries["acme"]) == 1 })
	for tab, script := range map[*tab]string{
		index: `document.querySelector("[data-last=acme]").textContent.startsWith("1 delivered, last ")`,
		own:   `document.querySelector("[data-outcomes=acme] tbody").textContent.startsWith("delivered1")`,
	} {
		// A tab that comes to the front asks at once.
		value[any](tab, `document.dispatchEvent(new Event("visibilitychange"))`)
		if _, err := chromedp.Run(tab.ctx, chromedp.Poll[bool](script)); err != nil {
			t.Fatalf("waiting for the delivery: %v", err)
		}
		tab.axe()
		tab.quiet()
	}
}

// Readers sign in and out, by keyboard alone.
func TestStatusPageSignInInBrowser(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, entry(&fake{definition: definition("acme")}))
	chromium := startBrowser(t)
	tab := chromium.open(t)
	sees := func(text string) {
		t.Helper()
		// A script ends with an error while the browser goes to another page.
		script := `document.readyState === "complete" ? document.body.innerText : ""`
		for {
			seen, err := chromedp.Run(tab.ctx, chromedp.Evaluate[string](script))
			if err == nil && strings.Contains(seen, text) {
				return
			}
			if tab.ctx.Err() != nil {
				t.Fatalf("waiting for %q: %v; the page is %s", text, err, seen)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	tab.do(chromedp.Navigate(s.URL + "/integrations/acme"))
	sees("Looker's token for this hub")
	tab.do(chromedp.KeyEvent("a/wrong-one"), chromedp.KeyEvent(kb.Enter))
	sees("This is not a token of this hub.")
	tab.axe()
	tab.do(chromedp.KeyEvent(goodToken), chromedp.KeyEvent(kb.Enter))
	sees("Enable it")
	if got := value[string](tab, `location.pathname + document.cookie`); got != "/integrations/acme" {
		t.Errorf("the reader is at %q", got)
	}
	tab.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter)) // skip link, home, sign out
	sees("Sign in to see the status page.")
	tab.do(chromedp.Navigate(s.URL + "/integrations/acme"))
	sees("Looker's token for this hub")
}

func TestStatusPageWithoutJavaScript(t *testing.T) {
	t.Parallel()
	s := evilServer(t, public)
	chromium := startBrowser(t)
	for path, texts := range map[string][]string{
		"/":                      {longURL, "Rich & famous", "Show what else can be enabled"},
		"/integrations/airtable": {"phone or mobile", "what it is"},
	} {
		tab := chromium.open(t)
		set(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		tab.do(chromedp.Navigate(s.URL + path))
		seen := value[string](tab, `document.body.innerText`)
		for _, want := range texts {
			if !strings.Contains(seen, want) {
				t.Errorf("%s: %q is not to be seen in %s", path, want, seen)
			}
		}
		if strings.Contains(seen, "Copy\n") || strings.Contains(seen, "Action type ") {
			t.Errorf("%s: what needs JavaScript is shown: %s", path, seen)
		}
		if path == "/" {
			tab.do(chromedp.Click("#others > summary"))
			if got := value[string](tab, visibleRows); !strings.Contains(got, "zapier") {
				t.Errorf("what is not enabled cannot be opened: %s", got)
			}
		}
		tab.quiet()
	}
}

// tester is a browser without a window. It reaches this machine only.
type tester struct{ ctx context.Context }

// startBrowser starts Chromium: the one that CHROMIUM names, or any that is there. Without
// one the test is skipped, unless make test-unit, which sets CHROMIUM, or CI asks for it.
func startBrowser(t *testing.T) *tester {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	asked := os.Getenv("CHROMIUM")
	if asked != "" {
		names = []string{asked}
	}
	var path string
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if asked != "" || os.Getenv("CI") != "" {
			t.Fatalf("none of %q is installed", names)
		}
		t.Skip("no Chromium is installed: make test-unit does it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.WSURLReadTimeout(2*time.Minute), // a busy machine
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses root otherwise
	}
	allocator, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(cancel)
	ctx, _ := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("ending the browser: %v", err)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return &tester{ctx}
}

// tab is one page of a browser.
type tab struct {
	t       *testing.T
	ctx     context.Context
	console iter.Seq2[chromedp.ConsoleMessage, error]
}

// open opens an empty tab that ends with the test.
func (b *tester) open(t *testing.T) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(b.ctx)
	t.Cleanup(closeTab)
	// What is waited for and never comes ends the test, with the step that waited.
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return &tab{t, ctx, chromedp.Console(ctx)}
}

// do takes steps that must succeed.
func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// value is what a script gives.
func value[T any](p *tab, script string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("evaluating %s: %v", script, err)
	}
	return v
}

// set gives a command to the browser about the tab.
func set[P any](p *tab, command cdp.Command[P, cdp.Empty], params P) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, command, params); err != nil {
		p.t.Fatalf("%s: %v", command.Method, err)
	}
}

// permit grants a page a permission, or denies it.
func (p *tab) permit(origin, permission string, setting browser.PermissionSetting) {
	p.t.Helper()
	if _, err := chromedp.CallBrowser(p.ctx, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: permission}, Setting: setting, Origin: origin,
	}); err != nil {
		p.t.Fatalf("%s %s: %v", setting, permission, err)
	}
}

// says waits until the page says something beside the copy button.
func (p *tab) says(text string) {
	p.t.Helper()
	script := fmt.Sprintf(`document.getElementById("said").textContent === %q`, text)
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool](script)); err != nil {
		p.t.Fatalf("waiting for %q: %v", text, err)
	}
}

// media emulates features of the reader's display.
func (p *tab) media(features map[string]string) {
	p.t.Helper()
	var all []*emulation.MediaFeature
	for name, value := range features {
		all = append(all, &emulation.MediaFeature{Name: name, Value: value})
	}
	set(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: all})
}

// axe reports what axe-core, whose file AXE names, finds in the page. Without it nothing is checked,
// unless CI asks for it.
func (p *tab) axe() {
	p.t.Helper()
	file := os.Getenv("AXE")
	if file == "" {
		if os.Getenv("CI") != "" {
			p.t.Fatal("AXE does not name axe.min.js: make test-unit sets it")
		}
		return
	}
	script, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	value[any](p, string(script)+"\n;undefined")
	found := value[[]string](p, `axe.run().then((r) => r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.target.join(" ") + ": " + n.failureSummary)))`)
	for _, violation := range found {
		p.t.Error(violation)
	}
}

// quiet reports whatever the console holds: errors, and violations of the page's policy.
func (p *tab) quiet() {
	p.t.Helper()
	const end = "the test ends"
	value[any](p, `console.log("`+end+`")`)
	for m, err := range p.console {
		if err != nil {
			p.t.Fatal(err)
		}
		if m.Text == end {
			return
		}
		p.t.Errorf("the console holds: %s %s", m.Type, m.Text)
	}
}
