package config_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// link is a link in Markdown to a file, or to a heading.
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	code    = regexp.MustCompile("`[^`\n]*`")
	fenced  = regexp.MustCompile("(?ms)^```.*?^```")
	// dropped is what GitHub leaves out of a heading's anchor.
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	styled  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// anchors returns those of a page's headings, as GitHub makes them. Two of the same name have numbers.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		name := styled.ReplaceAllString(m[1], "$1")
		found[strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(name), ""), " ", "-")] = true
	}
	return found
}

// Every relative link in a page leads to a file and to a heading in it.
func TestLinks(t *testing.T) {
	t.Parallel()
	pages, links := 0, 0
	err := filepath.WalkDir("..", func(page string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "bin" || d.Name() == ".git" || d.Name() == ".cache"):
			return fs.SkipDir
		case filepath.Ext(page) != ".md":
			return nil
		}
		pages++
		text, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(fenced.ReplaceAllString(string(text), ""), ""), -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(m[1], ":") { // a URL
				continue
			}
			links++
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			info, err := os.Stat(target)
			if err != nil {
				t.Errorf("%s: %s leads nowhere", page, m[1])
				continue
			}
			if anchor == "" {
				continue
			}
			if info.IsDir() {
				target = filepath.Join(target, "README.md")
			}
			content, err := os.ReadFile(target)
			if err != nil {
				t.Errorf("%s: %s: %v", page, m[1], err)
			} else if !anchors(string(content))[anchor] {
				t.Errorf("%s: %s: there is no such heading", page, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if pages < 50 || links < 200 {
		t.Errorf("checked %d links in %d pages, want at least 200 in 50", links, pages)
	}
}
