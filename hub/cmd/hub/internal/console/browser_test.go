package console

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"integrationhub.dev/hub/page/pagetest"
)

// awaits waits until a script gives true, also over a change of pages, in which scripts fail.
func awaits(t *testing.T, tab *pagetest.Tab, what, script string) {
	t.Helper()
	for {
		ok, err := chromedp.Run(tab.Context, chromedp.Evaluate[bool](`document.readyState === "complete" && !!(`+script+`)`))
		if err == nil && ok {
			return
		}
		if tab.Context.Err() != nil {
			t.Fatalf("waiting for %s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// sees waits for a text on the page.
func sees(t *testing.T, tab *pagetest.Tab, text string) {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	awaits(t, tab, text, fmt.Sprintf(`document.body.innerText.includes(%s)`, quoted))
}

// checked measures a page, and saves a picture of it in the folder that SCREENSHOTS names.
func checked(t *testing.T, tab *pagetest.Tab, name string) {
	t.Helper()
	tab.Axe()
	if folder := os.Getenv("SCREENSHOTS"); folder != "" {
		picture, err := chromedp.Run(tab.Context, chromedp.FullScreenshot(100))
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// A person chooses an integration, sets it up, fills in its interactive form, sends a result and reads the
// answer, by keyboard and mouse.
func TestBrowserDelivery(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	_, base := startConsole(t, h.URL, h.token)
	tab := pagetest.Start(t).Open(t)
	tab.Do(chromedp.Navigate(base))
	sees(t, tab, "Test hub")
	tab.Do(chromedp.SendKeys("#filter", "rows"))
	sees(t, tab, "1 of 5 integrations")
	checked(t, tab, "list")
	tab.Do(chromedp.Click(`a[href$="/crm"]`))
	sees(t, tab, "until these have a value: API key")
	checked(t, tab, "missing")
	tab.Do(chromedp.SendKeys(`[name="field.api_key"]`, apiKey), chromedp.SendKeys(`[name="field.account"]`, "mine"+kb.Enter))
	sees(t, tab, "Choose a team first.")

	// The choice of a team requests the form again, and keeps what was entered.
	tab.Do(chromedp.SendKeys(`[name="field.note"]`, "Hello"))
	pagetest.Value[any](tab, `(() => { const e = document.querySelector('[name="field.team"]'); e.focus(); e.value = "b"; e.dispatchEvent(new Event("change")); })()`)
	awaits(t, tab, "the channel", `document.querySelector('[name="field.channel"]')?.value === "general-b"`)
	if got := pagetest.Value[string](tab, `document.querySelector('[name="field.note"]').value + " " + document.activeElement.name`); got != "Hello field.team" {
		t.Errorf("after the form was requested again, the note and the focus are %q", got)
	}
	if pagetest.Value[bool](tab, `document.getElementById("value").checkVisibility()`) {
		t.Error("the value of a cell is asked for, although the type is a query")
	}
	checked(t, tab, "form")

	// A validation error is shown at its field.
	tab.Do(chromedp.Clear(`[name="field.channel"]`), chromedp.SendKeys(`[name="field.channel"]`, "closed"+kb.Enter))
	sees(t, tab, "The hub reports a failure")
	checked(t, tab, "failed")
	tab.Do(chromedp.Click(`section.failed a`))
	awaits(t, tab, "the error", `document.querySelector('[name="field.channel"]')?.getAttribute("aria-invalid") === "true"`)
	sees(t, tab, "The channel is closed.")
	checked(t, tab, "invalid")

	// The corrected delivery is watched to its end without a reload by hand.
	release := h.hold()
	defer release()
	tab.Do(chromedp.Clear(`[name="field.channel"]`), chromedp.SendKeys(`[name="field.channel"]`, "open"+kb.Enter))
	sees(t, tab, "Running")
	checked(t, tab, "running")
	release()
	sees(t, tab, "The hub reports success")
	sees(t, tab, "Looker would now run the query again.")
	tab.Do(chromedp.Click(`details.exchange > summary`))
	sees(t, tab, `Token token="(redacted)"`)
	if text := pagetest.Value[string](tab, `document.documentElement.outerHTML`); strings.Contains(text, apiKey) || strings.Contains(text, h.token) {
		t.Error("the page has a secret")
	}
	checked(t, tab, "succeeded")
	tab.Quiet()
	got := h.received()
	want := map[string]string{"team": "b", "note": "Hello", "channel": "open", "format": "json_detail"}
	if diff := cmp.Diff(want, got[len(got)-1].Form); diff != "" {
		t.Errorf("the form of the last delivery (-want +got):\n%s", diff)
	}
}

// A person signs in at the provider in another tab, and the first one notices. Then the data is downloaded.
func TestBrowserSignIn(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	s, base := startConsole(t, h.URL, h.token)
	browser := pagetest.Start(t)
	for _, name := range []string{"drive", "sheets"} {
		tab := browser.Open(t)
		tab.Do(chromedp.Navigate(base + "integrations/" + name))
		sees(t, tab, "Log in")
		checked(t, tab, "sign-in-"+name)
		tab.Do(chromedp.Click("[data-sign-in]"))
		browser.Opened(t, h.provider.URL).Do(chromedp.Click("#allow"))
		deadline := time.Now().Add(30 * time.Second)
		for !s.session.HasState(Users[0], s.session.ID(name)) && time.Now().Before(deadline) {
			time.Sleep(20 * time.Millisecond)
		}
		if !s.session.HasState(Users[0], s.session.ID(name)) {
			t.Fatalf("%s: Looker has no tokens", name)
		}
		pagetest.Set(tab, cdppage.BringToFront, cdp.Empty{})
		sees(t, tab, "User 1 is signed in.")
		if got := pagetest.Value[string](tab, `document.querySelector('[name="field.folder"]').value`); got != "root" {
			t.Errorf("%s: the folder is %q", name, got)
		}
		tab.Do(chromedp.Click(`#deliver > p:last-child > button`))
		sees(t, tab, "The hub reports success")
		tab.Quiet()
	}
	if got := h.received(); len(got) != 2 || got[0].State == "" || got[1].State == "" {
		t.Errorf("the hub received %+v", got)
	}
}

// A file is uploaded, and the hub downloads it.
func TestBrowserDownload(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	_, base := startConsole(t, h.URL, h.token)
	file := filepath.Join(t.TempDir(), "orders.csv")
	if err := os.WriteFile(file, []byte("a,b\n1,ä\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tab := pagetest.Start(t).Open(t)
	tab.Do(chromedp.Navigate(base+"integrations/bucket"), chromedp.SetUploadFiles("#file", []string{file}))
	awaits(t, tab, "the choice of a file", `document.querySelector("[name=source][value=file]").checked`)
	tab.Do(chromedp.Click(`#deliver > p:last-child > button`))
	sees(t, tab, "The hub reports success")
	sees(t, tab, "downloaded by the hub")
	sees(t, tab, "orders.csv")
	tab.Quiet()
	if got := h.received(); len(got) != 1 || got[0].Data != "a,b\n1,ä\n" {
		t.Errorf("the hub received %+v", got)
	}
}

// The pages work without a script.
func TestBrowserWithoutJavaScript(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	_, base := startConsole(t, h.URL, h.token)
	tab := pagetest.Start(t).Open(t)
	pagetest.Set(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	tab.Do(chromedp.Navigate(base))
	if pagetest.Value[bool](tab, `document.getElementById("filter").checkVisibility()`) {
		t.Error("the filter is shown, which needs a script")
	}
	tab.Do(chromedp.Click(`a[href$="/droplet"]`))
	sees(t, tab, "Value of the cell")
	tab.Do(chromedp.SendKeys("#value", "42"), chromedp.Click(`#deliver > p:last-child > button`))
	sees(t, tab, "The hub reports success") // the page requests itself again
	tab.Quiet()
}

// The pages are accessible, fit every width, and hold out against a hub that lies.
func TestBrowserLooks(t *testing.T) {
	t.Parallel()
	e := quoted(evil + strings.Repeat("endless", 40))
	field := func(kind, more string) string {
		return `{"name":` + e + `,"label":` + e + `,"description":` + e + `,"type":"` + kind + `"` + more + `}`
	}
	hub := lyingHub(t, `"label":`+e+`,"description":`+e+`,"uses_oauth":true,"params":[{"name":"k","label":`+e+`,"description":`+e+`},{"name":"a","label":`+e+`,"sensitive":false,"user_attribute_name":`+e+`}],"required_fields":[{"any_tag":[`+e+`,`+e+`]}]`,
		says(`{"fields":[`+strings.Join([]string{
			field("string", `,"required":true`), field("textarea", `,"interactive":true`), field("message", `,"value":`+e),
			field("select", `,"options":[{"name":"x","label":`+e+`}]`), field("oauth_link", `,"oauth_url":"https://example.com"`),
			field("oauth_link_google", `,"oauth_url":"javascript:window.hacked=true"`),
		}, ",")+`]}`),
		says(`{"looker":{"success":false,"message":`+e+`,"validation_errors":{`+e+`:`+e+`}}}`))
	s, base := startConsole(t, hub, "token-of-the-hub")
	v := newVisitor(t, base)
	run := v.finished(s, v.submit("lie", fields(map[string]string{fieldPrefix + evil: evil}), "", ""))
	v.post("integrations/lie/test", nil)
	chromium := pagetest.Start(t)
	for _, doc := range []struct{ name, url, title string }{
		{"list", base, "Console"},
		{"integration", base + "integrations/lie", evil + strings.Repeat("endless", 40)},
		{"run", run.url, "Failed: " + evil + strings.Repeat("endless", 40)},
		{"requests", base + "wire", "Requests"},
		{"error", base + "runs/99", "Error"},
	} {
		for _, look := range pagetest.Looks {
			t.Run(doc.name+", "+look.Name, func(t *testing.T) {
				tab := chromium.Open(t)
				tab.Media(look.Media)
				tab.Do(chromedp.EmulateViewport(look.Width, look.Height), chromedp.Navigate(doc.url))
				pagetest.Value[any](tab, `document.querySelectorAll("details").forEach((d) => { d.open = true; })`)
				want := pagetest.Facts{
					Language: "en", Title: doc.title + " · Integration Hub console", FirstHeadings: 1, Landmarks: []string{"header", "main"},
					Dark: look.Media["prefers-color-scheme"] == "dark",
				}
				got := tab.Facts()
				got.Loaded = nil // its own style and script; the policy allows no other
				if look.Media["forced-colors"] != "" {
					got.Faint, got.Dark = nil, false // the browser chooses the colours
				}
				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Error(diff)
				}
				checked(t, tab, doc.name+"-"+strings.ReplaceAll(look.Name, ", ", "-"))
				if doc.name != "error" { // whose status the browser logs
					tab.Quiet()
				}
			})
		}
	}
}
