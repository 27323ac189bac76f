package hub_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The README names every setting and every metric, and no others.
func TestREADME(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	readme := read("README.md")
	known := map[string]bool{}
	for file, pattern := range map[string]string{
		"telemetry/metrics.go": `Name: +"(integrationhub_\w+)"`,
		"config/config.go":     `env:"([A-Z_]+)"|"([A-Z]+_[A-Z_]+)"`,
	} {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(read(file), -1) {
			name := m[1]
			if name == "" {
				name = m[2]
			}
			known[name] = true
			if !strings.Contains(readme, "`"+name+"`") {
				t.Errorf("%s of %s is not in the README", name, file)
			}
		}
	}
	for _, m := range regexp.MustCompile("`((?:integrationhub|ACTION_HUB)_\\w+)`").FindAllStringSubmatch(readme, -1) {
		if name := m[1]; !known[name] {
			t.Errorf("the README names %s, which does not exist", name)
		}
	}
}
