package hub_test

import (
	"context"
	_ "embed"
	"fmt"
	"iter"
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

func TestStatusPageInBrowser(t *testing.T) {
	t.Parallel()
	evil := definition("evil")
	evil.Label, evil.Description = evilLabel, evilLabel+strings.Repeat("endless", 40)
	rich := definition("airtable") // has an icon
	rich.Label = "Rich & famous"
	rich.Params[0].Description = "See https://example.com/" + strings.Repeat("long/", 40)
	rich.RequiredFields = []action.RequiredField{{AnyTag: []string{"phone", "mobile"}}}
	baseURL := "https://hub." + strings.Repeat("long-", 20) + "name.example.com/hub"
	s := newServer(t, map[string]string{"ACTION_HUB_LABEL": evilLabel, "ACTION_HUB_BASE_URL": baseURL},
		entry(&fake{definition: evil}), entry(withLogin{withForm{&fake{definition: rich}}}), lacking("zapier", "ZAPIER_"+strings.Repeat("LONG_", 20)+"KEY"))
	chromium := startBrowser(t)

	for _, look := range []struct {
		name          string
		width, height int64
		scheme        string
	}{
		{"phone, light", 360, 740, "light"},
		{"phone, dark", 360, 740, "dark"},
		{"desktop, light", 1280, 900, "light"},
		{"desktop, dark", 1280, 900, "dark"},
	} {
		t.Run(look.name, func(t *testing.T) {
			tab := chromium.open(t)
			set(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}},
			})
			tab.do(chromedp.EmulateViewport(look.width, look.height), chromedp.Navigate(s.URL))
			want := facts{Language: "en", Title: evilLabel, FirstHeadings: 1, Landmarks: []string{"header", "main", "footer"}, Dark: look.scheme == "dark"}
			if diff := cmp.Diff(want, value[facts](tab, pageFacts), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			seen := value[string](tab, `document.body.innerText`)
			for _, want := range []string{evilLabel, "Running", baseURL, "Copy the URL", "Rich & famous", "phone or mobile", "API Key", "missing settings: ZAPIER_LONG_"} {
				if !strings.Contains(seen, want) {
					t.Errorf("%q is not to be seen in:\n%s", want, seen)
				}
			}
			tab.quiet()
		})
	}

	t.Run("the URL is copied by keyboard", func(t *testing.T) {
		tab := chromium.open(t)
		tab.do(chromedp.Navigate(s.URL))
		tab.permit(s.URL, "clipboard-write", browser.PermissionSettingGranted)
		tab.permit(s.URL, "clipboard-read", browser.PermissionSettingGranted)
		tab.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
		tab.says("Copied.")
		if got := value[string](tab, `navigator.clipboard.readText()`); got != baseURL {
			t.Errorf("the clipboard holds %q", got)
		}
		tab.quiet()
	})
	t.Run("a browser refuses the clipboard", func(t *testing.T) {
		tab := chromium.open(t)
		tab.do(chromedp.Navigate(s.URL))
		tab.permit(s.URL, "clipboard-write", browser.PermissionSettingDenied)
		tab.do(chromedp.Click("#copy-url"))
		tab.says("Copying failed. The URL is selected: press Ctrl+C.")
		if got := value[string](tab, `getSelection().toString()`); got != baseURL {
			t.Errorf("%q is selected", got)
		}
		tab.quiet()
	})
	t.Run("without JavaScript", func(t *testing.T) {
		tab := chromium.open(t)
		set(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		tab.do(chromedp.Navigate(s.URL))
		seen := value[string](tab, `document.body.innerText`)
		if strings.Contains(seen, "Copy the URL") || !strings.Contains(seen, baseURL) {
			t.Error(seen)
		}
		tab.quiet()
	})
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
	script := fmt.Sprintf(`document.querySelector("[role=status]").textContent === %q`, text)
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool](script)); err != nil {
		p.t.Fatalf("waiting for %q: %v", text, err)
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
