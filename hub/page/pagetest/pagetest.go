// Package pagetest tests pages in a real browser: Chromium, without a window.
package pagetest

import (
	"context"
	_ "embed"
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
)

//go:embed facts.js
var factsScript string

// Facts are what facts.js measures. Lists name what is wrong.
type Facts struct {
	Language, Title                                      string
	FirstHeadings, SkippedHeadings                       int
	Landmarks, UnnamedSections                           []string
	PicturesWithoutAlt, BrokenPictures, DoubleIDs, Faint []string
	BeyondTheEdge, Loaded                                []string
	ScrollsSideways, Dark, Hacked                        bool
}

// Looks are the widths and the colours that the pages are shown in.
var Looks = []struct {
	Name          string
	Width, Height int64
	Media         map[string]string
}{
	{"phone, light", 360, 740, map[string]string{"prefers-color-scheme": "light"}},
	{"phone, dark", 360, 740, map[string]string{"prefers-color-scheme": "dark"}},
	{"tablet, light", 768, 1024, map[string]string{"prefers-color-scheme": "light"}},
	{"desktop, light", 1280, 900, map[string]string{"prefers-color-scheme": "light"}},
	{"desktop, dark", 1280, 900, map[string]string{"prefers-color-scheme": "dark"}},
	{"wide, dark", 1920, 1080, map[string]string{"prefers-color-scheme": "dark"}},
	{"forced colours", 1280, 900, map[string]string{"prefers-color-scheme": "light", "forced-colors": "active"}},
}

// Browser is a browser without a window. It reaches this machine only.
type Browser struct{ ctx context.Context }

// Start starts Chromium: the one that CHROMIUM names, or any that is there. Without
// one the test is skipped, unless make test-unit, which sets CHROMIUM, or CI asks for it.
func Start(t *testing.T) *Browser {
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
	return &Browser{ctx}
}

// Tab is one page of a browser.
type Tab struct {
	// Context is the one for chromedp.
	Context context.Context //nolint:containedctx // chromedp keeps the tab in it
	t       *testing.T
	console iter.Seq2[chromedp.ConsoleMessage, error]
}

// Open opens an empty tab that ends with the test.
func (b *Browser) Open(t *testing.T) *Tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(b.ctx)
	t.Cleanup(closeTab)
	// What is waited for and never comes ends the test, with the step that waited.
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return &Tab{ctx, t, chromedp.Console(ctx)}
}

// Opened waits for a tab that a page opened, at a URL with a prefix.
func (b *Browser) Opened(t *testing.T, prefix string) *Tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Minute)
	t.Cleanup(cancel)
	for {
		targets, err := chromedp.Targets(ctx)
		if err != nil {
			t.Fatalf("waiting for a tab at %s: %v", prefix, err)
		}
		for _, info := range targets {
			if strings.HasPrefix(info.URL, prefix) {
				tabContext, closeTab := chromedp.NewContext(ctx, chromedp.WithTargetID(info.TargetID))
				t.Cleanup(closeTab)
				return &Tab{tabContext, t, chromedp.Console(tabContext)}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Do takes steps that must succeed.
func (p *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.Context, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// Value is what a script gives.
func Value[T any](p *Tab, script string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.Context, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("evaluating %s: %v", script, err)
	}
	return v
}

// Set gives a command to the browser about the tab.
func Set[P any](p *Tab, command cdp.Command[P, cdp.Empty], params P) {
	p.t.Helper()
	if _, err := chromedp.Call(p.Context, command, params); err != nil {
		p.t.Fatalf("%s: %v", command.Method, err)
	}
}

// Permit grants a page a permission, or denies it.
func (p *Tab) Permit(origin, permission string, setting browser.PermissionSetting) {
	p.t.Helper()
	if _, err := chromedp.CallBrowser(p.Context, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: permission}, Setting: setting, Origin: origin,
	}); err != nil {
		p.t.Fatalf("%s %s: %v", setting, permission, err)
	}
}

// Media emulates features of the reader's display.
func (p *Tab) Media(features map[string]string) {
	p.t.Helper()
	var all []*emulation.MediaFeature
	for name, value := range features {
		all = append(all, &emulation.MediaFeature{Name: name, Value: value})
	}
	Set(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: all})
}

// Axe reports what axe-core, whose file AXE names, finds in the page. Without it nothing is checked,
// unless CI asks for it.
func (p *Tab) Axe() {
	p.t.Helper()
	file := os.Getenv("AXE")
	if file == "" {
		if os.Getenv("CI") != "" {
			p.t.Fatal("AXE does not name axe.min.js: make test-unit sets it")
		}
		return
	}
	script, err := os.ReadFile(file) //nolint:gosec // the Makefile sets it
	if err != nil {
		p.t.Fatal(err)
	}
	Value[any](p, string(script)+"\n;undefined")
	found := Value[[]string](p, `axe.run().then((r) => r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.target.join(" ") + ": " + n.failureSummary)))`)
	for _, violation := range found {
		p.t.Error(violation)
	}
}

// Quiet reports whatever the console holds: errors, and violations of the page's policy.
func (p *Tab) Quiet() {
	p.t.Helper()
	const end = "the test ends"
	Value[any](p, `console.log("`+end+`")`)
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

// Facts measures the page.
func (p *Tab) Facts() Facts {
	p.t.Helper()
	return Value[Facts](p, factsScript)
}
