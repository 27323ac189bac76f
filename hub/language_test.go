package hub_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// avoided are the words and phrases, as regular expressions without regard to case, and what to
// write instead.
var avoided = []struct{ pattern, instead string }{
	{`\btold\b`, "configured, notified, reported"},
	{`\bnobody\b|\bwhoever\b|\bno one\b`, "name who, or use the passive voice"},
	{`\bfor the moment\b|\bfor now\b`, "temporarily, or nothing"},
	{`\bout of order\b`, "temporarily unavailable"},
	{`\btakes? no more\b|\bdoes not take\b|\bdo not take\b`, "is rate limiting, rejects, does not accept"},
	{`\bas (many|much) [a-z ]+ as (it|the hub)\b`, "is at its limit"},
	{`\blooks? whether\b|\blook(ed|s)? at again\b`, "checks"},
	{`\bis no [a-z' ]+ of\b|\b(is|are|be) no (JSON|URL|UTF-8|number|date|address|name|record|webhook)\b`, "is not a …"},
	{`\ball the same\b`, "still, anyway"},
	{`\bon offer\b|\bwithheld\b`, "available, unavailable"},
	{`\bfor want of\b`, "because … is missing"},
	{`\bends? TLS\b|\bspeaks? (TLS|HTTP|plain)\b`, "terminates TLS, serves HTTP"},
	{`\bmade again\b`, "retried"},
	{`\bgoes on by itself\b|\bgo on by itself\b`, "resumes automatically"},
	{`\bnot understood\b|\bnot understand\b`, "unexpected response"},
	{`\bbeside (its|the|their)\b`, "in addition to"},
	{`\bmay stand still\b|\bstands? still\b`, "stalls, idle timeout"},
	{`\bfinds no\b|\bfind no\b`, "cannot be scheduled, does not exist"},
	{`\bwas ended\b|\bwere ended\b`, "was terminated"},
	{`\bsmall letters\b`, "lowercase letters"},
	{`\bwhat became of\b|\bbecame of\b`, "outcome"},
	{`\bat its pace\b`, "at its rate limit"},
	{`\blies about\b|\blie about\b`, "is left"},
	{`\bno bound\b|\bunless set\b`, "no limit, default"},
	{`\bone of the same\b|\bthe least number\b`, "minimum"},
	{`\bthis is no\b`, "this is not a"},
	{`\bgives? (it )?up its\b`, "closes, stops"},
	{`\bis none of\b|\bthere is none\b`, "does not exist"},
	{`\bin the clear\b|\bin the open\b`, "unencrypted, unhashed"},
	{`\bin place of\b`, "instead of"},
	{`\bonce more\b|\banew\b`, "again"},
	{`\bbr(eaks?|oke|oken) off\b`, "fails, ends early, is incomplete"},
	{`\bgo(es)? on (working|following|with)\b`, "continues, still works"},
	{`\bmov(e|ing) over (from|to)\b`, "migrate"},
	{`\b(did|does|do) not answer\b|\banswer(s|ed) (with|\d|%[sd])`, "does not respond, returns"},
	{`\bmay not (list|read|see|write)\b`, "is not allowed to, cannot"},
	{`\btyped in\b|\bto the letter\b`, "enter it, exact, unchanged"},
	{`\bcame about\b|\bout of reach\b`, "was established, unreachable"},
	{`\bsa(ys|id) so\b`, "reports this"},
	{`\bas many [a-z ]+ as the operator\b|\bsomething else keeps\b|\bgone for good\b`, "is at its limit, another controller, no longer exists"},
}

// The texts that people read use standard terms. This test keeps words and phrases out that do
// not: it scans messages (string literals of Go code), READMEs, the descriptions of the CRDs, charts
// and pages of the whole repository. It is here because the hub has most of these texts, and reads
// the repository from its root.
func TestLanguage(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if isText := e.IsDir() || filepath.Ext(name) == ".md"; !isText || strings.HasPrefix(name, ".") || name == "bin" {
			continue
		}
		for _, f := range languageFindings(t, filepath.Join("..", name)) {
			t.Error(f)
		}
	}
}

// The test itself finds what it should, and only in text for people.
func TestLanguageFindsWords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "a.go", "package a\n\nimport \"told\"\n\n// Nobody.\nconst m = \"Nobody was told.\"\n\ntype t struct{ F int `json:\"told you\"` }\n")
	writeFile(t, dir, "a_test.go", "package a\n\nconst n = \"Nobody was told.\"\n")
	writeFile(t, dir, "README.md", "It takes no more calls.\n\n    nobody here\n\n`for now`\n")
	writeFile(t, dir, "crd.yaml", "a: told\ndescription: >-\n  Is no webhook of Discord.\n")
	var got []string
	for _, f := range languageFindings(t, dir) {
		name, _, _ := strings.Cut(strings.TrimPrefix(f, dir+"/"), " ")
		got = append(got, name)
	}
	want := []string{"README.md:1:", "a.go:6:", "a.go:6:", "crd.yaml:3:"}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("findings in %v, want %v", got, want)
	}
}

// languageFindings scans a file, or all files below a folder.
func languageFindings(t *testing.T, root string) (findings []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "testdata" || name == "golden" || strings.HasSuffix(name, "test") && name != "loadtest" {
				return fs.SkipDir
			}
			return nil
		}
		text, err := userVisible(path)
		if err != nil {
			return err
		}
		for _, line := range text {
			for _, a := range avoided {
				if found := avoidedExpressions[a.pattern].FindString(line.text); found != "" {
					findings = append(findings, path+":"+strconv.Itoa(line.number)+": "+strconv.Quote(found)+" in "+strconv.Quote(line.text)+"; better: "+a.instead)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

var avoidedExpressions = func() map[string]*regexp.Regexp {
	all := map[string]*regexp.Regexp{}
	for _, a := range avoided {
		all[a.pattern] = regexp.MustCompile("(?i)" + a.pattern)
	}
	return all
}()

// visibleLine is a text that people read.
type visibleLine struct {
	number int
	text   string
}

// userVisible returns the texts of a file that people read.
func userVisible(path string) ([]visibleLine, error) {
	switch filepath.Ext(path) {
	case ".go":
		if strings.HasSuffix(path, "_test.go") || strings.Contains(filepath.Base(path), "zz_generated") {
			return nil, nil
		}
		return goMessages(path)
	case ".md", ".html", ".gotmpl", ".txt":
		return plainLines(path)
	case ".yaml", ".json", ".tpl":
		return descriptions(path)
	}
	return nil, nil
}

// goMessages returns the string literals with blanks: others are names and not for people.
func goMessages(path string) (lines []visibleLine, err error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			if n.Tag != nil { // a field's tag is no message
				ast.Inspect(n.Type, func(ast.Node) bool { return true })
				return false
			}
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil && strings.Contains(text, " ") {
				lines = append(lines, visibleLine{files.Position(n.Pos()).Line, text})
			}
		}
		return true
	})
	return lines, nil
}

var codeSpan = regexp.MustCompile("`[^`]*`|<code>.*?</code>")

// plainLines returns the lines of a document without code.
func plainLines(path string) (lines []visibleLine, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fenced := false
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
			continue
		}
		if fenced || filepath.Ext(path) == ".md" && strings.HasPrefix(line, "    ") {
			continue
		}
		lines = append(lines, visibleLine{number, codeSpan.ReplaceAllString(line, "")})
	}
	return lines, nil
}

var descriptionKey = regexp.MustCompile(`^(\s*)(?:- )?"?(description|summary|message|title|# --)"?:?\s*(.*)$`)

// descriptions returns the texts of the keys of a YAML or JSON file that hold text for people,
// with the lines that continue them.
func descriptions(path string) (lines []visibleLine, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	indent, number := -1, 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\n")
		depth := len(line) - len(strings.TrimLeft(line, " "))
		if m := descriptionKey.FindStringSubmatch(line); m != nil {
			indent = len(m[1])
			lines = append(lines, visibleLine{number, m[3]})
			continue
		}
		if indent >= 0 && depth > indent {
			lines = append(lines, visibleLine{number, line})
			continue
		}
		indent = -1
	}
	return lines, nil
}
