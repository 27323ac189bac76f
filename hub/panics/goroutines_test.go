package panics_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// exempt are the files that start goroutines by themselves: none of them runs what an
// integration wrote without recovering its panics.
var exempt = []string{
	"hub/panics/panics.go", // is the helper
	"hub/run.go",           // serves; net/http recovers in each handler
	"hub/jobs/jobs.go",     // catches each job's panic
}

// commands runs no integration outside the hub.
const commands = "hub/cmd/"

// A panic on a goroutine that does not recover it ends the hub and every delivery in it. So
// integrations and the hub start goroutines only by this package.
func TestNoBareGoroutines(t *testing.T) {
	t.Parallel()
	found := 0
	for _, folder := range []string{"hub", "integrations"} {
		err := filepath.WalkDir(filepath.Join("..", "..", folder), func(name string, d fs.DirEntry, err error) error {
			path := strings.TrimPrefix(filepath.ToSlash(name), "../../")
			test := strings.HasSuffix(filepath.Dir(path), "test") || strings.HasSuffix(path, "_test.go") // actiontest, mailtest…
			if err != nil || d.IsDir() || test || filepath.Ext(path) != ".go" || slices.Contains(exempt, path) || strings.HasPrefix(path, commands) {
				return err
			}
			found++
			files := token.NewFileSet()
			parsed, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, at := range bareGoroutines(parsed) {
				t.Errorf("%s:%d starts a goroutine; use panics.Go or panics.Group", path, files.Position(at).Line)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 200 {
		t.Errorf("only %d files were found", found)
	}
}

// bareGoroutines finds go statements, the Go methods of errgroup.Group and sync.WaitGroup, and
// singleflight's DoChan unless its function recovers.
func bareGoroutines(file *ast.File) (at []token.Pos) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			at = append(at, n.Pos())
		case *ast.CallExpr:
			s, ok := n.Fun.(*ast.SelectorExpr)
			if ok && (s.Sel.Name == "Go" && !isPanics(s.X) || s.Sel.Name == "DoChan" && !recovers(n)) {
				at = append(at, n.Pos())
			}
		}
		return true
	})
	return at
}

func isPanics(x ast.Expr) bool {
	i, ok := x.(*ast.Ident)
	return ok && i.Name == "panics"
}

func recovers(n ast.Node) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && isPanics(s.X) {
			found = true
		}
		return true
	})
	return found
}

// The rule finds what it is for.
func TestBareGoroutines(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{
		"go f()": 1, "go func() { f() }()": 1, "g.Go(f)": 1, "wg.Go(func() { go f() })": 2, "s.DoChan(k, f)": 1,
		"panics.Go(f, done)": 0, "g.Run(f)": 0, "s.DoChan(k, func() { defer func() { panics.NewError(recover()) }() })": 0, "f()": 0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc x() {"+code+"}", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(bareGoroutines(file)); got != want {
			t.Errorf("%s: %d found, want %d", code, got, want)
		}
	}
}
