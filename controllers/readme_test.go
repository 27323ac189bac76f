package controllers_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables in README.md")

// The tables of conditions and reasons are generated from the comments of the API.
func TestREADME(t *testing.T) {
	t.Parallel()
	before, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := withTables(t, string(before), "conditions.go", "")
	readme = withTables(t, readme, "registration_conditions.go", "registration ")
	readme = withTables(t, readme, "httpintegration_conditions.go", "integration ")
	if *update {
		if err := os.WriteFile("README.md", []byte(readme), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if readme != string(before) {
		t.Error("README.md differs from the conditions of api/v1alpha1: run this test with -update")
	}
}

// withTables returns a README with the tables of a file of the API. Their places have the prefix.
func withTables(t *testing.T, readme, file, prefix string) string {
	t.Helper()
	source, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "api", "v1alpha1", file), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range source.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || len(group.Specs) < 2 {
			continue // an event's reason
		}
		heading, what := "conditions", "meaning"
		switch doc := group.Doc.Text(); {
		case strings.HasPrefix(doc, "Reasons of events"):
			continue
		case strings.HasPrefix(doc, "Condition reasons"):
			heading, what = "reasons", "meaning and resolution"
		}
		begin := regexp.MustCompile(`(?s)(<!-- ` + prefix + heading + `: [^\n]*-->\n).*?(<!-- end -->)`)
		if !begin.MatchString(readme) {
			t.Fatalf("README.md has no place for %s%s", prefix, heading)
		}
		readme = begin.ReplaceAllString(readme, "${1}"+table(t, group, strings.TrimSuffix(heading, "s"), what)+"${2}")
	}
	return readme
}

// table returns a row for each constant, with its comment.
func table(t *testing.T, group *ast.GenDecl, name, what string) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | %s |\n| --- | --- |\n", name, what)
	for _, s := range group.Specs {
		constant := s.(*ast.ValueSpec)
		text := strings.Join(strings.Fields(constant.Doc.Text()), " ")
		text = strings.TrimPrefix(strings.TrimPrefix(text, constant.Names[0].Name), ":")
		if text = strings.TrimSpace(text); text == "" {
			t.Errorf("%s has no comment", constant.Names[0].Name)
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", constant.Names[0].Name, text)
	}
	return b.String()
}
