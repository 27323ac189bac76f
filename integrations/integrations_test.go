package integrations_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"integrationhub.dev/icons"
	"integrationhub.dev/integrations"
)

// Every line of All has its folder, README and icon, and no folder is without a line.
func TestEveryLineIsComplete(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var names, packages []string
	for _, e := range integrations.All() {
		names = append(names, e.Name)
		folder := strings.ReplaceAll(e.Name, "_", "")
		packages = append(packages, folder)
		if _, err := os.Stat(folder + "/README.md"); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		if link := "[`" + e.Name + "`](integrations/" + folder + ")"; strings.Count(string(readme), link) != 1 {
			t.Errorf("the project's README does not list %s", link)
		}
		if icons.DataURI(e.Name) == "" {
			t.Errorf("%s has no icon", e.Name)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("not in order: %q", names)
	}
	folders, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if f.IsDir() && f.Name() != "internal" && f.Name() != "testdata" && !slices.Contains(packages, f.Name()) {
			t.Errorf("the folder %s has no line", f.Name())
		}
	}
}
