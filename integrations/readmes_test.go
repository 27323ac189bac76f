package integrations_test

import (
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"integrationhub.dev/hub/action"
	"integrationhub.dev/hub/catalog"
	"integrationhub.dev/hub/config"
	"integrationhub.dev/integrations"
)

var (
	anchors = regexp.MustCompile(` id="([^"]+)"`)
	targets = regexp.MustCompile(` href="([^"]+)"`)
)

// Every integration has its README as HTML, and each link in it leads to a place that exists.
func TestREADMEsAsHTML(t *testing.T) {
	t.Parallel()
	places := map[string]bool{}
	add := func(page, html string) {
		places[page] = true
		for _, m := range anchors.FindAllStringSubmatch(html, -1) {
			places[page+"#"+m[1]] = true
		}
	}
	add("./", integrations.SharedREADME())
	for _, r := range integrations.All() {
		add(r.Name, r.README)
	}
	check := func(page, html string) {
		if !strings.HasPrefix(html, "<h") || strings.Contains(html, "<h1") || strings.Contains(html, "<!--") {
			t.Errorf("%s begins with %.80q, or has a title or a comment", page, html)
		}
		for _, m := range targets.FindAllStringSubmatch(html, -1) {
			target := m[1]
			if strings.HasPrefix(target, "#") {
				target = page + target
			}
			if !strings.HasPrefix(target, "https://") && !places[target] {
				t.Errorf("%s has a link to %s, which does not exist", page, m[1])
			}
		}
	}
	check("./", integrations.SharedREADME())
	for _, r := range integrations.All() {
		check(r.Name, r.README)
		for _, section := range []string{"#form", "#settings-on-the-hub", "#permissions-needed-at-the-destination"} {
			if !places[r.Name+section] {
				t.Errorf("%s has no section %s", r.Name, section)
			}
		}
	}
}

// Integrations that are not configured can be described even so.
func TestDescriptionsWithoutSettings(t *testing.T) {
	t.Parallel()
	c, err := catalog.New(integrations.All(), config.Config{Label: "Hub"}, action.Deps{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	described := c.Descriptions()
	if len(described) != len(integrations.All()) || len(c.Unavailable) < 10 {
		t.Fatalf("%d descriptions, %d unavailable", len(described), len(c.Unavailable))
	}
	for _, d := range described {
		if d.Name == "firebase" { // its private key cannot be a placeholder; its README says the same
			continue
		}
		if d.Resolved.Definition.Name != d.Name || d.Resolved.Definition.Label == "" || d.Category == "" || d.Icon == "" {
			t.Errorf("%s is described as %+v", d.Name, d.Resolved.Definition)
		}
		if d.Unavailable != "" && len(d.Required) == 0 {
			t.Errorf("%s is unavailable (%s), but requires no setting", d.Name, d.Unavailable)
		}
		if d.Fault {
			t.Errorf("%s is a fault although it is only not configured: %s", d.Name, d.Unavailable)
		}
	}
}
