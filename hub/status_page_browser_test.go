package hub_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/page/pagetest"
)

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

func TestStatusPageInBrowser(t *testing.T) {
	t.Parallel()
	open, closed := evilServer(t, public), evilServer(t, nil)
	chromium := pagetest.Start(t)
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
		for _, look := range pagetest.Looks {
			t.Run(doc.name+", "+look.Name, func(t *testing.T) {
				tab := chromium.Open(t)
				tab.Media(look.Media)
				tab.Do(chromedp.EmulateViewport(look.Width, look.Height), chromedp.Navigate(doc.url))
				want := pagetest.Facts{Language: "en", Title: doc.title, FirstHeadings: 1, Landmarks: doc.landmarks, Dark: look.Media["prefers-color-scheme"] == "dark"}
				got := tab.Facts()
				if look.Media["forced-colors"] != "" { // the browser chooses the colours
					got.Faint, got.Dark = nil, false
				}
				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Error(diff)
				}
				seen := pagetest.Value[string](tab, `document.body.innerText`)
				for _, want := range doc.seen {
					if !strings.Contains(seen, want) {
						t.Errorf("%q is not to be seen in:\n%s", want, seen)
					}
				}
				tab.Axe()
				tab.Quiet()
			})
		}
	}
}

// Copying works by keyboard, and without the clipboard.
func TestStatusPageCopies(t *testing.T) {
	t.Parallel()
	s := newServer(t, with(map[string]string{"ACTION_HUB_BASE_URL": longURL}, public), entry(&fake{definition: definition("acme")}))
	chromium := pagetest.Start(t)
	t.Run("the URL is copied by keyboard", func(t *testing.T) {
		tab := chromium.Open(t)
		tab.Do(chromedp.Navigate(s.URL))
		tab.Permit(s.URL, "clipboard-write", browser.PermissionSettingGranted)
		tab.Permit(s.URL, "clipboard-read", browser.PermissionSettingGranted)
		tab.Do(chromedp.KeyEvent(kb.Tab))
		if got := pagetest.Value[string](tab, `document.activeElement.textContent`); got != "Skip to content" {
			t.Errorf("the first stop is %q", got)
		}
		tab.Do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
		awaitSaid(t, tab, "Copied.")
		if got := pagetest.Value[string](tab, `navigator.clipboard.readText()`); got != longURL {
			t.Errorf("the clipboard holds %q", got)
		}
		tab.Quiet()
	})
	t.Run("the manifest is copied", func(t *testing.T) {
		tab := chromium.Open(t)
		tab.Do(chromedp.Navigate(s.URL + "/integrations/acme"))
		tab.Permit(s.URL, "clipboard-write", browser.PermissionSettingGranted)
		tab.Permit(s.URL, "clipboard-read", browser.PermissionSettingGranted)
		tab.Do(chromedp.Click(`[data-copy="manifest"]`))
		awaitSaid(t, tab, "Copied.")
		if got := pagetest.Value[string](tab, `navigator.clipboard.readText()`); !strings.HasSuffix(got, "spec:\n  integrations:\n  - name: acme\n") {
			t.Errorf("the clipboard holds %q", got)
		}
		tab.Quiet()
	})
	t.Run("a browser refuses the clipboard", func(t *testing.T) {
		tab := chromium.Open(t)
		tab.Do(chromedp.Navigate(s.URL))
		tab.Permit(s.URL, "clipboard-write", browser.PermissionSettingDenied)
		tab.Do(chromedp.Click(`[data-copy="hub-url"]`))
		awaitSaid(t, tab, "Copying failed. The text is selected: press Ctrl+C.")
		if got := pagetest.Value[string](tab, `getSelection().toString()`); got != longURL {
			t.Errorf("%q is selected", got)
		}
		tab.Quiet()
	})
}

// awaitSaid waits until the page says something beside the copy button.
func awaitSaid(t *testing.T, p *pagetest.Tab, text string) {
	t.Helper()
	script := fmt.Sprintf(`document.getElementById("said").textContent === %q`, text)
	if _, err := chromedp.Run(p.Context, chromedp.Poll[bool](script)); err != nil {
		t.Fatalf("waiting for %q: %v", text, err)
	}
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
	chromium := pagetest.Start(t)
	tab := chromium.Open(t)
	tab.Do(chromedp.Navigate(s.URL))
	shows := func(what, want string) {
		t.Helper()
		if got := pagetest.Value[string](tab, visibleRows); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	const all = "acme_files acme_sheet pigeon"
	shows("at first", all)
	tab.Do(chromedp.KeyEvent("/"), chromedp.KeyEvent("ANYthing carries"))
	shows("words of the description", "pigeon")
	if got := pagetest.Value[string](tab, `document.getElementById("filter-count").textContent`); got != "1 of 4 integrations" {
		t.Errorf("the page says %q", got)
	}
	tab.Do(chromedp.KeyEvent(kb.Escape))
	shows("after Escape", all)
	tab.Do(chromedp.KeyEvent("zap"))
	shows("what is not enabled", "zapier")
	tab.Do(chromedp.KeyEvent(kb.Escape))
	shows("after a match that opened a group", all)
	tab.Do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("F")) // the category
	shows("a category", "acme_files acme_sheet")
	tab.Do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("S")) // the action type
	shows("single values", "acme_sheet")
	tab.Do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("C")) // the format
	shows("nothing", "")
	tab.Do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter)) // the reset button
	shows("after the reset", all)
	if got := pagetest.Value[string](tab, `document.activeElement.id`); got != "filter-text" {
		t.Errorf("after the reset, the keyboard is at %q", got)
	}
	pagetest.Value[any](tab, `(() => { const e = document.getElementById("filter-formats"); e.value = "CSV"; e.dispatchEvent(new Event("input")); })()`)
	// zapier's definition is not known: it may accept anything.
	shows("a format, which those without formats accept, too", "acme_files pigeon zapier")
	tab.Quiet()
}

// Deliveries show up without a reload.
func TestStatusPageIsLive(t *testing.T) {
	t.Parallel()
	d := definition("acme")
	s := newServer(t, public, entry(&fake{definition: d, execute: ok}))
	chromium := pagetest.Start(t)
	index, own := chromium.Open(t), chromium.Open(t)
	index.Do(chromedp.Navigate(s.URL))
	own.Do(chromedp.Navigate(s.URL + "/integrations/acme"))
	if status, body := s.post("/actions/acme/execute", `{"type":"query","data":{"key":"k"},"attachment":{"mimetype":"text/plain","data":"x"}}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	s.awaitLive(func(l liveStatus) bool { return len(l.Deliveries["acme"]) == 1 })
	for tab, script := range map[*pagetest.Tab]string{
		index: `document.querySelector("[data-last=acme]").textContent.startsWith("1 delivered, last ")`,
		own:   `document.querySelector("[data-outcomes=acme] tbody").textContent.startsWith("delivered1")`,
	} {
		// A tab that comes to the front asks at once.
		pagetest.Value[any](tab, `document.dispatchEvent(new Event("visibilitychange"))`)
		if _, err := chromedp.Run(tab.Context, chromedp.Poll[bool](script)); err != nil {
			t.Fatalf("waiting for the delivery: %v", err)
		}
		tab.Axe()
		tab.Quiet()
	}
}

// Readers sign in and out, by keyboard alone.
func TestStatusPageSignInInBrowser(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil, entry(&fake{definition: definition("acme")}))
	chromium := pagetest.Start(t)
	tab := chromium.Open(t)
	sees := func(text string) {
		t.Helper()
		// A script ends with an error while the browser goes to another page.
		script := `document.readyState === "complete" ? document.body.innerText : ""`
		for {
			seen, err := chromedp.Run(tab.Context, chromedp.Evaluate[string](script))
			if err == nil && strings.Contains(seen, text) {
				return
			}
			if tab.Context.Err() != nil {
				t.Fatalf("waiting for %q: %v; the page is %s", text, err, seen)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	tab.Do(chromedp.Navigate(s.URL + "/integrations/acme"))
	sees("Looker's token for this hub")
	tab.Do(chromedp.KeyEvent("a/wrong-one"), chromedp.KeyEvent(kb.Enter))
	sees("This is not a token of this hub.")
	tab.Axe()
	tab.Do(chromedp.KeyEvent(goodToken), chromedp.KeyEvent(kb.Enter))
	sees("Enable it")
	if got := pagetest.Value[string](tab, `location.pathname + document.cookie`); got != "/integrations/acme" {
		t.Errorf("the reader is at %q", got)
	}
	tab.Do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter)) // skip link, home, sign out
	sees("Sign in to see the status page.")
	tab.Do(chromedp.Navigate(s.URL + "/integrations/acme"))
	sees("Looker's token for this hub")
}

func TestStatusPageWithoutJavaScript(t *testing.T) {
	t.Parallel()
	s := evilServer(t, public)
	chromium := pagetest.Start(t)
	for path, texts := range map[string][]string{
		"/":                      {longURL, "Rich & famous", "Show integrations that can be enabled"},
		"/integrations/airtable": {"phone or mobile", "what it is"},
	} {
		tab := chromium.Open(t)
		pagetest.Set(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		tab.Do(chromedp.Navigate(s.URL + path))
		seen := pagetest.Value[string](tab, `document.body.innerText`)
		for _, want := range texts {
			if !strings.Contains(seen, want) {
				t.Errorf("%s: %q is not to be seen in %s", path, want, seen)
			}
		}
		if strings.Contains(seen, "Copy\n") || strings.Contains(seen, "Action type ") {
			t.Errorf("%s: what needs JavaScript is shown: %s", path, seen)
		}
		if path == "/" {
			tab.Do(chromedp.Click("#others > summary"))
			if got := pagetest.Value[string](tab, visibleRows); !strings.Contains(got, "zapier") {
				t.Errorf("what is not enabled cannot be opened: %s", got)
			}
		}
		tab.Quiet()
	}
}
